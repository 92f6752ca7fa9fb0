"""OPC UA by asyncua: the tags of a meter or a line, all in one Read request.

In: a server, and for each meter on it a profile whose points are nodes. Out: one scan a read, with the server's status
code and source timestamp for every value. Never: a write or a subscription, a value with a bad status, or a value of
another type than the profile says. Namespace indexes are looked up anew at every connect; they change with the server.
"""

import asyncio
import contextlib
import logging
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Self

from asyncua import Client, ua
from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.drivers import (
    BAD_DECODING_ERROR,
    BAD_NO_DATA,
    BAD_NODE_ID_UNKNOWN,
    BAD_OUT_OF_RANGE,
    BAD_TYPE_MISMATCH,
    GOOD,
    Reading,
    Scan,
    Target,
    Tell,
    Unreachable,
    is_bad,
)
from agent.drivers.profile import Point
from agent.drivers.registers import status_of

# Every fault comes back as a status or as Unreachable; asyncua would log each one again with its traceback.
logging.getLogger("asyncua.client").setLevel(logging.CRITICAL)

FAULTS = (OSError, TimeoutError, ua.UaError)
TEXT_CHARACTERS_MAX = 200  # of a batch's or a product's name
LEAVE_S = 1.0  # how long a server may take over a farewell
WATCHDOG_S = 60.0  # asyncua's own probe of the server; ours is the next read
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_TIME = datetime(1601, 1, 1, tzinfo=UTC)  # a DateTime of zero means "none" (OPC 10000-6, 5.2.2.5)
TYPES = {
    "bool": ua.VariantType.Boolean,
    "uint16": ua.VariantType.UInt16,
    "int16": ua.VariantType.Int16,
    "uint32": ua.VariantType.UInt32,
    "int32": ua.VariantType.Int32,
    "uint64": ua.VariantType.UInt64,
    "int64": ua.VariantType.Int64,
    "float32": ua.VariantType.Float,
    "float64": ua.VariantType.Double,
    "text": ua.VariantType.String,
}


class Security(BaseModel):
    """Signed or encrypted channel. The server's certificate is pinned: without it anyone could pose as the server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: Literal["Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"]
    mode: Literal["Sign", "SignAndEncrypt"] = "SignAndEncrypt"
    certificate: str  # files, .pem or .der
    key: str
    server_certificate: str
    application_uri: str = "urn:metertrail:agent"  # must stand in our certificate


class Bus(BaseModel):
    """An OPC UA server. Without `security` a password may cross the network in clear.

    `namespaces` maps a namespace URI as profiles write it to the one this server uses, where they differ.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(pattern=r"^opc\.tcp://[^@]+$")
    timeout_ms: int = Field(default=4000, ge=10, le=60_000)
    user: str | None = None
    password_file: str | None = None
    security: Security | None = None
    namespaces: dict[str, str] = Field(default={})

    @model_validator(mode="after")
    def _credentials_are_whole(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file go together: give both or neither")
        return self

    def located(self, folder: Path) -> Self:
        """The same with its file names taken from `folder`."""
        password_file = None if self.password_file is None else str(folder / self.password_file)
        files = ("certificate", "key", "server_certificate")
        security = self.security and self.security.model_copy(
            update={name: str(folder / getattr(self.security, name)) for name in files}
        )
        return self.model_copy(update={"password_file": password_file, "security": security})


@dataclass(frozen=True, slots=True)
class _Tag:
    point: Point
    namespace: str | None  # URI, or None if the node gives an index
    node: str  # the rest, as OPC UA writes it


def open_driver(bus: Bus, meters: Mapping[str, Target], now_ns: Callable[[], int], _tell: Tell) -> "OpcUaDriver":
    """Prepare the tags of each meter; connecting is left to the first read. Raises ValueError, one line a fault."""
    problems: list[str] = []
    tags: dict[str, list[_Tag]] = {}
    for name, meter in meters.items():
        if meter.base != 0:
            problems.append(f"{name}: base {meter.base} means nothing to OPC UA: remove it")
        tags[name] = []
        for point in meter.profile.points:
            tag = _tag(point)
            if tag is None:
                problems.append(f"{name}: {point.id}: not a node: write node = 'nsu=URI;s=...' in its profile")
            else:
                tags[name].append(tag)
    if problems:
        raise ValueError("\n".join(problems))
    return OpcUaDriver(bus, tags, now_ns)


def _tag(point: Point) -> _Tag | None:
    uri, node = None, point.node or ""
    if node.startswith("nsu="):
        uri, _, node = node[4:].partition(";")
    try:
        ua.NodeId.from_string(node)
    except (ua.UaError, ValueError):
        return None
    return _Tag(point, uri, node)


class OpcUaDriver:
    """One session; a new client for every connect. See `agent.drivers.Driver`."""

    def __init__(self, bus: Bus, tags: Mapping[str, list[_Tag]], now_ns: Callable[[], int]) -> None:
        self._bus = bus
        self._tags = tags
        self._now_ns = now_ns
        self._client: Client | None = None
        self._namespaces: list[str] = []

    async def read(self, meter: str) -> list[Scan]:
        """Read all tags of a meter in one request. Raises Unreachable without a session or an answer."""
        tags = self._tags[meter]
        async with self._session() as client:
            nodes = [self._node(tag) for tag in tags]
            known = [ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value) for node in nodes if node]
            requested_ns = self._now_ns()
            values = await client.uaclient.read(ua.ReadParameters(NodesToRead=known)) if known else []
            answered_ns = self._now_ns()
        if len(values) != len(known):
            readings = tuple(Reading(tag.point.id, None, BAD_DECODING_ERROR) for tag in tags)
        else:
            left = iter(values)
            readings = tuple(
                _reading(tag.point, next(left)) if node else Reading(tag.point.id, None, BAD_NODE_ID_UNKNOWN)
                for tag, node in zip(tags, nodes, strict=True)
            )
        return [Scan(0, requested_ns, answered_ns, readings)]

    async def clock_offset_ns(self) -> tuple[int, int]:
        """Bounds (earliest, latest) of the server's clock minus ours, from one read of its current time.

        A server that refreshes its current time now and then is behind by up to that interval; the bounds do not know.
        Raises Unreachable.
        """
        node = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
        asked = ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value)
        async with self._session() as client:
            requested_ns = self._now_ns()
            (answer,) = await client.uaclient.read(ua.ReadParameters(NodesToRead=[asked]))
            answered_ns = self._now_ns()
        server_ns = _ns(answer.Value.Value) if answer.Value is not None else None
        if server_ns is None:
            raise Unreachable(f"{self._bus.url}: the server does not tell its time")
        return server_ns - answered_ns, server_ns - requested_ns

    def silence_ns(self, _meter: str) -> int:
        """One timeout."""
        return self._bus.timeout_ms * 1_000_000

    async def close(self) -> None:
        """End the session."""
        await self._drop()

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[Client]:
        """Lend a connected client; whatever fails ends the session and is Unreachable."""
        try:
            if self._client is None:
                await self._connect()
            yield self._client
        except FAULTS as error:
            await self._drop()
            reason = " ".join(str(error).split()) or type(error).__name__
            raise Unreachable(f"{self._bus.url}: {reason}") from error
        except BaseException:
            await self._drop()
            raise

    async def _connect(self) -> None:
        bus = self._bus
        self._client = client = Client(bus.url, timeout=bus.timeout_ms / 1000, watchdog_intervall=WATCHDOG_S)
        if bus.security is not None:
            s = bus.security
            client.application_uri = s.application_uri
            await client.set_security_string(f"{s.policy},{s.mode},{s.certificate},{s.key},{s.server_certificate}")
        if bus.user is not None and bus.password_file is not None:
            client.set_user(bus.user)
            client.set_password((await asyncio.to_thread(Path(bus.password_file).read_text)).strip())
        await client.connect()
        self._namespaces = await client.get_namespace_array()

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):  # a farewell may fail in any way: the session is over
                await asyncio.wait_for(client.disconnect(), LEAVE_S)
            client.disconnect_socket()

    def _node(self, tag: _Tag) -> ua.NodeId | None:
        """Return the tag's node id on this server; None if the server has no such namespace."""
        if tag.namespace is None:
            return ua.NodeId.from_string(tag.node)
        uri = self._bus.namespaces.get(tag.namespace, tag.namespace)
        if uri not in self._namespaces:
            return None
        return ua.NodeId.from_string(f"ns={self._namespaces.index(uri)};{tag.node}")


