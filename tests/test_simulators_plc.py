"""The controllers as an OPC UA client meets them: names, types, one scan for a whole read, source times, the time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from asyncua import Client, ua

from agent import lines
from agent.batches import Source
from agent.config import Line
from agent.drivers import Target, profile
from agent.drivers.opcua import Bus, open_driver
from agent.rows import Lines
from simulators import plc
from simulators.cli import open_plant

FILE = Path(__file__).parents[1] / "configs" / "demo" / "plant.toml"
START_NS = 1_700_000_000_123_456_789
SCAN_NS = 10_000_000
LINES = open_plant(FILE, 7, START_NS).lines
FIRST = LINES["line1"].batches(START_NS + 3600 * 10**9)[0]
TAGS = ("BatchId", "Product", "Running", "Produced", "Scrap", "StateCurrent", "BatchNumber")


class Clock:
    """A clock that stands, or leaps forward whenever someone looks."""

    def __init__(self) -> None:
        self.at_ns = START_NS
        self.leap_ns = 0

    def __call__(self) -> int:
        """Return the time."""
        self.at_ns += self.leap_ns
        return self.at_ns


@asynccontextmanager
async def connected(clock: Clock) -> AsyncIterator[tuple[Client, int]]:
    async with plc.serving(LINES.values(), 0, 10, clock) as port, Client(f"opc.tcp://127.0.0.1:{port}/") as client:
        yield client, await client.get_namespace_index("http://www.siemens.com/simatic-s7-opcua")


async def read(client: Client, index: int, *lines: str) -> dict[str, ua.DataValue]:
    names = [f'"{line}"."{tag}"' for line in lines for tag in TAGS]
    values = await client.uaclient.read_attributes([ua.NodeId(name, index) for name in names], ua.AttributeIds.Value)
    return dict(zip(names, values, strict=True))


def source_ns(value: ua.DataValue) -> int:
    passed = value.SourceTimestamp.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (passed.days * 86_400 + passed.seconds) * 10**9 + passed.microseconds * 1_000


def content(value: ua.DataValue) -> object:
    return value.Value.Value


async def test_a_batch_seen_by_a_client():
    clock = Clock()
    async with connected(clock) as (client, index):
        assert index == 3
        first_scan = -(-FIRST.start_ns // SCAN_NS) * SCAN_NS

        clock.at_ns = first_scan - 1  # begun, perhaps, but no scan has seen it
        before = await read(client, index, "Line1")
        assert [content(before[f'"Line1"."{tag}"']) for tag in TAGS[:3]] == ["", "", False]

        clock.at_ns = first_scan
        begun = await read(client, index, "Line1")
        assert [content(begun[f'"Line1"."{tag}"']) for tag in TAGS[:3]] == ["L1-0001", FIRST.product, True]
        assert [source_ns(begun[f'"Line1"."{tag}"']) for tag in TAGS[:3]] == [first_scan] * 3

        clock.at_ns = FIRST.end_ns - 1
        last_scan = clock.at_ns // SCAN_NS * SCAN_NS
        ending = await read(client, index, "Line1")
        assert content(ending['"Line1"."BatchId"']) == "L1-0001"
        assert source_ns(ending['"Line1"."BatchId"']) == first_scan
        assert source_ns(ending['"Line1"."Produced"']) == last_scan

        clock.at_ns = FIRST.end_ns + SCAN_NS
        ended = await read(client, index, "Line1")
        for tag, made in (("Produced", FIRST.good_g_milli), ("Scrap", FIRST.scrap_g_milli)):
            name = f'"Line1"."{tag}"'
            grown_kg = float(content(ended[name])) - float(content(before[name]))
            assert round(grown_kg * 1_000_000) == made


async def test_types_and_access():
    async with connected(Clock()) as (client, index):
        kinds = {
            tag: (await client.get_node(ua.NodeId(f'"Line2"."{tag}"', index)).read_data_type_as_variant_type())
            for tag in TAGS
        }
        assert kinds == {
            "BatchId": ua.VariantType.String,
            "Product": ua.VariantType.String,
            "Running": ua.VariantType.Boolean,
            "Produced": ua.VariantType.Double,
            "Scrap": ua.VariantType.Double,
            "StateCurrent": ua.VariantType.Int32,
            "BatchNumber": ua.VariantType.UInt32,
        }
        blocks = [await node.read_browse_name() for node in await client.nodes.objects.get_children()]
        assert {"Line1", "Line2"} <= {name.Name for name in blocks if name.NamespaceIndex == index}


async def test_all_nodes_of_a_read_show_one_scan():
    clock = Clock()
    async with connected(clock) as (client, index):
        clock.leap_ns = 1_000_000_000
        for _ in range(20):
            earliest_ns = clock.at_ns
            values = await read(client, index, "Line1", "Line2")
            taken_ns = {value.ServerTimestamp for value in values.values()}
            assert len(taken_ns) == 1
            matching = [
                at_ns
                for at_ns in range(earliest_ns + clock.leap_ns, clock.at_ns + 1, clock.leap_ns)
                if all(
                    content(values[f'"{line.config.name}"."{tag}"']) == content(value)
                    for line in LINES.values()
                    for tag, value in plc.shown(line, at_ns, SCAN_NS).items()
                )
            ]
            assert matching


async def test_the_time_of_day_is_that_of_the_read():
    clock = Clock()
    async with connected(clock) as (client, _):
        node = client.get_node(ua.ObjectIds.Server_ServerStatus_CurrentTime)
        for at_ns in (START_NS, START_NS + 5_000_000):
            clock.at_ns = at_ns
            shown = (await node.read_value()).replace(tzinfo=UTC)
            assert shown == datetime.fromtimestamp(at_ns // 1000 / 1_000_000, UTC)


POINTS = {"BatchId": "text", "Product": "text", "Running": "bool", "StateCurrent": "int32", "BatchNumber": "uint32"}
CONTROLLER = "".join(
    f"""[[point]]
