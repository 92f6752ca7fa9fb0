"""The OPC UA driver against a real server in this process."""

import asyncio
import contextlib
import functools
import itertools
import socket
import struct
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from asyncua import Server, ua
from asyncua.server.user_managers import User, UserRole
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from agent.drivers import (
    BAD_NO_DATA,
    BAD_NODE_ID_UNKNOWN,
    BAD_TYPE_MISMATCH,
    GOOD,
    Target,
    Unreachable,
    opcua_session,
    profile,
    profiles,
)
from agent.drivers.opcua import Bus, open_driver

SIEMENS = "http://www.siemens.com/simatic-s7-opcua"
HEAD = 'make = "M"\nmodel = "X"\nmedium = "electricity"\ngrade = "bronze"\nsources = ["s"]\n'
MOMENT = datetime(2026, 11, 20, 8, 30, 15, 123456, tzinfo=UTC)
MOMENT_NS = 1_795_163_415_123_456_000  # by `date -d 2026-11-20T08:30:15Z +%s`, and the fraction


in_one_loop = pytest.mark.asyncio(loop_scope="module")


def line_profile(*points, namespace=SIEMENS):
    """A profile of points (name, type) that are tags of Line1."""
    text = HEAD
    for name, kind in points:
        node = f'nsu={namespace};s=\\"Line1\\".\\"{name}\\"'
        text += f'[[point]]\nid = "{name.lower()}"\nquantity = "tag"\nnode = "{node}"\ntype = "{kind}"\n'
        text += 'unit = "1"\nkind = "gauge"\n'
    return profile.parse(text.encode())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def add(server, index, tags):
    """Put tags {name: Variant | DataValue} on a server, named as a Siemens S7-1500 names those of Line1."""
    for name, value in tags.items():
        node_id = ua.NodeId(f'"Line1"."{name}"', index)
        variant = value.Value if isinstance(value, ua.DataValue) else value
        node = await server.nodes.objects.add_variable(node_id, name, variant)
        if isinstance(value, ua.DataValue):
            server.iserver.aspace.set_attribute_value_callback(node.nodeid, ua.AttributeIds.Value, answer(value))


def answer(value):
    return lambda _node, _attribute: value


@contextlib.asynccontextmanager
async def plc(port, tags, namespaces=(SIEMENS,)):
    """A server of its own."""
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    for uri in namespaces:
        index = await server.register_namespace(uri)
    await add(server, index, tags)
    async with server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared():
    """One server for the tests that do not stop it: starting one takes a second."""
    port = free_port()
    async with plc(port, {}) as server:
        index = await server.get_namespace_index(SIEMENS)
        yield server, f"opc.tcp://127.0.0.1:{port}/", functools.partial(add, server, index)


@contextlib.asynccontextmanager
async def driver_for(url, meter_profile, **bus_keys):
    driver = open_driver(
        Bus(url=url, **bus_keys), {"m": Target(1, meter_profile)}, itertools.count(1000).__next__, lambda _: None
    )
    try:
        yield driver
    finally:
        await driver.close()


NUMBERS = {
    "bool": (ua.VariantType.Boolean, True, 1),
    "uint16": (ua.VariantType.UInt16, 65535, 0xFFFF),
    "int16": (ua.VariantType.Int16, -2, 0xFFFE),
    "uint32": (ua.VariantType.UInt32, 4_000_000_000, 4_000_000_000),
    "int32": (ua.VariantType.Int32, -1, 0xFFFFFFFF),
    "uint64": (ua.VariantType.UInt64, 2**64 - 1, 2**64 - 1),
    "int64": (ua.VariantType.Int64, -(2**63), 2**63),
    "float32": (ua.VariantType.Float, -1.5, 0xBFC00000),
    "float64": (ua.VariantType.Double, 0.1, 0x3FB999999999999A),
}


@in_one_loop
async def test_values_come_as_their_bits_with_the_times_around_one_request(shared):
    _, url, put = shared
    tags = {kind: ua.Variant(value, variant) for kind, (variant, value, _) in NUMBERS.items()}
    tags["batch"] = ua.Variant("L1-0001 \u6279", ua.VariantType.String)
    points = [*((kind, kind) for kind in NUMBERS), ("batch", "text")]
    await put(tags)
    async with driver_for(url, line_profile(*points)) as driver:
        (scan,) = await driver.read("m")
        assert {r.point: r.raw for r in scan.readings[:-1]} == {kind: raw for kind, (_, _, raw) in NUMBERS.items()}
        assert {r.status for r in scan.readings} == {GOOD}
        assert (scan.readings[-1].raw, scan.readings[-1].text) == (None, "L1-0001 \u6279")
        assert (scan.block, scan.requested_ns, scan.answered_ns) == (0, 1000, 1001)


