"""Energy readings out of an archive, decoded apart from the product: the report's own eyes.

In: an archive's entries. Out: per meter (requested_ns, answered_ns, mWh) and the slack of its register. Shares with the
product the container formats only; every conversion is written anew, in fractions.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from contract import body, entry, segment
from verifier.archive import Archive


@dataclass(frozen=True, slots=True)
class Register:
    """A meter's energy register as the demonstration's plant builds it: how its words say mWh."""

    point: str
    layout: str  # of the big-endian words, for struct
    wh_milli: int  # per unit of the register's number
    step_wh_milli: int
    scale_point: str | None = None


REGISTERS = {
    "main": Register("energy_import_t1", ">d", 1_000, 1_000),
    "line1": Register("energy_import", ">f", 1_000_000, 10_000),
    "line2": Register("energy_import", ">f", 1_000_000, 10_000),
    "aux": Register("energy_import", ">q", 1_000, 1_000),
    "compressor": Register("energy_import", ">I", 1_000, 1_000, "energy_scale"),
}


@dataclass(slots=True)
class Read:
    """What a meter said over the whole run, and how far its register may lie from what it has counted."""

    rows: list[tuple[int, int, int]] = field(default_factory=list)
    below: int = 0
    above: int = 0


def energy(archive: Archive) -> dict[str, Read]:
    """Every energy reading by meter, in the order of the answers."""
    found = {meter: Read(above=register.step_wh_milli) for meter, register in REGISTERS.items()}
    for part in _segments(archive):
        register = REGISTERS.get(part.meter)
        if register is None:
            continue
        read = found[part.meter]
        for block in part.blocks:
            columns = {column.point: column.raws for column in block.columns}
            scales = columns.get(register.scale_point or "", (0,) * len(block.answered_ns))
            for asked, answered, raw, scale in zip(
                block.requested_ns, block.answered_ns, columns.get(register.point, ()), scales, strict=False
            ):
                if raw is None or scale is None:
                    continue
                number, half_ulp = _number(register, raw, scale)
                read.rows.append((asked, answered, round(number)))
                slack = -(-half_ulp.numerator // half_ulp.denominator) + bool(half_ulp)
                read.below, read.above = max(read.below, slack), max(read.above, register.step_wh_milli + slack)
    for read in found.values():
        read.rows.sort()
    return found


def _segments(archive: Archive) -> Iterable[segment.MeterSegment]:
    for item in archive.entries:
        if item.body is not None and entry.read(item.signed).header.type == "segment":
            for part in body.unpack(item.body).parts:
                if part is not None:
                    yield segment.decode(part)


def _number(register: Register, raw: int, scale: int) -> tuple[Fraction, Fraction]:
    """The register's number in mWh, and half the distance to the next float (0 for integers)."""
    size = struct.calcsize(register.layout)
    exponent = scale - 0x10000 if scale & 0x8000 else scale
    factor = Fraction(10) ** exponent * register.wh_milli
    (number,) = struct.unpack(register.layout, raw.to_bytes(size, "big"))
    if not isinstance(number, float):
        return number * factor, Fraction(0)
    (following,) = struct.unpack(register.layout, (raw + 1).to_bytes(size, "big"))
    return Fraction(number) * factor, (Fraction(following) - Fraction(number)) * factor / 2
