"""Carriers other than electricity: counted into batch records, recomputed, and closed like energy."""

import archive_maker as maker
import media_plant as plant
import pytest
from archive_maker import failures

from contract import records
from verifier import archive, check_batches, evidence, trail
from verifier.check_partition import partitions


@pytest.fixture
def equipped(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    plant.equip(monkeypatch, [plant.REF])
    return monkeypatch


def read(made: maker.Factory):
    seen, _ = trail.read(archive.read(made.pack()))
    known, _ = evidence.read(seen)
    return known, check_batches.read(seen, None)[0]


@pytest.mark.usefixtures("equipped")
def test_gas_is_counted_beside_energy_in_cubic_centimetres():
    made = plant.factory()
    assert failures(made) == []
    known, batches = read(made)
    medium = batches[0].amounts[-1]
    # as the energy of this batch: 28 readings apart, bounds on readings 11, 13 and 39, 41 and a step of 1 m3
    assert (medium.role, medium.meter, medium.point, medium.unit) == ("medium", "gas1", "volume", "m3_micro")
    assert (medium.amount, medium.lower, medium.upper) == (56_000_000, 51_000_000, 61_000_000)
    whole = "2 batches and 3 times between them add up to the register's"
    assert f"ok   partition edge-1 gas1/volume: {whole} 238000000 cm3" in [f.line() for f in partitions(known, batches)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": 56_000_001}, "gas1/volume: signed 56000001 cm3, recomputed 56000000"),
        ({"role": "energy"}, "gas1/volume (medium) is due once and given 0 times"),
    ],
)
def test_a_bent_amount_of_a_medium_is_found(equipped, changes, words):
    honest = {name: maker.batch_parts(name) for name in maker.BATCHES}
    *rest, last = honest["L1-0001"]
    bent = records.read(last, records.AmountPart).model_copy(update=changes)
    honest["L1-0001"] = [*rest, records.write(bent)]
    equipped.setattr(maker, "batch_parts", honest.__getitem__)
    assert any(words in line for line in failures(plant.factory()))


def test_lines_without_media_keep_their_bytes():
    line = records.LinePart(line="l", source="s", edge_time="observed", energy=[], good=None, scrap=None)
    assert b"media" not in records.write(line)
    assert records.read(records.write(line), records.LinePart).media is None