@in_one_loop
async def test_status_and_source_time_are_kept_and_a_bad_status_has_no_value(shared):
    _, url, put = shared

    def value(number, status):
        variant = ua.Variant(number, ua.VariantType.Double)
        return ua.DataValue(variant, ua.StatusCode(status), SourceTimestamp=MOMENT)

    uncertain, failed = 0x40900000, 0x808B0000  # UncertainLastUsableValue, BadDeviceFailure (OPC 10000-6 annex A)
    tags = {"good": value(1.0, GOOD), "unsure": value(2.0, uncertain), "bad": value(3.0, failed)}
    points = [(name, "float64") for name in tags]
    await put(tags)
    async with driver_for(url, line_profile(*points)) as driver:
        (scan,) = await driver.read("m")
        assert [r.status for r in scan.readings] == [GOOD, uncertain, failed]
        assert [r.raw for r in scan.readings] == [0x3FF0000000000000, 0x4000000000000000, None]
        assert {r.source_ns for r in scan.readings} == {MOMENT_NS}


@in_one_loop
async def test_what_is_missing_or_of_another_type_has_no_value(shared):
    _, url, put = shared
    tags = {
        "nan": ua.Variant(float("nan"), ua.VariantType.Double),
        "float": ua.Variant(1.0, ua.VariantType.Float),
        "list": ua.Variant([1.0], ua.VariantType.Double),
        "empty": ua.DataValue(ua.Variant(None, ua.VariantType.Null)),
    }
    points = [(name, "float64") for name in [*tags, "absent"]]
    await put(tags)
    async with driver_for(url, line_profile(*points)) as driver:
        (scan,) = await driver.read("m")
        assert {r.point: r.status for r in scan.readings} == {
            "nan": BAD_NO_DATA,
            "float": BAD_TYPE_MISMATCH,
            "list": BAD_TYPE_MISMATCH,
            "empty": BAD_NO_DATA,
            "absent": BAD_NODE_ID_UNKNOWN,
        }
        assert {r.raw for r in scan.readings} == {None}


@in_one_loop
async def test_an_unknown_namespace_costs_only_its_own_points(shared):
    _, url, put = shared
    await put({name: ua.Variant(7.0, ua.VariantType.Double) for name in ("Here", "There")})
    here, there = line_profile(("Here", "float64")), line_profile(("There", "float64"), namespace="urn:elsewhere")
    both = here.model_copy(update={"points": here.points + there.points})
    async with driver_for(url, both) as driver:
        (scan,) = await driver.read("m")
        assert [r.status for r in scan.readings] == [GOOD, BAD_NODE_ID_UNKNOWN]
    async with driver_for(url, both, namespaces={"urn:elsewhere": SIEMENS}) as driver:
        (scan,) = await driver.read("m")
        assert [r.status for r in scan.readings] == [GOOD, GOOD]


async def test_a_restarted_server_is_found_again_even_with_other_namespace_indexes():
    tags = {"a": ua.Variant(7.0, ua.VariantType.Double)}
    seven = int.from_bytes(struct.pack(">d", 7.0), "big")
    port = free_port()
    async with driver_for(f"opc.tcp://127.0.0.1:{port}/", line_profile(("a", "float64")), timeout_ms=2000) as driver:
        with pytest.raises(Unreachable, match=f"opc.tcp://127.0.0.1:{port}/: "):
            await driver.read("m")
        async with plc(port, tags):
            assert (await driver.read("m"))[0].readings[0].raw == seven
        with pytest.raises(Unreachable):
            await driver.read("m")
        async with plc(port, tags, namespaces=("urn:first", "urn:second", SIEMENS)):
            assert (await driver.read("m"))[0].readings[0].raw == seven


@in_one_loop
async def test_an_interrupted_read_does_not_disturb_the_next(shared):
    _, url, put = shared
    await put({"Interrupted": ua.Variant(7.0, ua.VariantType.Double)})
    async with driver_for(url, line_profile(("Interrupted", "float64"))) as driver:
        await driver.read("m")
        reading = asyncio.create_task(driver.read("m"))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert (await driver.read("m"))[0].readings[0].status == GOOD


@pytest.mark.parametrize("error", [ValueError("41 is not a valid NodeIdType"), struct.error("4 bytes"), IndexError(""),
                                   TypeError("ord()")])  # fmt: skip
@in_one_loop
async def test_an_answer_that_is_no_message_ends_the_session_and_nothing_else(shared, monkeypatch, error):
    def broken(*_):
        raise error

    _, url, put = shared
    name = f"Broken{type(error).__name__}"
    await put({name: ua.Variant(7.0, ua.VariantType.Double)})
    async with driver_for(url, line_profile((name, "float64"))) as driver:
        await driver.read("m")
        with monkeypatch.context() as patched:
            patched.setattr(opcua_session, "struct_from_binary", broken)
            with pytest.raises(Unreachable, match=": an answer or a file cannot be read: "):
                await driver.read("m")
        assert (await driver.read("m"))[0].readings[0].status == GOOD


