"""DL/T 645 meters of a scenario: their counters over the wire, and the faults that they can have."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators import buses, cli, dlt645_bus, scenario, virtual
from simulators.faults import Hit

TEXT = """aux_permille = 1000
[load]
file = "load.csv"
[[bus]]
id = "line"
framing = "dlt645"
port = 0
baud = 2_400
[[meter]]
id = "one"
profile = "dlt645-2007"
bus = "line"
unit = 161
measures = ["aux"]
step = "0.01 kWh"
age_ms = 800
class = "1"
"""
START_NS = 1_767_225_600 * 10**9
# Reading item 00010000 (import energy) of the meter 000000000161, written by hand: sum of all bytes before it, 16.
BODY = bytes.fromhex("68 61 01 00 00 00 00 68 11 04 33 33 34 33")
REQUEST = BODY + bytes([sum(BODY) % 256, 0x16])


def bench(folder, *faults):
    (folder / "load.csv").write_text("interval_end_local,active_energy_kwh\n2024-01-01T00:15,250\n")
    (folder / "bench.toml").write_text(TEXT + "".join(f"[[fault]]\n{fault}\n" for fault in faults))
    return cli.open_plant(folder / "bench.toml", 1, START_NS)


def heard(plant, seconds=5):
    async def scene():
        loop, start, tasks = asyncio.get_running_loop(), asyncio.ensure_future, []
        served = buses.serving(
            plant, plant.scenario.buses[0], lambda: START_NS, loop.now_ns, lambda one: tasks.append(start(one))
        )
        came = []
        async with served as where:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(where.split(":")[1]))
            writer.write(REQUEST)
            try:
                async with asyncio.timeout(seconds):
                    while data := await reader.read(99):
                        came.append((loop.time(), data))
            except TimeoutError:
                pass
            writer.close()
        for task in tasks:
            task.cancel()
        return came

    return virtual.run(scene())


def test_a_counter_and_the_time_its_characters_take(tmp_path):
    plant = bench(tmp_path)
    [(at_s, data)] = heard(plant)
    digits = bytes((byte - 0x33) % 256 for byte in data[18:22])[::-1].hex()
    assert int(digits) == plant.meters["one"].register(START_NS) // 10_000  # steps of 0.01 kWh, in mWh
    assert data[:4] == b"\xfe" * 4
    assert at_s == pytest.approx((4 + 16 + 24) * 11 / 2400)  # wake-up, request, answer; 8E1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ('kind = "dead"', 0),
        ('kind = "duplicate"\nmeter = "one"', 48),
        ('kind = "frozen"\nbus = "line"', 0),
        ('kind = "half_open"', 0),
        ('kind = "wrong_unit"', 24),  # for everybody: passes it by
    ],
)
def test_faults(fault, expected, tmp_path):
    assert sum(len(data) for _, data in heard(bench(tmp_path, fault))) == expected


def test_slow(tmp_path):
    [(at_s, _)] = heard(bench(tmp_path, 'kind = "slow"\nms = 700'))
    assert at_s == pytest.approx(44 * 11 / 2400 + 0.7)


@given(luck=st.integers(0, 2**64 - 1))
def test_spoilt_answers(luck):
    cut = dlt645_bus.spoilt(Hit("truncated", luck=luck), REQUEST)
    assert REQUEST.startswith(cut)
    assert 1 <= len(cut) < len(REQUEST)
    flipped = dlt645_bus.spoilt(Hit("bit_flip", luck=luck), REQUEST)
    assert sum((a ^ b).bit_count() for a, b in zip(flipped, REQUEST, strict=True)) == 1


WRONG = [
    ('[[fault]]\nkind = "wrong_unit"\nbus = "line"\n', "fault.0.kind: wrong_unit befalls Modbus frames, and bus line"),
    ('[[fault]]\nkind = "busy"\nmeter = "one"\n', "fault.0.kind: busy befalls Modbus frames, and bus line speaks"),
    ('[[meter]]\nid = "old"\nbus = "line"\nunit = 9\nregisters = "x.json"\n', "meter.old.bus: 'line' speaks DL/T 645"),
]


@pytest.mark.parametrize(("more", "message"), WRONG)
def test_what_such_a_bus_cannot_have(more, message):
    with pytest.raises(ValueError) as caught:
        scenario.parse((TEXT + more).encode(), "b.toml")
    assert message in str(caught.value)


def test_connections_of_a_local_device():
    text = TEXT.replace("port = 0\n", "") + '[[fault]]\nkind = "restart"\nbus = "line"\nms = 5\n'
    with pytest.raises(ValueError, match="restart befalls TCP connections, not a local device"):
        scenario.parse(text.encode(), "b.toml")
