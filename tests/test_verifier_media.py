"""Carriers other than electricity: counted into batch records, recomputed, and closed like energy."""

import json
from fractions import Fraction

import archive_maker as maker
import media_plant as plant
import pytest
from archive_maker import GATEWAY, failures

from contract import records
from verifier import archive, check_batches, evidence, trail
from verifier.check_partition import partitions

WHOLE = "2 batches and 3 times between them add up to the register's"


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
    assert f"ok   partition edge-1 gas1/volume: {WHOLE} 238000000 cm3" in [f.line() for f in partitions(known, batches)]


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


def test_normal_volume_is_recomputed_from_raw_words_and_closes(monkeypatch: pytest.MonkeyPatch):
    plant.equip(monkeypatch, [plant.REF, plant.NORMAL_REF], (records.write(plant.NORMAL),))
    made = plant.factory()
    assert failures(made) == []
    known, batches = read(made)
    normal = batches[0].amounts[-1]
    # to 20 degC at 101.325 kPa: 2 m3 a reading at 300 kPa, half way between 10 and 20 degC, over 28 readings
    weight = [Fraction(300) * Fraction("293.15") / (Fraction("101.325") * Fraction(k)) for k in ("283.15", "293.15")]
    each = round(2_000_000 * sum(weight) / 2)
    assert (normal.point, normal.unit, normal.lower, normal.u95) == ("normal_volume", "m3_micro", None, None)
    assert normal.amount == 28 * each
    lines = [finding.line() for finding in partitions(known, batches)]
    assert any(line.endswith(f"gas1/normal_volume: {WHOLE} {119 * each} cm3") for line in lines)


@pytest.mark.parametrize("changes", [{"reference_k_milli": 273_150}, {"compressibility": "0.98"}])
def test_a_record_computed_under_other_conditions_than_declared_is_found(monkeypatch: pytest.MonkeyPatch, changes):
    plant.equip(monkeypatch, [plant.NORMAL_REF], (records.write(plant.NORMAL),))
    honest = {name: maker.batch_parts(name) for name in maker.BATCHES}
    other = records.write(plant.NORMAL.model_copy(update=changes))
    stated = [other if p == records.write(plant.NORMAL) else p for p in maker.manifest_parts()]
    monkeypatch.setattr(maker, "batch_parts", honest.__getitem__)
    monkeypatch.setattr(maker, "manifest_parts", lambda: stated)
    assert any(
        "gas1/normal_volume: signed" in line and line.startswith("FAIL batch") for line in failures(plant.factory())
    )


def test_a_formulation_nobody_here_computes_is_named(monkeypatch: pytest.MonkeyPatch):
    plant.equip(monkeypatch, [plant.NORMAL_REF], (records.write(plant.NORMAL),))
    honest = {name: maker.batch_parts(name) for name in maker.BATCHES}
    unknown = records.write(plant.NORMAL.model_copy(update={"formulation": "SGERG-88", "formulation_hash": bytes(32)}))
    stated = [unknown if p == records.write(plant.NORMAL) else p for p in maker.manifest_parts()]
    monkeypatch.setattr(maker, "batch_parts", honest.__getitem__)
    monkeypatch.setattr(maker, "manifest_parts", lambda: stated)
    assert any("formulation 'SGERG-88'" in line and "not known here" in line for line in failures(plant.factory()))


def test_lines_without_media_keep_their_bytes():
    line = records.LinePart(line="l", source="s", edge_time="observed", energy=[], good=None, scrap=None)
    assert b"media" not in records.write(line)
    assert records.read(records.write(line), records.LinePart).media is None


@pytest.fixture
def stated(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The factory's gas at 20 degC has a footprint of 0.5 kg a cubic metre."""
    plant.equip(monkeypatch, [plant.REF, plant.NORMAL_REF], (records.write(plant.NORMAL),))
    plant.declare(monkeypatch)
    return monkeypatch


@pytest.mark.usefixtures("stated")
def test_a_statement_with_media_is_recomputed_byte_for_byte():
    made = plant.factory()
    assert failures(made) == []
    said = json.loads(made.statement)
    coil = said["products"][0]
    normal, actual = coil["media"]
    weight = [Fraction(300) * Fraction("293.15") / (Fraction("101.325") * Fraction(k)) for k in ("283.15", "293.15")]
    cm3 = 28 * round(2_000_000 * sum(weight) / 2)
    assert (normal["medium"], normal["amount"], normal["co2e_g_micro"]) == ("natural-gas", cm3, cm3 * 500)
    assert coil["co2e_g_micro"] == coil["electricity_co2e_g_micro"] + cm3 * 500
    assert (actual["medium"], actual["amount"], actual["factor"]) == ("edge-1/gas1/volume", 56_000_000, None)
    assert said["lacking"][-1] == "edge-1/gas1/volume: no footprint factor"
    assert [one["id"] for one in said["media_factors"]] == ["gas"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'"amount":56000000', b'"amount":56000001', "products[0].media[1].amount: states 56000001"),
        (b',"edge-1/gas1/volume: no footprint factor"', b"", "lacking"),
    ],
)
@pytest.mark.usefixtures("stated")
def test_a_statement_that_bends_or_hides_a_medium_is_contradicted(old, new, words):
    made = plant.factory()
    assert old in made.statement
    made.statement = made.statement.replace(old, new, 1)
    made.add(GATEWAY, "run", [records.write(records.RunPart(ledger_size=len(made.ledger), statement=made.statement))],
             maker.T0, maker.T0)  # fmt: skip
    assert any(line.startswith("FAIL statement") and words in line for line in failures(made))


def test_gas_counted_at_another_temperature_than_the_site_declares_is_named(stated: pytest.MonkeyPatch):
    at_0 = plant.NORMAL.model_copy(update={"reference_k_milli": 273_150})
    parts = [records.write(at_0) if p == records.write(plant.NORMAL) else p for p in maker.manifest_parts()]
    stated.setattr(maker, "manifest_parts", lambda: parts)
    told = "FAIL statement medium.natural-gas.reference_degc: 20: edge-1 counts gas1.normal_volume at 0 degC: "
    assert any(line.startswith(told) for line in failures(plant.factory()))
