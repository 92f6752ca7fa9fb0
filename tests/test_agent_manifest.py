"""The manifest: what the configuration says comes back, and its bytes change only with it."""

from datetime import date

import pytest
from plant_in_memory import CONFIG, Site

from agent import check, manifest
from agent.config import Certificate
from agent.token import TokenKey
from contract import keys, records
from contract.chain import Head
from contract.errors import Malformed

FULL = CONFIG.replace(
    'installation = "1"',
    """installation = "1"
serial = "20431177"
accuracy_class = "1"
ct = { primary = 400, secondary = 5, accuracy_class = "0.5" }
certificate = { number = "N1", body = "Institute", valid_from = 2023-03-02, valid_to = 2029-03-01 }
declared.energy = { step = "0.01", age_ms = 250, source = "display" }""",
)


def parts_of(folder, config=CONFIG):
    plan = Site.at(folder, config).plan
    return manifest.parts(plan.meters, plan.config.line)


def test_the_parts_say_what_the_configuration_does(tmp_path):
    parts = parts_of(tmp_path, FULL)
    assert [records.kind_of(part) for part in parts] == ["profile", "profile", "meter", "meter", "line"]
    meter = records.read(parts[2], records.MeterPart)
    assert (meter.meter, meter.serial, meter.serial_is, meter.address) == (
        "press",
        "20431177",
        "declared",
        "serial unit 1",
    )
    assert (meter.ct.primary, meter.ct.secondary, meter.pt) == (400, 5, None)
    assert (meter.certificate.valid_from_ns, meter.certificate.valid_to_ns) == (
        1_677_715_200 * 10**9, 1_867_104_000 * 10**9 - 1,  # 2023-03-02 and the end of 2029-03-01, UTC
    )  # fmt: skip
    assert [(d.point, d.step, d.age_ns) for d in meter.declared] == [("energy", "0.01", 250_000_000)]


def test_read_back_it_is_what_recorder_and_verifier_compute_by(tmp_path):
    stated = manifest.read(parts_of(tmp_path, FULL))
    counter = stated.counters["press", "energy"]
    assert (counter.unit, counter.ratio, counter.age_ns) == ("wh_milli", 80, 250_000_000)
    assert stated.texts == {("press-plc", "batch_id"), ("press-plc", "product")}
    assert stated.lines["press"].good == records.CounterRef(meter="press-plc", point="produced")
    with pytest.raises(Malformed):
        manifest.read([part for part in stated.parts if records.kind_of(part) != "profile"])


def test_only_what_is_evidence_changes_it(tmp_path):
    parts = parts_of(tmp_path / "a")
    assert parts_of(tmp_path / "b", CONFIG.replace("seal_s = 5", "seal_s = 50")) == parts
    assert parts_of(tmp_path / "c", CONFIG.replace('"1"', '"2"')) != parts
    (tmp_path / "a" / "meter.toml").write_text((tmp_path / "a" / "meter.toml").read_text() + "# a word more\n")
    plan = check.load(tmp_path / "a" / "agent.toml", 0)
    assert manifest.parts(plan.meters, plan.config.line) != parts


KEY = keys.generate()
ELSEWHERE = TokenKey(None, KEY.public_key(), None)


def test_the_author_names_what_its_epoch_follows():
    first = records.read(manifest.author(None, "first start", bytes(32), 7, KEY), records.Author)
    assert (first.parent, first.reason, first.started_ns) == (None, "first start", 7)
    assert first.custody == "file"
    after = records.read(
        manifest.author(Head(bytes(16), 3, b"h" * 32), "restart", bytes(32), 7, ELSEWHERE), records.Author
    )
    assert (after.parent.seq, after.parent.hash) == (3, b"h" * 32)
    assert after.custody == "pkcs11"


def test_a_certificate_ends_with_its_last_day():
    given = Certificate(number="1", body="b", valid_from=date(2024, 2, 28), valid_to=date(2024, 2, 29))
    told = manifest._certificate(given)
    assert told.valid_to_ns - told.valid_from_ns == 2 * 86_400 * 10**9 - 1


def test_a_rated_power_and_error_points_are_stated(tmp_path):
    point = "{ load_permille = 100, power_factor_milli = 500, error_ppm = -900, u_ppm = 500 }"
    config = FULL.replace("2029-03-01 }", f"2029-03-01, drift_ppm = 70, points = [{point}] }}\nrated_w = 5000")
    found = [records.read(p, records.MeterPart) for p in parts_of(tmp_path, config) if records.kind_of(p) == "meter"]
    meter = next(one for one in found if one.meter == "press")
    assert (meter.rated_w, meter.certificate.drift_ppm) == (5000, 70)
    assert [one.model_dump() for one in meter.certificate.points] == [
        {"load_permille": 100, "power_factor_milli": 500, "error_ppm": -900, "u_ppm": 500}
    ]
