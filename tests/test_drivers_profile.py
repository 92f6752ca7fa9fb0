"""Profiles: every fault is named at once; each shipped one reads its golden registers as its sources say."""

import hashlib
import itertools
import json
from fractions import Fraction
from pathlib import Path

import pytest

from agent.drivers import GOOD, blocks, dlt645_frame, is_bad, profile, registers
from agent.drivers.profiles import load, names

CASES = Path(__file__).parent / "cases" / "profiles"
HEAD = 'make = "M"\nmodel = "X"\nmedium = "electricity"\ngrade = "bronze"\nsources = ["s"]\n'
POINT = {
    "id": '"e"',
    "quantity": '"active_energy_import"',
    "table": '"holding"',
    "address": "0",
    "type": '"uint32"',
    "unit": '"kWh"',
    "kind": '"counter"',
}


def toml(*points, head=HEAD):
    text = head
    for changes in points:
        keys = {key: value for key, value in (POINT | changes).items() if value is not None}
        text += "[[point]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
    return text.encode()


def faults(data):
    with pytest.raises(ValueError) as caught:
        profile.parse(data)
    return str(caught.value).splitlines()


def image(text):
    """Registers of a golden case: lines `table 0xADDRESS: WORD WORD ...`, and comments."""
    words = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            place, _, values = line.partition(":")
            table, start = place.split()
            for offset, word in enumerate(values.split()):
                words[table, int(start, 16) + offset] = int(word, 16)
    return words


def from_registers(read, words, base):
    """Readings by point of a Modbus meter; holes hold 0xDEAD."""
    planned = (blocks.plan(points, read.registers_max, read.hole_max) for points in (read.measured, read.identifying))
    found = {}
    for block in itertools.chain(*planned):
        addresses = range(base + block.address, base + block.address + block.count)
        for reading in blocks.readings(block, [words.get((block.table, a), 0xDEAD) for a in addresses]):
            found[reading.point] = reading
    return found


