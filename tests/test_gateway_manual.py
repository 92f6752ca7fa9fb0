"""The newest amendment holds, a quantity fills only a gap, and every figure given by hand has its row."""

import archive_maker as maker
import hand
import pytest

from contract import records
from contract.errors import Malformed
from contract.late_records import LatePart
from contract.records import AmountPart
from gateway import attribution, manual
from gateway.manual import Manual, Told

METERED = 84_000_000  # batch L1-0001: 28 steps of 3 kg
HASH = bytes([7]) * 32
BATCH = hand.EntryRef(author=maker.AGENT, epoch=bytes(16), seq=3, hash=HASH)
PARTS = maker.batch_parts("L1-0001")


def without_good(amount=None):
    """The batch's parts with no good output: lost (an amount that is not known) or never counted."""
    if amount == "no counter":
        return PARTS[: hand.GOOD]
    lost = records.read(PARTS[hand.GOOD], AmountPart).model_copy(update={"amount": None, "lower": None, "upper": None})
    head = records.read(PARTS[0], records.BatchPart).model_copy(update={"closed": "incomplete"})
    return [records.write(head), PARTS[1], records.write(lost)]


def read(*said):
    return manual.read(Told(10 + i, bytes([i]) * 32, [records.write(one)]) for i, one in enumerate(said))


def told(*said, parts=PARTS):
    return manual.batch(maker.AGENT, HASH, parts, read(*said))


def rows(facts):
    return [(row.entry, row.role, row.how, row.recorded, row.amount, row.unused) for row in facts.by_hand]


def test_without_a_word_a_batch_is_what_its_record_says():
    assert told() == attribution.facts(maker.AGENT, PARTS)
    assert manual.batch(maker.AGENT, HASH, PARTS, Manual()) == attribution.facts(maker.AGENT, PARTS)


def test_the_newest_amendment_holds_and_says_who_and_why():
    facts = told(hand.amendment(BATCH, METERED, "80 kg"), hand.amendment(BATCH, METERED, "81.5 kg", author="Wang"))
    assert facts.good_g_milli == 81_500_000
    (row,) = facts.by_hand
    assert (row.entry, row.recorded, row.amount, row.unused) == (11, METERED, 81_500_000, None)
    assert (row.agent, row.line, row.batch, row.role) == (maker.AGENT, "line1", "L1-0001", "good")
    assert (row.author, row.reason) == ("Wang", "scale 2 was off")


def test_energy_and_everything_else_stay_as_they_were():
    plain, amended = told(), told(hand.amendment(BATCH, METERED, "80 kg"))
    assert (amended.energy_wh_milli, amended.lower, amended.upper) == (plain.energy_wh_milli, plain.lower, plain.upper)
    assert amended.complete


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (hand.amendment(BATCH, METERED + 1, "80 kg"), "old value"),
        (hand.amendment(BATCH, METERED, "80 m3"), "old value"),
        (hand.amendment(BATCH, 196_000, "1 kWh", number=1), "a meter's energy is not amendable"),
        (hand.amendment(BATCH, METERED, "80 kg", new=1), "'80 kg' is not 1 g_milli"),
        (hand.amendment(BATCH, METERED, "unknown", new=1), "'unknown' is not 1 g_milli"),
    ],
    ids=["other old value", "other unit", "energy", "other than its text", "unknown, but a value"],
)
def test_an_amendment_that_does_not_fit_changes_nothing_and_is_shown(said, why):
    facts = told(said)
    assert facts.good_g_milli == METERED
    assert facts.energy_wh_milli == 196_000
    assert why in facts.by_hand[0].unused


def test_an_amendment_of_another_entry_or_part_is_none_of_this_batch():
    other = BATCH.model_copy(update={"hash": bytes(32)})
    assert told(hand.amendment(other, METERED, "80 kg")).by_hand == ()
    assert told(hand.amendment(BATCH, METERED, "80 kg", number=9)).by_hand == ()


def test_a_late_batch_is_amended_alike_by_the_numbers_of_its_own_entry():
    late = LatePart(
        agent="edge-2", manifest=bytes(32), ledger_size=9, way="command", file=None, file_hash=None, row=None,
        author="MES", reason="told later", told_ns=8, lacking=[],
    )  # fmt: skip
    parts = [records.write(late), *PARTS]
    said = read(hand.amendment(BATCH, METERED, "80 kg", number=hand.GOOD + 1), hand.quantity(BATCH, "2 kg", "scrap"))
    facts = manual.batch(maker.GATEWAY, HASH, parts, said, late=True)
    assert (facts.agent, facts.good_g_milli, facts.scrap_g_milli) == ("edge-2", 80_000_000, 2_000_000)
    assert [row.agent for row in facts.by_hand] == ["edge-2", "edge-2"]


def test_a_withdrawn_figure_is_not_known():
    facts = told(hand.amendment(BATCH, METERED, "unknown"))
    assert facts.good_g_milli is None
    assert rows(facts) == [(10, "good", "amendment", METERED, None, None)]


def test_a_quantity_fills_in_where_no_meter_tells():
    facts = told(hand.quantity(BATCH, "90 kg"), parts=without_good("no counter"))
    assert (facts.good_g_milli, facts.complete) == (90_000_000, True)
    assert rows(facts) == [(10, "good", "reported", None, 90_000_000, None)]


