"""Configuration faults are told all at once, each with its place, what is wrong and what to do."""

import datetime as dt
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from contract.problems import Problems, document, explain, parse_toml, suggest

STRICT = ConfigDict(frozen=True, extra="forbid")


class Tcp(BaseModel):
    """A bus over TCP."""

    model_config = STRICT
    kind: Literal["tcp"]
    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 502


class Serial(BaseModel):
    """A bus over a serial line."""

    model_config = STRICT
    kind: Literal["serial"]
    device: str
    parity: Literal["N", "E", "O"] = "N"


class Meter(BaseModel):
    """A meter."""

    model_config = STRICT
    name: str
    address: int

    @field_validator("address")
    @classmethod
    def _in_range(cls, value: int) -> int:
        if value > 247:
            raise ValueError("Modbus addresses end at 247")
        return value


class Plant(BaseModel):
    """The file."""

    model_config = STRICT
    bus: list[Annotated[Tcp | Serial, Field(discriminator="kind")]]
    meter: tuple[Meter, ...] = ()
    password_length: int | None = None
    limits: dict[str, Meter] = {}


GOOD = b'bus = [{kind = "tcp", host = "10.0.0.9"}]\n'


def lines(text: str) -> list[str]:
    with pytest.raises(Problems) as caught:
        parse_toml(text.encode(), Plant)
    assert str(caught.value) == "\n".join(caught.value.lines)
    return list(caught.value.lines)


def test_a_good_file_is_the_model():
    plant = parse_toml(GOOD, Plant)
    assert plant.bus == [Tcp(kind="tcp", host="10.0.0.9", port=502)]


def test_every_fault_is_told_at_once_and_in_the_writers_words():
    found = lines("""
        bus = [{kind = "tcp", hots = "a", port = 0}, {kind = "serial", device = "/dev/ttyS0", parity = "X"}]
        meter = [{name = "line-1", address = 300}, {name = "line-2", address = "two"}]
        limits.press = {name = "press", adress = 1, address = 1}
        colour = "green"
    """)
    assert found == [
        "bus.0.host: missing: add it",
        "bus.0.port: 0: should be greater than or equal to 1",
        "bus.0.hots: unknown key: did you mean host?",
        "bus.1.parity: 'X': use one of E, N, O",
        "meter.line-1.address: 300: Modbus addresses end at 247",
        "meter.line-2.address: 'two': write a whole number, without quotes or unit",
        "limits.press.adress: unknown key: did you mean address?",
        "colour: unknown key: use one of bus, limits, meter, password_length",
    ]


def test_the_kind_of_a_table_is_part_of_the_words_but_not_of_the_path():
    assert lines('bus = [{kind = "modbus"}, {host = "a"}]') == [
        "bus.0: 'modbus': use one of serial, tcp",
        "bus.1.kind: missing: it says which kind this is",
    ]


class Forms(BaseModel):
    """One key of each form."""

    model_config = STRICT
    text: str = ""
    count: int = 0
    flag: bool = False
    day: dt.date | None = None
    names: tuple[str, ...] = ()
    one: Meter | None = None
    many: tuple[Meter, ...] = ()
    point: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = "a"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("text = 45.3", "text: 45.3: write it as text, in quotes"),
        ("count = '5 s'", "count: '5 s': write a whole number, without quotes or unit"),
        ("count = 1.5", "count: 1.5: write a whole number, without quotes or unit"),
        ("flag = 'maybe'", "flag: 'maybe': write true or false"),
        ("day = '1 May'", "day: '1 May': write a date without quotes, such as 2026-10-01"),
        ("names = 'power'", "names: 'power': write a list, in brackets, even of one"),
        ("[[one]]\nname = 'a'", "one: there is only one: write [one], in one pair of brackets"),
        ("point = 'Gas volume'", "point: 'Gas volume': write a-z, 0-9 and _, a letter first"),
        (
            "[one]\nname = 'a'\naddress = 1\ncount = 2",
            "one.count: unknown key: write it above the first [table], for below one it is part of that table",
        ),
        ("[many]\nname = 'a'", "many: there may be several: write [[many]], in two pairs of brackets"),
    ],
)
def test_a_value_in_another_form_is_told_how_it_is_written(given, line):
    with pytest.raises(Problems) as caught:
        parse_toml(given.encode(), Forms)
    assert list(caught.value.lines) == [line]


def test_a_secret_is_never_repeated():
    (line,) = lines(GOOD.decode() + 'password_length = "hunter2"')
    assert line.startswith("password_length: what is given here is not accepted: ")
    assert "hunter2" not in line


def test_a_long_value_is_cut():
    (line,) = lines(GOOD.decode() + f'meter = "{"x" * 500}"')
    assert len(line) < 200


@pytest.mark.parametrize(("data", "start"), [(b"a = ", "not TOML: "), (b"a = '\xff'", "byte 5: not UTF-8: ")])
def test_what_is_not_toml_is_one_line(data, start):
    with pytest.raises(Problems) as caught:
        parse_toml(data, Plant)
    assert len(caught.value.lines) == 1
    assert caught.value.lines[0].startswith(start)


def test_without_the_document_items_are_numbered():
    with pytest.raises(ValidationError) as caught:
        Plant.model_validate({"bus": [], "meter": [{"name": "a", "address": 1}, {"name": "b"}]})
    assert explain(caught.value, Plant) == ["meter.1.address: missing: add it"]


def test_suggest():
    assert suggest("usrname", ["username", "host"]) == "did you mean username?"
    assert suggest("zzz", ["b", "a"]) == "use one of a, b"
    assert suggest("zzz", []) == "remove it"


@pytest.mark.parametrize("data", [b"a = " + b"[" * 5000, b"a = " + b"1" * 6000])
def test_what_no_reader_can_take_is_a_problem_and_not_a_traceback(data):
    with pytest.raises(Problems, match="^not TOML: "):
        parse_toml(data, Plant)
    assert document(data) == {}
