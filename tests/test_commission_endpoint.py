"""Endpoints as people type them."""

import pytest

from agent.commission.endpoint import Wire, merged, units, wires


def read(text):
    return wires(text, [9600, 19200], ["N", "E"])


@pytest.mark.parametrize(
    ("text", "name", "kinds"),
    [
        ("tcp://192.0.2.10", "192.0.2.10:502", ["tcp"]),
        ("tcp://gw-3.plant.example:5020", "gw-3.plant.example:5020", ["tcp"]),
        ("rtu+tcp://192.0.2.10:4001", "192.0.2.10:4001", ["rtu_over_tcp"]),
        ("192.0.2.10", "192.0.2.10:502", ["tcp", "rtu_over_tcp"]),
        ("192.0.2.10:4001", "192.0.2.10:4001", ["tcp", "rtu_over_tcp"]),
        ("[2001:db8::7]:502", "[2001:db8::7]:502", ["tcp", "rtu_over_tcp"]),
    ],
)
def test_a_host(text, name, kinds):
    (wire,) = read(text)
    assert wire.name == name
    assert [settings["kind"] for settings in wire.attempts] == kinds
    assert not wire.ranged


def test_the_address_is_the_drivers_own_host_without_brackets():
    assert read("[2001:db8::7]")[0].attempts[0] == {"kind": "tcp", "host": "2001:db8::7", "port": 502}


def test_a_serial_port_is_tried_with_every_setting_even_after_a_find():
    (wire,) = read("/dev/ttyUSB0")
    assert wire.every
    assert [(s["kind"], s["device"], s["baud"], s["parity"]) for s in wire.attempts] == [
        ("rtu", "/dev/ttyUSB0", 9600, "N"),
        ("rtu", "/dev/ttyUSB0", 9600, "E"),
        ("rtu", "/dev/ttyUSB0", 19200, "N"),
        ("rtu", "/dev/ttyUSB0", 19200, "E"),
    ]


@pytest.mark.parametrize(
    ("text", "count", "first", "last"),
    [
        ("192.0.2.10-20", 11, "192.0.2.10:502", "192.0.2.20:502"),
        ("tcp://192.0.2.0/30:5020", 2, "192.0.2.1:5020", "192.0.2.2:5020"),
        ("192.0.2.77/24", 254, "192.0.2.1:502", "192.0.2.254:502"),
    ],
)
def test_a_range_names_every_host(text, count, first, last):
    found = read(text)
    assert (len(found), found[0].name, found[-1].name) == (count, first, last)
    assert all(wire.ranged for wire in found)


def test_an_opc_ua_server():
    (wire,) = read("opc.tcp://192.0.2.20:4840/x")
    assert wire.server == "opc.tcp://192.0.2.20:4840/x"
    assert read("192.0.2.20")[0].server is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://192.0.2.1", "http:// is not known"),
        ("rtu+tcp://192.0.2.1", "has no port"),
        ("tcp://", "names no host"),
        ("opc.tcp://", "names no host"),
        ("192.0.2.1:99999", "port 99999 does not exist"),
        ("192.0.0.0/16", "at most 256"),
        ("192.0.2.20-10", "runs backwards"),
        ("192.0.2.250-260", "is no address range"),
        ("host/x", "is no address range"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(text, said):
    with pytest.raises(ValueError, match=said) as told:
        read(text)
    assert text in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "found"), [("1-3", (1, 2, 3)), ("7", (7,)), ("1, 3,10-12", (1, 3, 10, 11, 12)), ("5,4-6", (5, 4, 6))]
)
def test_unit_ids(text, found):
    assert units(text) == found


@pytest.mark.parametrize("text", ["", "a", "3-1", "0-256", "1-", "-1", "1;2"])
def test_what_are_no_unit_ids(text):
    with pytest.raises(ValueError, match="--units"):
        units(text)


def test_one_connection_is_never_used_twice_at_a_time():
    found = merged([*read("tcp://h:502"), *read("rtu+tcp://h:502"), *read("h"), *read("other")])
    assert [wire.name for wire in found] == ["h:502", "other:502"]
    assert [settings["kind"] for settings in found[0].attempts] == ["tcp", "rtu_over_tcp"]


def test_a_wire_stays_what_it_was():
    assert merged([Wire("a", ({"kind": "tcp"},))]) == [Wire("a", ({"kind": "tcp"},))]
