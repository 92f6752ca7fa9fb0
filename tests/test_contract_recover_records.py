"""Recoveries: every member survives writing and reading, and a mistyped one is malformed."""

import pytest

from contract import cbor, records
from contract.errors import Malformed
from contract.recover_records import RecoverPart, left_of

SAID = RecoverPart(
    origin="metertrail/demo/2", replaces="metertrail/demo", known="note\n", size=3, root=bytes(32), author="Li Wei",
    reason="disk failed", at_ns=7,
)  # fmt: skip


@pytest.mark.parametrize("known", ["", "metertrail/demo\n9\n"], ids=["unknown", "known"])
def test_a_recovery_survives_writing_and_reading(known):
    said = SAID.model_copy(update={"known": known})
    data = records.write(said)
    assert records.kind_of(data) == "recover"
    assert records.read(data, RecoverPart) == said


@pytest.mark.parametrize(
    ("member", "value"), [("root", b"short"), ("size", -1), ("reason", ""), ("author", None), ("known", "x" * 20000)]
)
def test_a_mistyped_member_is_malformed(member, value):
    with pytest.raises(Malformed, match=member):
        records.read(cbor.encode({**SAID.model_dump(), member: value}), RecoverPart)


def said(origin: str, replaces: str, size: int) -> RecoverPart:
    return SAID.model_copy(update={"origin": origin, "replaces": replaces, "size": size})


FIRST, SECOND, THIRD = (f"metertrail/demo{rest}" for rest in ("", "/2", "/3"))


@pytest.mark.parametrize(
    ("told", "left"),
    [
        ([], [None, None, None]),
        ([said(SECOND, FIRST, 7)], [7, None, None]),
        ([said(SECOND, FIRST, 7), said(THIRD, SECOND, 20)], [7, 20, None]),
        ([said(THIRD, SECOND, 5)], [5, 5, None]),
    ],
    ids=["none", "one", "two", "the first record was lost"],
)
def test_what_is_left_of_a_ledger_that_was_replaced(told, left):
    assert [left_of(name, told) for name in (FIRST, SECOND, THIRD)] == left


def test_what_is_no_ledgers_name_is_left_of_nothing():
    with pytest.raises(Malformed):
        left_of("elsewhere", [])
