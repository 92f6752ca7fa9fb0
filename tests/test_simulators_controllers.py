"""Controllers in trouble, as an OPC UA client meets them."""

import asyncio
import contextlib
from pathlib import Path

import pytest
from asyncua import Client, ua

from simulators import cli, controllers
from simulators.faults import Fault
from simulators.plc import Condition

FILE = Path(__file__).parents[1] / "configs" / "demo" / "plant.toml"
START_NS = 1_700_000_000 * 10**9
NOW_NS = START_NS + 600 * 10**9


@contextlib.asynccontextmanager
async def bench(*faults, elapsed_s=0):
    plant = cli.open_plant(FILE, 1, START_NS)
    plant.scenario = plant.scenario.model_copy(update={"faults": faults})
    config = plant.scenario.plc.model_copy(update={"port": 0})
    outages = []
    served = controllers.serving(plant, config, lambda: NOW_NS, lambda: elapsed_s * 10**9, outages.append)
    try:
        async with served as port:
            yield f"opc.tcp://127.0.0.1:{port}/", outages
    finally:
        for outage in outages:
            outage.close()


async def produced(client):
    index = await client.get_namespace_index("http://www.siemens.com/simatic-s7-opcua")
    [value] = await client.uaclient.read_attributes([ua.NodeId('"Line1"."Produced"', index)], ua.AttributeIds.Value)
    return value


async def test_a_bad_value_is_empty():
    async with bench(Fault(kind="bad_quality")) as (url, _), Client(url) as client:
        value = await produced(client)
    assert value.StatusCode.value == 0x808B0000
    assert value.Value.Value is None


async def test_a_wrong_clock_is_wrong_in_source_times_and_in_the_servers_own():
    read = []
    for faults in ((), (Fault(kind="wrong_clock", ms=-45_000),)):
        async with bench(*faults) as (url, _), Client(url) as client:
            now = await client.get_node(ua.ObjectIds.Server_ServerStatus_CurrentTime).read_value()
            value = await produced(client)
            read.append((value.Value.Value, value.SourceTimestamp, now))
    (right, at, now), (same, earlier, behind) = read
    assert right == same
    assert [(at - earlier).total_seconds(), (now - behind).total_seconds()] == [45, 45]


@pytest.mark.parametrize(("elapsed_s", "expected"), [(9, 0), (10, 7), (20, 0)])
def test_conditions_keep_to_their_times(elapsed_s, expected):
    faults = [Fault(kind="wrong_clock", ms=7, from_s=10, to_s=20)]
    assert controllers.conditions(faults, 1, lambda: elapsed_s * 10**9)() == Condition(expected, 0)


def test_a_share_of_the_values_is_bad_and_the_same_by_seed():
    def bad(seed):
        condition = controllers.conditions([Fault(kind="bad_quality", share_permille=300)], seed, lambda: 0)
        return [condition().status for _ in range(1000)]

    assert bad(1) == bad(1) != bad(2)
    assert 230 < sum(map(bool, bad(1))) < 370  # 300, give or take five standard deviations


async def test_a_restart_ends_sessions_and_comes_back_at_the_same_port():
    async with bench(Fault(kind="opcua_restart", ms=1)) as (url, outages):
        lost = asyncio.Event()

        async def note(_error):
            lost.set()

        client = Client(url)
        client.connection_lost_callback = note
        await client.connect()
        assert (await produced(client)).StatusCode.is_good()
        await outages.pop()
        await asyncio.wait_for(lost.wait(), 10)
        with contextlib.suppress(Exception):  # what a lost client says on leaving is not at issue
            await client.disconnect()
        async with Client(url) as again:
            assert (await produced(again)).StatusCode.is_good()


async def test_frozen_it_answers_nobody():
    async with bench(Fault(kind="opcua_freeze")) as (url, outages):
        client = Client(url, timeout=30)
        await client.connect()
        await outages.pop()
        asked = asyncio.create_task(produced(client))
        done, _ = await asyncio.wait([asked], timeout=0.5)
        assert not done
        asked.cancel()
        client.disconnect_socket()
