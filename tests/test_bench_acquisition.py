"""The bench itself at its smallest: it runs the real agent and counts what that kept."""

import sys

from simulators.bench import acquisition


def test_a_small_plant_is_read_kept_and_divided_into_stages(capsys, monkeypatch):
    monkeypatch.setattr(acquisition, "WARM_S", 4)
    monkeypatch.setattr(sys, "argv", ["bench", "--devices", "3", "--points", "8", "--seconds", "2"])
    acquisition.main()
    told = capsys.readouterr().out
    assert told.startswith("3 devices x 8 points at 1 s, 2 s, signed and on disk")
    assert "slots missed 0" in told
    assert sum("us a scan" in line for line in told.splitlines()) == 8
