"""What can be wrong with a meter: classes, transformers, declared registers, certificates."""

import pytest
from plant_in_memory import CONFIG, METER_PROFILE, T0, assert_told, problems, write_plant

from agent import check, manifest
from contract import records
from contract.problems import Problems

# what is replaced in the configuration, by what; the key, a word of the problem and one of the hint
MISTAKES = [
    ('name = "serial"', 'name = "cereal"', "meter.press.bus", "no bus 'serial'", "did you mean cereal?"),
    ('installation = "1"', 'accuracy_class = "9"', "meter.press.accuracy_class", "'9'", "use one of"),
    ('installation = "1"', 'ct = {primary=5, secondary=5, accuracy_class="x"}',
     "meter.press.ct.accuracy_class", "'x'", ""),
    ('installation = "1"', "ct = {primary = 5, secondary = 0}", "meter.press.ct.secondary", "0", "greater than"),
    ('installation = "1"', "ct = {primary = 1000000000000000000000, secondary = 5}", "meter.press.ct.primary", "10000",
     "less than or equal to 1000000000000"),
    ('installation = "1"', 'installation = "1"\nrated_w = 1000000000000000000000', "meter.press.rated_w", "10000",
     "less than or equal to 1000000000000"),
    ('installation = "1"', f'installation = "{"x" * 1001}"', "meter.press.installation", "xxx", "at most 1000 char"),
    ('installation = "1"', f'serial = "{"7" * 1001}"', "meter.press.serial", "777", "at most 1000 characters"),
    ('installation = "1"', f'declared.energy = {{step="0.1", source="{"x" * 1001}"}}',
     "meter.press.declared.energy.source", "xxx", "at most 1000 characters"),
    ('installation = "1"', 'declared.energy = {step="x", source="s"}',
     "meter.press.declared.energy.step", "'x'", '"0.01"'),
    ('installation = "1"', 'declared.energy = {step="-1", source="s"}', "meter.press.declared.energy.step", "'-1'", ""),
    ('installation = "1"', 'declared.power = {age_ms=1, source="s"}',
     "meter.press.declared.power", "not a counter", "remove"),
    ('installation = "1"', "declared.energy = {age_ms=1}", "meter.press.declared.energy.source", "missing", "add it"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "problem", "hint"), MISTAKES)
def test_one_mistake_is_one_line_that_says_where_what_and_what_to_do(tmp_path, old, new, key, problem, hint):
    assert_told(tmp_path, old, new, (key, problem, hint))


@pytest.mark.parametrize(
    ("dates", "key", "words"),
    [
        ("valid_from = 2020-01-01, valid_to = 2023-11-13", "valid_to", "expired on 2023-11-13"),
        ("valid_from = 2024-01-01, valid_to = 2029-01-01", "valid_from", "not valid before 2024-01-01"),
        ("valid_from = 2022-01-01, valid_to = 2021-01-01", "valid_to", "before valid_from"),
        ("valid_from = 2022-01-01, valid_to = 9999-12-31", "valid_to", "a year from 1970 to 2199 is meant"),
        ("valid_from = 0001-01-01, valid_to = 2029-01-01", "valid_from", "a year from 1970 to 2199 is meant"),
    ],
)
def test_a_certificate_must_be_valid_today(tmp_path, dates, key, words):
    given = f'certificate = {{ number = "1", body = "b", {dates} }}'
    (line,) = problems(tmp_path, CONFIG.replace('installation = "1"', given))
    assert line.startswith(f"meter.press.certificate.{key}: ")
    assert words in line


def test_a_certificate_of_another_serial_number_is_refused_and_its_own_is_stated(tmp_path):
    dates = "valid_from = 2023-01-01, valid_to = 2029-01-01"
    given = 'serial = "20431177"\ncertificate = {{ number = "1", body = "b", serial = "{}", {} }}\n'
    ct = 'ct = {primary = 5, secondary = 5, accuracy_class = "0.5", certificate = "CT-7"}'
    (line,) = problems(tmp_path, CONFIG.replace('installation = "1"', given.format("20431178", dates)))
    assert line.startswith("meter.press.certificate.serial: '20431178' is not this meter's, '20431177': enter ")
    config = CONFIG.replace('installation = "1"', given.format("20431177", dates) + ct)
    plan = check.load(write_plant(tmp_path, config), T0)
    (meter,) = [
        records.read(part, records.MeterPart)
        for part in manifest.parts(list(plan.meters), [])
        if records.kind_of(part) == "meter" and records.read(part, records.MeterPart).meter == "press"
    ]
    assert meter.certificate is not None
    assert meter.ct is not None
    assert (meter.certificate.serial, meter.ct.certificate) == ("20431177", "CT-7")


