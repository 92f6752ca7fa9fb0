"""Every reason, from a meter of which everything is shown by taking one thing away."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import sheets

from contract.handovers import Handover
from contract.records import Certificate, MeterPart, Transformer
from verifier.trace_reasons import LEVELS, Piece, iso, reasons

S = 10**9
DAY = 86_400 * S
T0 = 1_700_000_000 * S
CERTIFICATE = Certificate(
    number="DN-1", body="Institute", valid_from_ns=T0 - 30 * DAY, valid_to_ns=T0 + 300 * DAY, serial="20431177"
)
CT = Transformer(primary=400, secondary=5, accuracy_class="0.5", valid_from_ns=T0 - 60 * DAY, certificate="CT-1")
METER = MeterPart(
    meter="press", installation="cabinet 3", address="hall unit 1", base="0", profile=bytes(32), serial="20431177",
    serial_is="read", accuracy_class="1", ct=CT, pt=None, certificate=CERTIFICATE, declared=[], power_max_w=None,
    sheet=bytes(32),
)  # fmt: skip
SHEET = sheets.made(steps=[sheets.Step(step="display", verdict="passed", line="same")])
BEST = Piece(
    "edge-1", METER, T0, T0 + DAY, "gold", entries=10, synchronised=10, sheet=(SHEET, True),
    told={"ct_primary": "400", "ct_secondary": "5"},
)  # fmt: skip
HANDOVER = Handover(
    point="energy_import", before="1", after="0", at_ns=T0 - DAY, within_ns=0, serial_before="7", source="Li"
)


def meter(**changes: object) -> Piece:
    return replace(BEST, meter=METER.model_copy(update=changes))


def certificate(**changes: object) -> Piece:
    return meter(certificate=CERTIFICATE.model_copy(update=changes))


def ct(**changes: object) -> Piece:
    return meter(ct=CT.model_copy(update=changes))


def sheet(**changes: object) -> Piece:
    return replace(BEST, sheet=(SHEET.model_copy(update=changes), True))


def step(verdict: str) -> Piece:
    return sheet(steps=[sheets.Step(step="display", verdict=verdict, line="")])


def codes(piece: Piece) -> list[str]:
    return [one.code for one in reasons(piece)]


def test_a_meter_of_which_everything_is_shown_has_grounds_alone():
    assert codes(BEST) == [
        "serial_read", "certificate_valid", "certificate_serial_same", "class_stated", "ratio_since", "ratio_read",
        "transformer_certified", "sheet_passed", "profile_checked", "clock_synchronised",
    ]  # fmt: skip
    assert {one.level for one in reasons(BEST)} == {"ground"}


EARLIER = METER.model_copy(update={"serial": "7"})
LESS = {
    "serial_declared": meter(serial_is="declared"),
    "serial_missing": meter(serial=""),
    "certificate_missing": meter(certificate=None),
    "certificate_expired": certificate(valid_to_ns=T0 - 1),
    "certificate_not_yet": certificate(valid_from_ns=T0 + 1),
    "certificate_serial_unstated": certificate(serial=None),
    "certificate_serial_other": certificate(serial="7"),
    "certificate_of_another": replace(certificate(serial=None), before=EARLIER),
    "class_missing": meter(accuracy_class=None),
    "ratio_none": meter(ct=None),
    "ratio_since_unknown": ct(valid_from_ns=None),
    "ratio_not_yet": ct(valid_from_ns=T0 + 1),
    "ratio_declared": replace(BEST, told={}),
    "ratio_contradicted": ct(primary=300),
    "transformer_uncertified": ct(certificate=None),
    "transformer_class_missing": ct(accuracy_class=None),
    "sheet_missing": meter(sheet=None),
    "sheet_not_shown": replace(BEST, sheet=None),
    "sheet_incomplete": step("skipped"),
    "sheet_failed": step("failed"),
    "sheet_not_signed": replace(BEST, sheet=(SHEET, False)),
    "sheet_of_another": sheet(serial="7"),
    "sheet_ratio_other": sheet(ct=None),
    "profile_cited": replace(BEST, grade="bronze"),
    "clock_partly": replace(BEST, synchronised=9),
    "clock_unknown": replace(BEST, synchronised=0),
    "exchange_noted": meter(handover=[HANDOVER]),
    "exchange_unnoted": replace(BEST, before=EARLIER),
}


@pytest.mark.parametrize("code", LESS)
def test_one_thing_less_is_one_reason_more(code: str):
    assert code in codes(LESS[code])
    assert code not in codes(BEST)


def test_no_code_is_without_a_test():
    assert {*LESS, *codes(BEST)} == LEVELS.keys()


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"ct_primary": "1", "ct_secondary": "1"}, "ratio_declared"),  # the meter applies none: it is applied here
        ({"ct_primary": "200.0", "ct_secondary": "2.5"}, "ratio_read"),
        ({"ct_primary": "400", "ct_secondary": "1"}, "ratio_contradicted"),
        ({"ct_primary": "400", "ct_secondary": "0"}, "ratio_declared"),
        ({"ct_primary": "x", "ct_secondary": "5"}, "ratio_declared"),
        ({"ct_primary": "400"}, "ratio_declared"),
    ],
)
def test_a_ratio_is_read_where_the_meter_says_the_same(told: dict[str, str], code: str):
    found = codes(replace(BEST, told=told))
    assert [one for one in found if one in {"ratio_read", "ratio_declared", "ratio_contradicted"}] == [code]


def test_a_transformer_whose_ratio_the_meter_applies_is_asked_for_its_class_and_certificate_alone():
    found = codes(ct(primary=1, secondary=1))
    assert [one for one in found if one.startswith(("ratio", "transformer"))] == ["ratio_none", "transformer_certified"]


def test_the_last_instant_of_a_certificate_is_still_valid():
    assert "certificate_valid" in codes(certificate(valid_to_ns=T0))
    assert "certificate_valid" in codes(certificate(valid_from_ns=T0))


def test_times_are_utc_and_one_beyond_the_calendar_is_a_number():
    assert iso(T0) == "2023-11-14T22:13:20Z"
    assert iso(2**70) == str(2**70)


def test_the_page_has_every_reason_under_what_it_counts_as():
    text = (Path(__file__).parent.parent / "docs/verifier.md").read_text(encoding="utf-8")
    table = text.partition("| link | ground | remark | fault |\n")[2].partition("\n\n")[0]
    told = {
        code: level
        for row in table.splitlines()[1:]
        for level, cell in zip(("ground", "remark", "fault"), row.split(" |")[1:], strict=False)
        for code in re.findall(r"`(\w+)`", cell)
    }
    assert told == dict(LEVELS)
