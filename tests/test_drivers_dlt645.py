"""The DL/T 645 driver against simulated meters on sockets and a pseudo-terminal: late, foreign, broken answers."""

import asyncio
import itertools
from fractions import Fraction

import pytest
from plant_in_memory import CONFIG, problems, write_plant

from agent import check
from agent.drivers import (
    BAD_DECODING_ERROR,
    BAD_DEVICE_FAILURE,
    BAD_NOT_CONNECTED,
    BAD_OUT_OF_RANGE,
    BAD_TIMEOUT,
    GOOD,
    Target,
    Unreachable,
    profile,
)
from agent.drivers.dlt645 import Bus, open_driver
from agent.drivers.profiles import load
from simulators import serial_line
from simulators.dlt645_server import Shown, answering, framed, serve_line, serving
from simulators.listener import Listener

ADDRESS, OTHER = "000000000161", "123456789012"
SHIPPED = profile.parse(load("dlt645-2007"))
VALUES = {"energy_import": Fraction("0.26"), "voltage_l1": Fraction("100.1"), "power": Fraction("-0.2512")}
ITEMS = {"00010000": "energy_import", "02010100": "voltage_l1", "02030000": "power"}
FENCE = "04000401"
AT_NS = 1_767_355_200_000_000_000


def part(*names):
    return SHIPPED.model_copy(update={"points": tuple(point for point in SHIPPED.points if point.id in names)})


MEASURED = part("energy_import", "voltage_l1", "power", "serial")


def shown(address=ADDRESS, values=VALUES):
    return Shown(address, SHIPPED.points, lambda point, _at_ns: values[point.id])


def opened(port, meters=None, **keys):
    bus = Bus(kind="tcp", host="127.0.0.1", port=port, **({"timeout_ms": 5000} | keys))
    targets = meters or {"main": Target(1, MEASURED, address=ADDRESS)}
    clock = itertools.count()
    return open_driver(bus, targets, lambda: next(clock), lambda _event: None)


def identifier(frame):
    return bytes((byte - 0x33) % 256 for byte in frame[13:9:-1]).hex()


class Wrapped:
    """Meters whose answers a script may replace: `script[di]` is a list of answers to the next requests for it."""

    def __init__(self, *meters):
        self.asked = []
        self.script = {}
        self.true = answering({meter.address: meter for meter in meters or [shown()]}, lambda: AT_NS)

    async def __call__(self, frame):
        di = identifier(frame)
        self.asked.append(di)
        answer = await self.true(frame)
        replies = self.script.get(di)
        return await replies.pop(0)(answer) if replies else answer


async def silence(_answer):
    return None


def sends(data):
    async def send(_answer):
        return data

    return send


def changed(change):
    async def send(answer):
        return change(answer)

    return send


def found(scans):
    return [(scan.readings[0].point, scan.readings[0].raw, scan.readings[0].status) for scan in scans]


GOOD_READ = [("energy_import", 0x26, GOOD), ("voltage_l1", 0x1001, GOOD), ("power", 0x802512, GOOD)]


async def test_a_meter_is_read_item_by_item_after_it_has_said_who_it_is():
    wrapped = Wrapped()
    async with serving(wrapped, 0) as port:
        driver = opened(port)
        scans = await driver.read("main")
        assert found(scans) == GOOD_READ
        assert [scan.block for scan in scans] == [0, 1, 2]
        assert all(scan.requested_ns < scan.answered_ns for scan in scans)
        assert wrapped.asked == [FENCE, *ITEMS]
        await driver.read("main")
        assert wrapped.asked[4:] == list(ITEMS), "asked for its address once"
        await driver.close()


async def test_two_meters_share_a_line_and_a_serial_number_is_read():
    async with serving(Wrapped(shown(), shown(OTHER, VALUES | {"power": Fraction(2)})), 0) as port:
        meters = {"a": Target(1, MEASURED, address=ADDRESS), "b": Target(1, MEASURED, address=OTHER)}
        driver = opened(port, meters)
        assert found(await driver.read("a")) == GOOD_READ
        assert found(await driver.read("b"))[2] == ("power", 0x020000, GOOD)
        (scan,) = await driver.identify("b")
        assert (scan.block, scan.readings[0].point, scan.readings[0].text) == (3, "serial", OTHER)
        await driver.close()


async def test_a_serial_port_at_its_pace():
    async with serial_line.serving(serve_line(Wrapped(), 115_200), None) as path:
        bus = Bus(kind="serial", device=path, timeout_ms=2000)
        driver = open_driver(bus, {"main": Target(1, MEASURED, address=ADDRESS)}, lambda: AT_NS, lambda _event: None)
        assert found(await driver.read("main")) == GOOD_READ
        await driver.close()