def test_a_machine_that_believes_in_1970_judges_no_date_and_reads_its_meters(tmp_path):
    given = 'certificate = { number = "1", body = "b", valid_from = 2023-11-14, valid_to = 2029-01-01 }'
    config = CONFIG.replace('installation = "1"', given)
    assert check.load(write_plant(tmp_path, config), 60 * 10**9).meters
    assert [check.date_of(at_s * 10**9) for at_s in (0, 1_262_304_000)] == [None, None]  # 1970, 2010


def test_a_certificate_holds_to_its_last_day(tmp_path):
    given = 'certificate = { number = "1", body = "b", valid_from = 2023-11-14, valid_to = 2023-11-14 }'
    assert check.date_of(T0).isoformat() == "2023-11-14"
    check.load(write_plant(tmp_path, CONFIG.replace('installation = "1"', given)), T0)


NOTED = (
    'serial = "2002"\nhandover.energy = {{ before = "{before}", after = "{after}", at = "{at}", within_s = {within_s},'
    ' serial_before = "{serial_before}", source = "{source}" }}'
)
SHEET = {
    "before": "70200", "after": "0", "at": "2023-11-14T10:00:00+08:00", "within_s": 60, "serial_before": "1001",
    "source": "work order 17, Li",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "key", "words"),
    [
        ({"before": "70,2"}, "before", "as the display showed it"),
        ({"before": "-1"}, "before", "below zero"),
        ({"after": "1000000"}, "after", "starts again at 1000000"),
        ({"at": "2023-11-14 10:00"}, "at", "a time and an offset"),
        ({"at": "1023-11-14T10:00:00Z"}, "at", "a time and an offset"),
        ({"at": "2023-11-16T10:00:00Z"}, "at", "has not come yet"),
        ({"within_s": -1}, "within_s", "greater than or equal to 0"),
        ({"serial_before": "02002"}, "serial_before", "own serial"),
        ({"source": ""}, "source", "at least 1"),
    ],
)
def test_what_a_fitter_noted_is_checked(tmp_path, changed, key, words):
    profile = METER_PROFILE.replace("age_ms = 500", 'age_ms = 500\nlimit = "1000000"')
    write_plant(tmp_path, CONFIG.replace('installation = "1"', NOTED.format(**SHEET | changed)))
    (tmp_path / "meter.toml").write_text(profile)
    with pytest.raises(Problems) as raised:
        check.load(tmp_path / "agent.toml", T0)
    (line,) = raised.value.lines
    assert line.startswith(f"{tmp_path / 'agent.toml'}: meter.press.handover.energy.{key}: ")
    assert words in line


def test_hand_over_readings_are_of_a_counter_of_an_instrument_with_a_name(tmp_path):
    given = NOTED.format(**SHEET)
    (line,) = problems(
        tmp_path, CONFIG.replace('installation = "1"', given.replace("handover.energy", "handover.enrgy"))
    )
    assert line == "meter.press.handover.enrgy: is not a counter that is read: did you mean energy?"
    (line,) = problems(tmp_path, CONFIG.replace('installation = "1"', given.replace('serial = "2002"\n', "")))
    assert line.startswith(
        "meter.press.serial: is not given: without it nothing tells this instrument from the one before"
    )


def test_what_a_fitter_noted_is_stated(tmp_path):
    plan = check.load(write_plant(tmp_path, CONFIG.replace('installation = "1"', NOTED.format(**SHEET))), T0)
    parts = [records.read(p, records.MeterPart) for p in manifest.parts(plan.meters, plan.config.line)
             if records.kind_of(p) == "meter"]  # fmt: skip
    (over,) = parts[0].handover
    assert (over.point, over.before, over.after, over.serial_before) == ("energy", "70200", "0", "1001")
    assert (over.at_ns, over.within_ns) == (1_699_927_200 * 10**9, 60 * 10**9)  # date -d 2023-11-14T02:00Z +%s
    assert parts[1].handover is None


