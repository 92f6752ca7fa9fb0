"""The line controllers as an OPC UA server, laid out as a Siemens S7-1500 shows its data blocks.

In: lines, a port, the length of a scan cycle, a clock. Out: per line the String nodes BatchId and Product (empty
while idle), the Boolean Running, and the Doubles Produced (good) and Scrap, totals in kg that never fall; names such
as "Line1"."BatchId", quotes included. The same in numbers: StateCurrent (PackML: 6 Execute, 4 Idle) and BatchNumber.
Never: a value between two scans: a read shows the image of the last scan before it, the same for all its nodes.
SourceTimestamp is the scan at which a value last changed. Values are made when read, so subscriptions see no changes.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from asyncua import Server, ua
from asyncua.common.callback import CallbackType

from simulators.line import Line

# Comes first on these controllers, which puts their own namespace at index 3.
DEVICES = "http://opcfoundation.org/UA/DI/"
NAMESPACE = "http://www.siemens.com/simatic-s7-opcua"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TAGS = {  # name: type, and a value that only declares the node
    "BatchId": (ua.VariantType.String, ""),
    "Product": (ua.VariantType.String, ""),
    "Running": (ua.VariantType.Boolean, False),
    "Produced": (ua.VariantType.Double, 0.0),
    "Scrap": (ua.VariantType.Double, 0.0),
    "StateCurrent": (ua.VariantType.Int32, 0),
    "BatchNumber": (ua.VariantType.UInt32, 0),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """What is wrong with the controllers when a value is read: their clock (ms ahead), its status (bad: no value)."""

    clock_ms: int = 0
    status: int = 0

    def told(self, value: ua.DataValue) -> ua.DataValue:
        """Return a value as controllers in this condition tell it."""
        content = ua.Variant() if self.status else value.Value
        ahead = timedelta(milliseconds=self.clock_ms)
        return replace(
            value,
            Value=content,
            StatusCode=ua.StatusCode(self.status),
            SourceTimestamp=value.SourceTimestamp + ahead,
            ServerTimestamp=value.ServerTimestamp + ahead,
        )


Ask = Callable[[], Condition]


def shown(line: Line, at_ns: int, scan_ns: int) -> dict[str, ua.DataValue]:
    """Return what the nodes of a line show at an instant, by name; scans are at whole multiples of the cycle."""
    seen_ns = max(at_ns // scan_ns * scan_ns, line.start_ns)
    values = {}
    for name, (value, since_ns) in _with_numbers(line.shown(seen_ns)).items():
        changed_ns = min(-(-since_ns // scan_ns) * scan_ns, seen_ns)  # the first scan that saw it
        is_mass = TAGS[name][0] is ua.VariantType.Double
        content = value / 1_000_000 if is_mass and not isinstance(value, str) else value  # mg shown in kg
        values[name] = ua.DataValue(
            ua.Variant(content, TAGS[name][0]), SourceTimestamp=_datetime(changed_ns), ServerTimestamp=_datetime(at_ns)
        )
    return values


def _with_numbers(known: dict[str, tuple[str | int, int]]) -> dict[str, tuple[str | int, int]]:
    """What a controller shows that has no names: PackML's state, and the number at the end of the batch's name."""
    (batch, named_ns), (running, since_ns) = known["BatchId"], known["Running"]
    number = int(str(batch).rpartition("-")[2] or 0)
    return {**known, "StateCurrent": (6 if running else 4, since_ns), "BatchNumber": (number, named_ns)}


class Image:
    """The process image that a read sees: taken when the read begins, the same for every node of it."""

    def __init__(
        self, lines: Iterable[Line], scan_ns: int, now_ns: Callable[[], int], condition: Ask = Condition
    ) -> None:
        self._condition = condition
        self._lines = tuple(lines)
        self._scan_ns = scan_ns
        self._now_ns = now_ns
        self.take()

    def take(self, *_: object) -> None:
        """Take a new image; also the listener for reads about to begin."""
        at_ns = self._now_ns()
        self._values = {
            (line.config.name, name): value
            for line in self._lines
            for name, value in shown(line, at_ns, self._scan_ns).items()
        }

    def reader(self, line: str, name: str) -> Callable[[ua.NodeId, ua.AttributeIds], ua.DataValue]:
        """Return the function that the server calls for a node's value."""
        return lambda _node, _attribute: self._condition().told(self._values[line, name])


@asynccontextmanager
async def serving(
    lines: Iterable[Line],
    port: int,
    scan_ms: int,
    now_ns: Callable[[], int],
    host: str = "127.0.0.1",
    condition: Ask = Condition,
) -> AsyncIterator[int]:
    """Serve the lines while the context is open and yield the port (that chosen by the system for 0).

    `condition` is asked at every value, and for the time. Raises OSError if the port is taken.
    """
    lines = tuple(lines)
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://{host}:{port}/")
    server.set_server_name("Line controllers (simulated)")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    await server.register_namespace(DEVICES)
    index = await server.register_namespace(NAMESPACE)
    image = Image(lines, scan_ms * 1_000_000, now_ns, condition)
    for line in lines:
        await _add_line(server, index, line, image)
    server.subscribe_server_callback(CallbackType.PreRead, image.take)
    _show_time(server, lambda: now_ns() + condition().clock_ms * 1_000_000)
    await server.start()
    try:
        yield int(server.bserver.port)
    finally:
        await server.stop()


async def _add_line(server: Server, index: int, line: Line, image: Image) -> None:
    name = line.config.name
    block = await server.nodes.objects.add_object(ua.NodeId(f'"{name}"', index), ua.QualifiedName(name, index))
    for tag, (kind, nothing) in TAGS.items():
        node_id = ua.NodeId(f'"{name}"."{tag}"', index)
        await block.add_variable(node_id, ua.QualifiedName(tag, index), nothing, kind)
        server.set_attribute_value_callback(node_id, image.reader(name, tag))


def _show_time(server: Server, now_ns: Callable[[], int]) -> None:
    """Show the time of the read as CurrentTime: the library's own is up to a second old, a controller's is not."""
    server.iserver.disabled_clock = True

    def current(_node: ua.NodeId, _attribute: ua.AttributeIds) -> ua.DataValue:
        now = _datetime(now_ns())
        return ua.DataValue(ua.Variant(now, ua.VariantType.DateTime), SourceTimestamp=now, ServerTimestamp=now)

    server.set_attribute_value_callback(ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime), current)


def _datetime(at_ns: int) -> datetime:
    return EPOCH + timedelta(microseconds=at_ns // 1000)
