"""The plant: lines, compressor and the rest of the site, and the meters on them, with its truth.

In: a scenario, the energies of its base load, profiles, dumps, a seed, a start. Out: exact true energy, indications,
batches; meters by bus.
Never: the clock, files, sockets. Two processes with the same inputs hold the same plant.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from agent.drivers.profile import Profile
from simulators.compressor import air_flow, compressor_power
from simulators.dump import Dump
from simulators.line import Line, TrueBatch
from simulators.load import base_load, scaled_load
from simulators.meter import Meter
from simulators.scenario import Scenario
from simulators.signals import Signal, Sum


class Plant:
    """A plant from `start_ns` on. Raises ValueError if a profile cannot show what its meter measures."""

    def __init__(
        self,
        scenario: Scenario,
        energies_wh_milli: Sequence[int],
        profiles: Mapping[str, Profile],
        seed: int,
        start_ns: int,
        dumps: Mapping[str, Dump] = MappingProxyType({}),
    ) -> None:
        self.scenario = scenario
        self.profiles = profiles
        self.dumps = dumps
        self.seed = seed
        self.start_ns = start_ns
        self.lines: dict[str, Line] = {}
        signals = self._signals(energies_wh_milli)
        self._measured: dict[str, Signal] = {
            m.id: Sum(tuple(signals[name] for name in m.measures)) for m in scenario.meters
        }
        self.meters: dict[str, Meter] = {}
        problems = []
        for meter in scenario.meters:
            try:
                self.meters[meter.id] = Meter(meter, profiles[meter.profile], self._measured[meter.id], seed, start_ns)
            except ValueError as error:
                problems.append(str(error))
        if problems:
            raise ValueError("\n".join(problems))

    def _signals(self, energies_wh_milli: Sequence[int]) -> dict[str, Signal]:
        """What a meter can measure, by name."""
        described, start_ns = self.scenario, self.start_ns
        if described.load is None:
            return {}
        base = base_load(energies_wh_milli, start_ns, described.load.speed)
        self.lines.update(
            {line.id: Line(line, base, self.seed, start_ns, described.batch_s) for line in described.lines}
        )
        lines = list(self.lines.values())
        signals: dict[str, Signal] = {
            **{name: line.power for name, line in self.lines.items()},
            "aux": scaled_load(base, described.aux_permille),
        }
        if described.compressor is not None:
            signals["compressor"] = compressor_power(described.compressor, lines, start_ns)
            signals["air"] = air_flow(described.compressor, lines, start_ns)
        return signals

    def true_energy_mw_ns(self, meter: str, from_ns: int, to_ns: int) -> int:
        """Return what truly passed a meter, in mW x ns (3.6e12 are 1 mWh); air in cm3/s x ns (1e9 are 1 cm3)."""
        return self._measured[meter].area(from_ns, to_ns)

    def power_mw(self, meter: str, at_ns: int) -> int:
        """Return the true power through a meter in mW; for an air meter the flow in cm3/s."""
        return self._measured[meter].level(at_ns)

    def batches(self, line: str, until_ns: int) -> list[TrueBatch]:
        """Return the batches of a line that ended at or before an instant, in order."""
        return self.lines[line].batches(until_ns)

    def units(self, bus: str) -> dict[int, Meter]:
        """Return the meters on a bus by unit id."""
        return {meter.config.unit: meter for meter in self.meters.values() if meter.config.bus == bus}

    def dumped(self, bus: str) -> dict[int, Dump]:
        """Return the dumps shown on a bus by unit id."""
        return {device.unit: self.dumps[device.id] for device in self.scenario.dumped if device.bus == bus}
