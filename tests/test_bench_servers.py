"""Private servers: there, reachable, and gone with their block; not there where nothing is installed."""

import socket

import pytest

from simulators.bench import servers


def is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_a_server_lives_as_long_as_its_block(tmp_path, need):
    need("mosquitto")
    with servers.mosquitto(tmp_path) as (port, pid):
        assert is_listening(port)
        assert pid > 0
    assert not is_listening(port)


def test_what_is_not_installed_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(servers.shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(servers, "POSTGRESQL_PROGRAMS", tmp_path)
    for server in (servers.mosquitto, servers.victoria_metrics, servers.postgresql):
        with server(tmp_path) as where:
            assert where is None


def test_a_server_that_ends_at_once_is_no_server(tmp_path):
    with (
        pytest.raises(OSError, match="refused"),
        servers.running(["false"], user=None, folder=tmp_path, port=servers.free_port()),
    ):
        pass
