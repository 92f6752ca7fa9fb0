"""The door to the plant: what every driver gives its caller, whatever the protocol.

In: nothing but what a bus answers. Out: scans of readings as raw bits, each with a status code. Never: a converted
value, a repaired or repeated value, or a write to a device - the interface has no call for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from agent.drivers.profile import Profile
from contract.records import EventPart

# Protocol -> module; a module is imported only when a configuration names its protocol. Each module exports
# `Bus`, its configuration model (`located(folder)` is the same with its file names taken from that folder), and
# `open_driver(bus, meters, now_ns, tell) -> Driver`, where meters are `Target`s by name.
DRIVERS: dict[str, str] = {
    "modbus": "agent.drivers.modbus",
    "opcua": "agent.drivers.opcua",
    "dlt645": "agent.drivers.dlt645",
    "mqtt": "agent.drivers.mqtt",
}

# Status codes are those of OPC UA (OPC 10000-6 annex A), also for protocols that have none of their own.
GOOD = 0
BAD_COMMUNICATION_ERROR = 0x80050000  # the connection broke between two blocks
BAD_DECODING_ERROR = 0x80070000  # an answer came that does not fit the request or the type
BAD_TIMEOUT = 0x800A0000  # no answer in time
BAD_NODE_ID_UNKNOWN = 0x80340000  # no such tag on this server
BAD_OUT_OF_RANGE = 0x803C0000  # the device refuses the address or the function
BAD_TYPE_MISMATCH = 0x80740000  # the tag has another data type than its profile says
BAD_NOT_CONNECTED = 0x808A0000  # not asked: the connection was gone
BAD_DEVICE_FAILURE = 0x808B0000  # the device says it is busy or broken
BAD_NO_DATA = 0x809B0000  # the device says it has no value here
BAD_DATA_UNAVAILABLE = 0x809E0000  # the parts of a value, asked for one after another, do not belong together


def is_bad(status: int) -> bool:
    """Whether a status forbids a value: severity 10, or the reserved 11 (top two bits)."""
    return status >= 0x80000000


# How a driver puts on the record what it found out about a meter or a bus.
Tell = Callable[[EventPart], None]


class Unreachable(Exception):
    """The bus or the unit does not answer at all. The message is one line; the caller retries with back-off."""


@dataclass(frozen=True, slots=True)
class Target:
    """A meter on a bus: its unit id, and what is added to each address of its profile (SunSpec: where a model begins).

    DL/T 645 meters have an `address` of 12 digits instead; over MQTT it is a topic, and `tells` are the lines whose
    batches its messages tell. OPC UA has none of them: its driver reads by node alone.
    """

    unit: int
    profile: Profile
    base: int = 0
    address: str = ""
    tells: tuple[str, ...] = ()


class Reading(NamedTuple):  # made thousands of times a second: a third of what a dataclass takes
    """One point's answer. Without a value `raw` and `text` are None and `status` says why."""

    point: str  # the point's id in its profile
    raw: int | None  # register words in wire order as ONE unsigned big-endian integer; OPC UA: the value's bits
    status: int  # OPC UA StatusCode; a bad one never has a value
    source_ns: int | None = None  # OPC UA source timestamp, ns UTC
    text: str | None = None  # value of a text tag; `raw` is None then


@dataclass(frozen=True, slots=True)
class Scan:
    """One request and its answer."""

    block: int  # index of the planned block within the meter, stable for one configuration
    requested_ns: int  # clock just before the request left
    answered_ns: int  # clock just after the answer, or the failure, was known
    readings: tuple[Reading, ...]


class Driver(Protocol):
    """An open connection to one bus. Not re-entrant: one task owns it."""

    async def read(self, meter: str) -> list[Scan]:
        """Read every block of a meter once.

        Part of it failing gives readings with a bad status. Raises Unreachable if nothing answers, KeyError for a meter
        that was not named when the driver was opened.
        """
        ...

    async def identify(self, meter: str) -> list[Scan]:
        """Read the points that say which instrument this is, in blocks after those of `read`; none if there are none.

        As `read` otherwise; a text is in `Reading.text`.
        """
        ...

    def silence_ns(self, meter: str) -> int:
        """How long a read of this meter holds the bus at most if the meter does not answer, as far as is known now."""
        ...

    async def close(self) -> None:
        """Let go of the connection; `read` would open a new one."""
        ...
