"""A meter type as data.

In: the bytes of a profile (TOML). Out: a checked `Profile`, and the hash that pins it in evidence.
Never: opens a file or guesses. A profile with any fault is refused with all its faults, one line each.
"""

import difflib
import hashlib
import tomllib
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from contract.problems import explain

# unit as written in a profile -> (canonical unit of the integers made from it, decimal exponent between the two)
UNITS: dict[str, tuple[str, int]] = {
    "Wh": ("wh_milli", 3),
    "kWh": ("wh_milli", 6),
    "MWh": ("wh_milli", 9),
    "W": ("w_milli", 3),
    "kW": ("w_milli", 6),
    "L": ("m3_micro", 3),
    "m3": ("m3_micro", 6),
    "g": ("g_milli", 3),
    "kg": ("g_milli", 6),
    "t": ("g_milli", 9),
    "1": ("one_milli", 3),
    "%": ("percent_milli", 3),
    "V": ("v_milli", 3),
    "A": ("a_milli", 3),
    "Hz": ("hz_milli", 3),
    "VA": ("va_milli", 3),
    "kVA": ("kva_milli", 3),
    "VAh": ("vah_milli", 3),
    "kVAh": ("kvah_milli", 3),
    "var": ("var_milli", 3),
    "kvar": ("kvar_milli", 3),
    "varh": ("varh_milli", 3),
    "kvarh": ("kvarh_milli", 3),
    "MJ": ("mj_milli", 3),
    "GJ": ("gj_milli", 3),
    "GJ/h": ("gj_per_h_milli", 3),
    "m3/h": ("m3_per_h_milli", 3),
    "L/min": ("l_per_min_milli", 3),
    "kg/h": ("kg_per_h_milli", 3),
    "t/h": ("t_per_h_milli", 3),
    "bar": ("bar_milli", 3),
    "degC": ("degc_milli", 3),
    "K": ("k_milli", 3),
}
BITS = {
    "bool": 1,
    "uint16": 16,
    "int16": 16,
    "uint32": 32,
    "int32": 32,
    "uint64": 64,
    "int64": 64,
    "float32": 32,
    "float64": 64,
    "text": 0,
}
RATIOED = tuple(f"{kind}_{what}" for kind in ("active", "reactive", "apparent") for what in ("energy", "power"))
DECIMAL_PLACES_MAX = 24
_NAME = r"^[a-z][a-z0-9_]*$"


