"""What can be wrong with a meter: classes, transformers, declared registers, certificates."""

import pytest
from plant_in_memory import CONFIG, T0, assert_told, problems, write_plant

from agent import check

# what is replaced in the configuration, by what; the key, a word of the problem and one of the hint
MISTAKES = [
    ('name = "serial"', 'name = "cereal"', "meter.press.bus", "no bus 'serial'", "did you mean cereal?"),
    ('installation = "1"', 'accuracy_class = "9"', "meter.press.accuracy_class", "'9'", "use one of"),
    ('installation = "1"', 'ct = {primary=5, secondary=5, accuracy_class="x"}',
     "meter.press.ct.accuracy_class", "'x'", ""),
    ('installation = "1"', "ct = {primary = 5, secondary = 0}", "meter.press.ct.secondary", "0", "greater than"),
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
    ],
)
def test_a_certificate_must_be_valid_today(tmp_path, dates, key, words):
    given = f'certificate = {{ number = "1", body = "b", {dates} }}'
    (line,) = problems(tmp_path, CONFIG.replace('installation = "1"', given))
    assert line.startswith(f"meter.press.certificate.{key}: ")
    assert words in line


def test_a_certificate_holds_to_its_last_day(tmp_path):
    given = 'certificate = { number = "1", body = "b", valid_from = 2023-11-14, valid_to = 2023-11-14 }'
    assert check.date_of(T0).isoformat() == "2023-11-14"
    check.load(write_plant(tmp_path, CONFIG.replace('installation = "1"', given)), T0)