id = "{name.lower()}"
quantity = "state"
node = 'nsu=http://www.siemens.com/simatic-s7-opcua;s="Line1"."{name}"'
type = "{kind}"
unit = "1"
kind = "gauge"
"""
    for name, kind in POINTS.items()
)
WAYS = {
    "tags": {"batch": "batchid", "product": "product", "running": "running"},
    "packml": {"batch": "batchnumber", "product": "product", "state": "statecurrent"},
    "counter": {"batch": "batchnumber", "product": "product", "running": "running"},
}


async def test_a_batch_is_the_same_whichever_way_it_is_told():
    """Over OPC UA, through the agent's driver: names, edges and states of the first batch."""
    head = 'make = "T"\nmodel = "plc"\nmedium = "production"\ngrade = "bronze"\nsources = ["made up"]\n'
    controller = profile.parse((head + CONTROLLER).encode())
    points = {point.id: point for point in controller.points}
    lines_ = [Line(name=way, told_by=way, source="plc", energy=("m.e",), **keys) for way, keys in WAYS.items()]
    state, told, clock = Lines({}, []), [], Clock()
    instants = [FIRST.start_ns - 10**9, FIRST.start_ns + 10**9, FIRST.end_ns - 10**9, FIRST.end_ns + 10**8]
    async with plc.serving(LINES.values(), 0, 10, clock) as port:
        bus = Bus(url=f"opc.tcp://127.0.0.1:{port}/")
        driver = open_driver(bus, {"plc": Target(1, controller)}, clock, lambda _: None)
        try:
            for clock.at_ns in instants:
                scans = [("plc", scan) for scan in await driver.read("plc")]
                sources = {line.name: Source(10_000_000, None, points) for line in lines_}
                state, events = lines.observed(state, lines_, scans, sources)
                told += [(one.about, one.event, one.detail.get("batch", one.detail.get("state"))) for one in events]
        finally:
            await driver.close()
    ended = dict(state.closing)
    assert {way: one.running.batch for way, one in ended.items()} == {
        "tags": "L1-0001", "packml": "1", "counter": "counter-1",
    }  # fmt: skip
    for one in ended.values():
        assert one.running.product == FIRST.product
        assert one.running.start.earliest_ns <= FIRST.start_ns <= one.running.start.latest_ns
        assert one.end.earliest_ns <= FIRST.end_ns <= one.end.latest_ns
    assert [word for about, event, word in told if (about, event) == ("packml", "line_state")] == [
        "idle", "produce", "idle",
    ]  # fmt: skip
