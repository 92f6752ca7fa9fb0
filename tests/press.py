"""The press of plant_in_memory behind a transformer of 400/5: what its manifest says, its segments, its amounts."""

from plant_in_memory import CONFIG, S, Site, at_ns, meter_scan

from agent import columns, manifest
from agent.aggregation import replay
from agent.drivers import BAD_TIMEOUT

PLACE = ("press", "energy")
GIVEN = 'installation = "1"\naccuracy_class = "1"\nct = {primary = 400, secondary = 5, accuracy_class = "0.5"}'


def stated(folder):
    """The parts of its manifest but the author's."""
    plan = Site.at(folder, CONFIG.replace('installation = "1"', GIVEN)).plan
    return manifest.parts(plan.meters, plan.config.line)


def segments(rounds, *, bad=()):
    """What was sealed of these rounds; in the bad ones it did not answer."""
    return columns.segments([meter_scan(k, status=BAD_TIMEOUT if k in bad else 0) for k in rounds], ())


def amount(counter, known, start, end):
    """One window's amount."""
    return replay.amounts(counter, known, [start, end], [(0, 1)])[0]


def instant(seconds):
    """An edge known exactly, so long after round 0."""
    at = at_ns(0) + round(seconds * S)
    return at, at
