"""The embedded broker: nobody without a password, nobody on another's topics, gone when its parent is."""

import contextlib
import subprocess
import sys

import pytest
from gateway_folder import SITE, Folder
from mqtt_client import Client

from gateway import broker
from gateway.config import load

UP = f"metertrail/v1/{SITE}"


def started(folder: Folder, *options: str) -> "subprocess.Popen[str]":
    """A broker process that listens."""
    command = [sys.executable, "-m", "gateway.broker", str(folder.path), *options]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = process.stderr.readline()
    assert "broker started" in first, first
    return process


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("broker"))
    folder.write("edge-2.pub.pem", b"")
    folder.save(("[[agent]]", '[[agent]]\nname = "edge-2"\nkey = "edge-2.pub.pem"\n[[agent]]'))
    return folder


@pytest.fixture(scope="module")
def port(folder):
    with started(folder) as process:
        yield folder.mqtt_port
        process.terminate()
        assert process.wait(20) == 0
        assert "broker stopped" in process.stderr.read()


@pytest.mark.parametrize(
    ("username", "password"), [(None, None), ("edge-1", "wrong"), ("edge-1", ""), ("stranger", "edge's")]
)
def test_nobody_without_the_right_password(port, username, password):
    assert Client(port, username, password).refused


def test_an_agent_speaks_on_its_own_topics_and_hears_its_own_receipts(port):
    gateway, edge, other = Client(port, "gateway", "gateway's"), Client(port, "edge-1", "edge's"), None
    try:
        assert all(gateway.subscribe(f"{UP}/+/{channel}") for channel in ("entries", "live", "status"))
        assert edge.subscribe(f"{UP}/edge-1/receipts")
        for forbidden in (f"{UP}/edge-2/receipts", f"{UP}/+/receipts", f"{UP}/edge-1/entries", "#", "$SYS/#"):
            assert not edge.subscribe(forbidden)
        for topic in (f"{UP}/edge-2/entries", f"{UP}/edge-1/receipts", "metertrail/v1/other/edge-1/entries"):
            edge.publish(topic, b"forged")
        edge.publish(f"{UP}/edge-1/entries", b"true")
        assert gateway.next() == (f"{UP}/edge-1/entries", b"true", False)
        gateway.publish(f"{UP}/edge-1/receipts", b"receipt")
        assert edge.next() == (f"{UP}/edge-1/receipts", b"receipt", False)
        other = Client(port, "edge-2", "other's")
        other.publish(f"{UP}/edge-1/status", b"forged")
        other.publish(f"{UP}/edge-2/status", b"true")
        assert gateway.next() == (f"{UP}/edge-2/status", b"true", False)
        assert gateway.messages.empty()
    finally:
        for client in (gateway, edge, other):
            if client:
                client.close()


@pytest.mark.parametrize(("size", "passes"), [(broker.READ_BYTES_MAX - 4, True), (broker.READ_BYTES_MAX + 1, False)])
def test_a_message_that_is_too_large_is_not_even_read(port, size, passes):
    gateway, large = Client(port, "gateway", "gateway's"), Client(port, "edge-1", "edge's")
    assert gateway.subscribe(f"{UP}/+/live")
    with contextlib.suppress(RuntimeError):  # the connection may end before all is sent
        large.publish(f"{UP}/edge-1/live", bytes(size), qos=0)
    if passes:
        assert len(gateway.next()[1]) == size
    large.close()
    small = Client(port, "edge-1", "edge's")
    small.publish(f"{UP}/edge-1/live", b"small")
    assert gateway.next()[1] == b"small"
    for client in (gateway, small):
        client.close()


def test_an_agent_hears_again_after_its_copy_was_started_and_stopped(port):
    gateway, edge = Client(port, "gateway", "gateway's"), Client(port, "edge-1", "edge's", "metertrail-edge-1")
    assert edge.subscribe(f"{UP}/edge-1/receipts")
    for _ in range(3):
        Client(port, "edge-1", "edge's", "metertrail-edge-1").close()
        assert edge.let_in_again()
    assert edge.subscribe(f"{UP}/edge-1/receipts")
    gateway.publish(f"{UP}/edge-1/receipts", b"receipt")
    assert edge.next() == (f"{UP}/edge-1/receipts", b"receipt", False)
    for client in (gateway, edge):
        client.close()


def test_it_ends_with_its_parent(tmp_path):
    with started(Folder(tmp_path), broker.UNTIL_STDIN_ENDS) as process:
        process.stdin.close()
        assert process.wait(20) == 0


def test_a_port_in_use_is_one_line(folder, port):
    del port
    command = [sys.executable, "-m", "gateway.broker", str(folder.path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert f"broker cannot start at=127.0.0.1:{folder.mqtt_port}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_password_file_that_is_gone_is_one_line(tmp_path, capsys):
    folder = Folder(tmp_path)
    (tmp_path / "broker.passwords").unlink()
    assert broker.main([str(folder.path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path}/broker.passwords: No such file or directory: make its lines with")


def test_with_certificates_it_listens_encrypted(tmp_path):
    folder = Folder(tmp_path)
    for name in ("cert.pem", "key.pem"):
        folder.write(name, b"")
    folder.save(
        ("tls = false", ""), ("[broker]", '[broker]\nbind = "::"\ncert_file = "cert.pem"\nkey_file = "key.pem"')
    )
    listener = broker.settings(load(folder.path))["listeners"]["default"]
    assert listener == {
        "type": "tcp", "bind": f"[::]:{folder.mqtt_port}", "ssl": True,
        "certfile": tmp_path / "cert.pem", "keyfile": tmp_path / "key.pem",
    }  # fmt: skip


@pytest.mark.parametrize("arguments", [[], ["--help"], ["a.toml", "b.toml"]])
def test_usage(arguments, capsys):
    assert broker.main(arguments) == 2
    assert "usage" in capsys.readouterr().err


def test_a_configuration_without_a_broker(tmp_path, capsys):
    folder = Folder(tmp_path)
    folder.save(("embedded = true", ""), ('password_file = "broker.passwords"', ""))
    assert broker.main([str(folder.path)]) == 2
    assert "this configuration uses another broker" in capsys.readouterr().err
