"""Asking a unit over a real connection."""

import time

import pytest
from static_units import Static

from agent.commission.asking import Line, bus
from agent.commission.spans import Span
from agent.drivers import BAD_OUT_OF_RANGE
from simulators.modbus_server import answering, serving

UNITS = {3: Static({"holding": {0: 11, 1: 12, 2: 13, 3: 14, 5: 16}})}
HERE, HOLE, NOT_HERE = Span("holding", 0, 4), Span("holding", 3, 3), Span("input", 0, 2)


@pytest.mark.parametrize(("kind", "framing"), [("tcp", "tcp"), ("rtu_over_tcp", "rtu")])
async def test_words_refusals_and_silence(kind, framing):
    async with serving(framing, answering(UNITS, time.time_ns), 0) as port:
        opened = bus({"kind": kind, "host": "127.0.0.1", "port": port}, 300, 0)
        wanted = [(3, HERE), (3, HOLE), (3, NOT_HERE), (4, HERE)]
        async with Line(opened, wanted, time.time_ns, single=True) as line:
            assert (await line.ask(3, HERE)).whole == (11, 12, 13, 14)
            assert (await line.ask(3, NOT_HERE)).status == BAD_OUT_OF_RANGE
            assert (await line.ask(3, HOLE)).words in {
                (14, None, 16),
                (None, None, None),
            }  # as the driver goes about it
            silent = await line.ask(4, HERE)
            assert silent.words == ()
            assert "unit 4" in silent.why


async def test_silence_is_asked_again_as_often_as_wanted():
    heard = []

    async def second_time(unit, request):
        heard.append(request)
        return await answering(UNITS, time.time_ns)(unit, request) if len(heard) > 1 else None

    async with serving("tcp", second_time, 0) as port:
        opened = bus({"kind": "tcp", "host": "127.0.0.1", "port": port}, 300, 0)
        async with Line(opened, [(3, HERE)], time.time_ns) as line:
            assert (await line.ask(3, HERE, 2)).whole == (11, 12, 13, 14)
    assert len(heard) == 2


def test_a_bus_that_cannot_be_is_told():
    with pytest.raises(ValueError, match="port"):
        bus({"kind": "tcp", "host": "h", "port": 0}, 50, 0)
    with pytest.raises(ValueError, match="timeout_ms"):
        bus({"kind": "tcp", "host": "h", "port": 1}, 0, 0)
