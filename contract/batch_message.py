"""What an MES says of a batch, in the JSON of metertrail/batch/v1 (batch-message.schema.json).

In: a message's bytes. Out: a `BatchMessage`, or Malformed with one line that says where and why. Never: a member that
is not in the message, a number that passed through a float, a time without a zone, a file or a clock.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal, NoReturn

from annotated_types import Len
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from contract.errors import Malformed
from contract.lots import LOTS_MAX, Lot, Said, canonical
from contract.problems import explain

FORM = "metertrail/batch/v1"
MESSAGE_BYTES_MAX = 32_768
NAME_CHARACTERS_MAX = 1000  # as records allow
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
YEARS = range(2000, 2200)  # nanoseconds since 1970 end in 2262


def _decimal(given: object) -> object:
    """A JSON number of any kind, or a decimal as text: both exact."""
    if isinstance(given, str) and re.fullmatch(r"\d{1,30}(\.\d{1,30})?", given, re.ASCII):
        return Decimal(given)
    return Decimal(given) if isinstance(given, int) and not isinstance(given, bool) else given


def _at_ns(given: object) -> int:
    found = TIME.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise ValueError('write an ISO 8601 time with its zone, such as "2026-03-02T06:00:00.250+08:00"')
    second = datetime.fromisoformat(found[1] + found[3])
    if second.year not in YEARS:
        raise ValueError(f"a year from {YEARS[0]} to {YEARS[-1]} is meant")
    return (second - EPOCH) // timedelta(seconds=1) * 1_000_000_000 + int((found[2] or "").ljust(9, "0"))


READ = ConfigDict(frozen=True, strict=True, extra="ignore", arbitrary_types_allowed=True)
Quantity = Annotated[Decimal, BeforeValidator(_decimal)]


class _Input(BaseModel):
    model_config = READ
    lot: Said
    quantity: Quantity
    unit: str
    source: Literal["metered", "reported"] = "reported"
    instrument: Said | None = None
    evidence: Said | None = None


class _Output(_Input):
    kind: Literal["good", "scrap", "rework"]


class _Read(BaseModel):
    model_config = READ
    form: Literal["metertrail/batch/v1"] = Field(alias="schema")
    line: Annotated[str, Len(1, 64)]
    batch: Annotated[str, Len(1, NAME_CHARACTERS_MAX)]
    product: Annotated[str, Len(1, NAME_CHARACTERS_MAX)]
    state: Literal["started", "ended"]
    at: Annotated[int, BeforeValidator(_at_ns)]
    inputs: Annotated[list[_Input], Len(0, LOTS_MAX)] | None = None
    outputs: Annotated[list[_Output], Len(0, LOTS_MAX)] | None = None


@dataclass(frozen=True, slots=True)
class BatchMessage:
    """One message. `digest` tells messages apart; `inputs` and `outputs` are None where it says nothing of them."""

    digest: bytes
    line: str
    batch: str
    product: str
    state: Literal["started", "ended"]
    at_ns: int
    inputs: tuple[Lot, ...] | None
    outputs: tuple[Lot, ...] | None


def parse(payload: bytes) -> BatchMessage:
    """Read a message. Raises Malformed."""
    if len(payload) > MESSAGE_BYTES_MAX:
        raise Malformed(f"batch message: {len(payload)} bytes: at most {MESSAGE_BYTES_MAX}")
    try:
        text = payload.decode()
        given = json.loads(text, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=once)
    except UnicodeDecodeError:
        raise Malformed("batch message: not UTF-8") from None
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise Malformed(f"batch message: not JSON: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(given, dict):
        raise Malformed("batch message: not a JSON object")
    try:
        read = _Read.model_validate(given)
    except ValidationError as error:
        raise Malformed(f"batch message: {explain(error, _Read)[0]}") from None
    digest = hashlib.sha256(payload).digest()[:16]
    inputs, outputs = _lots("inputs", read.inputs), _lots("outputs", read.outputs)
    return BatchMessage(digest, read.line, read.batch, read.product, read.state, read.at, inputs, outputs)


def _lots(side: str, given: Sequence[_Input] | None) -> tuple[Lot, ...] | None:
    if given is None:
        return None
    lots = []
    for index, one in enumerate(given):
        try:
            quantity, unit = canonical(one.quantity, one.unit)
        except ValueError as error:
            raise Malformed(f"batch message: {side}.{index}.{error}") from None
        told = one.model_dump(exclude={"quantity", "unit"})
        lots.append(Lot.model_validate({**told, "quantity": quantity, "unit": unit}))
    return tuple(lots)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object's members. Raises ValueError: a member given twice means two things."""
    told: dict[str, object] = {}
    for name, value in pairs:
        if name in told:
            raise ValueError(f"member {name!r} is given twice")
        told[name] = value
    return told
