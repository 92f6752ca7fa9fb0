"""At an edge the line's counters are wanted, and only then."""

from plant_in_memory import plc_scan

from agent.config import Line
from agent.drivers import Reading, Scan
from agent.prompt import Prompt

LINE = Line(
    name="press", source="press-plc", energy=("press.energy", "oven.energy"), good="scale.mass", scrap="press-plc.scrap"
)
ALL = {"press", "oven", "scale", "press-plc"}


def heard(prompt, *batches):
    return [prompt.hear(*told(k, batch)) for k, batch in enumerate(batches)]


def told(k, batch):
    meter, scan = plc_scan(k, batch)
    return meter, [scan]


def test_a_batch_that_begins_changes_or_ends():
    nothing = set()
    assert heard(Prompt([LINE], {}), None, "A", "A", "B", None, None) == [nothing, ALL, nothing, ALL, ALL, nothing]


def test_the_first_look_is_no_edge():
    assert heard(Prompt([LINE], {}), "A") == [set()]


def test_other_meters_and_looks_without_a_value_change_nothing():
    prompt = Prompt([LINE], {})
    prompt.hear(*told(1, "A"))
    _, scan = plc_scan(2, "B")
    assert prompt.hear("press", [scan]) == set()
    bad = Scan(0, 1, 2, (Reading("batch_id", None, 0x80000000), *scan.readings[1:]))
    assert prompt.hear("press-plc", [bad]) == set()
    assert prompt.hear("press-plc", [bad, scan]) == ALL


def test_several_looks_that_come_together_are_all_taken():
    prompt = Prompt([LINE], {})
    scans = [plc_scan(k, batch)[1] for k, batch in enumerate([None, "A", None])]
    assert prompt.hear("press-plc", scans) == ALL
