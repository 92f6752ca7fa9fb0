"""Every fault of a profile that one key alone does not show has its line, and what is meant passes."""

import pytest
from test_drivers_profile import faults, toml

from agent.drivers import profile

GAUGE = {"quantity": '"q"', "unit": '"1"', "kind": '"gauge"'}
TEXT = GAUGE | {"type": '"text"', "length": "8"}
PARTS = '[{address=0, type="uint32"}, {address=9, type="uint16", scale=-3}]'
COMPOSITE = {"type": '"composite"', "address": None, "parts": PARTS}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (TEXT | {"length": None}, "point.e.length: goes with text in registers: give both or neither"),
        ({"length": "2"}, "point.e.length: goes with text in registers: give both or neither"),
        (TEXT | {"words": '"low_first"'}, "point.e.words: text stands in order: remove it"),
        (TEXT | {"expect": '["X"]'}, 'point.e.expect: says what a model reads: set identity = "model"'),
        (GAUGE | {"type": '"bool"'}, "point.e.bit: goes with bool in a register: give both or neither"),
        (GAUGE | {"type": '"bool"', "table": '"coil"', "bit": "1"}, "point.e.bit: goes with bool in a register"),
        ({"bit": "1"}, "point.e.bit: goes with bool in a register"),
        (GAUGE | {"type": '"bool"', "bit": "16"}, "point.e.bit: 16: should be less than or equal to 15"),
        ({"bits": "[0, 3]"}, "point.e.bits: [lowest, highest] of a word: set type = uint16 and order them"),
        ({"type": '"uint16"', "bits": "[3, 0]"}, "point.e.bits: [lowest, highest] of a word"),
        ({"words": '"low_pair_first"'}, "point.e.words: low_pair_first is an order of four words: uint32 has 2"),
        ({"type": '"uint48"', "words": '"high_pair_first"'}, "point.e.words: high_pair_first is an order of four"),
        ({"parts": PARTS}, 'point.e.parts: only a composite has them: set type = "composite"'),
        (COMPOSITE | {"address": "0"}, "point.e.address: a composite has one for each part: remove it"),
        (COMPOSITE | {"table": None}, "point.e.table: a composite is read from registers"),
        (COMPOSITE | {"parts": None}, "point.e.parts: a composite has at least two"),
        (COMPOSITE | {"parts": '[{address=0, type="text"}]'}, "point.e.parts.0.type: 'text': "),
        (
            COMPOSITE | {"parts": '[{address=0, type="uint64"}, {address=4, type="uint16"}]'},
            "point.e.parts: 80 bits together: at most 64",
        ),
        (
            COMPOSITE | {"parts": '[{address=0, type="uint16"}, {address=65535, type="uint32"}]'},
            "point.e.parts: run past 65535",
        ),
        (
            COMPOSITE | {"parts": ", ".join(f'{{address={a}, type="uint16"}}' for a in (0, 200, 400)).join("[]")},
            "point.e.parts: too far apart for two requests of registers_max = 125",
        ),
        ({"offset": '"1"'}, "point.e.offset: a counter is taken as it is: only a gauge has it"),
        ({"negate": "true"}, "point.e.negate: a counter is taken as it is: only a gauge has it"),
        (GAUGE | {"offset": "1"}, "point.e.offset: 1: write it as a string"),
        (TEXT | {"negate": "true"}, "point.e.type: text is no quantity"),
        (GAUGE | {"ratio_side": '"primary"'}, "point.e.ratio_side: q has none: transformers multiply energies"),
        ({"reference_degc": "20"}, "point.e.reference_degc: only a counter of gas in m3 or L has reference conditions"),
        ({"identity": '"serial"'}, "point.e.identity: is read once, by itself: use a gauge"),
        (TEXT | {"identity": '"ct_primary"'}, "point.e.identity: ct_primary is a number to be compared: give the type"),
        (TEXT | {"within": "[5, 27]"}, "point.e.within: [address, count] of a stretch that holds the point"),
        (TEXT | {"within": "[0, 126]"}, "point.e.within.1: 126: should be less than or equal to 125"),
        (
            GAUGE | {"node": '"i=1"', "table": None, "address": None, "bytes": '"low_first"'},
            "point.e.bytes: only registers have it: remove it",
        ),
        (
            GAUGE | {"node": '"i=1"', "table": None, "address": None, "type": '"bcd32"'},
            "point.e.type: bcd32 is not read from a node: use one of bool, float32, ",
        ),
    ],
)
def test_a_fault_is_named_with_a_hint(changes, line):
    found = faults(toml(changes))
    assert any(told.startswith(line) for told in found), found


def test_fields_share_a_word_and_nothing_else_does():
    bit = GAUGE | {"type": '"bool"', "address": "7"}
    field = GAUGE | {"id": '"f"', "type": '"uint16"', "address": "7", "bits": "[1, 3]"}
    assert len(profile.parse(toml(bit | {"bit": "0"}, field, bit | {"id": '"g"', "bit": "15"})).points) == 3
    (line,) = faults(toml(bit | {"bit": "0"}, GAUGE | {"id": '"w"', "type": '"uint16"', "address": "7"}))
    assert line.startswith("point.w.address: registers 7..7 overlap those of 'e' (7..7)")
    (line,) = faults(toml(field | {"id": '"e"', "address": "1"}, {"id": '"w"'}))
    assert line.startswith("point.e.address: registers 1..1 overlap those of 'w' (0..1)")


def test_parts_of_a_composite_are_places_of_their_own():
    assert profile.parse(toml(COMPOSITE | {"type": None})).points[0].type == "composite"
    assert len(profile.parse(toml(COMPOSITE, {"id": '"between"', "address": "2"})).points) == 2
    (line,) = faults(toml(COMPOSITE, {"id": '"w"', "address": "8"}))
    assert line.startswith("point.e.address: registers 9..9 overlap those of 'w' (8..9)")


def test_an_identity_is_told_by_one_point():
    serial = TEXT | {"identity": '"serial"'}
    assert faults(toml(serial, serial | {"id": '"f"', "address": "20"})) == [
        "point: identity 'serial' is given 2 times: keep one"
    ]
    read = profile.parse(toml({}, serial | {"id": '"s"', "address": "20"}))
    assert ([p.id for p in read.measured], [p.id for p in read.identifying]) == (["e"], ["s"])


def test_a_scale_is_a_plain_register():
    scale = GAUGE | {"id": '"s"', "type": '"int16"', "address": "9", "bytes": '"low_first"'}
    (line,) = faults(toml({"scale_point": '"s"'}, scale))
    assert line.startswith("point.e.scale_point: 's' is not a plain int16 point")
    (line,) = faults(toml({"scale_point": '"s"'}, scale | {"bytes": None, "within": "[8, 4]"}))
    assert line.startswith("point.e.scale_point: 's' is answered within a stretch of its own")


def test_points_take_the_side_of_their_profile():
    power = {"id": '"p"', "quantity": '"active_power"', "unit": '"W"', "kind": '"gauge"', "address": "2"}
    voltage = {"id": '"v"', "quantity": '"voltage"', "unit": '"V"', "kind": '"gauge"', "address": "4"}
    data = toml({}, power | {"ratio_side": '"secondary"'}, voltage).replace(b"grade", b'ratio_side = "primary"\ngrade')
    assert [p.ratio_side for p in profile.parse(data).points] == ["primary", "secondary", None]
