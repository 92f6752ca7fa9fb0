"""Batch messages: what is read, to the nanosecond and the milligram, and what is refused, in one line each."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import batch_message, lots
from contract.batch_message import MESSAGE_BYTES_MAX, parse
from contract.errors import Malformed
from contract.lots import Lot

SCHEMA = json.loads((Path(__file__).parent.parent / "contract/batch-message.schema.json").read_text())
T0_NS = 1_772_402_400 * 10**9  # 2026-03-01T22:00:00Z
MESSAGE = {
    "schema": "metertrail/batch/v1", "line": "press", "batch": "B-1", "product": "coil", "state": "ended",
    "at": "2026-03-02T06:00:00.250000001+08:00",
    "inputs": [{"lot": "C-7", "quantity": "1200.5", "unit": "kg", "source": "metered", "instrument": "scale 4"}],
    "outputs": [
        {"lot": "B-1/1", "quantity": 1180, "unit": "kg", "kind": "good", "evidence": "ticket 4711"},
        {"lot": "B-1/2", "quantity": 20.5, "unit": "kg", "kind": "scrap"},
    ],
    "orders": ["4500012"],
}  # fmt: skip


def written(**changes):
    return json.dumps({key: value for key, value in (MESSAGE | changes).items() if value != "left out"}).encode()


def problem(payload):
    with pytest.raises(Malformed) as raised:
        parse(payload)
    text = str(raised.value)
    assert text.startswith("batch message: ")
    assert "\n" not in text
    assert len(text) < 400
    return text.removeprefix("batch message: ")


def test_a_message():
    told = parse(written())
    assert (told.line, told.batch, told.product, told.state) == ("press", "B-1", "coil", "ended")
    assert told.at_ns == T0_NS + 250_000_001
    assert told.inputs == (
        Lot(lot="C-7", quantity=1_200_500_000, unit="g_milli", source="metered", instrument="scale 4"),
    )
    assert told.outputs == (
        Lot(lot="B-1/1", quantity=1_180_000_000, unit="g_milli", source="reported", kind="good",
            evidence="ticket 4711"),
        Lot(lot="B-1/2", quantity=20_500_000, unit="g_milli", source="reported", kind="scrap"),
    )  # fmt: skip
    assert told.digest == hashlib.sha256(written()).digest()[:16]


def test_nothing_said_of_lots_is_not_the_same_as_none():
    told = parse(written(inputs="left out", outputs=[]))
    assert (told.inputs, told.outputs) == (None, ())


@pytest.mark.parametrize(
    ("at", "ns"),
    [
        ("2026-03-01T22:00:00Z", T0_NS),
        ("2026-03-02T06:00:00+08:00", T0_NS),
        ("2026-03-01T16:30:00,5-05:30", T0_NS + 500_000_000),
        ("2000-01-01T00:00:00Z", 946_684_800 * 10**9),
    ],
)
def test_times(at, ns):
    assert parse(written(at=at)).at_ns == ns


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"schema": "metertrail/batch/v2"}, "schema: 'metertrail/batch/v2'"),
        ({"schema": "left out"}, "schema: missing"),
        ({"line": ""}, "line: ''"),
        ({"batch": 7}, "batch: 7"),
        ({"batch": "x" * 1001}, "batch: "),
        ({"product": "left out"}, "product: missing"),
        ({"state": "paused"}, "state: 'paused': use one of ended, started"),
        ({"at": "2026-03-02T06:00:00"}, "at: '2026-03-02T06:00:00': write an ISO 8601 time with its zone"),
        ({"at": "2026-02-30T06:00:00Z"}, "at: "),
        ({"at": "2026-03-02T06:00:00+99:00"}, "at: "),
        ({"at": "1999-12-31T23:59:59Z"}, "a year from 2000 to 2199"),
        ({"at": 1772402400}, "at: 1772402400"),
        ({"inputs": [{"lot": "C", "quantity": 1}]}, "inputs.0.unit: missing"),
        ({"inputs": [{"lot": "C", "quantity": 1, "unit": "lb"}]}, "inputs.0.unit: 'lb': use one of"),
        ({"inputs": [{"lot": "C", "quantity": 1, "unit": "a\n" * 9000}]}, "inputs.0.unit: 'a"),
        ({"inputs": [{"lot": "C", "unit": "kg"}]}, "inputs.0.quantity: missing"),
        ({"inputs": [{"lot": "C", "quantity": "1 kg", "unit": "kg"}]}, "inputs.0.quantity: '1 kg'"),
        ({"inputs": [{"lot": "C", "quantity": True, "unit": "kg"}]}, "inputs.0.quantity: True"),
        ({"inputs": [{"lot": "C", "quantity": -1, "unit": "kg"}]}, "inputs.0.quantity: "),
        ({"inputs": [{"lot": "C", "quantity": 0.0000001, "unit": "kg"}]}, "inputs.0.quantity: 1E-7 kg: not a whole"),
        ({"outputs": [{"lot": "C", "quantity": 1, "unit": "kg"}]}, "outputs.0.kind: missing"),
        ({"outputs": [{"lot": "C", "quantity": 1, "unit": "kg", "kind": "lost"}]}, "outputs.0.kind: 'lost'"),
        ({"outputs": "none"}, "outputs: 'none'"),
        ({"inputs": [{"lot": "C", "quantity": 1, "unit": "g"}] * 201}, "inputs: "),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_says_where(changes, told):
    assert told in problem(written(**changes))


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff", "not UTF-8"),
        (b"[" * 30_000, "not JSON"),
        (b"1" * 30_000, "not JSON"),
        (b'{"line": NaN}', "NaN is not JSON"),
        (b'{"line": "a", "line": "b"}', "member 'line' is given twice"),
        (b" " * (MESSAGE_BYTES_MAX + 1), f"{MESSAGE_BYTES_MAX + 1} bytes: at most {MESSAGE_BYTES_MAX}"),
    ],
    ids=["empty", "list", "not-utf-8", "deep", "long-number", "nan", "twice", "large"],
)
def test_what_is_no_message_is_refused(payload, told):
    assert told in problem(payload)


@given(st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*MESSAGE, "lot", "unit"]), inner),
    max_leaves=10,
))  # fmt: skip
def test_anything_is_read_or_refused(given_):
    payload = given_ if isinstance(given_, bytes) else json.dumps(given_).encode()
    with pytest.raises(Malformed):
        parse(payload)


def test_the_schema_says_what_the_reader_does():
    """No validator of JSON Schema is at hand, so names, limits and words are compared."""
    members, lot = SCHEMA["properties"], SCHEMA["$defs"]["lot"]
    read = {field.alias or name: field for name, field in batch_message._Read.model_fields.items()}
    assert members.keys() - {"orders"} == read.keys()
    assert set(SCHEMA["required"]) == {name for name, field in read.items() if field.is_required()}
    assert lot["properties"].keys() == batch_message._Input.model_fields.keys()
    assert set(lot["required"]) == {n for n, field in batch_message._Input.model_fields.items() if field.is_required()}
    output = members["outputs"]["items"]
    assert set(output["required"]) == {
        name for name, field in batch_message._Output.model_fields.items() if field.is_required()
    }
    assert lot["properties"]["unit"]["enum"] == list(lots.UNITS)
    assert members["inputs"]["maxItems"] == members["outputs"]["maxItems"] == lots.LOTS_MAX
    assert members["schema"]["const"] == batch_message.FORM
    assert str(MESSAGE_BYTES_MAX) in SCHEMA["description"]
    assert MESSAGE.keys() == members.keys()


def test_the_how_to_shows_a_message_that_is_one():
    page = (Path(__file__).parent.parent / "docs/energy-engineer.md").read_text()
    told = parse(page.partition("```json batch-message\n")[2].partition("```")[0].encode())
    assert [(lot.quantity, lot.unit) for lot in told.inputs] == [(1_200_500_000, "g_milli")]
    assert [(lot.quantity, lot.kind) for lot in told.outputs] == [(1_180_000_000, "good"), (20_000_000, "scrap")]
