"""Walking a SunSpec map laid out by hand after the specification."""

import pytest
from static_units import sunspec_map

from agent.commission.spans import Span
from agent.commission.sunspec import Map, markers, walk


def walked(registers):
    """Answer every wish; the map, and what was asked."""
    facts, asked = {}, []
    wishes = markers()
    while wishes:
        for span in wishes:
            asked.append(span)
            places = range(span.address, span.address + span.count)
            facts[span] = tuple(registers[at] for at in places) if all(at in registers for at in places) else None
        found, wishes = walk(facts)
    return found, asked


@pytest.mark.parametrize("start", [40000, 50000, 0])
@pytest.mark.parametrize("common", [65, 66])
def test_a_map_is_walked_to_its_end(start, common):
    found, asked = walked(sunspec_map(start, [(103, 50), (203, 105)], common))
    first = start + 2
    second = first + 2 + common
    assert found == Map(((1, first), (103, second), (203, second + 52)), "Acme", "Meter 3", "SN 00417")
    assert len(asked) == 3 + 4 + 3  # markers; a head each and the end; three texts
    assert len(set(asked)) == len(asked)


def test_no_marker_is_no_map():
    assert walked({40000: 1, 40001: 2}) == (None, list(markers()))
    assert walk({}) == (None, ())


def test_a_map_that_breaks_off_tells_what_it_has():
    registers = sunspec_map(40000)
    del registers[40070]
    found, _ = walked(registers)
    assert found.models == ((1, 40002),)
    assert found.serial == "SN 00417"


def test_a_map_that_never_ends_does():
    found, asked = walked(dict.fromkeys(range(0x10000), 0) | {40000: 0x5375, 40001: 0x6E53})
    assert len(found.models) == 20
    assert len(asked) < 30


def test_what_is_no_text_is_left_out():
    registers = sunspec_map(40000)
    registers[40002 + 50] = 0x01FF
    assert walked(registers)[0].serial == ""
    assert Span("holding", 40052, 16) in walked(registers)[1]