def test_a_quantity_completes_a_record_that_lacked_its_output_alone():
    facts = told(hand.quantity(BATCH, "90 kg"), parts=without_good())
    assert (facts.good_g_milli, facts.complete) == (90_000_000, True)
    assert not told(parts=without_good()).complete


def test_a_quantity_does_not_make_up_for_energy_that_was_not_read_to_the_end():
    parts = without_good()
    energy = records.read(parts[1], AmountPart)
    parts[1] = records.write(energy.model_copy(update={"upper": None}))
    assert not told(hand.quantity(BATCH, "90 kg"), parts=parts).complete


def test_a_quantity_beside_a_meter_is_kept_and_not_used():
    facts = told(hand.quantity(BATCH, "90 kg"))
    assert facts.good_g_milli == METERED
    assert rows(facts) == [(10, "good", "reported", METERED, 90_000_000, "a meter tells it: amend that")]


def test_a_quantity_takes_the_place_of_a_withdrawn_figure():
    facts = told(hand.quantity(BATCH, "90 kg"), hand.amendment(BATCH, METERED, "unknown"))
    assert facts.good_g_milli == 90_000_000


def test_of_several_quantities_the_latest_holds():
    said = hand.quantity(BATCH, "90 kg"), hand.quantity(BATCH, "91 kg", method="metered", instrument="scale 3")
    facts = told(*said, parts=without_good())
    assert facts.good_g_milli == 91_000_000
    assert [row[-1] for row in rows(facts)] == ["a later one holds", None]


def test_an_amended_quantity_is_its_amended_value():
    said = hand.quantity(BATCH, "90 kg")
    of = hand.EntryRef(author=maker.GATEWAY, epoch=bytes(16), seq=9, hash=bytes(32))
    facts = told(said, hand.amendment(of, 90_000_000, "92 kg", number=0, author="Wang"), parts=without_good())
    assert facts.good_g_milli == 92_000_000
    assert (facts.by_hand[0].entry, facts.by_hand[0].author) == (11, "Wang")
    withdrawn = told(said, hand.amendment(of, 90_000_000, "unknown", number=0), parts=without_good())
    assert withdrawn.good_g_milli is None
    assert withdrawn.by_hand[0].unused == "withdrawn"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (hand.quantity(BATCH, "90 m3"), "not a mass"),
        (hand.quantity(BATCH, "90 kg", role="rework"), "no figure counts rework"),
    ],
    ids=["volume", "rework"],
)
def test_what_no_figure_counts_is_shown_all_the_same(said, why):
    facts = told(said, parts=without_good())
    assert facts.good_g_milli is None
    assert facts.by_hand[0].unused == why


def test_pieces_fill_in_where_no_meter_counts_them():
    said = hand.quantity(BATCH, "480 piece"), hand.quantity(BATCH, "470 piece"), hand.quantity(BATCH, "90 kg")
    facts = told(*said, hand.quantity(BATCH, "20 piece", role="scrap"))
    assert (facts.good_g_milli, facts.good_one_milli, facts.scrap_one_milli) == (METERED, 470_000, 20_000)
    assert rows(facts) == [
        (10, "good", "reported", None, 480_000, "a later one holds"),
        (11, "good", "reported", None, 470_000, None),
        (12, "good", "reported", METERED, 90_000_000, "a meter tells it: amend that"),
        (13, "scrap", "reported", None, 20_000, None),
    ]
    assert [row.unit for row in facts.by_hand] == ["one_milli", "one_milli", "g_milli", "one_milli"]


def test_pieces_complete_a_record_that_lacked_its_output_alone():
    facts = told(hand.quantity(BATCH, "480 piece"), parts=without_good())
    assert (facts.good_g_milli, facts.good_one_milli, facts.complete) == (None, 480_000, True)


def test_a_count_of_pieces_is_amended_in_pieces():
    counted = records.read(PARTS[hand.GOOD], AmountPart).model_copy(update={"unit": "one_milli", "amount": 480_000})
    parts = [*PARTS[: hand.GOOD], records.write(counted)]
    assert told(hand.amendment(BATCH, 480_000, "475 piece"), parts=parts).good_one_milli == 475_000
    beside = told(hand.quantity(BATCH, "475 piece"), parts=parts)
    assert (beside.good_one_milli, beside.by_hand[0].unused) == (480_000, "a meter tells it: amend that")
    wrong = told(hand.amendment(BATCH, 480_000, "80 kg"), parts=parts)
    assert (wrong.good_one_milli, wrong.good_g_milli) == (480_000, None)


def test_scrap_is_filled_in_apart_from_good_output():
    facts = told(hand.quantity(BATCH, "2 kg", role="scrap"))
    assert (facts.good_g_milli, facts.scrap_g_milli) == (METERED, 2_000_000)


def test_an_unreadable_part_costs_only_itself():
    entries = [Told(3, bytes(32), [b"\xff", b"\xa0", records.write(hand.quantity(BATCH, "90 kg"))])]
    assert len(manual.read(entries).quantities) == 1
    with pytest.raises(Malformed):
        manual.batch(maker.AGENT, HASH, [b"\xff"], Manual())
