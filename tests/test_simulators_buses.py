"""Buses of a scenario with faults, over the wire: every kind does to a client what it says."""

import asyncio
import struct

import pytest

from simulators import buses, cli, modbus_server, scenario, virtual
from simulators.frames import Frame

HEAD = 'aux_permille = 1000\n[load]\nfile = "load.csv"\n[[bus]]\nid = "b"\nframing = "FRAMING"\nport = 0\n'
METER = """[[meter]]
id = "ID"
profile = "chint-dtsu666"
bus = "b"
unit = UNIT
measures = ["aux"]
step = "0.01 kWh"
age_ms = 800
class = "1"
"""
DUMPED = '[[meter]]\nid = "old"\nbus = "b"\nunit = 9\nregisters = "old.json"\n'
SECOND_NS = 10**9
START_NS = 1_767_225_600 * SECOND_NS


def bench(folder, *faults, framing="tcp"):
    """A plant of two counting meters (units 1 and 2) and a dumped one (9) with faults."""
    (folder / "load.csv").write_text("interval_end_local,active_energy_kwh\n2024-01-01T00:15,250\n")
    (folder / "old.json").write_text('{"profile": null, "unit": 1, "taken_ns": 1, "tables": {"holding": {"5": 77}}}')
    meters = "".join(METER.replace("ID", name).replace("UNIT", unit) for name, unit in (("one", "1"), ("two", "2")))
    text = HEAD.replace("FRAMING", framing) + meters + DUMPED + "".join(f"[[fault]]\n{fault}\n" for fault in faults)
    (folder / "bench.toml").write_text(text)
    return cli.open_plant(folder / "bench.toml", 1, START_NS)


def frame(number, unit, address=0x101E, count=2):
    return struct.pack(">HHHBBHH", number, 0, 6, unit, 3, address, count)


def heard(plant, asked, seconds=3):
    """What comes back to one request after the other on one connection, in virtual time: (second, bytes)."""

    async def scene():
        loop = asyncio.get_running_loop()
        start = asyncio.ensure_future
        tasks, came = [], []
        now_ns = lambda: START_NS + 100 * SECOND_NS + loop.now_ns()  # noqa: E731 - a clock
        bus = plant.scenario.buses[0]
        async with buses.serving(plant, bus, now_ns, loop.now_ns, lambda one: tasks.append(start(one))) as where:
            port = int(where.split(":")[1])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"".join(asked))
            try:
                async with asyncio.timeout(seconds):
                    while data := await reader.read(999):
                        came.append((round(loop.time(), 3), data))
            except TimeoutError:
                pass
            writer.close()
            for task in tasks:
                task.cancel()
        return came

    return virtual.run(scene())


WHOLE = 13  # header 7, function, byte count, two registers


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ('kind = "dead"', []),
        ('kind = "slow"\nms = 500', [(0.5, WHOLE)]),
        ('kind = "late"\nms = 700', [(0.7, WHOLE)]),
        ('kind = "duplicate"\nms = 20', [(0, WHOLE), (0.02, WHOLE)]),
        ('kind = "busy"', [(0, 9)]),
        ('kind = "exception"\ncode = 11', [(0, 9)]),
        ('kind = "frozen"\nto_s = 2', [(2, WHOLE)]),
        ('kind = "half_open"', []),
        ('kind = "dead"\nmeter = "two"', [(0, WHOLE)]),
        ('kind = "dead"\nfrom_s = 5', [(0, WHOLE)]),
    ],
)
def test_one_answer(fault, expected, tmp_path):
    came = heard(bench(tmp_path, fault), [frame(1, 1)])
    assert [(at, len(data)) for at, data in came] == expected


def test_exceptions_carry_their_code(tmp_path):
    [(_, data)] = heard(bench(tmp_path, 'kind = "exception"\ncode = 11'), [frame(5, 1)])
    assert data.hex() == "000500000003" + "01" + "83" + "0b"


def test_a_slow_meter_holds_the_others_up_and_a_late_one_does_not(tmp_path):
    slow, late = (bench(tmp_path, f'kind = "{kind}"\nmeter = "one"\nms = 800') for kind in ("slow", "late"))
    asked = [frame(1, 1), frame(2, 9, 5, 1)]
    assert [(at, data[1], len(data)) for at, data in heard(slow, asked)] == [(0.8, 1, WHOLE + 11)]  # both at once
    assert [(at, data[1]) for at, data in heard(late, asked)] == [(0, 2), (0.8, 1)]


