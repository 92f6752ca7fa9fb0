"""One quantity of a meter: where it stands, how its bits make a number, and what the number measures.

In: the keys of a `[[point]]` table. Out: a frozen `Point`. Never: looks at other points (profile_checks.py does).
"""

from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

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
    "piece": ("one_milli", 3),
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
    "kJ": ("j", 3),
    "MJ": ("j", 6),
    "GJ": ("j", 9),
    "GJ/h": ("gj_per_h_milli", 3),
    "m3/h": ("m3_per_h_milli", 3),
    "L/min": ("l_per_min_milli", 3),
    "kg/h": ("kg_per_h_milli", 3),
    "t/h": ("t_per_h_milli", 3),
    "Pa": ("pa_milli", 3),
    "kPa": ("kpa_milli", 3),
    "MPa": ("mpa_milli", 3),
    "bar": ("bar_milli", 3),
    "degC": ("degc_milli", 3),
    "K": ("k_milli", 3),
}
Number = Literal[
    "uint16", "int16", "uint32", "int32", "uint48", "int48", "uint64", "int64", "float32", "float64",
    "bcd16", "bcd32", "bcd48", "bcd64",
    "mod10k32", "mod10k48", "mod10k64", "mod10k32_signed", "mod10k48_signed", "mod10k64_signed",
]  # fmt: skip
# What only data items of DL/T 645 are: three bytes, and a sign in the top bit before the digits.
Item = Literal["bcd24", "bcd16_signed", "bcd24_signed", "bcd32_signed"]
Identity = Literal["serial", "model", "firmware", "ct_primary", "ct_secondary", "pt_primary", "pt_secondary"]
Side = Literal["primary", "secondary"]
RATIOED = tuple(f"{kind}_{what}" for kind in ("active", "reactive", "apparent") for what in ("energy", "power"))
DECIMAL_PLACES_MAX = 24
NAME = r"^[a-z][a-z0-9_]*$"


@cache
def bits_of(kind: str) -> int:
    """Width of a numeric type: the number in its name."""
    return int("".join(filter(str.isdigit, kind.removeprefix("mod10k"))))


def positive(text: str) -> Decimal:
    """A step or a limit. Raises ValueError for what is not a number greater than zero of a size that meters have."""
    number = exact(text)
    if number <= 0:
        raise ValueError("must be greater than zero")
    return number


def exact(text: str) -> Decimal:
    """A finite decimal number. Raises ValueError for anything else, or one of a size that meters do not have."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError('write a decimal number such as "0.01"') from None
    if not number.is_finite():
        raise ValueError("must be a finite number")
    if abs(number.adjusted()) > DECIMAL_PLACES_MAX or len(number.as_tuple().digits) > DECIMAL_PLACES_MAX:
        raise ValueError(f"must lie within {DECIMAL_PLACES_MAX} decimal places")
    return number


def _text(given: object) -> str:
    if not isinstance(given, str):
        raise ValueError('write it as a string such as "0.01": a decimal is exact, a float is not')  # noqa: TRY004 - pydantic collects ValueErrors only
    return given


def _raw(given: object) -> object:
    """TOML integers end at 2^63 - 1, so wider ones are written as hexadecimal strings."""
    try:
        return int(given, 16) if isinstance(given, str) else given
    except ValueError:
        raise ValueError('write an integer, or a string such as "0x8000000000000000"') from None


Positive = Annotated[Decimal, BeforeValidator(lambda given: positive(_text(given)))]
Exact = Annotated[Decimal, BeforeValidator(lambda given: exact(_text(given)))]
Raw = Annotated[int, BeforeValidator(_raw)]
Address = Annotated[int, Field(ge=0, le=0xFFFF)]
Scale = Annotated[int, Field(ge=-20, le=20)]
Count = Annotated[int, Field(ge=1, le=125)]
Bit = Annotated[int, Field(ge=0, le=15)]
TABLE = ConfigDict(frozen=True, extra="forbid", strict=True)


class Part(BaseModel):
    """A stretch of a composite: its number x 10^scale is one summand. Words are ordered as the point's."""

    model_config = TABLE

    address: Address
    type: Number
    scale: Scale = 0

    @property
    def bits(self) -> int:
        """Width of its raw integer."""
        return bits_of(self.type)


