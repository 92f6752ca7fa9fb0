"""Faults of a plant: which of them hits which request, and what a spoilt answer looks like on the wire.

In: the `[[fault]]` tables of a scenario, a seed, a request's number. Out: a `Hit` or none; the pieces of a frame, each
with how much later it comes. Pure: the same table, seed and number are the same fault, in any process.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from simulators.frames import Frame

SECOND_NS = 1_000_000_000
BUSY = 6
WAIT_MS_MAX = 3_600_000

AnswerKind = Literal[
    "dead", "slow", "late", "duplicate", "truncated", "bit_flip", "wrong_unit", "wrong_function", "wrong_length",
    "transaction_zero", "exception", "busy", "torn",
]  # fmt: skip
BusKind = Literal["one_connection", "half_open", "frozen", "restart"]
PlcKind = Literal["opcua_restart", "opcua_freeze", "bad_quality", "wrong_clock"]
Kind = Literal[AnswerKind, BusKind, PlcKind]

NEEDS_MS = {"slow", "late", "torn", "restart", "opcua_restart", "wrong_clock"}
TAKES_MS = NEEDS_MS | {"duplicate", "transaction_zero"}
# What else than Modbus frames can suffer: DL/T 645 lines.
ON_DLT645: frozenset[Kind] = frozenset(("dead", "slow", "duplicate", "truncated", "bit_flip", *get_args(BusKind)))
TAKES_SHARE = {*get_args(AnswerKind), "bad_quality"}


class Fault(BaseModel):
    """One `[[fault]]` table: what goes wrong, for whom, how often, and from when to when (seconds since the start)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Kind
    meter: str | None = None
    bus: str | None = None
    share_permille: int = Field(default=1000, ge=1, le=1000)
    from_s: int = Field(default=0, ge=0)
    to_s: int | None = Field(default=None, ge=1)
    ms: int | None = Field(default=None, ge=-WAIT_MS_MAX, le=WAIT_MS_MAX)
    code: int | None = Field(default=None, ge=1, le=11)

    @property
    def level(self) -> Literal["answer", "bus", "plc"]:
        """What it befalls: single requests, a bus with its connections, or the OPC UA server."""
        if self.kind in get_args(BusKind):
            return "bus"
        return "plc" if self.kind in get_args(PlcKind) else "answer"

    def told(self) -> str:
        """The fault in a line, as it was written."""
        return ", ".join(f"{key} {value}" for key, value in self.model_dump(exclude_unset=True).items())

    def lasts(self, elapsed_ns: int) -> bool:
        """Whether it is going on so long after the start."""
        return self.from_s * SECOND_NS <= elapsed_ns and (self.to_s is None or elapsed_ns < self.to_s * SECOND_NS)


def problems(fault: Fault, meters: Sequence[str], buses: Sequence[str]) -> Iterator[str]:
    """Faults in the table itself that one key alone does not show, each `key: problem: hint`."""
    kind = fault.kind
    if fault.ms is None and kind in NEEDS_MS:
        yield f"ms: missing: {kind} needs it"
    if fault.ms is not None and kind not in TAKES_MS:
        yield f"ms: {kind} has none: remove it"
    elif fault.ms is not None and fault.ms < 0 and kind != "wrong_clock":
        yield f"ms: {fault.ms}: only wrong_clock may be negative"
    if (fault.code is None) == (kind == "exception"):
        yield "code: missing: exception needs it" if fault.code is None else f"code: {kind} has none: remove it"
    if "share_permille" in fault.model_fields_set and kind not in TAKES_SHARE:
        yield f"share_permille: {kind} hits no single request: remove it"
    yield from _when(fault)
    yield from _whom(fault, meters, buses)


def _when(fault: Fault) -> Iterator[str]:
    if fault.to_s is None:
        return
    if fault.to_s <= fault.from_s:
        yield f"to_s: {fault.to_s}: must be later than from_s"
    if fault.kind in {"restart", "opcua_restart"}:
        yield f"to_s: {fault.kind} lasts ms from from_s on: remove it"


