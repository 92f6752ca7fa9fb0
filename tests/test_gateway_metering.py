"""A virtual meter's figure is the exact sum of its counters'; bounds hold, uncertainty is that of the parts."""

import json
from fractions import Fraction
from math import isqrt

import archive_maker as maker
import pytest
from archive_maker import failures
from hypothesis import given
from hypothesis import strategies as st
from test_gateway_export import Sealer

from agent.aggregation.replay import Amount
from gateway import metering, site_model
from gateway.metering import Counted, decimal
from verifier import archive

KWH = 10**6
TABLE = """
[[virtual]]
id = "rest"
agent = "edge-1"
point = "energy_import"
formula = {{ {formula} }}
"""


def site(formula):
    return site_model.parse(maker.SITE_TOML + TABLE.format(formula=formula).encode())


def counting(**amounts):
    """A `count` that knows these meters: (amount, lower, upper, u95), or None."""

    def count(_agent, meter, _point, _from_ns, _to_ns):
        given = amounts[meter]
        return None if given is None else Counted("wh_milli", Amount(*given, 0, ()))

    return count


def result(formula, **amounts):
    return metering.result(site(formula), "rest", counting(**amounts), 0, 1)


def exact(kwh, u95=None):
    return kwh * KWH, kwh * KWH, kwh * KWH, u95


