"""The driver against a simulated meter: layouts, units, identity, missing nodes, bad quality."""

import struct

import pytest
from asyncua import ua
from opcua_profiles import driving, ecm, kepserver

from agent.drivers import BAD_NODE_ID_UNKNOWN
from agent.drivers.opcua_link import BAD_CONFIGURATION_ERROR
from simulators.opcua_meters import ECM_METER, KEPSERVER_METER, MeterServer

NOW_NS = 1_795_163_415_000_000_000


def double(value):
    return int.from_bytes(struct.pack(">d", value), "big")


def single(value):
    return int.from_bytes(struct.pack(">f", value), "big")


async def serving(layout, **keys):
    server = MeterServer(layout, lambda: NOW_NS, **keys)
    await server.start()
    return server


async def test_an_ecm_meter_is_read_by_node_and_by_path():
    server = await serving(ECM_METER)
    try:
        await server.show("AcActivePowerTotal", 1234.5)
        await server.show("AcActiveEnergyTotalImportHp", 98_765.25, NOW_NS - 5 * 10**9)
        await server.show("SerialNumber", "E3-0001")
        await server.show("Model", "Sim E3")
        async with driving(server.url, ecm(), ecm(missing=True)) as (driver, events):
            (scan,) = await driver.read("m0")
            assert [(r.point, r.raw, r.status) for r in scan.readings] == [
                ("power", single(1234.5), 0),
                ("energy", double(98_765.25), 0),
            ]
            assert scan.readings[1].source_ns == NOW_NS - 5 * 10**9
            (identity,) = await driver.identify("m0")
            assert identity.block == 3
            assert [(r.point, r.text) for r in identity.readings] == [("serial", "E3-0001"), ("model", "Sim E3")]
            (scan,) = await driver.read("m1")
            assert [r.status for r in scan.readings] == [0, 0, BAD_NODE_ID_UNKNOWN]
            await driver.read("m1")
            assert [(e.event, e.about, e.detail) for e in events] == [
                ("node_missing", "m1", {"point": "gone", "node": "nsu=http://opcfoundation.org/UA/ECM/;i=1"})
            ]
    finally:
        await server.stop()


async def test_a_unit_that_is_not_the_profiles_has_no_value_however_good_it_looks():
    server = await serving(ECM_METER)
    try:
        await server.show("AcActivePowerTotal", 1.0)
        await server.show("AcActiveEnergyTotalImportHp", 5.0)
        subscribed = {"mode": "subscribe", "sampling_ms": 50, "queue_size": 10, "publishing_ms": 50}
        for keys in ({}, subscribed):
            async with driving(server.url, ecm("kWh"), **keys) as (driver, events):
                for _ in range(2):
                    scans = await driver.read("m0")
                    energies = [r for scan in scans for r in scan.readings if r.point == "energy"]
                    assert {(r.raw, r.status) for r in energies} == {(None, BAD_CONFIGURATION_ERROR)}
                    assert scans[-1].readings[0].raw == single(1.0)
                assert [(e.event, e.detail) for e in events] == [
                    ("unit_mismatch", {"point": "energy", "profile": "kWh", "server": "Wh"})
                ]
        server.change_unit("AcActiveEnergyTotalImportHp", "KWH", "kW·h")
        await server.stop()
        await server.start()
        async with driving(server.url, ecm("kWh")) as (driver, events):
            (scan,) = await driver.read("m0")
            assert (scan.readings[1].raw, events) == (double(5.0), [])
    finally:
        await server.stop()


async def test_a_kepserver_layout_without_units_or_identity():
    server = await serving(KEPSERVER_METER)
    try:
        await server.show("Power", 2.0)
        await server.show("Energy", 3.0)
        async with driving(server.url, kepserver()) as (driver, events):
            (scan,) = await driver.read("m0")
            assert [r.raw for r in scan.readings] == [single(2.0), double(3.0)]
            assert await driver.identify("m0") == []
            assert events == []
    finally:
        await server.stop()


@pytest.mark.parametrize("status", [0x80000000, 0x808B0000, 0x80310000, 0xC0000000])
async def test_bad_quality_never_becomes_a_value(status):
    server = await serving(KEPSERVER_METER)
    try:
        await server.show("Power", 2.0)
        await server.show("Energy", 3.0)
        async with driving(server.url, kepserver()) as (driver, _):
            assert (await driver.read("m0"))[0].readings[1].raw == double(3.0)
            await server.show("Energy", 3.0, status=status)
            (scan,) = await driver.read("m0")
            assert (scan.readings[1].raw, scan.readings[1].status) == (None, status)
            await server.show("Energy", 4.0)
            assert (await driver.read("m0"))[0].readings[1].raw == double(4.0)
    finally:
        await server.stop()


async def test_a_tag_that_comes_later_is_found_and_its_unit_checked_before_it_has_a_value():
    server = await serving(ECM_METER)
    clock = [NOW_NS]
    try:
        async with driving(server.url, ecm(missing=True), now_ns=lambda: clock[0]) as (driver, events):
            assert (await driver.read("m0"))[0].readings[2].status == BAD_NODE_ID_UNKNOWN
            space = server._server
            index = await space.get_namespace_index("http://opcfoundation.org/UA/ECM/")
            node = await space.nodes.objects.add_variable(ua.NodeId(1, index), "Late", 5.0, ua.VariantType.Float)
            unit = ua.EUInformation("http://www.opcfoundation.org/UA/units/un/cefact", 4937556)  # KWT
            await node.add_property(0, "EngineeringUnits", unit)
            clock[0] += 59 * 10**9
            assert (await driver.read("m0"))[0].readings[2].status == BAD_NODE_ID_UNKNOWN
            clock[0] += 10**9
            assert (await driver.read("m0"))[0].readings[2].status == BAD_CONFIGURATION_ERROR
            assert [e.event for e in events] == ["node_missing", "unit_mismatch"]
            assert events[1].detail == {"point": "gone", "profile": "W", "server": "kW"}
    finally:
        await server.stop()
