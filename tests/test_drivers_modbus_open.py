"""Opening: serial ports (as pseudo-terminals), TLS with an authority of our own, and one line for what goes wrong."""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import os
import ssl
import tty

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from modbus_plant import Server, crc16, meter_profile, raws, registers

from agent.drivers import Target, Unreachable
from agent.drivers.modbus import Bus, open_driver
from agent.drivers.modbus_open import ConnectFailed, connect

METERS = {"m": Target(1, meter_profile(10, 11))}


def opened(bus):
    return open_driver(bus, METERS, lambda: 0, lambda _: None)


@contextlib.contextmanager
def port(reply=registers):
    """A serial port, and a meter at its other end."""
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    loop = asyncio.get_running_loop()

    def answer():
        frame = os.read(ours, 256)
        body = frame[:1] + reply(frame[1], int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big"))
        os.write(ours, body + crc16(body))

    loop.add_reader(ours, answer)
    try:
        yield os.ttyname(theirs)
    finally:
        loop.remove_reader(ours)
        os.close(ours)
        os.close(theirs)


async def test_a_meter_on_a_serial_port_is_read():
    with port() as device:
        driver = opened(Bus(kind="rtu", device=device, baud=115200, timeout_ms=300))
        for _ in range(3):
            assert raws(await driver.read("m")) == {"p10": 10, "p11": 11}
        await driver.close()


async def test_a_port_that_is_not_there_is_told_by_name_with_what_to_do(tmp_path):
    device = tmp_path / "ttyUSB0"
    driver = opened(Bus(kind="rtu", device=str(device)))
    with pytest.raises(Unreachable) as caught:
        await driver.read("m")
    assert str(caught.value).startswith(f"{device} unit 1: cannot open the port: no such port: is it plugged in?")
    assert "/dev/serial/by-id" in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_port_that_is_pulled_out_is_opened_again_when_it_is_back(tmp_path):
    stable = tmp_path / "by-id"
    with port() as device:
        stable.symlink_to(device)
        driver = opened(Bus(kind="rtu", device=str(stable), baud=115200, timeout_ms=200))
        assert raws(await driver.read("m")) == {"p10": 10, "p11": 11}
    for _ in range(3):
        with pytest.raises(Unreachable, match=f"{stable} unit 1: "):
            await driver.read("m")
    with port() as device:
        stable.unlink()
        stable.symlink_to(device)
        assert raws(await driver.read("m")) == {"p10": 10, "p11": 11}
        await driver.close()


async def test_what_is_no_port_is_told_as_such(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"")
    with pytest.raises(ConnectFailed, match="cannot open the port: "):
        await connect(Bus(kind="rtu", device=str(path)), lambda _, data: data, lambda: None)


def authority(folder, name):
    """A self-made authority, and a certificate it gave to `name`; as files."""
    now = dt.datetime.now(dt.UTC)

    def certificate(subject, key, issuer, issuer_key, *extensions):
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
        )
        for extension in extensions:
            made = made.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return made.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = certificate("Works CA", ca_key, "Works CA", ca_key, x509.BasicConstraints(ca=True, path_length=None))
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.2"))])
    own = certificate(name, key, "Works CA", ca_key, names)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    folder.mkdir(exist_ok=True)
    for file, data in (("ca.pem", ca), ("own.pem", own), ("own.key", pem)):
        (folder / file).write_bytes(data)
    return folder


@contextlib.asynccontextmanager
async def tls_server(folder):
    """Modbus in TLS that asks its clients for a certificate of the same authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "own.pem", folder / "own.key")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    listener = await asyncio.start_server(Server("tcp").serve, "127.0.0.1", 0, ssl=context)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()


def tls_bus(folder, port, **keys):
    table = {"ca_file": "ca.pem", "certificate": "own.pem", "key": "own.key", "server_name": "meter.works"} | keys
    return Bus.model_validate({"kind": "tls", "host": "127.0.0.1", "port": port, "timeout_ms": 2000} | table).located(
        folder
    )


async def test_a_meter_behind_tls_is_read(tmp_path):
    folder = authority(tmp_path / "a", "meter.works")
    async with tls_server(folder) as port_number:
        driver = opened(tls_bus(folder, port_number))
        assert raws(await driver.read("m")) == {"p10": 10, "p11": 11}
        await driver.close()


async def test_a_server_of_another_authority_or_name_is_refused_in_one_line(tmp_path):
    folder, other = authority(tmp_path / "a", "meter.works"), authority(tmp_path / "b", "meter.works")
    async with tls_server(folder) as port_number:
        for bus, reason in (
            (tls_bus(folder, port_number, server_name="other.works"), "Hostname mismatch"),
            (tls_bus(folder, port_number, ca_file=str(other / "ca.pem")), "certificate"),
        ):
            driver = opened(bus)
            with pytest.raises(Unreachable, match=f"127.0.0.1:{port_number} unit 1: no connection: .*{reason}") as told:
                await driver.read("m")
            assert "\n" not in str(told.value)


async def test_files_that_cannot_be_used_are_told(tmp_path):
    folder = authority(tmp_path / "a", "meter.works")
    with pytest.raises(Unreachable, match="ca_file cannot be used: No such file or directory: check the files"):
        await opened(tls_bus(folder, 1, ca_file="none.pem")).read("m")
    (folder / "own.key").write_text("nothing")
    with pytest.raises(Unreachable, match="certificate and key cannot be used: "):
        await opened(tls_bus(folder, 1)).read("m")


async def test_nobody_there_says_why():
    with pytest.raises(ConnectFailed, match="^no connection: Connection refused$"):
        await connect(Bus(kind="tcp", host="127.0.0.1", port=1), lambda _, data: data, lambda: None)
