"""Attribution: exact sums, a stated key, and nothing counted that should not be."""

import json
from dataclasses import replace

import pytest
import web_plant
from hypothesis import given
from hypothesis import strategies as st

from gateway.attribution import (
    OVERLAP,
    BatchFacts,
    Told,
    UtilityUse,
    attribute,
    canonical_json,
    check_factors,
    distinct,
    exclusions,
)

NS = 10**9
SITE, FACTORS = web_plant.site(), web_plant.library()
COIL, PLATE = "steel coil 1.5 mm", "steel plate 6 mm"
AIR = "compressed-air"
FROM_NS, TO_NS = 0, 10_000 * NS


def batch(name="B1", line="line1", product=COIL, start=0, end=100, **changes):
    known = BatchFacts(
        "edge-1", name, line, product, start * NS, end * NS, True, 1_000_000, 990_000, 1_010_000, 10_000,
        500_000_000, 5_000_000,
    )  # fmt: skip
    return replace(known, **changes)


def run(batches, energy=600_000, volume=5_000_000, provisional=False):
    uses = [UtilityUse(AIR, energy, volume)]
    return attribute(SITE, FACTORS, batches, uses, FROM_NS, TO_NS, provisional=provisional)


def test_figures_worked_out_by_hand():
    told = run(
        [
            batch("B1", "line1", COIL, 0, 100),
            batch("B2", "line2", PLATE, 0, 100, energy_wh_milli=2_000_000, good_g_milli=10**9),
            batch("B3", "line1", COIL, 100, 200, energy_wh_milli=3_000_000, good_g_milli=10**9),
        ]
    )
    coil, plate = told.products
    # weights 3.36 : 2.70 : 3.36 of 600,000 mWh; 336/942 = 214,012.74, 270/942 = 171,974.52
    assert coil.utilities[0].energy_wh_milli == 428_026  # the largest remainders take one each: 214,013 twice
    assert plate.utilities[0].energy_wh_milli == 171_974
    assert (coil.batches, coil.direct_wh_milli, coil.good_g_milli) == (2, 4_000_000, 1_500_000_000)
    assert coil.energy_wh_milli == 4_428_026
    assert coil.wh_milli_per_unit == 2_952_017  # 4,428,026 mWh / 1.5 t = 2,952,017.3
    assert coil.co2e_g_micro == 2_558_070_620  # x 577.7 ug/mWh = 2,558,070,620.2
    assert coil.co2e_g_micro_per_unit == 1_705_380_413  # / 1.5 t
    assert coil.measured_ppm == 903_337  # 4,000,000 / 4,428,026
    assert coil.allocated_ppm == 96_663
    assert (coil.direct_u95_wh_milli, coil.direct_lower_wh_milli, coil.scrap_g_milli) == (20_000, 1_980_000, 10**7)
    assert told.utilities[0].wh_milli_per_m3 == 120_000  # 600,000 mWh / 5 m3
    assert told.label == "partial: gate-to-gate energy"
    assert told.lacking == ("materials", "process emissions", "waste")
    assert (told.factor.id, told.factor.value) == ("cn-electricity-footprint-2024", "0.5777")
    assert told.provisional is False
    assert run([], provisional=True).provisional is True


def test_without_any_batch_everything_stays_unallocated():
    told = run([])
    air = told.utilities[0]
    assert (air.metered_wh_milli, air.allocated_wh_milli, air.unallocated_wh_milli) == (600_000, 0, 600_000)
    assert [(p.batches, p.direct_wh_milli, p.energy_wh_milli, p.co2e_g_micro) for p in told.products] == [
        (0, None, None, None)
    ] * 2


def of_pieces(name="B1", pieces=480, **changes):
    made = {"good_g_milli": None, "scrap_g_milli": None, "good_one_milli": pieces * 1000, "scrap_one_milli": 20_000}
    return batch(name, **{**made, **changes})


