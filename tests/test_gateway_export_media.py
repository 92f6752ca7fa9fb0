"""An export of a site whose line meters gas: it verifies, and gas of two temperatures is never one medium."""

import json

import archive_maker as maker
import media_plant as plant
import pytest
from test_gateway_export import Sealer

from contract import records
from verifier import archive, trust
from verifier.verify import verify


@pytest.fixture
def sealer(tmp_path, monkeypatch: pytest.MonkeyPatch):
    plant.equip(monkeypatch, [plant.REF, plant.NORMAL_REF], (records.write(plant.NORMAL),))
    plant.declare(monkeypatch)
    made = maker.opened()
    maker.produced(made)
    at = Sealer(made, tmp_path)
    yield at
    at.ledger.close()


def test_an_export_with_media_passes_every_check(sealer: Sealer):
    read = archive.read(sealer.export())
    report = verify(read, trust.parse(sealer.made.trust()))
    assert [finding.line() for finding in report.findings if not finding.ok] == []
    coil = json.loads(read.statement)["products"][0]
    assert [(row["medium"], row["factor"]) for row in coil["media"]] == [
        ("natural-gas", "gas"), ("edge-1/gas1/volume", None),
    ]  # fmt: skip
    assert coil["media"][1]["amount"] == 28 * 2_000_000


def test_an_agent_that_goes_over_to_another_temperature_is_refused(sealer: Sealer):
    at_0 = plant.NORMAL.model_copy(update={"reference_k_milli": 273_150})
    parts = [p for p in maker.manifest_parts() if p != records.write(plant.NORMAL)]
    sealer.made.epoch(maker.AGENT, [*parts, records.write(at_0)], maker.T0 + 1300 * maker.S)
    sealer.append()
    with pytest.raises(ValueError, match=r"medium\.natural-gas\.reference_degc: 20: edge-1 counts gas1\.normal_volume"):
        sealer.export()
