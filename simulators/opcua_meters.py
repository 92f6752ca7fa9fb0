"""A meter as OPC UA servers show it: by the companion specification OPC 34100, or as a gateway's tags (KEPServerEX).

In: a layout, and values as they change. Out: nodes with EngineeringUnits, status, times and, if wanted, history. The
knobs: start and stop (a restart keeps port and history), a status for any tag, a clock that is wrong by a given amount.
Never: a value between two that were shown, or a time of its own: the caller says when a value came to be.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asyncua import Server, ua

ECM = "http://opcfoundation.org/UA/ECM/"
PLANT = "urn:metertrail:simulated-plant"
KEPSERVER = "KEPServerEX"
UNECE = "http://www.opcfoundation.org/UA/units/un/cefact"
GOOD = 0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
READ_AND_HISTORY = 0x05
PAGE = 100  # values in one answer to a HistoryRead


@dataclass(frozen=True, slots=True)
class Tag:
    """One node: its name, namespace URI and identifier there, its type, and its unit (UN/ECE code, symbol)."""

    name: str
    namespace: str
    identifier: int | str
    kind: ua.VariantType
    unit: tuple[str, str] | None = None


# OPC 34100 1.0.0: energy profile E3 names these; W and Wh are the units it fixes.
ECM_METER: tuple[Tag, ...] = (
    Tag("AcActivePowerTotal", ECM, 6001, ua.VariantType.Float, ("WTT", "W")),
    Tag("AcActiveEnergyTotalImportHp", ECM, 6002, ua.VariantType.Double, ("WHR", "W·h")),
    Tag("AcActiveEnergyTotalExportHp", ECM, 6003, ua.VariantType.Double, ("WHR", "W·h")),
    Tag("SerialNumber", PLANT, 6004, ua.VariantType.String),
    Tag("Model", PLANT, 6005, ua.VariantType.String),
)
KEPSERVER_METER: tuple[Tag, ...] = (
    Tag("Power", KEPSERVER, "Channel1.Device1.Power", ua.VariantType.Float),
    Tag("Energy", KEPSERVER, "Channel1.Device1.Energy", ua.VariantType.Double),
    Tag("Serial", KEPSERVER, "Channel1.Device1.Serial", ua.VariantType.String),
)


class _Kept:
    """History that outlives the server, as asyncua asks for it: what a restart finds again."""

    def __init__(self) -> None:
        self._values: dict[int | str, list[ua.DataValue]] = {}

    def keep(self, identifier: int | str, value: ua.DataValue) -> None:
        """Add a value, in order of time."""
        self._values.setdefault(identifier, []).append(value)

    async def init(self) -> None:
        """Nothing to prepare."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def read_node_history(
        self, node: ua.NodeId, start: datetime, end: datetime, _most: int
    ) -> tuple[list[ua.DataValue], datetime | None]:
        """One page, and where the next begins."""
        within = [value for value in self._values.get(node.Identifier, []) if start <= value.SourceTimestamp <= end]
        return within[:PAGE], within[PAGE].SourceTimestamp if len(within) > PAGE else None


