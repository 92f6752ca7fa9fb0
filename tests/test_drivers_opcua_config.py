"""What a bus table may say."""

from pathlib import Path

import pytest

from agent.drivers.opcua_config import Bus, Security

SECURE = {"policy": "Basic256Sha256", "certificate": "own.pem", "key": "own.key", "trusted": "trusted"}
SUBSCRIBED = {"mode": "subscribe", "sampling_ms": 100, "queue_size": 10, "publishing_ms": 500}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"user": "u"}, "go together"),
        ({"user_certificate": "c"}, "go together"),
        ({"user": "u", "password_file": "p", "user_certificate": "c", "user_key": "k"}, "two ways"),
        ({"user_certificate": "c", "user_key": "k"}, "needs a channel with security"),
        ({"url": "http://h"}, "opc"),
        ({"url": "opc.tcp://u:p@h"}, "opc"),
        ({"retries": 1}, "Extra"),
        (SUBSCRIBED | {"queue_size": None}, "give all three"),
        ({"sampling_ms": 100}, "set it or remove"),
        ({"security": SECURE | {"server_certificate": "s"}}, "not both"),
        ({"security": {k: v for k, v in SECURE.items() if k != "trusted"}}, "not both"),
    ],
)
def test_what_contradicts_itself_is_refused(keys, words):
    with pytest.raises(ValueError, match=words):
        Bus(**({"url": "opc.tcp://h:4840"} | keys))


def test_what_is_whole_is_taken():
    for keys in [{}, SUBSCRIBED, {"security": SECURE}, {"security": SECURE, "user_certificate": "c", "user_key": "k"}]:
        assert Bus(url="opc.tcp://h", **keys).url == "opc.tcp://h"


def test_files_are_found_beside_the_configuration():
    security = Security(**(SECURE | {"key": "/etc/own.key"}))
    given = Bus(url="opc.tcp://h", user_certificate="me.der", user_key="me.key", security=security)
    located = given.located(Path("/etc/metertrail"))
    assert (located.user_certificate, located.user_key) == ("/etc/metertrail/me.der", "/etc/metertrail/me.key")
    assert located.security == Security(
        policy="Basic256Sha256",
        certificate="/etc/metertrail/own.pem",
        key="/etc/own.key",
        trusted="/etc/metertrail/trusted",
    )
    assert Bus(url="opc.tcp://h").located(Path("/etc")) == Bus(url="opc.tcp://h")
    assert Bus(url="opc.tcp://h", user="u", password_file="w").located(Path("/etc")).password_file == "/etc/w"
