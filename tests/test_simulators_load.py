"""Loads: the demonstration's week, foreign tables with and without faults, exact energy, machine cycles."""

import random
from itertools import pairwise
from pathlib import Path

import pytest

from simulators.load import base_load, machine_cycle, read_energies, scaled_load

WEEK = Path(__file__).parents[1] / "configs" / "demo" / "load-week.csv"
HEAD = "interval_end_local,active_energy_kwh\n"


def test_the_week_of_the_demonstration():
    energies = read_energies(WEEK.read_text(), "load-week.csv")
    assert len(energies) == 7 * 24 * 4
    assert energies[:2] == (2_990_000, 3_060_000)  # 2.99 and 3.06 kWh: the first rows as the source has them
    assert sum(energies) == 19_336_130_000  # added up apart from this program, with awk over the source


def test_energy_of_the_week_at_real_time_is_the_tables():
    energies = read_energies(WEEK.read_text(), "load-week.csv")
    week_ns = 7 * 24 * 3600 * 10**9
    start_ns = 1_520_204_400 * 10**9
    assert base_load(energies, start_ns, 1).area(start_ns, start_ns + week_ns) == sum(energies) * 3_600_000_000_000


def test_a_faster_week_has_the_same_powers_for_a_shorter_time():
    load = base_load([1_000_000, 3_000_000], 0, 900)  # 1 and 3 kWh in 15 minutes are 4 and 12 kW; each lasts 1 s
    assert [load.level(at) for at in (0, 999_999_999, 1_000_000_000, 2_000_000_000)] == [
        4_000_000,
        4_000_000,
        12_000_000,
        4_000_000,
    ]
    assert load.area(0, 2_000_000_000) == 16_000_000 * 10**9
    assert scaled_load(load, 250).level(1_500_000_000) == 3_000_000


def test_midnight_may_carry_either_date_and_other_columns_are_ignored():
    table = "load_type,interval_end_local,active_energy_kwh\n"
    ends = ("2018-03-05T23:45", "{}T00:00", "2018-03-06T00:15")
    rows = "".join(f"x,{end},{i}.5\n" for i, end in enumerate(ends))
    for date in ("2018-03-05", "2018-03-06"):
        assert read_energies(table + rows.format(date), "t") == (500_000, 1_500_000, 2_500_000)


FAULTS = {
    "time,active_energy_kwh\n": "t.csv: line 1: column interval_end_local is missing: name it in the header",
    "": "t.csv: line 1: column active_energy_kwh is missing: name it in the header",
    HEAD: "t.csv: no rows: give at least one 15-minute interval",
    HEAD + "5.3.2018,1\n": "t.csv: line 2: interval_end_local: '5.3.2018' is no date and time: write 2018-03-05T00:15",
    HEAD + "2018-03-05T00:15Z,1\n": (
        "t.csv: line 2: interval_end_local: '2018-03-05T00:15Z' has a time zone: give local time without one"
    ),
    HEAD + "2018-03-05T00:15,1\n2018-03-05T00:45,1\n": (
        "t.csv: line 3: interval_end_local: 2018-03-05T00:45 where 2018-03-05T00:30 is due: rows are 15 minutes apart"
    ),
    HEAD + "2018-03-05T00:15,\n": "t.csv: line 2: active_energy_kwh: '' is no number: write kWh such as 12.34",
    HEAD + "2018-03-05T00:15\n": "t.csv: line 2: active_energy_kwh: '' is no number: write kWh such as 12.34",
    HEAD + "2018-03-05T00:15,-1\n": "t.csv: line 2: active_energy_kwh: -1 is out of range: 0 to 1000000 kWh",
    HEAD + "2018-03-05T00:15,NaN\n": "t.csv: line 2: active_energy_kwh: NaN is out of range: 0 to 1000000 kWh",
    HEAD + "2018-03-05T00:15,1.0000001\n": (
        "t.csv: line 2: active_energy_kwh: 1.0000001 has more than six decimals: round it to 1 mWh"
    ),
}


@pytest.mark.parametrize(("table", "message"), FAULTS.items())
def test_a_faulty_table_is_refused_in_one_line(table, message):
    with pytest.raises(ValueError) as caught:
        read_energies(table, "t.csv")
    assert str(caught.value) == message


def test_machine_cycles_have_sub_second_steps_around_the_mean():
    cycles = [machine_cycle(random.Random(seed), 0, 40_000_000) for seed in range(50)]
    lengths = [b - a for cycle in cycles for a, b in pairwise(cycle.edges_ns)]
    assert 120_000_000 <= min(lengths) < 500_000_000
    assert 1_000_000_000 < max(lengths) < 1_400_000_000
    levels = [level for cycle in cycles for level in cycle.levels]
    assert 12_000_000 <= min(levels) < 20_000_000
    assert 50_000_000 < max(levels) <= 56_000_000
    assert len(set(cycles)) == 50
