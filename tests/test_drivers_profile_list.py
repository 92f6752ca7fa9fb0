"""docs/profiles.md: the shipped profiles and what each costs on the bus, held against the profiles themselves.

`python tests/test_drivers_profile_list.py` writes the document anew.
"""

import re
from pathlib import Path

import pytest

from agent.drivers import blocks, profile
from agent.drivers.profiles import load, names

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "profiles.md"
HEAD = """# Meter profiles

What ships, one line a profile. Name it in an agent's configuration as `profile = "NAME"`; a path to a file of your own
works as well, and may build on a shipped one with `extends = "NAME"`. Without `points`, all points of a profile are
polled; *requests* says how many requests that takes on the bus, fewer if you name fewer points. *Identity* names what
the meter says of itself; that is asked for apart, now and then. *Sources* counts the documents and projects a profile
cites; the profile itself says where they disagree and what was left out for that reason.

Grades: *bronze* is a map taken from cited sources, *silver* has been read against bytes captured from a real meter,
*gold* against a meter's display. Whatever the grade, compare the first readings with the display when you commission a
meter.

"""
COLUMNS = ("name", "make", "model", "medium", "points", "requests", "identity", "grade", "sources")
PROFILES = {name: profile.parse(load(name)) for name in names()}


def plan(read, points):
    return blocks.plan(points, read.registers_max, read.hole_max)


def requests(read):
    """How many requests the polled points of a profile take: each data item of DL/T 645 is one."""
    return len(read.measured if read.points[0].di else plan(read, read.measured))


def identity(read):
    told = {str(point.identity).replace("_primary", "").replace("_secondary", "") for point in read.identifying}
    return ", ".join(sorted(told)) or "-"


def document():
    """The whole text of docs/profiles.md."""
    rows = [COLUMNS, ("---",) * len(COLUMNS)]
    for name, read in PROFILES.items():
        link = f"[{name}](../agent/drivers/profiles/{name}.toml)"
        counts = (str(len(read.measured)), str(requests(read)))
        rows.append(
            (link, read.make, read.model, read.medium, *counts, identity(read), read.grade, str(len(read.sources)))
        )
    return HEAD + "\n".join("| " + " | ".join(row) + " |" for row in rows) + f"\n\n{len(PROFILES)} profiles.\n"


def stated_requests():
    """Requests by profile, as the document has them."""
    rows = re.findall(
        r"^\| \[([^\]]+)\].*? \| (\d+) \| (\d+) \| [a-z, -]+ \| \w+ \| \d+ \|$", DOCUMENT.read_text(), re.MULTILINE
    )
    return {name: int(requests) for name, _, requests in rows}


def test_the_document_lists_what_ships():
    assert DOCUMENT.read_text() == document(), "run: python tests/test_drivers_profile_list.py"


def test_every_profile_is_planned_with_the_requests_stated():
    stated = stated_requests()
    assert len(stated) == 56
    assert stated == {name: requests(read) for name, read in PROFILES.items()}


@pytest.mark.parametrize("name", [name for name, read in PROFILES.items() if not read.points[0].di])
def test_no_request_is_longer_or_emptier_than_the_meter_allows(name):
    read = PROFILES[name]
    for points in (read.measured, read.identifying):
        blocks = plan(read, points)
        assert sorted(point.id for block in blocks for point in block.points) == sorted(point.id for point in points)
        for block in blocks:
            assert block.count <= read.registers_max
            used = {address for point in block.points for address in range(point.address, point.end)}
            empty = "".join("." if block.address + i in used else " " for i in range(block.count))
            tied = any(point.scale_point or point.within for point in block.points)  # whatever lies between
            assert tied or max(len(gap) for gap in empty.split(".")) <= read.hole_max


def test_some_meters_say_which_they_are():
    """A serial number makes an exchange known, a model number a wrong profile."""
    told = {name: {point.identity for point in read.identifying} for name, read in PROFILES.items()}
    assert sum("serial" in names for names in told.values()) >= 13
    assert sum("model" in names for names in told.values()) >= 9
    assert told["siemens-pac3200"] == {"model", "serial"}
    assert told["kdk-puct2"] == {"ct_primary", "ct_secondary", "firmware"}


def test_no_meter_is_listed_twice():
    assert len({(read.make, read.model) for read in PROFILES.values()}) == len(PROFILES) == 56


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_says_what_it_rests_on(name):
    read = PROFILES[name]
    assert read.notes.strip()
    assert len(set(read.sources)) == len(read.sources)
    assert any(point.kind == "counter" for point in read.points), "without a counter there is nothing to account"


if __name__ == "__main__":
    DOCUMENT.write_text(document())
