"""Where tags are: as profiles write it, and as servers answer it."""

import pytest
from asyncua import Client, ua

from agent.drivers import profile
from agent.drivers.opcua_nodes import OPC_UA, find, tag_of
from simulators.opcua_meters import ECM, ECM_METER, PLANT, MeterServer

HEAD = 'make="m"\nmodel="m"\nmedium="electricity"\ngrade="bronze"\nsources=["s"]\n'


def point(node, unit="Wh"):
    text = HEAD + f'[[point]]\nid="a"\nquantity="tag"\nnode=\'{node}\'\ntype="float64"\nunit="{unit}"\nkind="gauge"\n'
    return profile.parse(text.encode()).points[0]


@pytest.mark.parametrize(
    ("node", "path"),
    [
        ("/Server", [(OPC_UA, "Server")]),
        (
            "/{urn:a}Machine/Energy/{http://b/c/}Total",
            [("urn:a", "Machine"), ("urn:a", "Energy"), ("http://b/c/", "Total")],
        ),
        ("/{urn:a}m&/s/A&&B/&{x", [("urn:a", "m/s"), ("urn:a", "A&B"), ("urn:a", "{x")]),
    ],
)
def test_paths_are_read(node, path):
    assert list(tag_of(point(node)).path) == path


@pytest.mark.parametrize(
    "node", ["/", "//a", "/a//b", "/a/", "/{urn:a}", "/{urn:a", "/{}a", "/a&", "nonsense", "nsu=urn:a;x", "nsu=urn:a"]
)
def test_what_is_neither_node_nor_path_is_none(node):
    assert tag_of(point(node)) is None


@pytest.mark.parametrize("identifier", ["i=7", "s=a;b=c", "g=12345678-1234-1234-1234-123456789012", "b=AAEC"])
def test_all_kinds_of_identifiers_are_taken(identifier):
    tag = tag_of(point(f"nsu=urn:a;{identifier}"))
    assert (tag.namespace, tag.node, tag.path) == ("urn:a", identifier, ())


async def test_a_server_says_what_is_there():
    server = MeterServer(ECM_METER, lambda: 10**18, history=True)
    server.extra_namespaces = ("urn:first",)
    energy = f"{{{ECM}}}AcActiveEnergyTotalImportHp"
    nodes = {
        "by node": point(f"nsu={ECM};i=6002"),
        "by path": point(f"/{{{PLANT}}}Meter/{energy}"),
        "in kWh": point(f"nsu={ECM};i=6002", "kWh"),
        "other unit by path": point(f"/{{{PLANT}}}Meter/{energy}", "MWh"),
        "absent": point(f"nsu={ECM};i=1"),
        "no such name": point(f"/{{{PLANT}}}Meter/Nothing"),
        "no such namespace": point("nsu=urn:nowhere;i=1"),
        "no such namespace by path": point("/{urn:nowhere}Meter"),
        "called otherwise": point("nsu=urn:our-name;i=6002"),
        "without unit": point(f"nsu={PLANT};i=6004"),
    }
    await server.start()
    try:
        async with Client(server.url) as client:
            index = await client.get_namespace_index(ECM)
            assert index > 2
            found = dict(
                zip(nodes, await find(client, [tag_of(p) for p in nodes.values()], {"urn:our-name": ECM}), strict=True)
            )
    finally:
        await server.stop()
    there = ua.NodeId(6002, index)
    assert {name for name, f in found.items() if f.node == there} == {
        "by node",
        "by path",
        "in kWh",
        "other unit by path",
        "called otherwise",
    }
    assert {name for name, f in found.items() if not f.exists} == {
        "absent",
        "no such name",
        "no such namespace",
        "no such namespace by path",
    }
    assert {name: f.unit for name, f in found.items() if f.unit} == {"in kWh": "Wh", "other unit by path": "Wh"}
    assert {f.has_history for f in found.values() if f.exists} == {True}