class Point(BaseModel):
    """One quantity of a meter: in registers (`table`, `address`), an OPC UA node (`node`), a DL/T 645 data item (`di`).

    value [unit] = number x 10^scale, times 10^(value of `scale_point`) if there is one, with its sign turned if
    `negate`, plus `offset`. `step` and `limit` are in `unit` before `scale_point` is applied. `invalid` lists raw
    integers as a reading carries them: words in wire order. `bits` takes a number out of a word, `bit` a truth value.
    A `composite` is the sum of its `parts`, most significant first; its raw integer is their words in that order.
    A point that is only answered as part of a whole stretch names it in `within` (address, count).
    With A the most significant of four words, `words` and the order on the wire: high_first ABCD, low_first DCBA,
    low_pair_first CDAB, high_pair_first BADC; `bytes` is the order inside a word.
    """

    model_config = TABLE

    id: str = Field(pattern=NAME)
    quantity: str = Field(pattern=NAME)
    type: Number | Item | Literal["bool", "text", "composite"]
    unit: str
    kind: Literal["counter", "gauge"]
    table: Literal["input", "holding", "coil", "discrete"] | None = None
    address: Address = 0
    node: str | None = Field(default=None, min_length=1)
    di: str | None = None
    words: Literal["high_first", "low_first", "low_pair_first", "high_pair_first"] = "high_first"
    bytes: Literal["high_first", "low_first"] = "high_first"
    bit: Bit | None = None
    bit_range: tuple[Bit, Bit] | None = Field(default=None, alias="bits", strict=False)  # lowest and highest
    parts: tuple[Part, ...] = Field(default=(), strict=False)
    within: tuple[Address, Count] | None = Field(default=None, strict=False)
    registers: int | None = Field(default=None, alias="length", ge=1, le=32)  # of a text: two characters each
    scale: Scale = 0
    scale_point: str | None = None
    offset: Exact | None = None
    negate: bool = False
    obis: str | None = Field(default=None, pattern=r"^\d+-\d+:\d+\.\d+\.\d+$")
    step: Positive | None = None
    limit: Positive | None = None
    age_ms: int | None = Field(default=None, ge=1)
    invalid: tuple[Raw, ...] = Field(default=(), strict=False)
    reference_degc: Literal[0, 15, 20] | None = None  # of gas counted at this temperature and 101.325 kPa
    ratio_side: Side | None = None  # whether a transformer's ratio is in the number already; from the profile if absent
    identity: Identity | None = None
    expect: tuple[str, ...] = Field(default=(), strict=False)  # what a `model` may say; whole numbers in decimal

    @model_validator(mode="before")
    @classmethod
    def _is_composite_by_its_parts(cls, given: object) -> object:
        """A point with `parts` needs no `type`."""
        return {"type": "composite", **given} if isinstance(given, dict) and "parts" in given else given

    @property
    def bits(self) -> int:
        """Width of the raw integer; 0 for a text, which has none."""
        if self.type == "composite":
            return sum(part.bits for part in self.parts)
        if self.type == "text":
            return 0
        if self.type == "bool":
            return 16 if self.table in {"holding", "input"} else 1
        return bits_of(self.type)

    @property
    def length(self) -> int:
        """Registers the point occupies; for coils and discrete inputs, bits."""
        return self.registers or max(1, self.bits // 16)

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Its stretches of registers as (address, address just after), in the order of its raw integer."""
        if self.parts:
            return tuple((part.address, part.address + part.bits // 16) for part in self.parts)
        return ((self.address, self.address + self.length),)

    @property
    def asked(self) -> tuple[int, int]:
        """What a request has to hold for it, as (address, address just after)."""
        return (self.start, self.end) if self.within is None else (self.within[0], sum(self.within))

    @property
    def start(self) -> int:
        """Its first address."""
        return min(start for start, _ in self.spans)

    @property
    def end(self) -> int:
        """Address just after the point."""
        return max(end for _, end in self.spans)
