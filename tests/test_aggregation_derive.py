"""Derived counters: against sums written out in fractions, over any windows, and where nothing may be assumed."""

from fractions import Fraction

import numpy as np
import pytest
from archive_maker import METERS, T0, S, counter, profile
from hypothesis import given, settings
from hypothesis import strategies as st
from media_plant import GAUGE

from agent.aggregation import derive, replay
from agent.drivers.profile import parse, profile_hash
from contract import records, segment
from contract.derived_records import DerivedPart
from contract.errors import Malformed

assert "boiler" not in METERS
TRIP_NS = 20_000_000
PROFILE = profile(
    "boiler",
    counter("mass", "mass", "kg", 0)
    + counter("volume", "volume", "m3", 4)
    + GAUGE.format("p", "pressure", 2, "kPa", 0)
    + GAUGE.format("t", "temperature", 3, "degC", 0),
)


def part(kind: str, **changes: object) -> DerivedPart:
    """A derived counter of the boiler, as a manifest states it."""
    given_ = {"gas": {"counts": "volume", "reference_k_milli": 273_150, "compressibility": "0.99"},
              "saturated_steam": {"dryness": "0.95", "temperature": None}}  # fmt: skip
    name, digest = derive.FORMULATIONS[kind]
    heat = None if kind == "gas" else 83_740
    members = {
        "meter": "boiler", "point": "out", "kind": kind, "counts": "mass", "pressure": "p", "pressure_is": "absolute",
        "atmosphere_pa": None, "temperature": "t", "reference_k_milli": None, "compressibility": None, "dryness": None,
        "reference_j_per_kg": heat, "apart_ns": 60 * S, "formulation": name, "formulation_hash": digest,
    }  # fmt: skip
    return DerivedPart(**{**members, **given_.get(kind, {}), **changes})


def manifest(*derived: DerivedPart) -> list[bytes]:
    meter = records.MeterPart(
        meter="boiler", installation="1", address="unit 1", base="0", profile=profile_hash(PROFILE),
        serial="1", serial_is="declared", accuracy_class=None, ct=None, pt=None, certificate=None, declared=[],
        power_max_w=None,
    )  # fmt: skip
    made = [records.ProfilePart(name="boiler", toml=PROFILE), meter, *derived]
    return [records.write(one) for one in made]


def counter_of(one: DerivedPart) -> replay.Counter:
    return replay.counters(manifest(one))["boiler", "out"]


def at(k: int) -> int:
    return T0 + 10 * k * S


def read(rows: list[tuple[int, int, int]], point: str = "mass") -> list[segment.MeterSegment]:
    """Segments of three readings each: counter, pressure in kPa, temperature in degC."""
    made = []
    for first in range(0, len(rows), 3):
        some = range(first, min(first + 3, len(rows)))
        requested = tuple(at(k) for k in some)
        columns = tuple(
            segment.Column(name, tuple(rows[k][n] for k in some), (0,) * len(some))
            for n, name in enumerate((point, "p", "t"))
        )
        block = segment.Block(0, requested, tuple(ns + TRIP_NS for ns in requested), columns)
        made.append(segment.MeterSegment("boiler", segment.TICK_NS, (block,)))
    return made


def amount(one: DerivedPart, rows: list[tuple[int, int, int]], first: int, last: int) -> replay.Amount:
    """From reading `first` to reading `last`, each edge exactly the reading."""
    point = counter_of(one)
    edges = [(at(k), at(k) + TRIP_NS) for k in (first, last)]
    return replay.amounts(point, replay.readings(point, read(rows, one.counts)), edges, [(0, 1)])[0]


def test_gas_worked_out_by_hand():
    # 10 m3 at 300 kPa, 10 degC, then 20 m3 while it goes to 200 kPa, 20 degC; to 0 degC with K = 0.99
    rows = [(100, 300, 10), (110, 300, 10), (130, 200, 20), (130, 200, 20)]
    w = [Fraction(p) * Fraction("273.15") / (Fraction("101.325") * (t + Fraction("273.15")) * Fraction("0.99"))
         for _, p, t in rows]  # fmt: skip
    found = amount(part("gas"), rows, 0, 3)
    assert found.amount == round(10_000_000 * w[0]) + round(20_000_000 * (w[1] + w[2]) / 2)
    assert (found.lower, found.upper, found.u95, found.anomalies) == (None, None, None, ())


def test_steam_worked_out_by_hand():
    # 1000 kPa, 200 degC is 2828.3 kJ/kg in the steam tables: 50 kg less 83.74 kJ/kg each
    found = amount(part("steam"), [(0, 1000, 200), (50, 1000, 200), (50, 1000, 200)], 0, 2)
    assert found.amount == pytest.approx(50 * (2_828_300 - 83_740), abs=50 * 50)
    assert found.amount % 50 == 0  # whole J/kg


def test_gauge_pressure_is_absolute_less_the_atmosphere():
    rows = [(0, 300, 10), (50, 300, 10), (50, 300, 10)]
    gauge = part("gas", pressure_is="gauge", atmosphere_pa=100_000)
    assert amount(gauge, rows, 0, 2) == amount(part("gas"), [(v, p + 100, t) for v, p, t in rows], 0, 2)