def from_frames(points, text, address):
    """Readings by point of a DL/T 645 meter; lines `point: TELEGRAM`, and comments."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, telegram = line.partition(":")
            (frame,), _ = dlt645_frame.scan(bytes.fromhex(telegram))
            answered = dlt645_frame.answer(frame, address, points[name].di)
            assert answered is not None, name
            found[name] = dlt645_frame.reading(points[name], answered)
    return found


def test_every_shipped_profile_reads_its_golden_registers():
    folders = sorted(CASES.iterdir())
    assert [folder.name for folder in folders] == names()
    assert len(folders) == 56
    for folder in folders:
        read = profile.parse(load(folder.name))
        case = json.loads((folder / "expected.json").read_text())
        points = {point.id: point for point in read.points}
        if "base" in case:
            found = from_registers(read, image((folder / "registers.hex").read_text()), case["base"])
        else:
            found = from_frames(points, (folder / "frames.hex").read_text(), case["address"])
        assert found.keys() == case["points"].keys(), folder.name
        for name, expected in case["points"].items():
            point, reading = points[name], found[name]
            assert expected["why"], (folder.name, name)
            if "text" in expected:
                assert reading[1:] == (None, GOOD, None, expected["text"]), (folder.name, name)
                continue
            if expected["value"] is None:
                assert reading.raw is None, (folder.name, name)
                assert is_bad(reading.status), (folder.name, name)
                continue
            scale_raw = found[point.scale_point].raw if point.scale_point else None
            value = registers.scaled(point, reading.raw, Fraction(case["ratio"]), scale_raw)
            assert (value, registers.unit_of(point)) == (expected["value"], expected["unit"]), (folder.name, name)


def test_the_hash_is_that_of_the_bytes():
    data = load("eastron-sdm630")
    assert profile.profile_hash(data) == hashlib.sha256(data).digest()
    assert profile.profile_hash(data + b"\n") != profile.profile_hash(data)


def test_a_profile_is_found_by_name_or_path(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_bytes(toml({}))
    assert profile.parse(load(str(mine))).points[0].id == "e"
    with pytest.raises(ValueError, match="use one of abb-a43, abb-b21, "):
        load("unheard-of")
    with pytest.raises(ValueError, match="No such file"):
        load(str(tmp_path / "none.toml"))


def test_all_problems_are_listed_at_once():
    data = toml(
        {"tabel": '"holding"', "table": None, "step": "0.01"},
        {"id": '"b"', "unit": '"kwh"'},
        {"id": '"c"', "address": "1", "scale_point": '"none"'},
        {"id": '"d"', "address": "9", "type": '"bool"', "bit": "3"},
        head=HEAD.replace("grade", "grad"),
    )
    lines = faults(data)
    assert {line.split(": ")[0] for line in lines} == {
        "grade",
        "grad",
        "point.e.tabel",
        "point.e.step",
        "point.b.unit",
        "point.c.address",
        "point.c.scale_point",
        "point.d.type",
    }
    assert all(len(line.split(": ")) >= 3 for line in lines)
    assert any(line.endswith("did you mean table?") for line in lines)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"unit": '"mbar"'}, "point.e.unit: 'mbar' is not known: use one of Wh, kWh, "),
        ({"unit": '"kwh"'}, "point.e.unit: 'kwh' is not known: use kWh"),
        ({"unit": '"V"'}, "point.e.unit: 'V' does not measure active_energy: use one of Wh, kWh, MWh"),
        ({"step": '"-1"'}, "point.e.step: '-1': must be greater than zero"),
        ({"step": '"x"'}, "point.e.step: 'x': write a decimal number such as \"0.01\""),
        ({"address": "65535"}, "point.e.address: runs past 65535: check address and type"),
        ({"type": '"text"'}, "point.e.length: goes with text in registers: give both or neither"),
        (
            {"table": '"coil"'},
            "point.e.type: uint32 is not read from table coil: bool goes with coil and discrete only",
        ),
        ({"node": '"i=1"'}, "point.e.node: given beside a register: keep either node, or table and address"),
        ({"address": None}, "point.e.table: no place to read from: give table and address, or node"),
        ({"scale_point": '"e"'}, "point.e.scale_point: 'e' is not a plain int16 point: a scale has type int16, "),
        ({"invalid": "[0x100000000]"}, "point.e.invalid: does not fit uint32: give raw integers of 32 bits, words in "),
        ({"kind": '"gauge"', "age_ms": "5"}, "point.e.age_ms: only a counter has it: remove it, or set kind to "),
        ({"obis": '"1.8.0"'}, "point.e.obis: '1.8.0': String should match pattern"),
        ({"address": "true"}, "point.e.address: True: write a whole number, without quotes or unit"),
    ],
)
def test_a_fault_is_named_with_a_hint(changes, line):
    assert any(found.startswith(line) for found in faults(toml(changes))), faults(toml(changes))


def test_points_are_checked_against_each_other():
    assert faults(toml({}, {"id": '"b"', "address": "1"})) == [
        "point.b.address: registers 1..2 overlap those of 'e' (0..1): check address and type of both"
    ]
    assert faults(toml({}, {"address": "5"})) == ["point.e.id: used twice: give every point its own id"]
    assert faults(toml({}, {"id": '"n"', "node": '"i=1"', "table": None, "address": None})) == [
        "point: registers and nodes are mixed: make one profile for each protocol"
    ]
    gauge = {"id": '"s"', "quantity": '"scale"', "unit": '"1"', "kind": '"gauge"', "type": '"int16"'}
    assert faults(toml({"scale_point": '"s"'}, gauge | {"table": '"input"'})) == [
        "point.e.scale_point: 's' is in another table: both must come in one answer"
    ]
    assert faults(toml({"scale_point": '"s"'}, gauge | {"address": "125"})) == [
        "point.e.scale_point: 's' is more than registers_max = 125 away: both must come in one answer"
    ]


def test_neighbours_do_not_overlap():
    assert len(profile.parse(toml({}, {"id": '"b"', "address": "2"}, {"id": '"c"', "table": '"input"'})).points) == 3


@pytest.mark.parametrize("data", [b"make = ", b"\xff", b""])
def test_what_is_no_profile_is_refused(data):
    assert faults(data)


def test_wide_invalid_values_are_written_as_strings():
    data = toml({"type": '"uint64"', "invalid": '["0xFFFFFFFFFFFFFFFF", 7]'})
    assert profile.parse(data).points[0].invalid == (2**64 - 1, 7)
    assert "point.e.invalid.0" in faults(toml({"invalid": '["none"]'}))[0]
