"""A line: batches that follow the rules, masses and power that add up, controller values that change when they say."""

import random
from itertools import pairwise
from pathlib import Path

from simulators import scenario
from simulators.line import Line
from simulators.load import base_load

START_NS = 1_700_000_000_123_456_789
SECOND_NS = 10**9
HOUR_NS = 3600 * SECOND_NS
PLANT = Path(__file__).parents[1] / "configs" / "demo" / "plant.toml"
CONFIG = scenario.parse(PLANT.read_bytes(), "plant.toml").lines[0]


def line(seed: int = 1, batch_s: int = 180) -> Line:
    return Line(CONFIG, base_load([10_000_000, 90_000_000], START_NS, 168), seed, START_NS, batch_s)


def test_batches_follow_one_another_within_their_limits():
    batches = line().batches(START_NS + 24 * HOUR_NS)
    assert 400 < len(batches) < 500
    assert [batch.batch_id for batch in batches[:2]] == ["L1-0001", "L1-0002"]
    assert len({batch.batch_id for batch in batches}) == len(batches)
    assert {batch.product for batch in batches} == {"steel coil 1.5 mm", "steel plate 6 mm"}
    lengths = [batch.end_ns - batch.start_ns for batch in batches]
    assert 144 * SECOND_NS <= min(lengths) < 150 * SECOND_NS
    assert 210 * SECOND_NS < max(lengths) < 216 * SECOND_NS
    pauses = [after.start_ns - before.end_ns for before, after in pairwise(batches)]
    shared = pauses.count(0)
    assert len(batches) / 8 < shared < len(batches) / 2
    assert all(pause == 0 or 3 * SECOND_NS <= pause < 8 * SECOND_NS for pause in pauses)


def test_masses_are_what_the_product_makes():
    rates = {product.name: product.made_g_per_s * 1000 for product in CONFIG.products}
    batches = line().batches(START_NS + HOUR_NS)
    assert len(batches) > 15
    for batch in batches:
        made = rates[batch.product] * (batch.end_ns - batch.start_ns) // SECOND_NS
        assert made - 2 <= batch.good_g_milli + batch.scrap_g_milli <= made  # each is rounded down
        assert 0.0099 < batch.scrap_g_milli / made < 0.0401


def test_the_schedule_is_the_seeds():
    first, again, other = line(seed=7), line(seed=7), line(seed=8)
    again.power.area(START_NS + 5 * HOUR_NS, START_NS + 6 * HOUR_NS)  # a question far ahead changes nothing before
    until_ns = START_NS + 2 * HOUR_NS
    assert first.batches(until_ns) == again.batches(until_ns) != other.batches(until_ns)
    assert first.power.area(START_NS, until_ns) == again.power.area(START_NS, until_ns)


def test_shorter_batches():
    lengths = [batch.end_ns - batch.start_ns for batch in line(batch_s=20).batches(START_NS + HOUR_NS)]
    assert len(lengths) > 100
    assert 16 * SECOND_NS <= min(lengths) < max(lengths) < 24 * SECOND_NS


def test_power_while_idle_is_standby_and_the_share_of_the_base():
    asked = line()
    first = asked.batches(START_NS + HOUR_NS)[0]
    base_mw = 10_000_000 * 4 * 20 // 1000  # 10 kWh in 15 minutes, 20 permille of it
    assert asked.power.level(first.start_ns - 1) == 6_500_000 + base_mw
    assert asked.power.area(START_NS, START_NS + SECOND_NS) == (6_500_000 + base_mw) * SECOND_NS
    assert asked.power.level(first.start_ns) != 6_500_000 + base_mw


def test_the_controller_shows_batches_and_totals():
    asked = line()
    batches = asked.batches(START_NS + HOUR_NS)
    idle = asked.shown(START_NS)
    assert (idle["BatchId"][0], idle["Product"][0], idle["Running"][0]) == ("", "", False)
    for batch in batches:
        shown = asked.shown(batch.end_ns - 1)
        assert (shown["BatchId"], shown["Product"][0], shown["Running"][0]) == (
            (batch.batch_id, batch.start_ns),
            batch.product,
            True,
        )
        for total, made in (("Produced", batch.good_g_milli), ("Scrap", batch.scrap_g_milli)):
            assert asked.shown(batch.end_ns)[total][0] - asked.shown(batch.start_ns)[total][0] == made


def test_a_value_changed_exactly_when_it_says():
    asked, rng = line(), random.Random(5)
    told = 0
    for _ in range(300):
        at_ns = START_NS + SECOND_NS + rng.randrange(HOUR_NS)
        for name, (value, changed_ns) in asked.shown(at_ns).items():
            assert changed_ns <= at_ns
            assert asked.shown(changed_ns)[name][0] == value
            if changed_ns > START_NS:
                told += 1
                assert asked.shown(changed_ns - 1)[name][0] != value
    assert told > 1000


def test_totals_never_fall():
    asked = line()
    for total in ("Produced", "Scrap"):
        values = [asked.shown(START_NS + i * 250_000_000)[total][0] for i in range(4000)]
        assert values == sorted(values)
        assert values[-1] > values[0] > 0
