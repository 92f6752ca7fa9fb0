"""The simulated meters as any OPC UA client meets them."""

from datetime import UTC, datetime

from asyncua import Client, ua

from simulators.opcua_meters import ECM, ECM_METER, KEPSERVER, KEPSERVER_METER, MeterServer

NOW_NS = 1_795_163_415_000_000_000


async def test_an_ecm_meter_has_the_units_and_types_of_opc_34100():
    server = MeterServer(ECM_METER, lambda: NOW_NS)
    await server.show("AcActiveEnergyTotalImportHp", 5.5)
    await server.start()
    try:
        async with Client(server.url) as client:
            index = await client.get_namespace_index(ECM)
            energy = client.get_node(ua.NodeId(6002, index))
            assert await energy.read_browse_name() == ua.QualifiedName("AcActiveEnergyTotalImportHp", index)
            assert await energy.read_data_type_as_variant_type() == ua.VariantType.Double
            unit = await (await energy.get_child(["0:EngineeringUnits"])).read_value()
            assert (unit.UnitId, unit.NamespaceUri) == (5720146, "http://www.opcfoundation.org/UA/units/un/cefact")
            assert await energy.read_value() == 5.5
            power = client.get_node(ua.NodeId(6001, index))
            assert await power.read_data_type_as_variant_type() == ua.VariantType.Float
    finally:
        await server.stop()


async def test_a_restart_keeps_port_values_and_history():
    server = MeterServer(KEPSERVER_METER, lambda: NOW_NS, history=True)
    await server.start()
    port = server.port
    try:
        await server.show("Energy", 1.0, NOW_NS - 3 * 10**9)
        await server.stop()
        await server.show("Energy", 2.0, NOW_NS - 2 * 10**9)
        await server.show("Energy", 2.0, NOW_NS - 10**9, status=0x808B0000)
        await server.start()
        assert server.port == port
        async with Client(server.url) as client:
            index = await client.get_namespace_index(KEPSERVER)
            assert index == 2
            node = client.get_node(ua.NodeId("Channel1.Device1.Energy", index))
            now = await node.read_data_value(raise_on_bad_status=False)
            assert now.StatusCode.value == 0x808B0000
            around = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
            values = await node.read_raw_history(*around, return_bounds=False)
            assert sorted((v.Value.Value, v.StatusCode.value) for v in values) == [
                (1.0, 0),
                (2.0, 0),
                (2.0, 0x808B0000),
            ]
    finally:
        await server.stop()