async def test_a_late_answer_is_never_that_to_a_later_request():
    """The line keeps the order: the old value comes first, while the meter is asked for its address, and is dropped."""
    wrapped = Wrapped()
    gate = asyncio.Event()

    async def late(_answer):
        await gate.wait()
        return framed(ADDRESS, 0x91, bytes.fromhex("00000100 99000000"))

    async with serving(wrapped, 0) as port:
        driver = opened(port, timeout_ms=250)
        await driver.read("main")
        wrapped.script["00010000"] = [late]
        with pytest.raises(Unreachable, match=f"127.0.0.1:{port} meter {ADDRESS}: no answer within 250 ms"):
            await driver.read("main")
        gate.set()
        assert found(await driver.read("main")) == GOOD_READ
        assert wrapped.asked[-4:] == [FENCE, *ITEMS]
        await driver.close()


async def test_answers_of_others_and_echoes_are_not_taken():
    wrapped = Wrapped()
    foreign = framed(OTHER, 0x91, bytes.fromhex("00000100 99000000"))
    wrong_item = framed(ADDRESS, 0x91, bytes.fromhex("00010100 99000000"))
    echo = framed(ADDRESS, 0x11, bytes.fromhex("00000100"))
    wrapped.script["00010000"] = [changed(lambda true: echo + foreign + wrong_item + true)]
    async with serving(wrapped, 0) as port:
        driver = opened(port, timeout_ms=250)
        assert found(await driver.read("main")) == GOOD_READ
        wrapped.script["00010000"] = [sends(foreign + wrong_item)]
        with pytest.raises(Unreachable, match="no answer"):
            await driver.read("main")
        await driver.close()


async def test_a_broken_answer_has_no_value_and_the_next_is_fenced_off():
    wrapped = Wrapped()
    wrapped.script["00010000"] = [changed(lambda true: true[:-6] + bytes([true[-6] ^ 4]) + true[-5:])]
    async with serving(wrapped, 0) as port:
        driver = opened(port, timeout_ms=250)
        first, *others = found(await driver.read("main"))
        assert first == ("energy_import", None, BAD_DECODING_ERROR)
        assert others == GOOD_READ[1:]
        assert wrapped.asked == [FENCE, "00010000", FENCE, "02010100", "02030000"]
        await driver.close()


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (framed(ADDRESS, 0xD1, [0x02]), BAD_OUT_OF_RANGE),
        (framed(ADDRESS, 0xD1, [0x01]), BAD_DEVICE_FAILURE),
        (framed(ADDRESS, 0xB1, bytes.fromhex("00010102 0110")), BAD_DECODING_ERROR),
        (framed(ADDRESS, 0x91, bytes.fromhex("00010102 011022")), BAD_DECODING_ERROR),
        (framed(ADDRESS, 0x91, bytes.fromhex("00010102 0A10")), BAD_DECODING_ERROR),
    ],
    ids=["no such item", "other error", "more follows", "too long", "no digit"],
)
async def test_one_item_without_a_value_costs_no_other(reply, status):
    wrapped = Wrapped()
    wrapped.script["02010100"] = [sends(reply)]
    async with serving(wrapped, 0) as port:
        driver = opened(port)
        assert found(await driver.read("main")) == [GOOD_READ[0], ("voltage_l1", None, status), GOOD_READ[2]]
        assert len(wrapped.asked) == 4
        await driver.close()


async def test_silence_in_the_middle_ends_the_read():
    wrapped = Wrapped()
    wrapped.script["02010100"] = [silence]
    async with serving(wrapped, 0) as port:
        driver = opened(port, timeout_ms=250)
        assert [status for _, _, status in found(await driver.read("main"))] == [GOOD, BAD_TIMEOUT, BAD_NOT_CONNECTED]
        assert found(await driver.read("main")) == GOOD_READ
        await driver.close()


async def test_an_address_that_is_refused_is_listened_out():
    wrapped = Wrapped()
    wrapped.script[FENCE] = [sends(framed(ADDRESS, 0xD1, [0x02]))]
    async with serving(wrapped, 0) as port:
        driver = opened(port, timeout_ms=250)
        assert found(await driver.read("main")) == GOOD_READ
        await driver.close()


async def test_an_interrupted_read_is_fenced_off():
    wrapped = Wrapped()
    asked = asyncio.Event()

    async def hold(answer):
        asked.set()
        return answer

    async with serving(wrapped, 0) as port:
        driver = opened(port)
        await driver.read("main")
        wrapped.script["00010000"] = [hold]
        reading = asyncio.ensure_future(driver.read("main"))
        await asked.wait()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert found(await driver.read("main")) == GOOD_READ
        assert wrapped.asked[-4:] == [FENCE, *ITEMS]
        await driver.close()