def positive(text: str) -> Decimal:
    """A step or a limit. Raises ValueError for what is not a number greater than zero of a size that meters have."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError('write a decimal number such as "0.01"') from None
    if not number.is_finite() or number <= 0:
        raise ValueError("must be greater than zero")
    if abs(number.adjusted()) > DECIMAL_PLACES_MAX or len(number.as_tuple().digits) > DECIMAL_PLACES_MAX:
        raise ValueError(f"must lie within {DECIMAL_PLACES_MAX} decimal places")
    return number


def _decimal(given: object) -> Decimal:
    if not isinstance(given, str):
        raise ValueError('write it as a string such as "0.01": a decimal is exact, a float is not')  # noqa: TRY004 - pydantic collects ValueErrors only
    return positive(given)


def _raw(given: object) -> object:
    """TOML integers end at 2^63 - 1, so wider ones are written as hexadecimal strings."""
    try:
        return int(given, 16) if isinstance(given, str) else given
    except ValueError:
        raise ValueError('write an integer, or a string such as "0x8000000000000000"') from None


Positive = Annotated[Decimal, BeforeValidator(_decimal)]
Raw = Annotated[int, BeforeValidator(_raw)]


class Point(BaseModel):
    """One quantity of a meter, in registers (`table`, `address`) or as an OPC UA node (`node`).

    engineering value = raw number x 10^scale [unit], times 10^(value of `scale_point`) if there is one. `step` and
    `limit` are in `unit` before `scale_point` is applied. `invalid` lists raw integers as a reading carries them: words
    in wire order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: str = Field(pattern=_NAME)
    quantity: str = Field(pattern=_NAME)
    type: Literal["bool", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64", "text"]
    unit: str
    kind: Literal["counter", "gauge"]
    table: Literal["input", "holding", "coil", "discrete"] | None = None
    address: int = Field(default=0, ge=0, le=0xFFFF)
    node: str | None = Field(default=None, min_length=1)
    words: Literal["high_first", "low_first"] = "high_first"
    scale: int = Field(default=0, ge=-20, le=20)
    scale_point: str | None = None
    obis: str | None = Field(default=None, pattern=r"^\d+-\d+:\d+\.\d+\.\d+$")
    step: Positive | None = None
    limit: Positive | None = None
    age_ms: int | None = Field(default=None, ge=1)
    invalid: tuple[Raw, ...] = Field(default=(), strict=False)

    @property
    def bits(self) -> int:
        """Width of the raw integer."""
        return BITS[self.type]

    @property
    def length(self) -> int:
        """Registers the point occupies; for coils and discrete inputs, bits."""
        return max(1, self.bits // 16)

    @property
    def end(self) -> int:
        """Address just after the point."""
        return self.address + self.length


class Profile(BaseModel):
    """A meter type: where its points are and what they mean. `parse` makes it, checking points against each other."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    make: str
    model: str
    medium: str = Field(pattern=_NAME)
    grade: Literal["bronze", "silver", "gold"]  # cited map, captured bytes, checked against a display
    sources: tuple[str, ...] = Field(min_length=1, strict=False)
    notes: str = ""
    registers_max: int = Field(default=125, ge=1, le=125)  # 125: the most one answer holds (Modbus V1.1b3, 6.3)
    hole_max: int = Field(default=0, ge=0, le=124)
    points: tuple[Point, ...] = Field(alias="point", min_length=1, strict=False)


def profile_hash(data: bytes) -> bytes:
    """SHA-256 of the profile file as it is (32 bytes)."""
    return hashlib.sha256(data).digest()


def parse(data: bytes) -> Profile:
    """Check a profile file.

    Raises ValueError whose lines each read `key.path: problem: hint`; all problems are listed.
    """
    try:
        document = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"profile: not readable as TOML: {error}") from error
    try:
        profile = Profile.model_validate(document)
    except ValidationError as error:
        problems = explain(error, Profile, document)
        raise ValueError("\n".join([*problems, *_problems(_readable(document), 125)])) from None
    if problems := list(_problems(profile.points, profile.registers_max)):
        raise ValueError("\n".join(problems))
    return profile


def _readable(document: dict[str, Any]) -> list[Point]:
    points = []
    for item in document["point"] if isinstance(document.get("point"), list) else []:
        try:
            points.append(Point.model_validate(item))
        except ValidationError:
            continue  # already explained
    return points


def _problems(points: Sequence[Point], registers_max: int) -> Iterator[str]:
    """Faults that one key alone does not show."""
    by_id: dict[str, Point] = {}
    for point in points:
        path = f"point.{point.id}"
        if point.id in by_id:
            yield f"{path}.id: used twice: give every point its own id"
        by_id[point.id] = point
        yield from (f"{path}.{line}" for line in _place(point, registers_max))
        yield from (f"{path}.{line}" for line in _meaning(point))
    if len({point.node is None for point in points}) == 2:
        yield "point: registers and nodes are mixed: make one profile for each protocol"
    for point in points:
        if point.scale_point is not None:
            fault = _scale_fault(point, by_id.get(point.scale_point), registers_max)
            yield from [f"point.{point.id}.scale_point: {fault}"] if fault else []
    yield from _overlaps(points)


def _place(point: Point, registers_max: int) -> Iterator[str]:
    if point.node is not None:
        if {"table", "address"} & point.model_fields_set:
            yield "node: given beside a register: keep either node, or table and address"
        if point.scale_point is not None:
            yield "scale_point: only registers have it: remove it"
        return
    if point.table is None or "address" not in point.model_fields_set:
        yield "table: no place to read from: give table and address, or node"
        return
    if point.type == "text":
        yield "type: text is not read from registers: only nodes have it"
    if (point.type == "bool") != (point.table in {"coil", "discrete"}):
        yield f"type: {point.type} is not read from table {point.table}: bool goes with coil and discrete only"
    if point.end > 0x10000:
        yield "address: runs past 65535: check address and type"
    if point.length > registers_max:
        yield f"type: longer than registers_max = {registers_max}: check registers_max"


def _meaning(point: Point) -> Iterator[str]:
    if point.unit not in UNITS:
        near = difflib.get_close_matches(point.unit.lower(), [unit.lower() for unit in UNITS], 1)
        meant = [unit for unit in UNITS if near and unit.lower() == near[0]] or list(UNITS)
        yield f"unit: {point.unit!r} is not known: use {' or '.join(meant) if near else 'one of ' + ', '.join(meant)}"
    else:
        for quantity, canonical in (("active_energy", "wh_milli"), ("active_power", "w_milli")):
            if point.quantity.startswith(quantity) and UNITS[point.unit][0] != canonical:
                units = ", ".join(unit for unit, (name, _) in UNITS.items() if name == canonical)
                yield f"unit: {point.unit!r} does not measure {quantity}: use one of {units}"
    counts = {"step", "limit", "age_ms"} & point.model_fields_set
    if point.kind == "gauge" and counts:
        yield f"{min(counts)}: only a counter has it: remove it, or set kind to counter"
    scaled = point.scale != 0 or point.scale_point is not None
    if point.type in {"bool", "text"} and (point.kind != "gauge" or point.unit != "1" or scaled):
        yield f'type: {point.type} is no quantity: set kind = "gauge", unit = "1", and leave out scale and scale_point'
    if any(not 0 <= raw < 1 << point.bits for raw in point.invalid):
        yield f"invalid: does not fit {point.type}: give raw integers of {point.bits} bits, words in wire order"


def _scale_fault(point: Point, scale: Point | None, registers_max: int) -> str | None:
    if scale is None:
        return f"{point.scale_point!r} does not exist: name another point of this profile"
    if scale is point or scale.scale_point is not None or scale.scale or scale.type != "int16":
        return f"{scale.id!r} is not a plain int16 point: a scale has type int16, scale 0 and no scale_point"
    if scale.table != point.table:
        return f"{scale.id!r} is in another table: both must come in one answer"
    if max(point.end, scale.end) - min(point.address, scale.address) > registers_max:
        return f"{scale.id!r} is more than registers_max = {registers_max} away: both must come in one answer"
    return None


def _overlaps(points: Sequence[Point]) -> Iterator[str]:
    placed = sorted((p for p in points if p.table is not None), key=lambda p: (str(p.table), p.address, p.end))
    before: Point | None = None
    for point in placed:
        if before is None or before.table != point.table or before.end <= point.address:
            before = point
            continue
        yield (
            f"point.{point.id}.address: registers {point.address}..{point.end - 1} overlap those of {before.id!r}"
            f" ({before.address}..{before.end - 1}): check address and type of both"
        )
        before = max(before, point, key=lambda p: p.end)