def test_a_small_difference_of_large_amounts_is_warned_of():
    """10,000 kWh less three times 3,000 kWh, each known to 0.5 %: the root of 50^2 + 3 x 15^2 is 56.35 kWh, 5.6 %."""
    made = result(
        "main = 1, a = -1, b = -1, c = -1",
        main=exact(10_000, 50 * KWH), a=exact(3_000, 15 * KWH), b=exact(3_000, 15 * KWH), c=exact(3_000, 15 * KWH),
    )  # fmt: skip
    assert made.amount == 1_000 * KWH
    assert (isqrt(made.u95 // KWH * 100), made.u95 // 10_000) == (74, 5_634)  # 56.34 kWh
    assert made.relative_u95_ppm == 56_347
    assert "5.6347 %" in made.warning
    assert "0.5 %" in made.warning


def test_a_large_share_is_not():
    made = result("main = 1, a = -1", main=exact(10_000, 50 * KWH), a=exact(1_000, 5 * KWH))
    assert made.warning is None
    assert made.relative_u95_ppm == 5_583  # the root of 50^2 + 5^2 over 9,000


def test_registers_of_one_meter_share_its_error():
    """Two tariffs' registers of one meter, 1 % of each: 20 kWh of 2,000, not the root of 2 x 10^2."""
    made = result('"a/day" = 1, "a/night" = 1, b = -1', a=exact(1_000, 10 * KWH), b=exact(1_000, 15 * KWH))
    assert (made.amount, made.u95) == (1_000 * KWH, 25 * KWH)  # the root of 20^2 + 15^2


def test_bounds_are_taken_at_their_worst():
    made = result("main = 1, a = -2", main=(1000, 990, 1010, None), a=(300, 295, 310, None))
    assert (made.amount, made.lower, made.upper, made.u95) == (400, 370, 420, None)


def test_decimals_are_rounded_once_and_bounds_outwards():
    made = result('main = "0.5", a = "0.25"', main=(3, 3, 3, 1), a=(2, 1, 3, 1))
    # 1.5 + 0.5 = 2; 1.5 + 0.25 = 1.75 down to 1; 1.5 + 0.75 = 2.25 up to 3
    assert (made.amount, made.lower, made.upper) == (2, 1, 3)
    assert made.u95 == 1  # the root of 0.25 + 0.0625, up
    assert [term.times for term in made.terms] == ["0.25", "0.5"]


def test_what_is_not_known_makes_the_sum_not_known():
    made = result("main = 1, a = -1", main=exact(1000), a=None)
    assert (made.amount, made.lower, made.upper, made.u95) == (None, None, None, None)
    assert made.warning == "not known: edge-1/a/energy_import"


def test_a_remainder_below_zero_is_a_fault_only_beyond_its_bounds():
    below = result("main = 1, a = -1", main=(10, 9, 11, None), a=(13, 12, 14, None))
    assert (below.amount, below.warning) == (-3, "below zero: a meter, a ratio or the formula is wrong")
    assert result("main = 1, a = -1", main=(10, 9, 13, None), a=(11, 9, 12, None)).warning is None


def test_different_units_are_not_added():
    def count(_agent, meter, *_):
        return Counted("wh_milli" if meter == "main" else "m3_micro", Amount(1, 1, 1, None, 0, ()))

    made = metering.result(site("main = 1, a = -1"), "rest", count, 0, 1)
    assert (made.amount, made.unit) == (None, None)
    assert made.warning == "its counters count in different units: m3_micro, wh_milli"


ROWS = st.lists(
    st.tuples(
        st.integers(-(10**6), 10**6).filter(bool).map(lambda thousandths: Fraction(thousandths, 1000)),
        st.integers(0, 10**15),
        st.integers(0, 10**6),
        st.integers(0, 10**6),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip


@given(ROWS)
def test_whatever_the_counters_truth_the_sum_lies_within_its_bounds(rows):
    formula = ", ".join(f'm{n} = "{decimal(times)}"' for n, (times, *_) in enumerate(rows))
    given_amounts = {f"m{n}": (low + a, low, low + a + b, 1) for n, (_, low, a, b, _) in enumerate(rows)}
    made = result(formula, **given_amounts)
    truth = sum(times * (low + int((a + b) * at)) for times, low, a, b, at in rows)
    assert made.lower <= truth <= made.upper
    middle = sum(times * (low + a) for times, low, a, _, _ in rows)
    assert abs(made.amount - middle) * 2 <= 1
    assert made.lower <= made.amount <= made.upper


@given(st.integers(-(10**12), 10**12), st.integers(0, 9))
def test_a_decimal_has_one_text_and_it_means_the_same(value, places):
    text = decimal(Fraction(value, 10**places))
    assert Fraction(text) == Fraction(value, 10**places)
    assert "." not in text or not text.endswith(("0", "."))


# ---- in statements --------------------------------------------------------------------------------------------------


@pytest.fixture
def sealed(tmp_path, monkeypatch):
    """A function from a site's extra words to the ledger that has them."""
    opened = []

    def make(text, old="", new=""):
        monkeypatch.setattr(maker, "SITE_TOML", maker.SITE_TOML.replace(old.encode(), new.encode(), 1) + text.encode())
        made = maker.opened()
        maker.produced(made)
        opened.append(Sealer(made, tmp_path))
        return opened[-1]

    yield make
    for one in opened:
        one.ledger.close()


def test_a_statement_shows_it_and_the_verifier_finds_the_same(sealed):
    data = sealed(TABLE.format(formula="line1 = 1, comp1 = -1")).export()
    assert failures(data) == []
    (rest,) = json.loads(archive.read(data).statement)["virtual"]
    # 104 readings apart: 104 steps of 7 Wh less 104 of 2 Wh
    assert (rest["virtual"], rest["amount"], rest["unit"]) == ("rest", 520_000, "wh_milli")
    assert rest["lower"] < 520_000 < rest["upper"]
    assert [(term["meter"], term["times"], term["amount"]) for term in rest["terms"]] == [
        ("comp1", "-1", 208_000),
        ("line1", "1", 728_000),
    ]


def test_a_utility_by_formula_is_shared_exactly(sealed):
    electricity = 'electricity = { agent = "edge-1", meter = "comp1", point = "energy_import" }'
    assert electricity in maker.SITE_TOML.decode()
    sealer = sealed(TABLE.format(formula='comp1 = "1.5"'), electricity, 'electricity = { virtual = "rest" }')
    data = sealer.export()
    assert failures(data) == []
    (air,) = json.loads(archive.read(data).statement)["utilities"]
    assert (air["metered_wh_milli"], air["allocated_wh_milli"]) == (312_000, 312_000)


def test_a_counter_that_no_agent_has_is_refused_before_anything_is_sealed(sealed):
    sealer = sealed(TABLE.format(formula="line1 = 1, comp2 = -1"))
    size = sealer.ledger.size
    told = "virtual.rest.formula: edge-1 has no counter comp2/energy_import: did you mean comp1/energy_import"
    with pytest.raises(ValueError, match=told):
        sealer.export()
    assert sealer.ledger.size == size


def test_a_bent_figure_is_contradicted(sealed):
    sealer = sealed(TABLE.format(formula="line1 = 1, comp1 = -1"))
    text = json.loads(archive.read(sealer.export()).statement)
    text["virtual"][0]["amount"] += 1
    made = sealer.made
    made.statement = json.dumps(text, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    part = maker.records.RunPart(ledger_size=len(made.ledger), statement=made.statement)
    made.add(maker.GATEWAY, "run", [maker.records.write(part)], maker.T0, maker.T0)
    assert failures(made) == ["FAIL statement virtual[0].amount: states 520001, recomputed 520000"]
