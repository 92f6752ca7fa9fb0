"""What can be wrong with a line: its source, its tags, its counters, how long it waits."""

import pytest
from plant_in_memory import CONFIG, PLC_PROFILE, assert_told, problems, write_plant

# what is replaced in the configuration, by what; the key, a word of the problem and one of the hint
MISTAKES = [
    ('source = "press-plc"', 'source = "pres-plc"',
     "line.press.source", "no meter 'pres-plc'", "did you mean press-plc?"),
    ('source = "press-plc"', 'source = "press"', "line.press.batch", "press reads no point 'batch_id'", ""),
    ('source = "press-plc"', 'source = "press-plc"\nbatch = "produced"', "line.press.batch", "uint32", "text"),
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
    ("[[line]]", '[[line]]\nname="press"\nsource="press-plc"\nenergy=["press.energy"]\n[[line]]',
     "line.press.name", "used twice", "own"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "problem", "hint"), MISTAKES)
def test_one_mistake_is_one_line_that_says_where_what_and_what_to_do(tmp_path, old, new, key, problem, hint):
    assert_told(tmp_path, old, new, (key, problem, hint))


def test_pieces_are_not_mass(tmp_path):
    """A count of pieces cannot be signed as an output yet; it must be said now, not at the end of the first batch."""
    write_plant(tmp_path)
    assert 'unit = "kg"' in PLC_PROFILE
    lines = problems(tmp_path, CONFIG, plc=PLC_PROFILE.replace('unit = "kg"', 'unit = "1"'))
    assert [line.split(": ")[0] for line in lines] == ["line.press.good"]
    assert "counts in '1'" in lines[0]
