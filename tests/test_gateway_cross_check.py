"""Hand readings and invoices stand beside what meters counted, with a verdict each, and are in no sum."""

import json
from dataclasses import replace
from functools import partial

import archive_maker as maker
import hand
import pytest
from archive_maker import AGENT, GATEWAY, T0, S, failures
from test_gateway_export import Sealer

from agent.aggregation import replay
from contract import records
from gateway import cross_check, manual
from gateway.manual import Told
from gateway.metering import counting
from verifier import archive

COUNTERS = replay.counters(maker.manifest_parts())


def find(_agent, meter, point, age_ns=None):
    """A counter of the factory, read every 10 s from T0 on: line1 shows 5000 + 7 k Wh."""
    if (meter, point) not in COUNTERS:
        return None
    counter = COUNTERS[meter, point]
    known = replay.readings(counter, [maker.meter_segment(meter, 0, maker.READINGS)])
    return (counter if age_ns is None else replace(counter, age_ns=age_ns)), known


def said(*parts):
    return manual.read(Told(20 + n, bytes([n]) * 32, [records.write(part)]) for n, part in enumerate(parts))


def amended(nth, old, text, unit="wh_milli"):
    of = hand.EntryRef(author=GATEWAY, epoch=bytes(16), seq=1, hash=bytes([nth]) * 32)
    return hand.amendment(of, old, text, number=0, unit=unit)


def read(*parts):
    return cross_check.readings(said(*parts), find, maker.FROM_NS, maker.TO_NS)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("5.095 kWh", "agrees"),
        ("5.1 kWh", "differs: above what the meter showed"),
        ("5.099 kWh", "agrees"),
        ("5.0 kWh", "agrees"),  # no further digit: up to 5.1
        ("5.090 kWh", "agrees"),
        ("5.089 kWh", "differs: below what the meter showed"),
        ("5.08 kWh", "differs: below what the meter showed"),
        ("5091 kWh", "differs: above what the meter showed"),
    ],
)
def test_a_hand_reading_beside_what_the_register_showed(text, verdict):
    (row,) = read(hand.reading(text, T0 + 135 * S))
    # answered at 130 s: 5091 Wh; the first requested a second after 135 s: 5098 Wh, and a step of 1 Wh
    assert (row.metered_lower, row.metered_upper) == (5_091_000, 5_099_000)
    assert row.verdict == verdict
    assert (row.entry, row.meter, row.text, row.author) == (20, "line1", text, "Li Wei")


def test_a_longer_time_of_reading_widens_the_bounds():
    (row,) = read(hand.reading("5.12 kWh", T0 + 135 * S, within_ns=60 * S))
    assert (row.metered_lower, row.metered_upper) == (5_091_000, 5_141_000)


@pytest.mark.parametrize(
    "reading",
    [
        hand.reading("5 kWh", T0 + 135 * S, meter="line9"),
        hand.reading("5 m3", T0 + 135 * S),
        hand.reading("9 kWh", T0 + 1195 * S, within_ns=S),
    ],
    ids=["no such meter", "another unit", "after the last reading"],
)
def test_without_bounds_nothing_is_decided_in_favour(reading):
    rows = cross_check.readings(said(reading), find, maker.FROM_NS, maker.TO_NS)
    assert [row.verdict for row in rows] == ["not decided: the meter tells no bounds"]


def test_a_register_of_unknown_age_tells_no_bounds():
    unknown = cross_check.readings(
        said(hand.reading("5.095 kWh", T0 + 135 * S)), partial(find, age_ns=-1), maker.FROM_NS, maker.TO_NS
    )
    assert (unknown[0].metered_lower, unknown[0].verdict) == (None, "not decided: the meter tells no bounds")


def test_an_amended_reading_is_judged_by_its_new_value_and_a_withdrawn_one_not_at_all():
    wrong = hand.reading("509.5 kWh", T0 + 135 * S)
    assert read(wrong)[0].verdict.startswith("differs")
    right = read(wrong, amended(0, 509_500_000, "5.095 kWh"))
    assert (right[0].verdict, right[0].value, right[0].value_most) == ("agrees", 5_095_000, 5_096_000)
    assert read(wrong, amended(0, 509_500_000, "unknown"))[0].verdict == "withdrawn"


def test_a_reading_belongs_to_the_periods_within_half_an_hour():
    near = (
        hand.reading("5 kWh", maker.FROM_NS - 1800 * S),
        hand.reading("6 kWh", maker.TO_NS + 1740 * S, within_ns=60 * S),
    )
    assert len(read(*near)) == 2
    far = hand.reading("5 kWh", maker.FROM_NS - 1801 * S), hand.reading("6 kWh", maker.TO_NS + 1800 * S, within_ns=S)
    assert read(*far) == ()


def moved(*parts, known=find):
    return cross_check.amounts(said(*parts), counting(known), maker.FROM_NS, maker.TO_NS)


def test_two_readings_of_a_meter_nobody_reads_give_an_amount_by_hand():
    rows = moved(
        hand.reading("9.5 kWh", T0 + 900 * S, meter="spare"), hand.reading("5.25 kWh", T0 + 100 * S, meter="spare")
    )
    (row,) = rows
    assert (row.first_entry, row.last_entry, row.meter, row.method) == (21, 20, "spare", "manual")
    assert (row.amount, row.lower, row.upper) == (4_250_000, 4_240_000, 4_350_000)
    assert (row.from_ns, row.to_ns) == (T0 + 100 * S, T0 + 900 * S)


def test_where_the_meter_tells_it_no_amount_is_made_by_hand():
    assert moved(hand.reading("5 kWh", T0 + 100 * S), hand.reading("6 kWh", T0 + 900 * S)) == ()