CT = 'installation = "1"\nct = {{ primary = {}, secondary = {}{} }}'
CLASS = ', accuracy_class = "0.5S"'
PRIMARY_ALREADY = (
    "meter.press.ct: the registers of ./meter.toml are primary values, the meter applies the ratio itself:"
    " remove ct, or state its class alone with primary = 1, secondary = 1"
)
CLASS_WITHOUT_RATIO = (
    "meter.press.ct: a class but no ratio, and the registers of ./meter.toml are secondary values:"
    " give primary and secondary as on its plate"
)


def with_side(folder, side, ct):
    """A configuration whose meter's profile says on which side of the transformers its registers count."""
    path = write_plant(folder, CONFIG.replace('installation = "1"', ct, 1))
    sided = METER_PROFILE.replace('grade = "bronze"', f'grade = "bronze"\nratio_side = "{side}"')
    (folder / "meter.toml").write_text(sided if side else METER_PROFILE)
    return path


@pytest.mark.parametrize(
    ("side", "ct", "told"),
    [
        (
            "primary",
            CT.format(200, 5, ""),
            PRIMARY_ALREADY,
        ),
        (
            "secondary",
            CT.format(1, 1, CLASS),
            CLASS_WITHOUT_RATIO,
        ),
        (
            "secondary",
            CT.format(200, 5, ", valid_from = 2023-11-15"),
            "meter.press.ct.valid_from: not in place before 2023-11-15: enter the transformer that is in place now",
        ),
    ],
)
def test_a_ratio_is_applied_once(tmp_path, side, ct, told):
    path = with_side(tmp_path, side, ct)
    with pytest.raises(Problems) as raised:
        check.load(path, T0)
    assert raised.value.lines == (f"{path}: {told}",)


@pytest.mark.parametrize(
    ("side", "ct"),
    [
        ("primary", CT.format(1, 1, CLASS)),
        ("secondary", CT.format(200, 5, CLASS + ", valid_from = 2023-11-14")),
        ("", CT.format(200, 5, CLASS)),
        ("", CT.format(1, 1, CLASS)),
    ],
)
def test_a_class_may_be_stated_beside_a_ratio_applied_once(tmp_path, side, ct):
    plan = check.load(with_side(tmp_path, side, ct), T0)
    assert plan.meters[0].meter.ct.accuracy_class == "0.5S"


def test_since_when_a_transformer_is_in_place_is_evidence(tmp_path):
    plan = check.load(with_side(tmp_path, "secondary", CT.format(200, 5, ", valid_from = 2023-11-14")), T0)
    parts = [
        records.read(p, records.MeterPart) for p in manifest.parts(plan.meters, ()) if records.kind_of(p) == "meter"
    ]
    assert parts[0].ct.valid_from_ns == 1_699_920_000 * 10**9  # 2023-11-14T00:00:00Z


POINT = "{ load_permille = 100, error_ppm = 900, u_ppm = 500 }"


@pytest.mark.parametrize(
    ("rated", "more", "key", "problem", "hint"),
    [
        ("", f"drift_ppm = 0, points = [{POINT}]", "points", "no load is known", "rated current"),
        ("rated_w = 9", f"points = [{POINT}]", "drift_ppm", "not given", "0 if not at all"),
        ("rated_w = 9", "drift_ppm = 5", "drift_ppm", "there are none", "remove it"),
        ("rated_w = 9", f"drift_ppm = 5, points = [{POINT}, {POINT}]", "points", "stands twice", "on the certificate"),
    ],
    ids=["no load", "no drift", "no points", "twice"],
)
def test_error_points_need_a_load_and_a_drift(tmp_path, rated, more, key, problem, hint):
    dates = "valid_from = 2023-03-02, valid_to = 2029-03-01"
    given = f'{rated}\ncertificate = {{ number = "1", body = "b", {dates}, {more} }}'
    assert_told(tmp_path, 'installation = "1"', given, (f"meter.press.certificate.{key}", problem, hint))


def test_a_voltage_transformer_has_classes_of_its_own(tmp_path):
    given = 'pt = {primary=10000, secondary=100, accuracy_class="0.2S"}'
    told = ("meter.press.pt.accuracy_class", "'0.2S'", "use one of 0.1, 0.2, 0.5, 1, 3")
    assert_told(tmp_path, 'installation = "1"', given, told)
