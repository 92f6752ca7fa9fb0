"""The configuration's own limits: strict, frozen, and safe where it says nothing."""

import tomllib

import pytest
from plant_in_memory import CONFIG
from pydantic import ValidationError

from agent.config import Config, Declared, Line, Meter

DOCUMENT = tomllib.loads(CONFIG)


def test_what_is_left_out_is_the_safe_choice():
    config = Config.model_validate({**DOCUMENT, "agent": {**DOCUMENT["agent"], "seal_s": 60}})
    assert (config.mqtt.tls, config.mqtt.port) == (True, 8883)
    assert Meter(name="m", bus="b", profile="p").every_ms == 1000
    line = Line(name="l", source="s", energy=("m.e",))
    assert (line.edge_time, line.lag_ms) == ("observed", 0)


def test_a_configuration_does_not_change():
    config = Config.model_validate(DOCUMENT)
    with pytest.raises(ValidationError):
        config.agent.seal_s = 5


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("agent", "seal_s", 0), ("agent", "seal_s", 3601), ("agent", "close_wait_s", 86_401), ("agent", "site", "A"),
        ("agent", "name", "-a"), ("agent", "name", "a" * 65), ("mqtt", "port", 0), ("mqtt", "port", 65_536),
        ("mqtt", "password", "word"), ("mqtt", "host", ""), ("mqtt", "host", "broker..local"),
    ],
)  # fmt: skip
def test_limits(table, key, value):
    with pytest.raises(ValidationError):
        Config.model_validate({**DOCUMENT, table: {**DOCUMENT[table], key: value}})


@pytest.mark.parametrize("table", ["bus", "meter"])
def test_something_to_read_there_must_be(table):
    with pytest.raises(ValidationError):
        Config.model_validate({**DOCUMENT, table: []})


@pytest.mark.parametrize("fields", [{"every_ms": 49}, {"unit": 256}, {"base": -1}, {"name": "Press"}])
def test_limits_of_a_meter(fields):
    with pytest.raises(ValidationError):
        Meter.model_validate({"name": "m", "bus": "b", "profile": "p"} | fields)


@pytest.mark.parametrize("fields", [{"age_ms": 0}, {"age_ms": 86_400_001}, {"source": ""}])
def test_limits_of_a_declaration(fields):
    with pytest.raises(ValidationError):
        Declared.model_validate({"source": "display"} | fields)
