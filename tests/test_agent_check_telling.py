"""What can be wrong with how a line is told: one line each, and a right one has none."""

import pytest
from plant_in_memory import CONFIG, PLC_PROFILE, problems
from told_lines import NUMBER, SHIFTS, STATE, site

SOURCE = 'source = "press-plc"'
PLC = PLC_PROFILE + STATE + NUMBER
STATES = 'states = { "1" = "produce", "0" = "idle" }'

RIGHT = [
    f'{SOURCE}\ntold_by = "packml"',
    f'{SOURCE}\ntold_by = "packml"\nstate = "number"\nmakes = "coil"\nlag_ms = 5',
    f'{SOURCE}\ntold_by = "job_order"\nbatch = "number"',
    f'{SOURCE}\ntold_by = "counter"\nbatch = "number"\nmakes = "coil"\nnamed_by = "time"',
    f'{SOURCE}\ntold_by = "counter"\nbatch = "produced"\nrunning = "running"\nends_at = "fall"',
    f'{SOURCE}\nbatch = "number"\nproduct = "state"',
    f'{SOURCE}\nstate = "running"\n{STATES}',
    'told_by = "schedule"\nmakes = "coil"',
    f'told_by = "schedule"\nmakes = "coil"\n{SOURCE}\nstate = "state"\n{STATES}',
]


@pytest.mark.parametrize("right", RIGHT)
def test_a_line_that_can_be_told_so(tmp_path, right):
    assert site(tmp_path, SOURCE, right, SHIFTS).plan.config.line[0].name == "press"


# what the line says of its source; the key, a word of the problem and one of the hint
WRONG = [
    (f'{SOURCE}\ntold_by = "packl"', "told_by", "'packl'", "did you mean packml?"),
    (f'{SOURCE}\nbatch = "running"', "batch", "type bool", "a text or a whole number"),
    (f'{SOURCE}\nbatch = "job"', "batch", "reads no point 'job'", "use one of"),
    (f'{SOURCE}\nrunning = "product"', "running", "type text", "0 while nothing runs"),
    (f'{SOURCE}\ntold_by = "packml"\nstate = "running_state"', "state", "reads no point", "did you mean running?"),
    (f'{SOURCE}\ntold_by = "packml"\nstate = "product"', "state", "type text", "a whole number or a bool"),
    (f'{SOURCE}\ntold_by = "packml"\nrunning = "running"', "running", "told by packml has no use", "remove it"),
    (f'{SOURCE}\ntold_by = "packml"\nedge_time = "source"', "edge_time", "no use", "remove it"),
    (f'{SOURCE}\ntold_by = "packml"\n{STATES}', "states", "no use", "remove it"),
    (f'{SOURCE}\ntold_by = "job_order"\nends_at = "fall"', "ends_at", "no use", "remove it"),
    (f'{SOURCE}\nnamed_by = "time"', "named_by", "told by tags has no use", "remove it"),
    (f'{SOURCE}\ntold_by = "counter"', "batch", "type text", "a whole number"),
    (f'{SOURCE}\ntold_by = "counter"\nbatch = "number"\nends_at = "fall"\nedge_time = "source"', "edge_time",
     "time of a count", "observed"),
    (f'{SOURCE}\nproduct = "product"\nmakes = "coil"', "makes", "'product' tells", "keep one"),
    (f'{SOURCE}\nstate = "state"', "states", "missing", "say what its numbers mean"),
    (f"{SOURCE}\n{STATES}", "state", "missing", "name the point"),
    (f'{SOURCE}\nstate = "state"\nstates = {{ "1" = "run" }}', "states.1", "'run'", "use one of"),
    (f'{SOURCE}\nstate = "state"\nstates = {{ one = "produce" }}', "states.one", "'one'", "whole number"),
    ('told_by = "schedule"\nmakes = "coil"\nclock_tolerance_ms = 5', "clock_tolerance_ms", "no use", "remove it"),
    ('told_by = "schedule"', "makes", "missing", "name the product"),
    ('told_by = "schedule"\nmakes = "coil"\nbatch = "batch_id"', "batch", "told by schedule has no use", "remove"),
    (f'told_by = "schedule"\nmakes = "coil"\nstate = "state"\n{STATES}', "source", "missing", "name the meter"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "key", "problem", "hint"), WRONG)
def test_one_mistake_is_one_line_that_says_where_what_and_what_to_do(tmp_path, wrong, key, problem, hint):
    (line,) = problems(tmp_path, CONFIG.replace(SOURCE, wrong) + SHIFTS, plc=PLC)
    where, what, then = line.split(": ", 2)
    assert where.startswith(f"line.press.{key}")
    assert problem in f"{what}: {then}"
    assert hint in then


def test_a_schedule_needs_shifts(tmp_path):
    scheduled = CONFIG.replace(SOURCE, 'told_by = "schedule"\nmakes = "coil"')
    for calendar in ("", '[calendar]\nzone = "UTC"'):
        (line,) = problems(tmp_path, scheduled + calendar)
        assert line == "line.press.told_by: there is no shift: add [calendar] with a [[calendar.shift]]"


def test_a_name_is_a_whole_number(tmp_path):
    wrong = PLC.replace('id = "number"', 'id = "number"\nscale = -1')
    (line,) = problems(tmp_path, CONFIG.replace(SOURCE, f'{SOURCE}\nbatch = "number"'), plc=wrong)
    assert line.startswith("line.press.batch: 'number' is of type uint16")


def test_shifts_that_overlap_are_one_mistake(tmp_path):
    overlap = SHIFTS.replace('end = "22:15"', 'end = "22:20"')
    (line,) = problems(tmp_path, CONFIG.replace(SOURCE, 'told_by = "schedule"\nmakes = "coil"') + overlap)
    assert line == "calendar: shifts 'one' and 'two' overlap: let one end when the next starts"


def test_a_mistake_in_the_calendar_hides_no_other(tmp_path):
    config = CONFIG.replace(SOURCE, 'source = "pres-plc"') + SHIFTS.replace("22:14", "22.14")
    assert [line.split(": ")[0] for line in problems(tmp_path, config)] == [
        "calendar.shift.one.start", "line.press.source",
    ]  # fmt: skip
