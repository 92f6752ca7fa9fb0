"""What can be wrong with a line: its source, its tags, its counters, how long it waits."""

import pytest
from message_plant import MESSAGED, MQTT, TOLERANCE
from message_plant import PROFILE as MESSAGE_PROFILE
from plant_in_memory import CONFIG, PLC_PROFILE, T0, assert_told, problems, write_plant

from agent import check

# what is replaced in the configuration, by what; the key, a word of the problem and one of the hint
MISTAKES = [
    ('source = "press-plc"', 'source = "pres-plc"',
     "line.press.source", "no meter 'pres-plc'", "did you mean press-plc?"),
    ('source = "press-plc"', "", "line.press.source", "missing", "name the meter"),
    ('source = "press-plc"', 'source = "press"', "line.press.batch", "press reads no point 'batch_id'", ""),
    ('source = "press-plc"', 'source = "press-plc"\nrunning = "product"', "line.press.running", "text", "number"),
    ('"press.energy"', '"press.power"', "line.press.energy", "no counter 'power'", "energy"),
    ('"press.energy"', '"pres.energy"', "line.press.energy", "no meter 'pres'", "did you mean press?"),
    ('"press.energy"', '"press.energy", "press.energy"', "line.press.energy", "named twice", "once"),
    ('"press.energy"', '"press-plc.produced"', "line.press.energy", "counts in 'kg'", "Wh"),
    ('"press.energy"', "", "line.press.energy", "[]", "at least 1"),
    ("every_ms = 1000", "every_ms = 30000", "line.press", "longer than close_wait_s", "raise close_wait_s"),
    ('good = "press-plc.produced"', 'media = ["press.power"]', "line.press.media", "no counter 'power'", "energy"),
    ('good = "press-plc.produced"', 'media = ["press.energy"]', "line.press.media", "something else", "one thing"),
    ('good = "press-plc.produced"', 'media = ["press-plc.produced", "press-plc.produced"]',
     "line.press.media", "named twice", "once"),
    ("[[line]]", '[[line]]\noverlap = "equal"', "line.press.good", "count together", "let messages or people tell it"),
    ('good = "press-plc.produced"', 'media = ["press-plc.produced"]\noverlap = "by_quantity"',
     "line.press.media", "only energy is shared", "remove it"),
    ('good = "press-plc.produced"', 'overlap = "quantity"', "line.press.overlap", "by_quantity", ""),
    ("[[line]]", '[[line]]\nname="press"\nsource="press-plc"\nenergy=["press.energy"]\n[[line]]',
     "line.press.name", "used twice", "own"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "problem", "hint"), MISTAKES)
def test_one_mistake_is_one_line_that_says_where_what_and_what_to_do(tmp_path, old, new, key, problem, hint):
    assert_told(tmp_path, old, new, (key, problem, hint))


@pytest.mark.parametrize("unit", ["piece", "1"])
def test_output_may_be_counted_in_pieces(tmp_path, unit):
    assert 'unit = "kg"' in PLC_PROFILE
    path = write_plant(tmp_path)
    (tmp_path / "plc.toml").write_text(PLC_PROFILE.replace('unit = "kg"', f'unit = "{unit}"'))
    (line,) = check.load(path, T0).config.line
    assert line.good == "press-plc.produced"


def test_what_is_no_output_is_told_before_a_batch_has_it(tmp_path):
    write_plant(tmp_path)
    lines = problems(tmp_path, CONFIG, plc=PLC_PROFILE.replace('unit = "kg"', 'unit = "kvarh"'))
    assert [line.split(": ")[0] for line in lines] == ["line.press.good"]
    assert "counts in 'kvarh': name a counter in g, kg or t, piece, " in lines[0]


def test_pieces_are_no_medium(tmp_path):
    write_plant(tmp_path)
    config = CONFIG.replace('good = "press-plc.produced"', 'media = ["press-plc.produced"]')
    lines = problems(tmp_path, config, plc=PLC_PROFILE.replace('unit = "kg"', 'unit = "piece"'))
    assert [line.split(": ")[0] for line in lines] == ["line.press.media"]