def _whom(fault: Fault, meters: Sequence[str], buses: Sequence[str]) -> Iterator[str]:
    if fault.meter is not None and fault.level != "answer":
        yield f"meter: {fault.kind} does not befall one meter: remove it"
    if fault.bus is not None and fault.level == "plc":
        yield f"bus: {fault.kind} befalls the controllers: remove it"
    if fault.bus is not None and fault.meter is not None:
        yield "bus: the meter says where: remove it"
    for key, given, known in (("meter", fault.meter, meters), ("bus", fault.bus, buses)):
        if given is not None and given not in known:
            yield f"{key}: {given!r} does not exist: use one of {', '.join(sorted(known))}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A fault on one request; `luck` (64 bits) decides what is left open, such as which bit flips."""

    kind: AnswerKind
    ms: int = 0
    code: int = 0
    luck: int = 0


def chance(*what: object) -> int:
    """Return 64 bits that look random and are a function of the arguments alone."""
    digest = hashlib.blake2b("/".join(map(str, what)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def hits(
    faults: Sequence[Fault], seed: int, bus: str, meters: Sequence[str], elapsed_ns: Callable[[], int]
) -> Callable[[str | None], Hit | None]:
    """Return a function that says, request by request on a bus, what befalls the one for a meter (None: nobody's).

    The first fault in the order of the tables wins.
    """
    mine = [
        (index, fault)
        for index, fault in enumerate(faults)
        if fault.level == "answer" and fault.bus in {None, bus} and (fault.meter is None or fault.meter in meters)
    ]
    number = 0

    def hit(meter: str | None) -> Hit | None:
        nonlocal number
        number += 1
        since_ns = elapsed_ns()
        for index, fault in mine:
            if fault.meter not in {None, meter} or not fault.lasts(since_ns):
                continue
            luck = chance(seed, bus, index, number)
            if luck % 1000 < fault.share_permille:
                kind = next(kind for kind in get_args(AnswerKind) if kind == fault.kind)
                return Hit(kind, fault.ms or 0, fault.code or BUSY, luck // 1000)
        return None

    return hit


def pieces(hit: Hit, frame: Frame) -> tuple[tuple[int, bytes], ...]:
    """Return what is sent in place of a frame: bytes, each with how many ms later than the frame they come.

    Over TCP a flipped bit falls into header, function or byte count: Modbus TCP has no checksum of its own, so that a
    flip in the words would show in no frame.
    """
    sent = bytes(frame)
    match hit.kind:
        case "late":
            return ((hit.ms, sent),)
        case "duplicate":
            return ((0, sent), (hit.ms, sent))
        case "truncated":
            return ((0, sent[: 1 + hit.luck % (len(sent) - 1)]),)
        case "bit_flip":
            place = hit.luck % (8 * (min(9, len(sent)) if frame.framing == "tcp" else len(sent)))
            return ((0, bytes(byte ^ (1 << place % 8 if at == place // 8 else 0) for at, byte in enumerate(sent))),)
        case "wrong_unit":
            return ((0, bytes(replace(frame, unit=1 + (frame.unit + hit.luck % 246) % 247))),)
        case "wrong_function":
            return ((0, bytes(replace(frame, pdu=bytes([frame.pdu[0] ^ 7]) + frame.pdu[1:]))),)
        case "wrong_length":
            return ((0, bytes(replace(frame, pdu=_resized(frame.pdu, longer=hit.luck % 2 == 1)))),)
        case "transaction_zero":
            return ((hit.ms, bytes(replace(frame, transaction=0))),)
    return ((0, sent),)


def _resized(pdu: bytes, *, longer: bool) -> bytes:
    """A register answer with one register more or fewer, its byte count right; exceptions have no length."""
    if pdu[0] & 0x80:
        return pdu
    longer = (longer or pdu[1] <= 2) and pdu[1] < 250
    return bytes([pdu[0], pdu[1] + (2 if longer else -2)]) + (pdu[2:] + pdu[2:4] if longer else pdu[2:-2])
