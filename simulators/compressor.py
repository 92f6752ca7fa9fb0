"""The compressor: loads and idles so that a receiver never runs dry, whatever air the lines take.

In: the lines, the machine's description. Out: spans of constant power and constant demand, exact to the nanosecond.
Never: the clock, floats, steps of simulated time: each span lasts until the next thing happens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simulators.line import Line
from simulators.scenario import Compressor
from simulators.signals import SECOND_NS, Repeating, Track, constant


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which the compressor either loads or idles and the demand does not change."""

    start_ns: int
    end_ns: int
    power: Repeating
    air: Repeating  # flow to the lines and leaks, cm3/s


def compressor_power(config: Compressor, lines: Sequence[Line], start_ns: int) -> Track[Spell]:
    """Return the compressor's power in mW from `start_ns` on."""
    return Track(start_ns, _spells(config, lines, start_ns), lambda spell: spell.power)


def air_flow(config: Compressor, lines: Sequence[Line], start_ns: int) -> Track[Spell]:
    """Return the flow behind the receiver in cm3/s from `start_ns` on: what the lines and leaks take."""
    return Track(start_ns, _spells(config, lines, start_ns), lambda spell: spell.air)


def _spells(config: Compressor, lines: Sequence[Line], start_ns: int) -> Iterator[Spell]:
    full = config.receiver_l * 1000 * SECOND_NS  # cm3/s x ns, so that filling is exact
    powers = {True: constant(config.loaded_w * 1000), False: constant(config.idle_w * 1000)}
    at_ns, stored, loads = start_ns, full // 2, True
    while True:
        now = [line.stretches.span(at_ns) for line in lines]
        demand = config.leak_l_per_s * 1000 + sum(stretch.air_m3_micro_per_s for stretch in now)
        net = config.capacity_l_per_s * 1000 * loads - demand
        end_ns = min(stretch.end_ns for stretch in now)
        room = full - stored if loads else stored
        if net:  # rounded up: the switch comes with or just after the threshold
            end_ns = min(end_ns, at_ns - (-room // abs(net)))
        yield Spell(at_ns, end_ns, powers[loads], constant(demand))
        stored += net * (end_ns - at_ns)
        at_ns = end_ns
        if stored >= full or stored <= 0:
            loads = stored <= 0
