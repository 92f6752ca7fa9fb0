"""Dumps of real meters: served word for word, and refused in words when they are none."""

import json

import pytest

from simulators import dump

GOOD = {"profile": None, "unit": 3, "taken_ns": 5, "tables": {"holding": {"3000": 1234, "3001": 0, "9": 65535}}}


def test_words_as_dumped_and_nothing_else():
    unit = dump.parse(json.dumps(GOOD).encode(), "d.json")
    assert unit.words("holding", 3000, 2, 0) == unit.words("holding", 3000, 2, 10**18) == [1234, 0]
    assert unit.words("holding", 9, 1, 0) == [65535]
    assert unit.words("holding", 3001, 2, 0) is None
    assert unit.words("input", 3000, 1, 0) is None


WRONG = [
    (b"{", "d.json: not readable as JSON: "),
    (b"[1]", "d.json: "),
    (json.dumps(GOOD | {"tables": {"holding": {"1": 65536}}}).encode(), "d.json: tables.holding.1: 65536: "),
    (json.dumps(GOOD | {"tables": {"holding": {"x1": 5}}}).encode(), "d.json: tables.holding.x1"),
    (json.dumps(GOOD | {"tables": {"holdign": {"1": 5}}}).encode(), "did you mean holding?"),
    (b"{}", "d.json: tables: missing: add it"),
]


@pytest.mark.parametrize(("data", "message"), WRONG)
def test_what_is_no_dump(data, message):
    with pytest.raises(ValueError) as caught:
        dump.parse(data, "d.json")
    assert message in str(caught.value)
