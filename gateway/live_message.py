"""What an agent tells pages each second: unsigned JSON, so nothing here is evidence and nothing here is believed.

In: bytes from a `live` or `status` topic. Out: a checked message, or ValueError. Sizes are limited before parsing.
"""

from typing import Annotated, Literal, Self

from annotated_types import Ge, Le, Len
from pydantic import BaseModel, ConfigDict, model_validator

BYTES_MAX = 1 << 18  # a thousand meters
LOOSE = ConfigDict(frozen=True, strict=True, extra="ignore")

Integer = Annotated[int, Ge(-(2**63)), Le(2**63 - 1)]
Count = Annotated[int, Ge(0), Le(2**63 - 1)]
Name = Annotated[str, Len(1, 64)]
Text = Annotated[str, Len(0, 1000)]


class MeterNow(BaseModel):
    """A meter's last answer: `values` by point and canonical unit; `answered_ns` 0 or None: never."""

    model_config = LOOSE
    meter: Name
    status: Annotated[int, Ge(0), Le(2**32 - 1)]
    answered_ns: Count | None
    values: Annotated[dict[Name, Integer], Len(0, 200)]


class SoFar(BaseModel):
    """An amount up to now with its bounds; None where nothing can be claimed yet.

    `unit` is the canonical one; agents that count no pieces may not say it: energy in mWh, output in mg.
    """

    model_config = LOOSE
    amount: Count | None = None
    lower: Count | None = None
    upper: Count | None = None
    unit: Name | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        known = [value for value in (self.lower, self.amount, self.upper) if value is not None]
        if known != sorted(known):
            raise ValueError("an amount lies outside its bounds")
        return self


class RunningNow(BaseModel):
    """A batch that has begun, measured so far. `beside` it run others, by name."""

    model_config = LOOSE
    line: Name
    batch: Text
    product: Text
    start_ns: Integer
    energy: SoFar | None = None
    good: SoFar | None = None
    scrap: SoFar | None = None
    beside: Annotated[list[Text], Len(0, 64)] = []


class ClockNow(BaseModel):
    """What the agent's machine says of its clock, and how far the agent's own runs ahead of it."""

    model_config = LOOSE
    synchronised: bool | None = None
    error_ns: Count | None = None
    ahead_ns: Count = 0


class LiveMessage(BaseModel):
    """One agent, one moment in its own time."""

    model_config = LOOSE
    at_ns: Count
    meters: Annotated[list[MeterNow], Len(0, 1000)]
    running: Annotated[list[RunningNow], Len(0, 200)]
    outbox: Count | None = None
    clock: ClockNow | None = None


class Status(BaseModel):
    """An agent's retained status, or its last will."""

    model_config = LOOSE
    state: Literal["online", "offline", "stopped"]


def parse_status(payload: bytes) -> str:
    """Read a status. Raises ValueError."""
    if len(payload) > BYTES_MAX:
        raise ValueError(f"status: {len(payload)} bytes; at most {BYTES_MAX}")
    return Status.model_validate_json(payload).state


def parse(payload: bytes) -> LiveMessage:
    """Read a message. Raises ValueError."""
    if len(payload) > BYTES_MAX:
        raise ValueError(f"live: {len(payload)} bytes; at most {BYTES_MAX}")
    return LiveMessage.model_validate_json(payload)
