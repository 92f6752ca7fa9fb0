"""What can be wrong with the lots of a line: one line each."""

import pytest
from lot_plant import PROFILE, SHOWN
from message_plant import MESSAGED, TOLERANCE
from message_plant import PROFILE as MESSAGES
from plant_in_memory import T0, problems, write_plant

from agent import check

MISTAKES = [
    ('lot = "coil"', 'lot = "col"', "line.press.lots.0.lot", "press-plc reads no point 'col'", "did you mean coil?"),
    ('lot = "coil"', 'lot = "packs"', "line.press.lots.0.lot", "is of type uint16", "a text"),
    ('"coil_kg"', '"pack"', "line.press.lots.0.quantity", "'pack' is no plain number", "name a point that is one"),
    ('"coil_kg"', '"coil_k"', "line.press.lots.0.quantity", "no point 'coil_k'", "did you mean coil_kg?"),
    ('kind = "input"', 'kind = "in"', "line.press.lots.0.kind", "'in'", "use one of good, input"),
    ('source = "reported"', 'source = "told"', "line.press.lots.1.source", "'told'", "use one of"),
    (', kind = "input"', "", "line.press.lots.0.kind", "missing", "add it"),
]


@pytest.mark.parametrize(("old", "new", "key", "problem", "hint"), MISTAKES)
def test_a_mistake(tmp_path, old, new, key, problem, hint):
    write_plant(tmp_path)
    assert old in SHOWN
    (line,) = problems(tmp_path, SHOWN.replace(old, new), plc=PROFILE)
    assert line.startswith(f"{key}: ")
    assert problem in line
    assert hint in line


def test_a_quantity_is_a_mass_a_volume_or_a_number(tmp_path):
    write_plant(tmp_path)
    profile = PROFILE.replace(
        'type = "uint32"\nunit = "kg"\nkind = "gauge"', 'type = "uint32"\nunit = "V"\nkind = "gauge"'
    )
    (line,) = problems(tmp_path, SHOWN, plc=profile)
    assert line.startswith("line.press.lots.0.quantity: 'coil_kg' is in 'V': name a point in g, kg, t")


def test_a_line_told_by_messages_shows_none(tmp_path):
    write_plant(tmp_path)
    lots = TOLERANCE + '\nlots = [{ lot = "batch_id", quantity = "running", kind = "good" }]'
    (line,) = problems(tmp_path, MESSAGED.replace(TOLERANCE, lots), plc=MESSAGES)
    assert line.startswith("line.press.lots: a line told by message has no use for it: remove it, a message states")


def test_a_line_with_lots_is_in_order(tmp_path):
    path = write_plant(tmp_path, SHOWN)
    (tmp_path / "plc.toml").write_text(PROFILE)
    assert [lot.kind for lot in check.load(path, T0).config.line[0].lots] == ["input", "good"]
