"""What makes a meter's readings traceable over a stretch of time, and what does not: one reason after another.

In: a `Piece`, a stretch in which nothing that is declared of the meter changes and no certificate begins or ends. Out:
reasons, each with a code for machines and a line for people. Nothing here says whether a figure is right: only whether
the chain from the reading to a verified instrument is shown, link by link.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Literal

from agent.commission.sheet import Sheet
from contract.records import MeterPart, Transformer

Level = Literal["ground", "remark", "fault"]

NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,9})?")  # what a meter may say of a side of its ratio

# What each reason counts as: one fault and the readings are not traceable, one remark and they are so with remarks.
LEVELS: Mapping[str, Level] = {
    "serial_read": "ground", "serial_declared": "remark", "serial_missing": "fault",
    "certificate_valid": "ground", "certificate_missing": "fault", "certificate_expired": "fault",
    "certificate_not_yet": "fault", "certificate_serial_same": "ground", "certificate_serial_unstated": "remark",
    "certificate_serial_other": "fault", "certificate_of_another": "fault",
    "class_stated": "ground", "class_missing": "remark",
    "ratio_none": "ground", "ratio_since": "ground", "ratio_since_unknown": "remark", "ratio_not_yet": "fault",
    "ratio_read": "ground", "ratio_declared": "remark", "ratio_contradicted": "fault",
    "transformer_certified": "ground", "transformer_uncertified": "remark", "transformer_class_missing": "remark",
    "sheet_passed": "ground", "sheet_missing": "remark", "sheet_not_shown": "remark", "sheet_incomplete": "remark",
    "sheet_failed": "fault", "sheet_not_signed": "fault", "sheet_of_another": "fault", "sheet_ratio_other": "fault",
    "profile_checked": "ground", "profile_cited": "remark",
    "clock_synchronised": "ground", "clock_partly": "remark", "clock_unknown": "remark",
    "exchange_noted": "ground", "exchange_unnoted": "remark",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """A code of `LEVELS`, and the same in words."""

    code: str
    text: str

    @property
    def level(self) -> Level:
        """What it counts as."""
        return LEVELS[self.code]


@dataclass(frozen=True, slots=True)
class Piece:
    """[from_ns, to_ns) of one meter of an agent, with all that is known of it there.

    `grade` is its profile's. `before` is the meter as it was declared last when its serial number was another one.
    `synchronised` of `entries` headers were sealed by a clock said to be so; `told` is what the meter itself last said
    of itself, by name. `sheet` is its commissioning sheet where it is shown, with whether the agent's key signed it.
    """

    agent: str
    meter: MeterPart
    from_ns: int
    to_ns: int
    grade: str | None
    before: MeterPart | None = None
    entries: int = 0
    synchronised: int = 0
    told: Mapping[str, str] | None = None
    sheet: tuple[Sheet, bool] | None = None


def reasons(piece: Piece) -> Iterator[Reason]:
    """Every reason, in the order of the chain: instrument, certificate, ratios, commissioning, profile, clock."""
    yield from _serial(piece.meter)
    yield from _certificate(piece)
    yield from _class(piece.meter)
    yield from _ratios(piece)
    yield from _sheet(piece)
    yield from _profile(piece.grade)
    yield from _clock(piece)
    yield from _exchange(piece)


def _serial(meter: MeterPart) -> Iterator[Reason]:
    if not meter.serial:
        yield Reason("serial_missing", "no serial number is stated")
    elif meter.serial_is == "read":
        yield Reason("serial_read", f"serial {meter.serial} was read from the meter")
    else:
        yield Reason("serial_declared", f"serial {meter.serial} is declared, not read from the meter")


def _certificate(piece: Piece) -> Iterator[Reason]:
    meter, given, before = piece.meter, piece.meter.certificate, piece.before
    if given is None:
        yield Reason("certificate_missing", "no certificate is stated")
        return
    name = f"certificate {given.number}"
    if piece.from_ns > given.valid_to_ns:
        yield Reason("certificate_expired", f"{name} ended at {iso(given.valid_to_ns)}")
    elif piece.from_ns < given.valid_from_ns:
        yield Reason("certificate_not_yet", f"{name} begins at {iso(given.valid_from_ns)}")
    else:
        yield Reason("certificate_valid", f"{name} of {given.body} is valid until {iso(given.valid_to_ns)}")
    if given.serial is None:
        earlier = None if before is None else before.certificate
        if before is not None and earlier is not None and earlier.number == given.number:
            yield Reason("certificate_of_another", f"{name} was stated for serial {before.serial} before")
        else:
            yield Reason("certificate_serial_unstated", f"{name}: which serial number it names was not entered")
    elif given.serial == meter.serial:
        yield Reason("certificate_serial_same", f"{name} names the same serial number")
    else:
        yield Reason("certificate_serial_other", f"{name} names serial {given.serial}, the meter is {meter.serial}")


def _class(meter: MeterPart) -> Iterator[Reason]:
    if meter.accuracy_class is None:
        yield Reason("class_missing", "no accuracy class is stated")
    else:
        yield Reason("class_stated", f"accuracy class {meter.accuracy_class}")


def _ratios(piece: Piece) -> Iterator[Reason]:
    given = [(name, one) for name, one in (("CT", piece.meter.ct), ("PT", piece.meter.pt)) if one is not None]
    if all(one.primary == one.secondary for _, one in given):
        yield Reason("ratio_none", "no ratio is applied outside the meter")
    for name, one in given:
        if one.primary != one.secondary:
            yield from _ratio(piece, name, one)
        yield from _transformer(name, one)


def _ratio(piece: Piece, name: str, one: Transformer) -> Iterator[Reason]:
    """Since when it holds, and what the meter itself is set to; one to one there means that it applies none."""
    ratio, declared = f"{name} {one.primary}/{one.secondary}", Fraction(one.primary, one.secondary)
    if one.valid_from_ns is None:
        yield Reason("ratio_since_unknown", f"{ratio}: since when it is in place is not stated")
    elif piece.from_ns < one.valid_from_ns:
        yield Reason("ratio_not_yet", f"{ratio} is in place only since {iso(one.valid_from_ns)}")
    else:
        yield Reason("ratio_since", f"{ratio} in place since {iso(one.valid_from_ns)}")
    set_to = _set_to(piece.told or {}, name.lower())
    if set_to == declared:
        yield Reason("ratio_read", f"{ratio} is what the meter says of itself")
    elif set_to in {None, 1}:
        yield Reason("ratio_declared", f"{ratio} is declared, not read")
    else:
        yield Reason("ratio_contradicted", f"{ratio} is declared, but {set_to} is set in the meter")


def _transformer(name: str, one: Transformer) -> Iterator[Reason]:
    ratio = f"{name} {one.primary}/{one.secondary}"
    if one.accuracy_class is None:
        yield Reason("transformer_class_missing", f"{ratio}: no class is stated")
    if one.certificate:
        yield Reason("transformer_certified", f"{ratio}: certificate {one.certificate}")
    else:
        yield Reason("transformer_uncertified", f"{ratio}: no certificate of its own is stated")


def _set_to(told: Mapping[str, str], kind: str) -> Fraction | None:
    sides = [told.get(f"{kind}_{side}", "") for side in ("primary", "secondary")]
    if not all(NUMBER.fullmatch(side) for side in sides) or not Fraction(sides[1]):
        return None
    return Fraction(sides[0]) / Fraction(sides[1])


def _sheet(piece: Piece) -> Iterator[Reason]:
    meter = piece.meter
    if meter.sheet is None:
        yield Reason("sheet_missing", "no commissioning sheet is named")
        return
    if piece.sheet is None:
        yield Reason(
            "sheet_not_shown", f"commissioning sheet {meter.sheet.hex()[:16]} is named, not shown: give --sheet"
        )
        return
    sheet, is_signed = piece.sheet
    when = f"sheet of {iso(sheet.started_ns)} by {sheet.person}"
    if not is_signed:
        yield Reason("sheet_not_signed", f"{when} is not signed by {piece.agent}'s key")
    if (sheet.agent, sheet.meter) != (piece.agent, meter.meter) or sheet.serial != meter.serial:
        yield Reason("sheet_of_another", f"{when} is of {sheet.meter}, serial {sheet.serial or 'not stated'}")
    for name, one, other in (("CT", sheet.ct, meter.ct), ("PT", sheet.pt, meter.pt)):
        if _sides(one) != _sides(other):
            yield Reason("sheet_ratio_other", f"{when} has another {name} ratio")
    words = {"passed": "passed", "incomplete": "has steps left out", "failed": "failed"}
    yield Reason(f"sheet_{sheet.verdict}", f"{when} {words[sheet.verdict]}")


def _sides(one: Transformer | None) -> tuple[int, int] | None:
    return None if one is None else (one.primary, one.secondary)


def _profile(grade: str | None) -> Iterator[Reason]:
    if grade in {"silver", "gold"}:
        yield Reason("profile_checked", f"profile of grade {grade}: its registers were read from such a meter")
    else:
        yield Reason(
            "profile_cited", f"profile of grade {grade or 'unknown'}: its registers are as the maker's map says"
        )


def _clock(piece: Piece) -> Iterator[Reason]:
    share = f"{piece.synchronised} of {piece.entries} entries"
    if piece.entries and piece.synchronised == piece.entries:
        yield Reason("clock_synchronised", f"clock synchronised in {share}")
    elif piece.synchronised:
        yield Reason("clock_partly", f"clock synchronised in {share}")
    else:
        yield Reason("clock_unknown", f"clock known to be synchronised in {share}")


def _exchange(piece: Piece) -> Iterator[Reason]:
    meter, before = piece.meter, piece.before
    if meter.handover:
        over = meter.handover[0]
        yield Reason("exchange_noted", f"took the place of serial {over.serial_before} at {iso(over.at_ns)}")
    elif before is not None:
        yield Reason("exchange_unnoted", f"serial {before.serial or 'not stated'} stood here before; no readings noted")


def iso(at_ns: int) -> str:
    """A time in UTC, to the second; the bare number where no calendar has it."""
    try:
        return datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(at_ns)