@in_one_loop
async def test_a_current_time_that_is_none_is_no_offset(shared):
    server, url, put = shared
    node = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
    number = ua.DataValue(ua.Variant(7, ua.VariantType.Int32))
    server.iserver.aspace.set_attribute_value_callback(node, ua.AttributeIds.Value, answer(number))
    await put({"Timeless": ua.Variant(7.0, ua.VariantType.Double)})
    async with driver_for(url, line_profile(("Timeless", "float64"))) as driver:
        with pytest.raises(Unreachable, match="the server does not tell its time"):
            await driver.clock_offset_ns()


@in_one_loop
async def test_the_clock_offset_brackets_the_servers_clock(shared):
    server, url, put = shared
    moment = ua.DataValue(ua.Variant(MOMENT, ua.VariantType.DateTime))
    node = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
    server.iserver.aspace.set_attribute_value_callback(node, ua.AttributeIds.Value, answer(moment))
    await put({"Clocked": ua.Variant(7.0, ua.VariantType.Double)})
    async with driver_for(url, line_profile(("Clocked", "float64"))) as driver:
        assert await driver.clock_offset_ns() == (MOMENT_NS - 1001, MOMENT_NS - 1000)


def certificate(folder, name, uri):
    """Write a self-signed certificate and its key; return their paths."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri), x509.DNSName("localhost")])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(usage, critical=True)
        .sign(key, SHA256())
    )
    paths = folder / f"{name}.der", folder / f"{name}.pem"
    paths[0].write_bytes(built.public_bytes(Encoding.DER))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(paths[0]), str(paths[1])


class Users:
    """Lets one user in."""

    def __init__(self):
        self.seen = []

    def get_user(self, _server, username=None, password=None, **_certificate):
        """Return a user for the right password."""
        self.seen.append((username, password))
        return User(role=UserRole.User, name=username) if password == "s3cret" else None


async def test_an_encrypted_channel_carries_user_and_password(tmp_path):
    ours, our_key = certificate(tmp_path, "agent", "urn:metertrail:agent")
    theirs, their_key = certificate(tmp_path, "plc", "urn:plc")
    other, _ = certificate(tmp_path, "other", "urn:plc")
    users, server = Users(), Server()
    server.iserver.user_manager = users
    await server.init()
    await server.set_application_uri("urn:plc")
    url = f"opc.tcp://127.0.0.1:{free_port()}/"
    server.set_endpoint(url)
    server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
    await server.load_certificate(theirs)
    await server.load_private_key(their_key)
    await add(server, await server.register_namespace(SIEMENS), {"a": ua.Variant(7.0, ua.VariantType.Double)})
    password = tmp_path / "password"
    keys = {"policy": "Basic256Sha256", "certificate": ours, "key": our_key}
    async with server:
        for pinned, word, reached in [(theirs, "s3cret", True), (theirs, "wrong", False), (other, "s3cret", False)]:
            password.write_text(word + "\n")
            bus = {"user": "meter", "password_file": str(password), "timeout_ms": 2000}
            bus["security"] = keys | {"server_certificate": pinned}
            async with driver_for(url, line_profile(("a", "float64")), **bus) as driver:
                if reached:
                    assert (await driver.read("m"))[0].readings[0].status == GOOD
                else:
                    with pytest.raises(Unreachable):
                        await driver.read("m")
    assert users.seen == [("meter", "s3cret"), ("meter", "wrong")]


def test_a_profile_of_registers_is_told_once_and_not_point_by_point():
    meter = profile.parse(profiles.load("eastron-sdm630"))
    with pytest.raises(ValueError, match="^saw: profile Eastron .* is not for OPC UA: choose one with nodes$"):
        open_driver(Bus(url="opc.tcp://h"), {"saw": Target(1, meter)}, lambda: 0, lambda _: None)


def test_a_configuration_is_checked_before_anything_opens():
    for keys in [{"user": "u"}, {"url": "http://h"}, {"url": "opc.tcp://u:p@h"}, {"retries": 1}]:
        with pytest.raises(ValueError):
            Bus(**({"url": "opc.tcp://h:4840"} | keys))
    tags = line_profile(("a", "float64"))
    broken = tags.model_copy(update={"points": (tags.points[0].model_copy(update={"node": "nonsense"}),)})
    with pytest.raises(ValueError) as caught:
        open_driver(Bus(url="opc.tcp://h"), {"line1": Target(1, broken, 5)}, lambda: 0, lambda _: None)
    assert str(caught.value).splitlines() == [
        "line1: base 5 means nothing to OPC UA: remove it",
        "line1: a: not a node: write node = 'nsu=URI;s=...' or a path '/{URI}Name/Name' in its profile",
    ]
