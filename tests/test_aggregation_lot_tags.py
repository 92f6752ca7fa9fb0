"""Lots from values of points: canonical quantities, nothing invented, a side unknown where one of its lots is."""

import struct

import pytest
from lot_plant import PROFILE

from agent.aggregation.lot_tags import lots
from agent.drivers import profile
from agent.drivers.point import Point
from contract.lots import Lot, LotRef

POINTS = {point.id: point for point in profile.parse(PROFILE.encode()).points}
COIL = LotRef(lot="coil", quantity="coil_kg", kind="input", source="metered", instrument="scale 4")
PACK = LotRef(lot="pack", quantity="packs", kind="good", source="reported")


def test_an_input_and_an_output():
    assert lots([COIL, PACK], [("C-7", 1200), ("P-1", 40)], POINTS) == (
        (Lot(lot="C-7", quantity=1_200_000_000, unit="g_milli", source="metered", instrument="scale 4"),),
        (Lot(lot="P-1", quantity=40_000, unit="one_milli", source="reported", kind="good"),),
    )


@pytest.mark.parametrize(
    ("value", "inputs"),
    [(("", 1200), ()), ((None, 1200), None), (("C-7", None), None), (("C" * 300, 0), "long")],
    ids=["no-lot", "name-unknown", "quantity-unknown", "long-name"],
)
def test_nothing_there_is_not_the_same_as_unknown(value, inputs):
    found, outputs = lots([COIL, PACK], [value, ("P-1", 1)], POINTS)
    assert len(outputs) == 1
    assert found == inputs if inputs != "long" else [len(lot.lot) for lot in found] == [200]


def test_a_side_that_is_not_shown_is_not_said():
    assert lots([PACK], [("", 0)], POINTS) == (None, ())
    assert lots([], [], POINTS) == (None, None)


def test_floats_are_rounded_once_and_what_is_no_amount_is_unknown():
    weight = Point(id="w", quantity="mass", node="ns=1;s=w", type="float32", unit="kg", kind="gauge")
    ref = COIL.model_copy(update={"quantity": "w"})

    def of(kilograms):
        return lots([ref], [("C", struct.unpack(">I", struct.pack(">f", kilograms))[0])], {"w": weight})[0]

    # 1200.1 as a float32 is 1200.0999755859375
    assert [lot.quantity for lot in of(1200.1)] == [1_200_099_976]
    assert (of(-1.0), of(float("nan")), of(1e30)) == (None, None, None)


def test_as_many_values_as_places():
    with pytest.raises(ValueError, match="zip"):
        lots([COIL, PACK], [("C-7", 1)], POINTS)