def test_three_readings_are_two_amounts_and_a_fall_is_none():
    texts = ("5 kWh", 100), ("7 kWh", 500), ("5 kWh", 900)
    rows = moved(*(hand.reading(text, T0 + at * S, meter="spare") for text, at in texts))
    assert [row.amount for row in rows] == [2_000_000, None]
    assert [row.why_unknown for row in rows] == [None, "the counter fell between the readings"]


def test_a_counter_that_stood_still_moved_by_nothing_or_up_to_a_step():
    (row,) = moved(*(hand.reading("5 kWh", T0 + at * S, meter="spare") for at in (100, 900)))
    assert (row.amount, row.lower, row.upper) == (0, 0, 1_000_000)


def test_a_withdrawn_reading_makes_no_amount():
    first = hand.reading("5 kWh", T0 + 100 * S, meter="spare"), hand.reading("7 kWh", T0 + 500 * S, meter="spare")
    assert moved(*first, amended(1, 7_000_000, "unknown")) == ()


def billed(*parts):
    return cross_check.invoices(said(*parts), counting(find), maker.FROM_NS, maker.TO_NS)


@pytest.mark.parametrize(
    ("text", "verdict", "difference"),
    [
        ("0.936 kWh", "agrees", 0),  # 104 steps of 7 Wh and of 2 Wh
        ("0.9 kWh", "agrees", -36_000),  # its last digit is a tenth
        ("0.90 kWh", "differs: less than was metered", -36_000),
        ("1.20 kWh", "differs: more than was metered", 264_000),
    ],
)
def test_an_invoice_beside_what_was_metered(text, verdict, difference):
    (row,) = billed(hand.invoice(text))
    assert (row.metered, row.difference, row.verdict) == (936_000, difference, verdict)
    assert row.metered_lower < 936_000 < row.metered_upper
    assert (row.supplier, row.number) == ("Grid", "2023-11")


def test_an_invoice_of_a_meter_that_was_not_read_is_not_judged():
    place = hand.CounterPlace(agent=AGENT, meter="spare", point="energy_import")
    (row,) = billed(hand.invoice("5 kWh", counters=[place]))
    assert (row.metered, row.difference, row.verdict) == (None, None, "not decided: the meter tells no bounds")


def test_an_amended_invoice():
    (row,) = billed(hand.invoice("9.36 kWh"), amended(0, 9_360_000, "0.936 kWh"))
    assert (row.billed, row.verdict) == (936_000, "agrees")
    (row,) = billed(hand.invoice("9.36 kWh"), amended(0, 9_360_000, "unknown"))
    assert (row.billed, row.verdict) == (None, "withdrawn")


def test_an_invoice_that_reaches_beyond_the_period_is_for_another_statement():
    assert billed(hand.invoice("5 kWh", from_ns=maker.FROM_NS - 1), hand.invoice("5 kWh", to_ns=maker.TO_NS + 1)) == ()


# ---- in statements ---------------------------------------------------------------------------------------------------


@pytest.fixture
def sealer(tmp_path):
    made = maker.opened()
    spare = next(
        records.read(part, records.MeterPart) for part in maker.manifest_parts() if records.kind_of(part) == "meter"
    ).model_copy(update={"meter": "spare"})
    maker.produced(made, parts=[*maker.manifest_parts(), records.write(spare)])
    opened = Sealer(made, tmp_path)
    yield opened
    opened.ledger.close()


def test_a_statement_shows_them_beside_its_sums_and_the_verifier_finds_the_same(sealer):
    before = json.loads(archive.read(sealer.export()).statement)
    spare = [hand.reading(text, T0 + at * S, meter="spare") for text, at in (("5 kWh", 100), ("7.5 kWh", 900))]
    hand.say(sealer.made, "manual", hand.reading("5.095 kWh", T0 + 135 * S), *spare)
    hand.say(sealer.made, "manual", hand.invoice("1.20 kWh"))
    sealer.append()
    data = sealer.export()
    assert failures(data) == []
    after = json.loads(archive.read(data).statement)
    assert [row["verdict"] for row in after["hand_readings"]] == [
        "agrees",
        *["not decided: the meter tells no bounds"] * 2,
    ]
    assert [(row["method"], row["amount"]) for row in after["hand_amounts"]] == [("manual", 2_500_000)]
    assert [(row["billed"], row["metered"]) for row in after["invoices"]] == [(1_200_000, 936_000)]
    beside = {"hand_readings", "hand_amounts", "invoices"}
    assert {key: value for key, value in after.items() if key not in beside} == before


def test_remarks_say_each_in_one_line(sealer):
    first = hand.say(sealer.made, "manual", hand.reading("5.2 kWh", T0 + 135 * S), hand.invoice("0.936 kWh"))
    spare = [hand.reading(text, T0 + at * S, meter="spare") for text, at in (("5 kWh", 100), ("7.5 kWh", 900))]
    hand.say(sealer.made, "manual", *spare)
    sealer.append()
    text = archive.read(sealer.export()).statement
    no_bounds = f"entry {first + 1}: not decided: the meter tells no bounds"
    assert list(cross_check.remarks(text)) == [
        f"hand reading of edge-1/line1/energy_import, 5.2 kWh, entry {first}: differs: above what the meter showed",
        f"hand reading of edge-1/spare/energy_import, 5 kWh, {no_bounds}",
        f"hand reading of edge-1/spare/energy_import, 7.5 kWh, {no_bounds}",
        "amount by hand of edge-1/spare/energy_import, in no sum: 2500000 wh_milli",
        f"invoice Grid 2023-11, entry {first}: billed 936000, metered 936000 wh_milli: agrees",
    ]
    assert list(cross_check.remarks(maker.factory().statement)) == []