class MeterServer:
    """One meter on a server of its own, under Objects/Meter."""

    def __init__(
        self, layout: Sequence[Tag], now_ns: Callable[[], int], *, port: int = 0, history: bool = False,
        host: str = "127.0.0.1",
    ) -> None:  # fmt: skip
        """Take a port to serve at; 0 has one chosen at the first start, which later starts keep."""
        self._layout, self._now_ns, self._host, self._history = {tag.name: tag for tag in layout}, now_ns, host, history
        self.port = port
        self.clock_offset_ns = 0  # its clock less the true one
        self.extra_namespaces: tuple[str, ...] = ()  # registered before the meter's own: moves their indexes
        self.certificate: tuple[Path, Path] | None = None  # and its key: from the next start on, no clear channel
        self.users: object = None  # with a `get_user` as asyncua asks for; None lets everyone in
        self._values: dict[str, tuple[object, int, int]] = {}  # value, status, since
        self._kept = _Kept()
        self._server: Server | None = None
        self._nodes: dict[str, ua.NodeId] = {}

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"opc.tcp://{self._host}:{self.port}/"

    async def start(self) -> None:
        """Serve. Raises OSError if the port is taken."""
        server = Server()
        if self._history:
            server.iserver.history_manager.set_storage(self._kept)  # must come before init
        await server.init()
        server.set_endpoint(self.url)
        server.set_server_name("Meter (simulated)")
        await self._guard(server)
        for uri in self.extra_namespaces:
            await server.register_namespace(uri)
        # KEPServerEX has its namespace at index 2, where asyncua puts the first that is registered
        indexes = {uri: await server.register_namespace(uri) for uri in self._namespaces()}
        meter = await server.nodes.objects.add_object(
            ua.NodeId("Meter", indexes[self._namespaces()[-1]]),
            ua.QualifiedName("Meter", indexes[self._namespaces()[-1]]),
        )
        for tag in self._layout.values():
            await self._add(server, meter, tag, indexes[tag.namespace])
        server.iserver.disabled_clock = True
        clock = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
        server.iserver.aspace.set_attribute_value_callback(clock, ua.AttributeIds.Value, self._time)
        await server.start()
        self.port = int(server.bserver.port)
        self._server = server
        for name in self._values:
            await self._write(name)

    async def stop(self) -> None:
        """Stop serving; a later start finds values and history again."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop()

    async def show(self, name: str, value: object, at_ns: int | None = None, status: int = GOOD) -> None:
        """Let a tag have a value from an instant on; now if none is given. Without a server it is only remembered."""
        since_ns = self._now_ns() if at_ns is None else at_ns
        self._values[name] = value, status, since_ns
        self._kept.keep(self._layout[name].identifier, self._data(name))
        if self._server is not None:
            await self._write(name)

    def change_unit(self, name: str, code: str, symbol: str) -> None:
        """Let the server say another unit from its next start on."""
        tag = self._layout[name]
        self._layout[name] = Tag(tag.name, tag.namespace, tag.identifier, tag.kind, (code, symbol))

    def _namespaces(self) -> list[str]:
        return list(dict.fromkeys([*(tag.namespace for tag in self._layout.values())]))

    async def _guard(self, server: Server) -> None:
        if self.users is not None:
            server.iserver.user_manager = self.users
        if self.certificate is None:
            server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
            return
        server.set_security_policy(
            [
                ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
                ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
                ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
            ]
        )
        await server.load_certificate(str(self.certificate[0]))
        await server.load_private_key(str(self.certificate[1]))

    async def _add(self, server: Server, meter: object, tag: Tag, index: int) -> None:
        node_id = ua.NodeId(tag.identifier, index)
        value, status, _ = self._values.get(tag.name, (None, GOOD, 0))
        nothing = "" if tag.kind == ua.VariantType.String else 0.0
        node = await meter.add_variable(  # type: ignore[attr-defined]  # asyncua is not typed here
            node_id, ua.QualifiedName(tag.name, index), nothing if value is None or status else value, tag.kind
        )
        self._nodes[tag.name] = node.nodeid
        if tag.unit is not None:
            code, symbol = tag.unit
            number = int.from_bytes(code.encode(), "big")
            unit = ua.EUInformation(UNECE, number, ua.LocalizedText(symbol), ua.LocalizedText(symbol))
            await node.add_property(0, "EngineeringUnits", unit)
        if self._history:
            for attribute in (ua.AttributeIds.AccessLevel, ua.AttributeIds.UserAccessLevel):
                level = ua.DataValue(ua.Variant(READ_AND_HISTORY, ua.VariantType.Byte))
                await server.write_attribute_value(node.nodeid, level, attribute)
            historizing = ua.DataValue(ua.Variant(True, ua.VariantType.Boolean))
            await server.write_attribute_value(node.nodeid, historizing, ua.AttributeIds.Historizing)

    async def _write(self, name: str) -> None:
        if self._server is not None:
            await self._server.write_attribute_value(self._nodes[name], self._data(name))

    def _data(self, name: str) -> ua.DataValue:
        value, status, since_ns = self._values[name]
        return ua.DataValue(
            ua.Variant(value, self._layout[name].kind),
            ua.StatusCode(status),
            SourceTimestamp=self._moment(since_ns),
            ServerTimestamp=self._moment(self._now_ns()),
        )

    def _time(self, _node: ua.NodeId, _attribute: ua.AttributeIds) -> ua.DataValue:
        now = self._moment(self._now_ns())
        return ua.DataValue(ua.Variant(now, ua.VariantType.DateTime), SourceTimestamp=now, ServerTimestamp=now)

    def _moment(self, at_ns: int) -> datetime:
        return EPOCH + timedelta(microseconds=(at_ns + self.clock_offset_ns) // 1000)