def test_a_dump_is_served_and_struck_like_any_meter(tmp_path):
    assert heard(bench(tmp_path), [frame(1, 9, 5, 1)])[0][1][-2:] == b"\x00\x4d"
    assert heard(bench(tmp_path), [frame(1, 9, 6, 1)])[0][1][-2:] == b"\x83\x02"
    assert heard(bench(tmp_path, 'kind = "dead"\nmeter = "old"'), [frame(1, 9, 5, 1)]) == []


def test_a_torn_counter_is_of_two_instants(tmp_path):
    plant = bench(tmp_path, 'kind = "torn"\nms = 3_600_000')
    meter = plant.meters["one"]
    answer = buses.answering(plant, plant.scenario.buses[0], lambda: START_NS + 7200 * SECOND_NS, lambda: 0)
    reply = virtual.run(answer(1, bytes.fromhex("03101e0002")))
    old, new = (meter.words("holding", 0x101E, 2, START_NS + hours * 3600 * SECOND_NS) for hours in (1, 2))
    assert old[0] != new[0], "no carry in the high word: choose another span"
    assert struct.unpack(">2H", reply[2:]) == (old[0], new[1])


def test_a_converter_passes_what_is_late_to_whoever_is_connected(tmp_path):
    plant = bench(tmp_path, 'kind = "late"\nmeter = "one"\nms = 900', framing="rtu")
    answer = buses.answering(plant, plant.scenario.buses[0], lambda: START_NS, lambda: 0)
    request = bytes(Frame("rtu", 1, bytes.fromhex("03101e0002")))

    async def scene():
        async with modbus_server.serving("rtu", answer, 0) as port:
            _, first = await asyncio.open_connection("127.0.0.1", port)
            first.write(request)
            await asyncio.sleep(0.1)
            first.close()
            reader, _ = await asyncio.open_connection("127.0.0.1", port)
            return await asyncio.wait_for(reader.readexactly(9), 5), asyncio.get_running_loop().time()

    data, at_s = virtual.run(scene())
    assert data[:3].hex() == "010304"
    assert at_s == pytest.approx(0.9)


def test_two_runs_are_the_same(tmp_path):
    fault = 'kind = "dead"\nshare_permille = 400'
    asked = [frame(number, 1) for number in range(1, 40)]
    first, second = (heard(bench(tmp_path, fault), asked) for _ in range(2))
    assert first == second
    assert 5 < len(b"".join(data for _, data in first)) // WHOLE < 35


def test_faults_of_the_scenario_are_named_with_their_place(tmp_path):
    with pytest.raises(ValueError) as caught:
        bench(tmp_path, 'kind = "late"', 'kind = "restart"\nms = 5\nbus = "x"', 'kind = "bad_quality"', 'kind = "laet"')
    assert str(caught.value).rpartition("bench.toml: ")[2] == "fault.3.kind: 'laet': did you mean late?"
    with pytest.raises(ValueError) as caught:
        bench(tmp_path, 'kind = "late"', 'kind = "restart"\nms = 5\nbus = "x"', 'kind = "bad_quality"')
    assert [line.rpartition("bench.toml: ")[2] for line in str(caught.value).splitlines()] == [
        "fault.0.ms: missing: late needs it",
        "fault.1.bus: 'x' does not exist: use one of b",
        "fault.2.kind: bad_quality needs controllers: add [plc]",
    ]


MISPLACED = [
    ("port = 0\n", "", "b.toml: bus.b.port: missing: add it"),
    (
        "port = 0\n",
        'port = 0\ndevice = "/dev/x"\n',
        'bus.b.device: only framing "serial" and "dlt645" have one: remove it',
    ),
    ('framing = "tcp"', 'framing = "serial"', "bus.b.port: a serial device has none: remove it"),
    ('registers = "old.json"', 'registers = "old.json"\nstep = "1 Wh"', "meter.old.step: unknown key"),
    ('measures = ["aux"]', 'measures = ["air"]', "compressor: missing: meter one measures it"),
    ('[load]\nfile = "load.csv"\n', "", "b.toml: load: missing: lines and meters that measure live on it"),
]


@pytest.mark.parametrize(("right", "wrong", "message"), MISPLACED, ids=[message for *_, message in MISPLACED])
def test_a_scenario_that_does_not_fit_together(right, wrong, message, tmp_path):
    bench(tmp_path)
    text = (tmp_path / "bench.toml").read_text()
    assert right in text
    with pytest.raises(ValueError) as caught:
        scenario.parse(text.replace(right, wrong, 1).encode(), "b.toml")
    assert message in str(caught.value)
