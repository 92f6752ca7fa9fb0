"""What a batch entry says: sums over its line's meters, output by counter or lots, nothing made up."""

from dataclasses import replace

import pytest
import web_plant

from contract import body, records
from contract.errors import Malformed
from contract.lots import Lot
from gateway.batch_facts import BatchFacts, facts

NS = 10**9
COIL = "steel coil 1.5 mm"


def test_facts_of_an_entry():
    made = web_plant.batch("line1", "L1-7", COIL, 10 * NS, 30 * NS, 5_000, 7_000, closed="incomplete", u95=40)
    told = facts("edge-1", body.unpack(made.body).parts)
    assert replace(told, errors=()) == BatchFacts(
        "edge-1", "L1-7", "line1", COIL, 10 * NS, 30 * NS, False, 5_000, 4_960, 5_040, 40, 7_000, 2_000_000,
        edges=((10 * NS, 10 * NS), (30 * NS, 30 * NS)),
    )  # fmt: skip
    assert (told.running_ns, told.together, told.shared, told.beside) == (20 * NS, None, None, ())
    unknown = web_plant.batch("line1", "L1-7", COIL, 10 * NS, 30 * NS, None, None)
    told = facts("edge-1", body.unpack(unknown.body).parts)
    assert (told.energy_wh_milli, told.lower, told.u95, told.good_g_milli) == (None, None, None, None)
    with pytest.raises(Malformed):
        facts("edge-1", [])


def stated(quantity, unit="g_milli", kind="good"):
    return Lot(lot="L", quantity=quantity, unit=unit, source="reported", kind=kind)


@pytest.mark.parametrize(
    ("outputs", "counted", "good", "scrap"),
    [
        ([stated(7), stated(8), stated(2, kind="scrap"), stated(9, kind="rework")], None, 15, 2),
        ([stated(7), stated(8, "one_milli")], None, None, None),  # neither all mass nor all pieces
        ([], None, None, None),
        (None, None, None, None),
        ([stated(7)], 5, 5, None),  # a counter was there
        ([stated(7)], "unknown", None, None),
    ],
    ids=["lots", "mixed", "none", "not-said", "counted", "counter-unknown"],
)
def test_output_is_what_a_counter_counted_or_else_what_lots_state(outputs, counted, good, scrap):
    parts = body.unpack(web_plant.batch("line1", "L1-7", COIL, 10 * NS, 30 * NS, 5_000, 7_000).body).parts
    head = records.read(parts[0], records.BatchPart).model_copy(update={"outputs": outputs})
    (energy,) = (part for part in parts[1:] if records.read(part, records.AmountPart).role == "energy")
    amount = records.read(energy, records.AmountPart).model_copy(update={"role": "good", "unit": "g_milli"})
    amount = amount.model_copy(update={"amount": None if counted == "unknown" else counted})
    told = facts("edge-1", [records.write(head), energy, *([] if counted is None else [records.write(amount)])])
    assert (told.good_g_milli, told.scrap_g_milli) == (good, scrap)


@pytest.mark.parametrize(
    ("outputs", "counted", "good", "scrap"),
    [
        (None, ("one_milli", 480_000), (None, 480_000), (None, None)),
        ([stated(7_000, "one_milli"), stated(2_000, "one_milli", "scrap")], None, (None, 7_000), (None, 2_000)),
        ([stated(7), stated(3_000, "one_milli", "scrap")], None, (7, None), (None, 3_000)),
        ([stated(7_000, "one_milli")], ("g_milli", 5), (5, None), (None, None)),  # a counter was there
        ([stated(7)], ("one_milli", None), (None, None), (None, None)),
    ],
    ids=["counter", "lots", "scrap-alone", "mass-counted", "counter-unknown"],
)
def test_pieces_are_apart_from_mass(outputs, counted, good, scrap):
    parts = body.unpack(web_plant.batch("line1", "L1-7", COIL, 10 * NS, 30 * NS, 5_000, 7_000).body).parts
    head = records.read(parts[0], records.BatchPart).model_copy(update={"outputs": outputs})
    amounts = [parts[1]]
    if counted is not None:
        told = records.read(parts[2], records.AmountPart)
        amounts.append(records.write(told.model_copy(update={"unit": counted[0], "amount": counted[1]})))
    made = facts("edge-1", [records.write(head), *amounts])
    assert (made.good("g_milli"), made.good("one_milli")) == good
    assert (made.scrap("g_milli"), made.scrap("one_milli")) == scrap
