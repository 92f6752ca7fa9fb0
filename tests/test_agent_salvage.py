"""What is left of a configuration of the wrong form is the right rest, whatever was wrong."""

import copy
import tomllib

from hypothesis import given
from hypothesis import strategies as st
from plant_in_memory import CONFIG

from agent.config import Config
from agent.salvage import salvage

WHOLE = tomllib.loads(CONFIG)


def changed(change):
    document = copy.deepcopy(WHOLE)
    change(document)
    return document


def test_a_sound_document_is_left_as_it_is():
    assert salvage(WHOLE) == (Config.model_validate(WHOLE), set())


def test_an_unknown_key_is_left_out_alone():
    rest, dropped = salvage(changed(lambda d: d["meter"][0].update(unitt=5)))
    assert (rest, dropped) == (Config.model_validate(WHOLE), set())


def test_a_table_without_a_key_it_needs_is_left_out_whole():
    rest, dropped = salvage(changed(lambda d: d["meter"][0].pop("bus")))
    assert dropped == {WHOLE["meter"][0]["name"]}
    assert [meter.name for meter in rest.meter] == [meter["name"] for meter in WHOLE["meter"][1:]]


def test_the_agents_own_table_does_not_hide_the_meters():
    rest, dropped = salvage(changed(lambda d: d.pop("agent")))
    assert (rest.meter, dropped) == (Config.model_validate(WHOLE).meter, set())


def test_nothing_is_left_of_a_file_without_meters():
    assert salvage(changed(lambda d: d.pop("meter"))) == (None, set())


values = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)


@given(st.recursive(values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
    ["agent", "mqtt", "bus", "meter", "line", "name", "unit", "x"]), inner, max_size=4), max_leaves=12))  # fmt: skip
def test_nothing_escapes(found):
    document = found if isinstance(found, dict) else {"meter": found, "bus": found}
    rest, _ = salvage(document)
    assert rest is None or isinstance(rest, Config)
