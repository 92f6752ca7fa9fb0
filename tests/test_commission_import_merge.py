"""Meters into a configuration's text: comments, order and all else stay; the result says exactly what it must."""

import tomllib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.commission.import_merge import merge
from contract.problems import Problems

TEXT = """# top
[agent]   # who
site = "s"

[[meter]]
name = "a"       # first
unit = 1         # its unit
# base = 0
ct = { primary = 400, secondary = 5 }

# about b
[[meter]]
name = "b"
declared.energy = { step = "0.1", source = "x" }
# belongs to b

# ---- lines ----

[[line]]
name = "l"
"""


def test_what_is_not_wanted_stays_byte_for_byte():
    merged = merge(TEXT, {"a": {"name": "a", "unit": 1, "ct": {"secondary": 5}}})
    assert merged.text == TEXT
    assert (merged.added, merged.changed, merged.same, merged.left) == ((), (), ("a",), ("b",))


def test_a_changed_key_keeps_its_comment():
    merged = merge(TEXT, {"a": {"name": "a", "unit": 7, "ct": {"primary": 600}}})
    wanted = TEXT.replace("unit = 1         # its", "unit = 7         # its").replace("primary = 400", "primary = 600")
    assert merged.text == wanted
    assert merged.changed == (("a", ("unit", "ct.primary")),)


def test_new_keys_go_to_the_end_of_their_table_and_new_meters_after_the_last():
    merged = merge(
        TEXT,
        {
            "b": {"name": "b", "declared": {"energy": {"age_ms": 5}, "volume": {"source": "y"}}},
            "c": {"name": "c", "points": ["x", "y"], "certificate": {"valid_to": date(2032, 3, 1), "number": "n"}},
            "d": {"name": "d", "declared": {"energy": {"step": "1", "source": 'say "so"'}}},
        },
    )
    assert merged.added == ("c", "d")
    assert merged.changed == (("b", ("declared.energy.age_ms", "declared.volume")),)
    before, after = TEXT.splitlines(), merged.text.splitlines()
    assert [line for line in before if line not in after] == ['declared.energy = { step = "0.1", source = "x" }']
    marks = ["# about b", 'name = "b"', "# belongs to b", 'name = "c"', 'name = "d"', "# ---- lines ----", "[[line]]"]
    places = [after.index(mark) for mark in marks]
    assert places == sorted(places)
    assert 'declared.energy = { step = "1", source = "say \\"so\\"" }' in after
    assert "\n\n[[meter]]\n" in merged.text
    assert "\n\n\n" not in merged.text


@pytest.mark.parametrize("text", ["", "[agent]\nsite = 's'", "[agent]\nsite = 's'\n\n[[line]]\nname = 'l'\n"])
def test_a_file_without_meters_gets_its_first(text):
    merged = merge(text, {"a": {"name": "a"}, "b": {"name": "b"}})
    assert [meter["name"] for meter in tomllib.loads(merged.text)["meter"]] == ["a", "b"]
    assert merged.text.startswith(text)


def test_inner_tables_with_headers_of_their_own_are_changed_too():
    text = "[[meter]]\nname = 'a'\n[meter.ct]\nprimary = 400\nsecondary = 5\n# end\n\n# next\n[[line]]\nname = 'l'\n"
    merged = merge(text, {"a": {"ct": {"primary": 600}}, "b": {"name": "b"}})
    read = tomllib.loads(merged.text)
    assert read["meter"] == [{"name": "a", "ct": {"primary": 600, "secondary": 5}}, {"name": "b"}]
    assert merged.text.index("# end") < merged.text.index('name = "b"') < merged.text.index("# next")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[agent", "not TOML: "),
        ("meter = [{ name = 'a' }]\n", "not written as [[meter]] tables"),
    ],
)
def test_files_that_cannot_be_edited(text, told):
    with pytest.raises(Problems) as raised:
        merge(text, {"b": {"name": "b"}})
    assert told in raised.value.lines[0]


VALUES = st.one_of(
    st.integers(0, 10**15), st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20), st.dates(),
    st.lists(st.text("abc_", min_size=1, max_size=5), max_size=3),
)  # fmt: skip
TABLES = st.dictionaries(
    st.sampled_from("abcdef"),
    st.dictionaries(
        st.sampled_from(["unit", "serial", "points", "ct", "certificate"]),
        st.one_of(VALUES, st.dictionaries(st.sampled_from(["primary", "secondary", "number"]), VALUES, min_size=1)),
    ),
)


@given(first=TABLES, second=TABLES)
def test_whatever_is_wanted_is_what_the_file_then_says(first, second):
    """Expected by plain dictionaries, two lists one after the other."""
    text, expected = TEXT, tomllib.loads(TEXT)
    for tables in (first, second):
        wanted = {name: {"name": name, **table} for name, table in tables.items()}
        text = merge(text, wanted).text
        for name, table in wanted.items():
            meters = {meter["name"]: meter for meter in expected["meter"]}
            if name not in meters:
                expected["meter"].append({})
            target = meters.get(name, expected["meter"][-1])
            for key, value in table.items():
                if isinstance(value, dict) and isinstance(target.get(key), dict):
                    target[key] = target[key] | value
                else:
                    target[key] = value
    assert tomllib.loads(text) == expected
    for comment in ("# top", "# about b", "# belongs to b", "# ---- lines ----"):
        assert comment in text


TURNS = """[agent]
site = "s"
# the cellar
[[bus]]
name = "cellar"
[[meter]]
name = "a"
bus = "cellar"
[meter.ct]
primary = 400
secondary = 5

# the roof
[[bus]]
name = "roof"
[bus.security]
mode = "Sign"
[[meter]]   # the last
name = "b"
bus = "roof"

[[line]]
name = "l"
"""


def test_tables_that_take_turns_stay_where_they_are():
    """As a configuration grows: a bus and its meters, the next bus and its meters."""
    wanted = {"a": {"name": "a", "ct": {"primary": 600}}, "c": {"name": "c", "bus": "roof"}}
    merged = merge(TURNS, wanted)
    added = 'bus = "roof"\n\n[[meter]]\nname = "c"\nbus = "roof"\n\n[[line]]'
    assert merged.text == TURNS.replace("400", "600").replace('bus = "roof"\n\n[[line]]', added)
    assert (merged.added, merged.changed) == (("c",), (("a", ("ct.primary",)),))
