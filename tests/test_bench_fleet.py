"""The bench's devices: a profile the product reads, and registers it understands."""

from agent.drivers import profile
from agent.drivers.blocks import plan
from simulators.bench import fleet


def test_thirty_points_are_one_request_of_sixty_registers():
    read = profile.parse(fleet.profile(30).encode())
    (block,) = plan(read.points, read.registers_max, read.hole_max)
    assert (block.table, block.address, block.count, len(block.points)) == ("input", 0, 60, 30)
    assert sum(point.kind == "counter" for point in read.points) == 6


def test_counters_rise_from_second_to_second_and_stay_within_one():
    devices = fleet.Fleet(3, seed=1)
    first, again, later = (bytes(devices.row(1, at_s)) for at_s in (10, 10, 11))
    assert len(first) == 120
    assert first == again
    for at in range(0, 24, 4):
        assert 0 <= int.from_bytes(later[at : at + 4], "big") - int.from_bytes(first[at : at + 4], "big") < 14


def test_a_device_answers_function_4_with_the_words_asked_for():
    device, sent = fleet.Device(fleet.Fleet(1, seed=1), 0), []
    device.connection_made(type("Wire", (), {"write": staticmethod(sent.append)})())
    device.data_received(bytes.fromhex("0007 0000 0006 01 04 0002 0003"))
    (answer,) = sent
    assert answer[:9] == bytes.fromhex("0007 0000 0009 01 04 06")
    assert len(answer) == 9 + 6
