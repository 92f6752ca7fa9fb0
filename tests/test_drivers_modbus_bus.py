"""A bus's table: each kind has its keys, and every mistake is one line that says what to do."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from agent.drivers.modbus_bus import Bus
from contract.problems import explain


def told(**table):
    with pytest.raises(ValidationError) as caught:
        Bus.model_validate(table)
    return explain(caught.value, Bus, table)


def test_a_serial_port_is_as_most_meters_ship():
    bus = Bus(kind="rtu", device="/dev/ttyUSB0")
    assert (bus.baud, bus.parity, bus.stop_bits, bus.timeout_ms) == (9600, "N", 1, 1000)
    assert (bus.place, bus.is_rtu) == ("/dev/ttyUSB0", True)
    assert bus.character_s == pytest.approx(10 / 9600)
    assert Bus(kind="rtu", device="/d", parity="E").character_s == pytest.approx(11 / 9600)


def test_ports_are_those_registered():
    assert Bus(kind="tcp", host="h").place == "h:502"
    assert Bus(kind="tls", host="h", ca_file="ca.pem").place == "h:802"
    assert Bus(kind="tls", host="h", port=8020, ca_file="ca.pem").port == 8020


def test_files_are_found_beside_the_configuration():
    bus = Bus(kind="tls", host="h", ca_file="ca.pem", certificate="/etc/us.pem", key="us.key").located(Path("/conf"))
    assert (bus.ca_file, bus.certificate, bus.key) == ("/conf/ca.pem", "/etc/us.pem", "/conf/us.key")
    assert Bus(kind="tcp", host="h").located(Path("/conf")) == Bus(kind="tcp", host="h")


MISTAKES = [
    ({"kind": "udp", "host": "h"}, "kind: 'udp': use one of rtu, rtu_over_tcp, tcp, tls"),
    ({"kind": "rtuu", "device": "/d"}, "kind: 'rtuu': did you mean rtu?"),
    ({"host": "h"}, "kind: missing: add it"),
    ({"kind": "tcp"}, "host: missing: kind 'tcp' needs it"),
    ({"kind": "rtu"}, "device: missing: kind 'rtu' needs it"),
    ({"kind": "tls", "host": "h"}, "ca_file: missing: kind 'tls' needs it"),
    ({"kind": "tcp", "host": "h", "baud": 9600}, "baud: kind 'tcp' has none: remove it, or change kind"),
    ({"kind": "rtu", "device": "/d", "host": "h"}, "host: kind 'rtu' has none: remove it, or change kind"),
    ({"kind": "tls", "host": "h", "ca_file": "c", "key": "k"}, "certificate: it goes together with key: give both or"),
    ({"kind": "tcp", "host": "h", "prot": 1}, "prot: unknown key: did you mean port?"),
    ({"kind": "rtu", "device": "ttyUSB0"}, "device: 'ttyUSB0':"),
    ({"kind": "rtu", "device": "/d", "parity": "X"}, "parity: 'X': use one of E, N, O"),
]


@pytest.mark.parametrize(("table", "line"), MISTAKES)
def test_a_mistake_is_one_line(table, line):
    (only,) = told(**table)
    assert only.startswith(line)
