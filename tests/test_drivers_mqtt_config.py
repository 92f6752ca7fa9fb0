"""The broker of batch messages: what a bus table may say, and the client that is made of it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from agent.drivers.mqtt_config import Bus, make_client

GIVEN = {"host": "broker.example.com", "username": "u", "password_file": "p", "client_id": "metertrail-edge-1"}


def test_encrypted_and_remembered_by_default(tmp_path):
    (tmp_path / "p").write_text("word\n")
    (tmp_path / "p").chmod(0o600)
    bus = Bus.model_validate(GIVEN).located(tmp_path)
    assert (bus.port, bus.tls, bus.password_file) == (8883, True, tmp_path / "p")
    client = make_client(bus)
    assert (client._client_id, client._clean_session, client._manual_ack) == (b"metertrail-edge-1", False, True)
    assert (client.username, client.password) == ("u", "word")
    assert client._ssl_context is not None
    assert make_client(bus.model_copy(update={"tls": False}))._ssl_context is None


def test_files_are_those_of_the_configuration_s_folder():
    bus = Bus.model_validate(GIVEN | {"ca_file": "ca.pem"}).located(Path("/etc/metertrail"))
    assert (bus.password_file, bus.ca_file) == (Path("/etc/metertrail/p"), Path("/etc/metertrail/ca.pem"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "p: No such file"),
        ({"ca_file": "nowhere.pem"}, "nowhere.pem: No such file or directory: give the broker's"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(tmp_path, changes, words):
    if changes:
        (tmp_path / "p").write_text("word\n")
        (tmp_path / "p").chmod(0o600)
    with pytest.raises(ValueError, match=words):
        make_client(Bus.model_validate(GIVEN | changes).located(tmp_path))


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "not a host"}, {"port": 0}, {"username": ""}, {"client_id": ""}, {"client_id": "with space"},
        {"client_id": "x" * 65}, {"timeout_ms": 1}, {"clean_session": True}, {"password": "word"},
    ],
    ids="-".join,
)  # fmt: skip
def test_what_cannot_be_is_refused(changes):
    with pytest.raises(ValidationError):
        Bus.model_validate(GIVEN | changes)