async def test_a_server_that_comes_back_is_found_again():
    served = Listener(serve_line(Wrapped(), 0), "127.0.0.1", 0)
    await served.open()
    driver = opened(served.port)
    assert found(await driver.read("main")) == GOOD_READ
    await served.close()
    with pytest.raises(Unreachable, match=f"127.0.0.1:{served.port} meter {ADDRESS}: (no connection|it was closed)"):
        await driver.read("main")
    await served.open()
    assert found(await driver.read("main")) == GOOD_READ
    await driver.close()
    await served.close()


async def test_a_connection_that_only_swallows_is_opened_anew():
    connected = []

    async def swallow(reader, writer):
        connected.append(writer)
        await reader.read()
        writer.close()

    served = Listener(swallow, "127.0.0.1", 0)
    await served.open()
    driver = opened(served.port, timeout_ms=20)
    for _ in range(4):
        with pytest.raises(Unreachable, match="no answer within 20 ms"):
            await driver.read("main")
    assert len(connected) == 2
    await driver.close()
    await served.close()


async def test_a_port_that_is_gone_is_named():
    bus = Bus(kind="serial", device="/dev/ttyUSB99")
    driver = open_driver(bus, {"main": Target(1, MEASURED, address=ADDRESS)}, lambda: AT_NS, lambda _event: None)
    with pytest.raises(Unreachable, match=f"^/dev/ttyUSB99 meter {ADDRESS}: no such port: is the adapter plugged in"):
        await driver.read("main")
    assert driver.silence_ns("main") == 1_500_000_000


def test_meters_are_checked():
    modbus = profile.parse(load("eastron-sdm630"))
    meters = {
        "a": Target(1, modbus, address=ADDRESS),
        "b": Target(1, MEASURED, address=ADDRESS),
        "c": Target(1, MEASURED),
        "d": Target(1, MEASURED, address="999999999999"),
    }
    with pytest.raises(ValueError) as caught:
        opened(1, meters)
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["a", "b.address", "c.address", "d.address"]
    assert (
        lines[0]
        == "a: profile Eastron SDM630-Modbus V2 is not for DL/T 645: choose one with data items, as dlt645-2007"
    )
    assert lines[1] == "b.address: 000000000161 is a's already: give each meter its own"
    assert lines[2].startswith("c.address: '' is no meter's address: give the 12 digits on its plate")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"kind": "serial"}, "device: missing: name the serial port"),
        ({"kind": "serial", "device": "/dev/x", "port": 1}, "host: a serial bus has neither"),
        ({"kind": "tcp", "host": "x"}, "port: missing: name host and port"),
        ({"kind": "tcp", "device": "/dev/x"}, "device: a tcp bus has none"),
    ],
)
def test_a_bus_is_a_port_or_a_connection(keys, told):
    with pytest.raises(ValueError, match=told):
        Bus(**keys)


BUS = '[[bus]]\nname = "line"\ndriver = "dlt645"\nkind = "serial"\ndevice = "/dev/ttyUSB0"\n'
METER = '[[meter]]\nname = "hall"\nbus = "line"\nprofile = "dlt645-2007"\naddress = "000000000161"\n'


def test_a_configuration_names_the_driver_and_the_address(tmp_path):
    text = CONFIG + BUS + METER + 'points = ["energy_import", "power"]\n'
    plan = check.load(write_plant(tmp_path, text), AT_NS)
    driver = check.open_drivers(plan, lambda: AT_NS, lambda _event: None)["line"]
    assert driver.silence_ns("hall") == 1_500_000_000


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('address = "000000000161"', "", ("meter.hall.address", "'' is no meter's address", "12 digits on its plate")),
        ("000000000161", "161", ("meter.hall.address", "'161'", "zeros before them")),
        ("/dev/ttyUSB0", "", ("bus.line.device: missing", "name the serial port")),
        ('"serial"\ndevice', '"rtu"\ndevice', ("bus.line.kind", "'rtu'", "use one of serial, tcp")),
        ("dlt645-2007", "eastron-sdm630", ("meter.hall", "is not for DL/T 645", "as dlt645-2007")),
        (
            'installation = "1"',
            'address = "1"',
            ("meter.press.address", "only meters on a dlt645 or mqtt bus", "modbus"),
        ),
    ],
)
def test_a_mistake_is_one_line(tmp_path, old, new, told):
    text = (CONFIG + BUS + METER).replace(old, new)
    lines = problems(tmp_path, text)
    assert len(lines) == 1, lines
    assert all(words in lines[0] for words in told), lines
