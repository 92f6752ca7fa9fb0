"""Reading back: enough and no more, only what was read of the counter as it is described now, and no batch twice."""

import pytest
from plant_in_memory import CONFIG, Site, at_ns, round_of

from agent import recall
from agent.batches import Ended, Running
from agent.known import Known
from agent.rows import Lines
from contract import records

PLACE = ("press", "energy")


@pytest.fixture
def site(tmp_path):
    made = Site.at(tmp_path)
    made.start(0)
    made.read_rounds({k: "A" if 12 <= k < 20 else None for k in range(1, 31)})
    made.recorder.seal(at_ns(31))
    yield made
    made.stop()


def restored(site, at):
    known = Known(site.recorder._stated.counters, [PLACE])
    recall.restore(site.journal, known, [PLACE], at)
    return known


def lived_under(site, *plans):
    """Seven rounds under each configuration, ten seconds apart, and then a start under the last."""
    for start, plan in zip(range(0, 30, 10), plans, strict=False):
        site.plan = plan
        site.start(start)
        for k in range(start + 1, start + 8):
            site.take(k, round_of(k, None))
        site.recorder.seal(at_ns(start + 8))
        site.stop()
    site.start(30)


def rounds(known):
    return [(requested - at_ns(0)) // 10**9 for requested in known.columns[PLACE].requested_ns.tolist()]


def test_back_to_the_last_reading_before_the_instant_and_the_segment_it_lies_in(site):
    known = restored(site, at_ns(18))
    assert rounds(known)[-1] == 30
    assert rounds(known) == list(range(rounds(known)[0], 31))
    assert 10 <= rounds(known)[0] <= 17
    assert known.reaches(PLACE, at_ns(18))
    assert known.whole == set()


def test_all_there_is_if_nothing_lies_before_the_instant(site):
    known = restored(site, at_ns(1))
    assert rounds(known) == list(range(1, 31))
    assert known.whole == {PLACE}


def test_nothing_is_read_back_that_memory_already_holds(site, monkeypatch):
    known = restored(site, at_ns(18))
    monkeypatch.setattr(type(site.journal), "backwards", None)
    recall.restore(site.journal, known, [PLACE], at_ns(18))


STEP = 'declared = {energy = {step = "1", source = "nameplate"}}'
OTHERS = {
    "another step": (CONFIG.replace('installation = "1"', f'installation = "1"\n{STEP}'),
                     [*range(1, 8), *range(21, 28)]),
    "another place": (CONFIG.replace('installation = "1"', 'installation = "2"'), [*range(21, 28)]),
    "another ratio": (CONFIG.replace('installation = "1"', 'installation = "1"\nct = {primary = 9, secondary = 5}'),
                      [*range(21, 28)]),
    "another name": (CONFIG.replace("press.energy", "oven.energy").replace('name = "press"\nbus', 'name = "oven"\nbus'),
                     [*range(21, 28)]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "kept"), OTHERS.values(), ids=OTHERS)
def test_readings_of_before_another_configuration_count_unless_the_meter_may_have_counted_elsewhere(
    tmp_path, text, kept
):
    site = Site.at(tmp_path)
    first = site.plan
    other = Site.at(tmp_path / "other", text).plan
    assert other.config != first.config
    lived_under(site, first, other, first)
    assert rounds(restored(site, at_ns(0))) == kept
    site.stop()


def test_readings_of_before_a_change_elsewhere_count(tmp_path):
    site = Site.at(tmp_path)
    first = site.plan
    oven = '[[meter]]\nname = "oven"\nbus = "serial"\nprofile = "./meter.toml"\nunit = 2\n'
    other = Site.at(tmp_path / "other", CONFIG.replace("[[line]]", oven + "[[line]]")).plan
    lived_under(site, first, other)
    assert rounds(restored(site, at_ns(0))) == [*range(1, 8), *range(11, 18)]
    site.stop()


def test_a_batch_whose_record_is_sealed_is_not_closed_again(site):
    (parts,) = site.history().of_type("batch")
    head = records.read(parts[0], records.BatchPart)
    ended = Ended(Running(head.batch, head.product, head.start), head.end)
    other = Ended(Running("B", head.product, head.start), head.end)
    left = recall.unrecorded(site.journal, Lines({}, [("press", ended), ("press", other)]))
    assert left.closing == [("press", other)]
