"""Faults: which request they strike, what a struck answer looks like, and tables that make no sense."""

from collections import Counter
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.modbus_frame import crc16
from simulators.faults import AnswerKind, Fault, Hit, hits, pieces, problems
from simulators.frames import Frame

PDU = bytes.fromhex("03080102030405060708")
FRAMED = {framing: Frame(framing, 7, PDU, 0x1234) for framing in ("tcp", "rtu")}
BOTH = pytest.mark.parametrize("framing", ["tcp", "rtu"])


def struck(faults, seed=1, requests=2000, meter="a", elapsed_s=0):
    hit = hits(faults, seed, "b", ["a", "other"], lambda: elapsed_s * 10**9)
    return [hit(meter) for _ in range(requests)]


def test_same_seed_same_faults_other_seed_others():
    faults = [Fault(kind="dead", share_permille=100), Fault(kind="late", ms=5, share_permille=100)]
    assert struck(faults) == struck(faults) != struck(faults, seed=2)
    kinds = Counter(hit.kind for hit in struck(faults) if hit)
    assert 150 < kinds["dead"] < 250  # a tenth of 2000, give or take five standard deviations
    assert 110 < kinds["late"] < 250  # a tenth of the rest


def test_a_fault_keeps_to_its_meter_its_bus_and_its_time():
    all_of = struck([Fault(kind="busy", meter="a")], requests=3)
    assert [hit and (hit.kind, hit.code) for hit in all_of] == [("busy", 6)] * 3
    assert struck([Fault(kind="busy", meter="other")], requests=3) == [None] * 3
    assert struck([Fault(kind="busy", bus="elsewhere")], requests=3) == [None] * 3
    assert struck([Fault(kind="busy", meter="a")], requests=2, meter=None) == [None] * 2
    window = [Fault(kind="dead", from_s=10, to_s=20)]
    assert [bool(struck(window, requests=1, elapsed_s=at)[0]) for at in (9, 10, 19, 20)] == [False, True, True, False]


def test_the_first_table_wins():
    both = [Fault(kind="exception", code=2, share_permille=1000), Fault(kind="dead")]
    assert {(hit.kind, hit.code) for hit in struck(both)} == {("exception", 2)}


def test_what_befalls_a_bus_strikes_no_request():
    assert struck([Fault(kind="frozen"), Fault(kind="bad_quality")], requests=5) == [None] * 5


@BOTH
@given(luck=st.integers(0, 2**64 - 1))
def test_a_bit_flip_is_one_bit_and_shows(framing, luck):
    whole = bytes(FRAMED[framing])
    [(after_ms, sent)] = pieces(Hit("bit_flip", luck=luck), FRAMED[framing])
    different = [(at, a ^ b) for at, (a, b) in enumerate(zip(whole, sent, strict=True)) if a != b]
    assert after_ms == 0
    assert [mask.bit_count() for _, mask in different] == [1]
    assert different[0][0] < 9 if framing == "tcp" else crc16(sent) != 0


@BOTH
@given(luck=st.integers(0, 2**64 - 1))
def test_a_truncated_frame_is_a_part_of_it(framing, luck):
    whole = bytes(FRAMED[framing])
    [(_, sent)] = pieces(Hit("truncated", luck=luck), FRAMED[framing])
    assert 1 <= len(sent) < len(whole)
    assert whole.startswith(sent)


@BOTH
@given(luck=st.integers(0, 2**64 - 1), unit=st.integers(1, 247))
def test_another_unit_with_a_right_frame(framing, luck, unit):
    [(_, sent)] = pieces(Hit("wrong_unit", luck=luck), Frame(framing, unit, PDU, 5))
    named = sent[6] if framing == "tcp" else sent[0]
    assert named != unit
    assert 1 <= named <= 247
    assert sent[7:] == PDU if framing == "tcp" else sent[1:-2] == PDU and crc16(sent) == 0


@pytest.mark.parametrize(
    ("luck", "pdu"), [(0, "0306010203040506"), (1, "030a01020304050607080102")], ids=["fewer", "more"]
)
def test_wrong_lengths_are_well_formed(luck, pdu):
    [(_, sent)] = pieces(Hit("wrong_length", luck=luck), FRAMED["rtu"])
    assert sent[1:-2].hex() == pdu
    assert crc16(sent) == 0


@pytest.mark.parametrize("luck", [0, 1])
def test_one_register_cannot_become_none(luck):
    [(_, sent)] = pieces(Hit("wrong_length", luck=luck), Frame("rtu", 1, bytes.fromhex("03021122")))
    assert sent[1:-2].hex() == "030411221122"


def test_the_other_kinds():
    whole = bytes(FRAMED["tcp"])
    assert pieces(Hit("late", 30), FRAMED["tcp"]) == ((30, whole),)
    assert pieces(Hit("duplicate", 40), FRAMED["tcp"]) == ((0, whole), (40, whole))
    assert pieces(Hit("transaction_zero", 2), FRAMED["tcp"]) == ((2, b"\0\0" + whole[2:]),)
    [(_, sent)] = pieces(Hit("wrong_function"), FRAMED["tcp"])
    assert (sent[:7], sent[7], sent[8:]) == (whole[:7], 4, whole[8:])


TABLES = [
    ({"kind": "late"}, "ms: missing: late needs it"),
    ({"kind": "dead", "ms": 5}, "ms: dead has none: remove it"),
    ({"kind": "slow", "ms": -5}, "ms: -5: only wrong_clock may be negative"),
    ({"kind": "exception"}, "code: missing: exception needs it"),
    ({"kind": "busy", "code": 6}, "code: busy has none: remove it"),
    ({"kind": "frozen", "share_permille": 5}, "share_permille: frozen hits no single request: remove it"),
    ({"kind": "dead", "from_s": 9, "to_s": 9}, "to_s: 9: must be later than from_s"),
    ({"kind": "restart", "ms": 9, "to_s": 9}, "to_s: restart lasts ms from from_s on: remove it"),
    ({"kind": "frozen", "meter": "a"}, "meter: frozen does not befall one meter: remove it"),
    ({"kind": "bad_quality", "bus": "b"}, "bus: bad_quality befalls the controllers: remove it"),
    ({"kind": "dead", "meter": "a", "bus": "b"}, "bus: the meter says where: remove it"),
    ({"kind": "dead", "meter": "x"}, "meter: 'x' does not exist: use one of a"),
    ({"kind": "dead", "bus": "x"}, "bus: 'x' does not exist: use one of b"),
]


@pytest.mark.parametrize(("table", "problem"), TABLES, ids=[problem for _, problem in TABLES])
def test_a_table_that_makes_no_sense(table, problem):
    assert list(problems(Fault.model_validate(table), ["a"], ["b"])) == [problem]


def test_every_kind_can_be_written():
    needs = {"late": {"ms": 1}, "slow": {"ms": 1}, "torn": {"ms": 1}, "exception": {"code": 11}}
    made = [Fault(kind=kind, **needs.get(kind, {})) for kind in get_args(AnswerKind)]
    assert len(made) == 13
    assert [list(problems(fault, ["a"], ["b"])) for fault in made] == [[]] * 13