def test_wet_steam_needs_no_temperature():
    rows = [(0, 1000, 0), (10, 1000, 999), (10, 1000, 0)]
    # h' = 762.7, h'' = 2777.1 kJ/kg at 1 MPa
    each = 762_700 + 0.95 * (2_777_100 - 762_700) - 83_740
    assert amount(part("saturated_steam"), rows, 0, 2).amount == pytest.approx(10 * each, rel=1e-4)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([(0, 1000, 200), (5, 1000, 150), (5, 1000, 200)], "conditions_beyond"),  # it would be water
        ([(0, 1000, 200), (9, 1000, 200), (4, 1000, 200)], "back_step"),
    ],
)
def test_what_cannot_be_converted_is_not_guessed(rows, told):
    found = amount(part("steam"), rows, 0, 2)
    assert (found.amount, found.anomalies) == (None, (told,))


def test_cold_conditions_do_not_matter_while_nothing_flows():
    assert amount(part("steam"), [(7, 0, 20), (7, 5, 20), (7, 0, 25)], 0, 2).amount == 0


def test_readings_too_far_apart_are_not_joined():
    rows = [(0, 1000, 200), (5, 1000, 200), (5, 1000, 200)]
    found = amount(part("steam", apart_ns=9 * S), rows, 0, 2)
    assert (found.amount, found.anomalies) == (None, ("conditions_apart",))


def test_a_reading_without_conditions_is_none():
    point = counter_of(part("steam"))
    (made,) = read([(0, 1000, 200), (5, 1000, 200)])
    bare = segment.MeterSegment("boiler", made.tick_ns, (
        segment.Block(0, made.blocks[0].requested_ns, made.blocks[0].answered_ns, made.blocks[0].columns[:2]),
    ))  # fmt: skip
    assert replay.readings(point, [bare]).raws == ()
    assert replay.readings(point, [made]).conditions == ((1000, 200), (1000, 200))


def test_conditions_read_in_another_block_are_the_nearest_in_time():
    point = counter_of(part("gas"))
    times = tuple(at(k) for k in range(3))
    later = tuple(ns + 3 * S for ns in times)
    made = segment.MeterSegment("boiler", segment.TICK_NS, (
        segment.Block(0, times, times, (segment.Column("volume", (1, 2, 3), (0, 0, 0)),)),
        segment.Block(1, later, later, (segment.Column("p", (300, None, 302), (0, 0x80000000, 0)),
                                        segment.Column("t", (10, 11, 12), (0, 0, 0)))),
    ))  # fmt: skip
    # 10 s apart: at 10 s the pressure of 3 s and that of 23 s are 7 s and 13 s away, the temperature of 13 s 3 s
    assert replay.readings(point, [made]).conditions == ((300, 10), (300, 11), (302, 12))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 40), st.integers(50, 900), st.integers(0, 60)), min_size=4, max_size=20),
    cuts=st.lists(st.integers(0, 10**6), max_size=5),
)
def test_windows_over_any_partition_add_up_to_what_the_counter_moved_by(rows, cuts):
    total, shown = 0, []
    for step, p, t in rows:
        total += step
        shown.append((total, p, t))
    point = counter_of(part("gas"))
    known = replay.readings(point, read(shown, "volume"))
    last = at(len(rows) - 1)
    instants = sorted({at(0), last + TRIP_NS, *(at(0) + (last - at(0)) * cut // 10**6 for cut in cuts)})
    edges = [(ns, ns) for ns in instants]
    windows = [(n, n + 1) for n in range(len(edges) - 1)]
    found = [one.amount for one in replay.amounts(point, known, edges, windows)]
    w = [Fraction(p) * Fraction("273.15") / (Fraction("101.325") * (t + Fraction("273.15")) * Fraction("0.99"))
         for _, p, t in shown]  # fmt: skip
    due = sum(round(rows[n][0] * 10**6 * (w[n - 1] + w[n]) / 2) for n in range(1, len(rows)))
    assert replay.moved(point, known) == due
    assert sum(found) == due
    some = np.array([n % 2 == 0 for n in range(len(known.raws))])
    assert known.where(some).conditions == known.conditions[::2]
    chunks = [replay.readings(point, [one]) for one in read(shown, "volume")]
    again = replay.joined(chunks)
    assert (again.raws, again.conditions) == (known.raws, known.conditions)


def test_what_is_at_reference_conditions_already_is_not_converted_again():
    points = {point.id: point for point in parse(PROFILE).points}
    points["volume"] = points["volume"].model_copy(update={"reference_degc": 20})
    with pytest.raises(ValueError, match="at reference conditions already"):
        derive.derivation(part("gas"), points)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"formulation_hash": bytes(32)}, "not known here"),
        ({"pressure": "q"}, "no point q"),
        ({"counts": "volume"}, "not in g_milli"),
        ({"counts": "p"}, "no such counter"),
        ({"point": "mass"}, "no such counter, or it is one itself"),
        ({"temperature": "p"}, "give it in K, degC"),
        ({"temperature": None}, "not described whole"),
        ({"pressure_is": "gauge"}, "gauge pressure needs"),
        ({"dryness": "wet"}, "decimal"),
    ],
)
def test_a_part_that_cannot_be_computed_by_is_malformed(changes, words):
    with pytest.raises(Malformed, match=words):
        replay.counters(manifest(part("steam", **changes)))
