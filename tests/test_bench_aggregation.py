"""The bench at its smallest: what it times is right, and it says what it could not compare with."""

import sys

import numpy as np

from agent.aggregation.bulk import energies
from agent.aggregation.window import MISSING
from simulators.bench import aggregation, aggregation_peers


def test_every_window_has_an_energy_unless_a_reset_lies_in_it():
    asked = aggregation.windows(4, 300, 10)
    sound = energies(aggregation.plant(4, 300, 0), [aggregation.METER] * 4, asked)
    assert (dict(sound.anomalies), MISSING in sound.energy) == ({}, False)
    faulty = energies(aggregation.plant(4, 300, 2), [aggregation.METER] * 4, asked)
    assert {at: [a.kind for a in found] for at, found in faulty.anomalies.items()} == {0: ["reset"], 1: ["wrap"]}
    assert np.count_nonzero(faulty.energy == MISSING) in {1, 2}  # two if an edge lies where it happens
    assert (faulty.energy[10:] == sound.energy[10:]).sum() >= 28  # a wrap costs nothing but its own step


def test_a_small_plant_is_timed(capsys, monkeypatch):
    monkeypatch.setattr(aggregation_peers, "FRAMES", ("no_such_frame",))
    arguments = ["bench", "--meters", "2", "--seconds", "100", "--windows", "5", "90", "--repetitions", "1"]
    monkeypatch.setattr(sys, "argv", arguments)
    aggregation.main()
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "2 meters x 100 s at 1 Hz, 28 bytes a reading, 1 times"
    assert [line.split()[0] for line in told if "windows a meter" in line] == ["5", "90"]
    assert sum(line.startswith("    kernels, 1 thread") for line in told) == 6
    assert sum(line.split()[-1] == "1.0000" for line in told if "bare sum, 1 thread" in line) == 2
    assert told[-1] == "  no_such_frame is not installed: not compared"
