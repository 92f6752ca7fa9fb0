"""What an OPC UA server says of itself."""

import pytest
from asyncua import Server as OpcUaServer
from asyncua import ua

from agent.commission.scan_opcua import Server, lines, look


async def test_name_and_namespaces(unused_tcp_port_of):
    server = OpcUaServer()
    await server.init()
    url = f"opc.tcp://127.0.0.1:{unused_tcp_port_of()}/"
    server.set_endpoint(url)
    server.set_server_name("Press line 1")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    await server.register_namespace("urn:plant:press")
    async with server:
        found = await look(url, 4.0)
    assert found.name == "Press line 1"
    assert found.namespaces[0] == "http://opcfoundation.org/UA/"
    assert found.namespaces[-1] == "urn:plant:press"
    assert found.refused == ""


async def test_nobody_there_is_an_error(unused_tcp_port_of):
    with pytest.raises(OSError):
        await look(f"opc.tcp://127.0.0.1:{unused_tcp_port_of()}/", 1.0)


def test_lines():
    assert lines(Server("opc.tcp://h:1/", "Press", ("a", "b"))) == [
        "opc.tcp://h:1/  Press",
        "  namespace 0  a",
        "  namespace 1  b",
    ]
    assert lines(Server("u", "n", (), "BadUserAccessDenied"))[-1] == "  namespaces not shown: BadUserAccessDenied"


@pytest.fixture
def unused_tcp_port_of():
    """A port that was free a moment ago."""
    import socket  # noqa: PLC0415 - only this test needs one

    def free():
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            return bound.getsockname()[1]

    return free