def messaged(old="", new=""):
    """The configuration with its line told by messages, and one thing in it replaced."""
    assert old in MESSAGED
    return MESSAGED.replace(old, new)


OF_MESSAGES = [
    (TOLERANCE, "", "line.press.clock_tolerance_ms", "missing", "how wrong the clock"),
    (TOLERANCE, TOLERANCE + '\nedge_time = "source"', "line.press.edge_time", "only tags have it", "remove it"),
    (TOLERANCE, TOLERANCE + "\nlag_ms = 10", "line.press.lag_ms", "only tags have it", "remove it"),
    ('told_by = "message"\n' + TOLERANCE, "", "line.press.told_by", "'tags', though press-plc is read over mqtt",
     'set told_by = "message"'),
    ('told_by = "message"', 'told_by = "mes"', "line.press.told_by", "'mes'", "did you mean message?"),
    (TOLERANCE, "clock_tolerance_ms = -1", "line.press.clock_tolerance_ms", "-1", "greater than or equal to 0"),
    ('source = "press-plc"', 'source = "press"', "line.press.told_by", "'message', though press is read over modbus",
     "only a meter on an mqtt bus can"),
    ('address = "works', 'points = ["batch_id"]\naddress = "works', "line.press.source", "reads no text 'message'",
     "name it in the meter's points"),
    ('address = "works/press/batches"', "", "meter.press-plc.address", "'' is not a topic", "name the one topic"),
    ("works/press/batches", "works/+", "meter.press-plc.address", "'works/+' is not a topic", "without + and #"),
    ('client_id = "metertrail-edge-1"', "", "bus.plc.client_id", "missing", "add it"),
    ('username = "metertrail"', 'user = "metertrail"', "bus.plc.user", "unknown key", "did you mean username?"),
    ('[[meter]]\nname = "press"\n', f'[[bus]]\nname = "other"\n{MQTT}[[meter]]\nname = "press"\n',
     "bus.other.client_id", "'metertrail-edge-1' is bus 'plc'", "give each its own"),
    ("[[line]]", ('[[line]]\nname="saw"\nsource="press-plc"\ntold_by="message"\nclock_tolerance_ms=1\n'
     'energy=["press.energy"]\n[[line]]'), "meter.press-plc", "tells saw and press", "of one [[line]]"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "problem", "hint"), OF_MESSAGES)
def test_a_mistake_in_a_line_told_by_messages(tmp_path, old, new, key, problem, hint):
    write_plant(tmp_path)
    lines = problems(tmp_path, messaged(old, new), plc=MESSAGE_PROFILE)
    assert any(line.startswith(f"{key}: ") and problem in line and hint in line for line in lines), lines


def test_a_line_told_by_messages_is_in_order(tmp_path):
    path = write_plant(tmp_path, messaged())
    (tmp_path / "plc.toml").write_text(MESSAGE_PROFILE)
    plan = check.load(path, T0)
    assert plan.config.line[0].told_by == "message"
    assert check.target(plan.meters[1], plan.config.line).tells == ("press",)
    assert check.target(plan.meters[0], plan.config.line).tells == ()


def test_tags_have_no_clock_to_tolerate(tmp_path):
    assert_told(
        tmp_path, 'source = "press-plc"', 'source = "press-plc"\nclock_tolerance_ms = 5',
        ("line.press.clock_tolerance_ms", "tags tell no time of their own", "remove it"),
    )  # fmt: skip


def test_a_message_has_no_other_members_than_its_own(tmp_path):
    write_plant(tmp_path)
    told = problems(tmp_path, messaged(), plc=MESSAGE_PROFILE.replace('node = "state"', 'node = "status"'))
    (line,) = told
    assert line.startswith("meter.press-plc.profile: point.running.node: 'status' of type bool is no part of a batch")
