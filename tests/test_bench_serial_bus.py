"""A crowded line at 9600 baud in virtual time: what passes between frames is the meters' doing, not ours."""

import asyncio
import sys

import pytest

from simulators import virtual
from simulators.bench import serial_bus


def test_what_a_request_needs_on_the_line():
    # 8 characters out, 5 + 2 x 10 back, twice 3.5 of silence: 40 characters of 10 bits
    assert serial_bus.needed_s(10, 9600, 0.02) == pytest.approx(40 * 10 / 9600 + 0.02)


@pytest.mark.parametrize("baud", [9600, 2400])
def test_at_least_95_percent_of_a_crowded_line_are_frames_and_turnaround(baud):
    async def crowded():
        loop = asyncio.get_running_loop()
        return await serial_bus.used(baud, 0.02, 60, loop.now_ns)

    found = virtual.run(crowded())
    assert found.answers > 200
    assert 0.95 <= found.needed_s / found.passed_s <= 1.001


def test_the_bench_prints_the_share(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["serial_bus", "--baud", "115200", "--turnaround-ms", "1", "--seconds", "2"])
    serial_bus.main()
    assert "% of the line's time is used" in capsys.readouterr().out