@pytest.mark.parametrize(("unit", "size"), [("piece", 1), ("1000 pieces", 1000)])
def test_a_product_by_the_piece_worked_out_by_hand(unit, size):
    batches = [of_pieces(), of_pieces("B2", 320, start=100, end=200), batch("B3", product=PLATE, start=200, end=300)]
    told = attribute(
        web_plant.by_the_piece(unit), FACTORS, batches, [UtilityUse(AIR, 600_000, 1)], 0, TO_NS, provisional=False
    )
    coil, plate = told.products
    assert coil.energy_wh_milli == 2_400_000  # 2 kWh and two thirds of 0.6 kWh
    assert (coil.good_one_milli, coil.scrap_one_milli) == (800_000, 40_000)
    assert (coil.good_g_milli, coil.scrap_g_milli) == (None, None)
    assert coil.wh_milli_per_unit == 3_000 * size  # 2.4 kWh over 800 pieces: 3 Wh each
    assert coil.co2e_g_micro_per_unit == 1_733_100 * size  # x 577.7 ug/mWh
    assert (plate.unit, plate.good_g_milli, plate.good_one_milli) == ("t", 500_000_000, None)
    coil, plate = json.loads(canonical_json(told))["products"]
    assert (coil["unit"], coil["good_one_milli"], coil["scrap_one_milli"]) == (unit, 800_000, 40_000)
    assert not {"good_g_milli", "scrap_g_milli"} & coil.keys()
    assert not {"good_one_milli", "scrap_one_milli"} & plate.keys()


@pytest.mark.parametrize(
    ("site", "made", "reason"),
    [
        (SITE, of_pieces("B2", start=100, end=200), "good output is in pieces, the product is declared by mass"),
        (web_plant.by_the_piece(), batch("B2", start=100, end=200),
         "good output is a mass, the product is declared by the piece"),
        (web_plant.by_the_piece(), of_pieces("B2", start=100, end=200, good_one_milli=None), "good output not known"),
    ],
    ids=["pieces-for-mass", "mass-for-pieces", "unknown"],
)  # fmt: skip
def test_output_in_another_unit_than_the_product_counts_for_nothing(site, made, reason):
    good = batch("B1", good_one_milli=10_000)  # output that is known in both counts for either
    told = attribute(site, FACTORS, [good, made], [UtilityUse(AIR, 600_000, 1)], 0, TO_NS, provisional=False)
    assert [(one.batch, one.reason) for one in told.excluded] == [("B2", reason)]
    assert told.products[0].batches == 1


def test_an_incomplete_batch_is_listed_and_not_in_the_intensity():
    whole = batch("B1", start=0, end=100)
    cut = batch("B2", start=100, end=200, complete=False, energy_wh_milli=None)
    told = run([whole, cut])
    assert (told.products[0].batches, told.products[0].incomplete, told.products[0].excluded) == (1, 1, 1)
    assert told.products[0].direct_wh_milli == 1_000_000
    assert [(one.batch, one.reason, one.direct_wh_milli) for one in told.excluded] == [("B2", "incomplete", None)]
    assert told.excluded[0].utilities[0].energy_wh_milli == 300_000  # it ran, so its air is not the others'


@pytest.mark.parametrize(
    ("changes", "reason", "ran"),
    [
        ({"product": "foil"}, "product not in the site model", True),
        ({"line": "line9"}, "line not in the site model", False),
        ({"agent": "edge-9"}, "line not in the site model", False),
        ({"energy_wh_milli": None}, "energy not known", True),
        ({"good_g_milli": None}, "good output not known", True),
        ({"start_ns": 50 * NS}, "overlaps another batch of its line", False),
    ],
)
def test_why_a_batch_does_not_count(changes, reason, ran):
    told = run([batch("B1", start=0, end=100), batch("B2", start=100, end=200, **changes)])
    (found,) = told.excluded
    assert (found.batch, found.reason) == ("B2", reason)
    assert bool(found.utilities[0].energy_wh_milli) == ran
    assert told.products[0].batches == 1


def test_a_batch_told_late_counts_and_never_keeps_out_one_that_an_agent_saw():
    by = {"late": Told("Li", "the controller was off", 300 * NS)}
    seen = [batch("B1", start=0, end=100), batch("B2", start=100, end=200)]
    late = [batch("L1", start=-50, end=50, **by), batch("L2", start=200, end=250, **by)]
    late += [batch("L3", start=240, end=300, **by), batch("L4", start=50, end=60, **by)]
    said = run([*late, *seen])
    assert (said.products[0].batches, said.products[0].direct_wh_milli) == (3, 3_000_000)
    assert [(one.batch, one.reason) for one in said.excluded] == [
        (name, "overlaps another batch of its line") for name in ("L1", "L4", "L3")
    ]
    assert [(one.batch, one.end_ns, one.told_ns, one.author) for one in said.late] == [
        (name, end * NS, 300 * NS, "Li") for name, end in (("L1", 50), ("L4", 60), ("L2", 250), ("L3", 300))
    ]
    assert b'"late":[{"agent":"edge-1"' in canonical_json(said)
    assert b'"late"' not in canonical_json(run(seen))


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=12))
def test_of_what_agents_saw_each_is_kept_that_begins_after_the_last_kept_has_ended(spans):
    seen = distinct(batch(f"B{n}", start=start, end=start + length) for n, (start, length) in enumerate(spans))
    free_ns, due = 0, []
    for one in seen:
        due.append(None if one.start_ns >= free_ns else OVERLAP)
        free_ns = one.end_ns if one.start_ns >= free_ns else free_ns
    assert exclusions(SITE, seen) == due


