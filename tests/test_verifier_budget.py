"""An amount's uncertainty is recomputed part by part; records of before its parts were stated still hold."""

import archive_maker as maker
import pytest
from archive_maker import failures
from test_verifier_check_batches import with_parts

from contract import records

CT = records.Transformer(primary=1, secondary=1, accuracy_class="0.5S")


@pytest.fixture(autouse=True)
def _with_classes(monkeypatch: pytest.MonkeyPatch):
    """Every meter of the factory has a class, and a current transformer of one."""
    plain = maker.manifest_parts()

    def classed(part: bytes) -> bytes:
        if records.kind_of(part) != "meter":
            return part
        meter = records.read(part, records.MeterPart)
        return records.write(meter.model_copy(update={"accuracy_class": "0.5S", "ct": CT}))

    monkeypatch.setattr(maker, "manifest_parts", lambda: [classed(part) for part in plain])


def stated() -> records.AmountPart:
    return records.read(maker.batch_parts("L1-0001")[1], records.AmountPart)


def test_the_parts_are_those_of_the_class():
    # 196 Wh; 0.6 % / sqrt(3) = 0.679; CT at 10 % load 0.75 % / sqrt(3) = 0.849; 45' x 0.75 = 9818 ppm / sqrt(3) = 1.111
    # bounds 15 Wh wide at each edge (see the first batch), of which 1 Wh is the step: sqrt(224 / 12) = 4.32
    found = stated().uncertainty
    assert (found.meter, found.ct, found.pt, found.phase) == (679, 849, 0, 1_112)
    assert (found.start, found.end, found.resolution) == (4_321, 4_321, 409)


@pytest.mark.parametrize("part", ["meter", "ct", "phase", "resolution", "start", "end", "offset"])
def test_a_part_that_is_not_what_the_readings_give_is_named(monkeypatch: pytest.MonkeyPatch, part):
    given = stated().uncertainty
    said = getattr(given, part)
    lines = failures(with_parts(monkeypatch, 1, uncertainty=given.model_copy(update={part: said + 1})))
    words = f"uncertainty.{part} signed {said + 1}, recomputed {said}"
    assert any(line.startswith("FAIL batch L1-0001") and words in line for line in lines)


def test_an_honest_archive_passes():
    made = maker.opened()
    maker.produced(made)
    maker.stated(made)
    assert failures(made) == []


def test_a_record_of_before_may_state_twice_the_standard_uncertainty(monkeypatch: pytest.MonkeyPatch):
    found = stated().uncertainty
    # the two offsets of the edges' estimates, which twice the standard uncertainty held as variances, are 0 together
    parts = ("meter", "ct", "phase", "resolution", "start", "end")
    doubled = int(2 * sum(getattr(found, part) ** 2 for part in parts) ** 0.5)
    assert failures(with_parts(monkeypatch, 1, uncertainty=None, u95=doubled)) == []


@pytest.mark.parametrize("u95", [None, 12_000])
def test_but_never_less_than_95_percent_need(monkeypatch: pytest.MonkeyPatch, u95):
    lines = failures(with_parts(monkeypatch, 1, uncertainty=None, u95=u95))
    assert any("u95 signed" in line for line in lines)


def certified(part: bytes) -> bytes:
    """A part of the factory's manifest, its meters rated and certified to count 0.2 % too much."""
    if records.kind_of(part) != "meter":
        return part
    points = [{"load_permille": at, "power_factor_milli": 1000, "error_ppm": 2_000, "u_ppm": 800} for at in (1, 1_000)]
    given = {"number": "1", "body": "b", "valid_from_ns": 0, "valid_to_ns": 2**62, "points": points, "drift_ppm": 300}
    certificate = records.Certificate.model_validate(given)
    meter = records.read(part, records.MeterPart)
    return records.write(meter.model_copy(update={"certificate": certificate, "rated_w": 20_000}))


def test_a_correction_stands_beside_the_amount_and_is_recomputed(monkeypatch: pytest.MonkeyPatch):
    parts = [certified(part) for part in maker.manifest_parts()]
    monkeypatch.setattr(maker, "manifest_parts", lambda: parts)
    found = stated()
    # 196,000 / 1.002 = 195,608.8; U of 0.08 % is 78.4 at k = 1; 300 ppm / sqrt(3) = 33.9
    assert (found.amount, found.corrected.amount, found.corrected.error_ppm) == (196_000, 195_609, 2_000)
    assert (found.uncertainty.certificate, found.uncertainty.meter, found.uncertainty.offset) == (79, 34, -392)
    assert found.corrected.u95 < found.u95  # the indicated amount is known to be off
    bent = found.corrected.model_copy(update={"amount": 195_610})
    lines = failures(with_parts(monkeypatch, 1, corrected=bent))
    assert any("corrected.amount signed 195610, recomputed 195609" in line for line in lines)
    lines = failures(with_parts(monkeypatch, 1, corrected=None))
    assert any("corrected.amount signed nothing, recomputed 195609" in line for line in lines)
