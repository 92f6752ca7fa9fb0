"""Records: every kind found in the module round-trips, keeps what it does not know, and refuses what it should."""

import inspect
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from contract import cbor, records
from contract.errors import Inadmissible, Malformed

KINDS = {
    model.model_fields["part"].default: model
    for _, model in inspect.getmembers(records, inspect.isclass)
    if issubclass(model, BaseModel) and "part" in model.model_fields
}
EACH = pytest.mark.parametrize("kind", KINDS)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


def made(kind: str) -> st.SearchStrategy[BaseModel]:
    """Any record of a kind."""
    own = {"detail": st.dictionaries(st.text(max_size=9), PLAIN, max_size=3)} if kind == "event" else {}
    return st.builds(KINDS[kind], part=st.just(kind), **own)


def test_the_kinds_are_found():
    assert KINDS.keys() >= {
        "author", "profile", "meter", "line", "batch", "amount", "event", "enrolment", "site", "factor", "run",
    }  # fmt: skip


@EACH
@given(st.data())
@settings(deadline=None, max_examples=30)
def test_round_trip(kind, data):
    record = data.draw(made(kind))
    written = records.write(record)
    assert records.read(written, KINDS[kind]) == record
    assert records.kind_of(written) == kind
    assert cbor.decode(written) == record.model_dump()


@EACH
@given(st.data())
@settings(deadline=None, max_examples=30)
def test_unknown_members_are_kept_and_written_back(kind, data):
    extra = data.draw(st.dictionaries(st.text(max_size=9).map("later_".__add__), PLAIN, min_size=1, max_size=3))
    written = cbor.encode(data.draw(made(kind)).model_dump() | extra)
    record = records.read(written, KINDS[kind])
    assert record.model_extra == extra
    assert records.write(record) == written


@EACH
@given(st.data())
@settings(deadline=None, max_examples=10)
def test_every_member_is_due_and_only_its_own_kind_passes(kind, data):
    members = data.draw(made(kind)).model_dump()
    for member in members:
        with pytest.raises(Malformed):
            records.read(cbor.encode({key: value for key, value in members.items() if key != member}), KINDS[kind])
    for other in KINDS.keys() - {kind}:
        with pytest.raises(Malformed):
            records.read(cbor.encode(members), KINDS[other])


@EACH
@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_member_of_any_kind_is_read_as_it_stands_or_refused(kind, data):
    members = data.draw(made(kind)).model_dump()
    member = data.draw(st.sampled_from(sorted(members)))
    written = cbor.encode(members | {member: data.draw(PLAIN)} | data.draw(st.sampled_from([{}, {5: 5}])))
    try:
        record = records.read(written, KINDS[kind])
    except Inadmissible as error:
        assert "\n" not in str(error)  # noqa: PT017 - most inputs are refused, some are not
    else:
        assert records.write(record) == written


@EACH
@given(st.binary(max_size=100))
@settings(deadline=None, max_examples=60)
def test_any_bytes_are_refused(kind, data):
    with pytest.raises(Inadmissible):
        records.read(data, KINDS[kind])


@EACH
@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_changed_byte_never_gives_the_same_record(kind, data):
    record = data.draw(made(kind))
    written = bytearray(records.write(record))
    written[data.draw(st.integers(0, len(written) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        changed = records.read(bytes(written), KINDS[kind])
    except Inadmissible as error:
        assert "\n" not in str(error)  # noqa: PT017 - most inputs are refused, some are not
    else:
        assert changed != record


# Quantities are integers: nothing else stands for one, and nothing is converted.
AMOUNT = {
    "part": "amount", "role": "energy", "meter": "m1", "point": "energy", "unit": "wh_milli", "amount": 5, "lower": 4,
    "upper": 6, "u95": 1, "interpolated_ppm": 0, "anomalies": [],
}  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [{"amount": True}, {"amount": "5"}, {"amount": b"\x05"}, {"amount": 2**63}, {"amount": [5]}, {"u95": -1},
     {"unit": "kWh"}, {"role": "heat"}, {"meter": ""}, {"meter": "m" * 65}, {"anomalies": "none"}, {"anomalies": [1]},
     {"interpolated_ppm": None}],
)  # fmt: skip
def test_nothing_is_converted(changed):
    assert records.read(cbor.encode(AMOUNT), records.AmountPart).amount == 5
    with pytest.raises(Malformed, match=r"^AmountPart: "):
        records.read(cbor.encode(AMOUNT | changed), records.AmountPart)


def test_a_missing_amount_stays_missing():
    gone = AMOUNT | {"amount": None, "lower": None, "upper": None, "u95": None}
    assert records.read(cbor.encode(gone), records.AmountPart).amount is None


@pytest.mark.parametrize(
    ("value", "kind"),
    [({"part": "batch"}, "batch"), ({"part": "new"}, "new"), ({"part": 1}, None), ({}, None), ([], None), (1, None)],
)
def test_the_kind_of_a_part(value, kind):
    assert records.kind_of(cbor.encode(value)) == kind


def test_the_kind_of_bytes_outside_the_dialect():
    with pytest.raises(Malformed):
        records.kind_of(b"\xff")


def test_a_ratio_has_no_zero_in_it():
    transformer = {"primary": 200, "secondary": 5, "accuracy_class": None}
    assert records.Transformer.model_validate(transformer).primary == 200
    for changed in ({"primary": 0}, {"secondary": 0}, {"secondary": -5}):
        with pytest.raises(ValueError, match="greater than or equal to 1"):
            records.Transformer.model_validate(transformer | changed)


def test_what_nobody_says_of_a_transformer_takes_no_room():
    """Bytes sealed before `valid_from_ns` was thought of are those sealed now."""
    known = {"primary": 200, "secondary": 5, "accuracy_class": "0.5S"}
    assert records.write(records.Transformer(**known)) == cbor.encode(known)
    assert records.read(cbor.encode(known), records.Transformer).valid_from_ns is None
    since = records.Transformer(**known, valid_from_ns=1_700_000_000_000_000_000)
    assert records.write(since) == cbor.encode(known | {"valid_from_ns": 1_700_000_000_000_000_000})
    assert records.read(records.write(since), records.Transformer) == since


@pytest.mark.parametrize("item", [0, {}, []])
def test_a_hundred_thousand_wrong_items_are_told_as_one(item):
    data = cbor.encode({"part": "meter", "declared": [item] * 130_000})
    tracemalloc.start()
    with pytest.raises(Malformed):
        records.read(data, records.MeterPart)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 << 20  # what the items themselves take