def _reading(point: Point, answer: ua.DataValue) -> Reading:
    status = GOOD if answer.StatusCode is None else int(answer.StatusCode.value)
    source_ns = _ns(answer.SourceTimestamp)
    variant = answer.Value
    if not is_bad(status):
        if variant is None or variant.Value is None:
            status = BAD_NO_DATA
        elif variant.VariantType != TYPES[point.type] or variant.is_array:
            status = BAD_TYPE_MISMATCH
    if is_bad(status):
        return Reading(point.id, None, status, source_ns)
    if point.type == "text":
        return _text(point, str(variant.Value), status, source_ns)
    raw = _bits(point, variant.Value)
    missing = status_of(point, raw)
    return Reading(point.id, None, missing, source_ns) if missing else Reading(point.id, raw, status, source_ns)


def _text(point: Point, text: str, status: int, source_ns: int | None) -> Reading:
    """A text as it is. A server may send any bytes: what is not UTF-8, or too long to be a name, is no value."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return Reading(point.id, None, BAD_DECODING_ERROR, source_ns)
    if len(text) > TEXT_CHARACTERS_MAX:
        return Reading(point.id, None, BAD_OUT_OF_RANGE, source_ns)
    return Reading(point.id, None, status, source_ns, text)


def _bits(point: Point, value: float) -> int:
    """Two's complement of an integer, IEEE 754 bits of a float, as an unsigned integer."""
    if point.type in {"float32", "float64"}:
        return int.from_bytes(struct.pack(">f" if point.type == "float32" else ">d", value), "big")
    return int(value) & ((1 << point.bits) - 1)


def _ns(moment: datetime | None) -> int | None:
    """UTC nanoseconds of an OPC UA DateTime (asyncua keeps microseconds); None if it gives none."""
    if moment is None:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    ns = (aware - EPOCH) // timedelta(microseconds=1) * 1000
    # a DateTime reaches to the year 9999; no clock that is of use here lies beyond 64 bits of nanoseconds, in 2262
    return ns if aware > NO_TIME and -(2**63) <= ns < 2**63 else None
