"""The simulated DL/T 645 meters: their telegrams against published ones, and over a real socket."""

import asyncio
from fractions import Fraction

import pytest

from agent.drivers import GOOD, Target, profile
from agent.drivers.dlt645 import Bus, open_driver
from agent.drivers.profiles import load
from agent.drivers.registers import scaled
from simulators import scenario
from simulators.dlt645_server import Requests, Shown, answering, digits, framed, serving, showing
from simulators.meter import Meter
from simulators.signals import constant

POINTS = {point.id: point for point in profile.parse(load("dlt645-2007")).points}
NOON_NS = 1_767_355_200_000_000_000  # 2026-01-02 12:00:00 UTC, a Friday


def shown(values):
    return Shown("000000000161", tuple(POINTS.values()), lambda point, _at_ns: values[point.id])


async def ask(meter, telegram):
    answer = answering({"000000000161": meter}, lambda: NOON_NS)
    sent = await answer(bytes.fromhex(telegram))
    return sent if sent is None else sent.hex(" ").upper()


async def test_answers_are_the_published_telegrams():
    meter = shown({"energy_import": Fraction("0.269"), "voltage_l1": Fraction("100.1"), "power": Fraction("0.2512")})
    request = "68 61 01 00 00 00 00 68 11 04 33 33 34 33 14 16"
    assert await ask(meter, request) == "FE FE FE FE 68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16"
    request = "68 61 01 00 00 00 00 68 11 04 33 34 34 35 17 16"
    assert await ask(meter, request) == "FE FE FE FE 68 61 01 00 00 00 00 68 91 06 33 34 34 35 34 43 10 16"
    request = "68 61 01 00 00 00 00 68 11 04 33 33 36 35 18 16"
    assert await ask(meter, request) == "FE FE FE FE 68 61 01 00 00 00 00 68 91 07 33 33 36 35 45 58 33 6B 16"


async def test_an_unknown_item_is_refused_and_a_stranger_is_silent():
    assert await ask(shown({}), "68 61 01 00 00 00 00 68 11 04 33 33 33 33 13 16") == (
        "FE FE FE FE 68 61 01 00 00 00 00 68 D1 01 35 39 16"
    )
    assert await ask(shown({}), "68 12 90 78 56 34 12 68 11 04 33 33 34 33 68 16") is None


def test_a_meter_knows_its_address_and_the_time():
    meter = shown({})
    items = {di: meter.item(di, NOON_NS).hex() for di in ("04000401", "04000402", "04000101", "04000102")}
    assert items == {
        "04000401": "000000000161",
        "04000402": "000000000161",
        "04000101": "26010205",
        "04000102": "120000",
    }


@pytest.mark.parametrize(
    ("name", "value", "data"),
    [
        ("energy_import", "123456.789", "12345678"),
        ("energy_import", "1000000.01", "00000001"),
        ("current_l1", "-1.25", "801250"),
        ("power", "-79.9999", "f99999"),
        ("frequency", "49.98", "4998"),
    ],
)
def test_digits(name, value, data):
    assert digits(POINTS[name], Fraction(value)).hex() == data


@pytest.mark.parametrize(("name", "value"), [("power", "80"), ("voltage_l1", "-1"), ("voltage_l1", "1000")])
def test_a_gauge_is_not_clipped(name, value):
    with pytest.raises(OverflowError, match=name):
        digits(POINTS[name], Fraction(value))


def test_requests_are_found_in_a_stream():
    frame = framed("000000000161", 0x11, [0, 0, 1, 0])
    spoilt = frame[:-2] + bytes([frame[-2] ^ 1, 0x16])
    stream = b"\xfe\xfe" + frame + b"\x00" + spoilt + b"\xfe" + frame
    requests = Requests()
    assert [found for byte in stream for found in requests.of(bytes([byte]))] == [frame, frame]


async def test_it_serves_on_a_socket():
    meter = shown({"energy_import": Fraction("0.26")})
    async with serving(answering({"000000000161": meter}, lambda: NOON_NS), 0, baud=115_200) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(bytes.fromhex("FE FE 68 61 01 00 00 00 00 68 11 04 33 33 34 33 14 16"))
        assert (await reader.readexactly(24)).hex() == "fefefefe6861010000000068910833333433593333338a16"
        writer.close()


async def test_a_meter_of_a_plant_is_read_by_the_driver():
    config = scenario.Meter.model_validate(
        {"id": "m", "profile": "dlt645-2007", "bus": "b", "unit": 161, "measures": ("line1",), "step": "10 Wh"}
        | {"age_ms": 500, "class": "1", "ratio": 40}
    )
    read = profile.parse(load("dlt645-2007"))
    meter = Meter(config, read, constant(36_000_000), 1, NOON_NS)
    at_ns = NOON_NS + 3600 * 10**9
    plate = showing(meter, read)
    async with serving(answering({plate.address: plate}, lambda: at_ns), 0) as port:
        bus = Bus(kind="tcp", host="127.0.0.1", port=port, timeout_ms=5000)
        driver = open_driver(bus, {"m": Target(1, read, address="000000000161")}, lambda: at_ns, lambda _event: None)
        found = {scan.readings[0].point: scan.readings[0] for scan in await driver.read("m")}
        await driver.close()
    assert len(found) == len(read.measured) == 23
    assert all(reading.status == GOOD for reading in found.values())
    energy = scaled(POINTS["energy_import"], found["energy_import"].raw, Fraction(40))
    assert energy == meter.register(at_ns) * 40
    power = scaled(POINTS["power"], found["power"].raw, Fraction(40))
    assert abs(power - 36_000_000) <= 360_000 + 50 * 40  # 36 kW, within the class and half the last digit
    assert found["address"].text == "000000000161"