def test_a_batch_without_good_output_counts_with_its_energy():
    told = run([batch("B1"), batch("B2", start=100, end=200, good_g_milli=0)], energy=0)
    assert told.products[0].wh_milli_per_unit == 4_000_000  # 2 kWh over 0.5 t
    alone = run([batch("B2", good_g_milli=0)])
    assert alone.products[0].energy_wh_milli is not None
    assert alone.products[0].wh_milli_per_unit is None


def test_an_unknown_utility_makes_the_total_unknown_not_smaller():
    told = run([batch()], energy=None)
    assert told.products[0].direct_wh_milli == 1_000_000
    assert told.products[0].energy_wh_milli is None
    assert told.products[0].co2e_g_micro is None
    assert told.utilities[0].allocated_wh_milli is None


def test_a_batch_belongs_to_the_period_in_which_it_ends():
    inside = attribute(SITE, FACTORS, [batch(start=0, end=100)], [], 50 * NS, 101 * NS, provisional=False)
    assert inside.products[0].batches == 1
    for from_ns, to_ns in ((0, 100 * NS), (101 * NS, 200 * NS)):
        outside = attribute(SITE, FACTORS, [batch(start=0, end=100)], [], from_ns, to_ns, provisional=False)
        assert outside.products[0].batches == 0


def test_a_record_sealed_twice_counts_once():
    told = run([batch(), batch()])
    assert (told.products[0].batches, told.excluded) == (1, ())


def test_only_a_footprint_factor_will_do():
    wrong = SITE.model_copy(update={"factor": "cn-electricity-co2-2023"})
    assert "kgCO2/kWh" in check_factors(wrong, FACTORS)[0]
    assert "is not among" in check_factors(SITE, {})[0]
    assert check_factors(SITE, FACTORS) == []
    with pytest.raises(ValueError, match="footprint factor"):
        attribute(wrong, FACTORS, [], [], FROM_NS, TO_NS, provisional=False)
    with pytest.raises(ValueError, match="steam: not in the site model"):
        attribute(SITE, FACTORS, [], [UtilityUse("steam", 1, None)], FROM_NS, TO_NS, provisional=False)


BATCHES = st.lists(
    st.builds(
        batch,
        name=st.sampled_from(["a", "b", "c"]),
        line=st.sampled_from(["line1", "line2", "line3"]),
        product=st.sampled_from([COIL, PLATE, "foil"]),
        start=st.integers(0, 5_000),
        end=st.integers(5_000, 12_000),
        complete=st.booleans(),
        energy_wh_milli=st.none() | st.integers(0, 10**9),
        good_g_milli=st.none() | st.integers(0, 10**12),
        good_one_milli=st.none() | st.integers(0, 10**9),
    ),
    max_size=8,
)


@given(BATCHES, st.integers(0, 10**12))
def test_every_milliwatt_hour_is_somewhere(batches, energy):
    told = run(batches, energy=energy)
    air = told.utilities[0]
    assert air.allocated_wh_milli + air.unallocated_wh_milli - air.metered_wh_milli == 0
    shared = sum(share.energy_wh_milli or 0 for product in told.products for share in product.utilities)
    apart = sum(share.energy_wh_milli for one in told.excluded for share in one.utilities)
    assert shared + apart == air.allocated_wh_milli
    counted = [one for one in told.products if one.batches]
    assert all(one.measured_ppm is None or one.measured_ppm + one.allocated_ppm == 10**6 for one in counted)
    assert run(batches[::-1], energy=energy) == told or len({b.batch for b in batches}) < len(batches)
