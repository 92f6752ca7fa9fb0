"""The recorder while things change: another configuration, another instrument; nothing lost, nothing added up."""

import pytest
from plant_in_memory import CONFIG, S, Site, at_ns

from agent.identity import Identity, Met
from agent.recorder import Settings
from contract import records

OVEN = '[[meter]]\nname = "oven"\nbus = "serial"\nprofile = "./meter.toml"\nunit = 2\n[[line]]'
FIRST, SECOND = Identity("1001"), Identity("2002")


@pytest.fixture
def site(tmp_path):
    made = Site.at(tmp_path)
    made.start(0)
    yield made
    made.stop()


def settings(folder, config):
    plan = Site.at(folder, config).plan
    return Settings(plan.meters, plan.config.line, bytes(32), 5 * S, 10 * S)


def meets(site, k, *identities):
    site.recorder.identified([Met("press", one, at_ns(k)) for one in identities], at_ns(k) + S * 19 // 20)


def meters(history):
    """Of every manifest: the press's serial, whether read, its installation."""
    found = []
    for parts in history.of_type("manifest"):
        told = [records.read(part, records.MeterPart) for part in parts if records.kind_of(part) == "meter"]
        found += [(m.serial, m.serial_is, m.installation) for m in told if m.meter == "press"]
    return found


def names(history):
    return [event.event for event in history.events()]


def test_a_meter_more_is_stated_in_the_same_epoch_between_readings_that_are_all_there(tmp_path, site):
    site.read_rounds(dict.fromkeys(range(1, 8)))
    site.recorder.reconfigure(settings(tmp_path / "new", CONFIG.replace("[[line]]", OVEN)), at_ns(8))
    site.read_rounds(dict.fromkeys(range(8, 20)))
    site.recorder.seal(at_ns(20))
    history = site.history()
    assert history.reasons == ["first start", "configuration changed"]
    assert len({stored.epoch for stored in history.entries}) == 1
    assert {("press", at_ns(k)) for k in range(1, 20)} <= history.requests().keys()
    assert set(history.requests().values()) == {1}


def test_a_batch_is_measured_whole_over_a_change_that_does_not_touch_its_line(tmp_path, site):
    def running(k):
        return "A" if 3 <= k < 12 else None

    site.read_rounds({k: running(k) for k in range(1, 8)})
    site.recorder.reconfigure(settings(tmp_path / "new", CONFIG.replace("[[line]]", OVEN)), at_ns(8))
    site.read_rounds({k: running(k) for k in range(8, 20)})
    history = site.history()
    ((head, amounts),) = history.batches()
    assert (head.closed, amounts[0].amount) == ("complete", 9 * 7000)
    assert history.assert_batches_follow() == 1


def test_a_batch_that_waits_for_its_last_readings_goes_on_waiting(tmp_path, site):
    site.read_rounds({k: "A" if 3 <= k < 8 else None for k in range(1, 9)})
    site.recorder.reconfigure(settings(tmp_path / "new", CONFIG.replace("[[line]]", OVEN)), at_ns(9))
    assert site.history().batches() == []
    site.read_rounds(dict.fromkeys(range(9, 20)))
    ((head, amounts),) = site.history().batches()
    assert (head.closed, amounts[0].amount) == ("complete", 5 * 7000)


def test_what_ended_is_closed_under_the_configuration_it_ended_under(tmp_path, site):
    site.read_rounds({k: "A" if 3 <= k < 8 else None for k in range(1, 9)})
    site.recorder.reconfigure(settings(tmp_path / "new", CONFIG[: CONFIG.index("[[line]]")]), at_ns(9))
    history = site.history()
    ((head, _amounts),) = history.batches()
    assert (head.batch, head.closed) == ("A", "incomplete")
    assert history.assert_batches_follow() == 1
    types = [stored.type for stored in history.entries]
    assert types.index("batch") < len(types) - 1 - types[::-1].index("manifest")


def test_a_line_taken_away_in_mid_batch_is_told(tmp_path, site):
    site.read_rounds({k: "A" if k >= 3 else None for k in range(1, 9)})
    site.recorder.reconfigure(settings(tmp_path / "new", CONFIG[: CONFIG.index("[[line]]")]), at_ns(9))
    assert names(site.history())[-1] == "batch_abandoned"


def test_what_is_not_evidence_makes_no_manifest(tmp_path, site):
    site.recorder.reconfigure(settings(tmp_path / "new", CONFIG.replace('"1"', '"1"\nevery_ms = 500')), at_ns(1))
    assert site.history().reasons == ["first start"]


def test_after_a_change_a_restart_finds_nothing_changed(tmp_path, site):
    changed = Site.at(tmp_path / "new", CONFIG.replace("[[line]]", OVEN))
    site.recorder.reconfigure(settings(tmp_path / "new", CONFIG.replace("[[line]]", OVEN)), at_ns(1))
    site.stop()
    site.plan = changed.plan
    site.start(2)
    assert site.history().reasons == ["first start", "configuration changed", "restart"]


def test_the_serial_as_read_is_stated_once_and_known_after_a_restart(site):
    meets(site, 1, FIRST)
    meets(site, 2, FIRST)
    site.stop()
    site.start(3)
    meets(site, 4, FIRST)
    history = site.history()
    assert meters(history) == [("", "declared", "1"), ("1001", "read", "1"), ("1001", "read", "1")]
    assert names(history) == ["identity_read"]


def test_another_instrument_is_another_installation_and_no_energy_spans_both(site):
    meets(site, 0, FIRST)
    site.read_rounds({k: "A" if k >= 3 else None for k in range(1, 8)})
    meets(site, 8, SECOND)
    site.read_rounds({k: "A" if k < 12 else None for k in range(9, 30)})
    history = site.history()
    assert meters(history)[-2:] == [("1001", "read", "1"), ("2002", "read", "1+2002")]
    event = next(event for event in history.events() if event.event == "meter_is_another")
    assert (event.about, event.detail) == ("press", {"expected": "1001", "found": "2002"})
    ((head, amounts),) = history.batches()
    assert (head.batch, head.closed, amounts[0].amount) == ("A", "incomplete", None)
    assert history.assert_batches_follow() == 1
    assert {("press", at_ns(k)) for k in range(1, 8)} <= history.requests().keys()
    places = {stated.counters["press", "energy"].installation for stated in history.in_force if stated is not None}
    assert places == {"1", "1+2002"}


def test_an_exchange_while_the_agent_was_off_is_found_at_the_next_meeting(site):
    meets(site, 0, FIRST)
    site.stop()
    site.start(5)
    meets(site, 6, SECOND)
    assert names(site.history())[-2:] == ["identity_read", "meter_is_another"]
    assert meters(site.history())[-1] == ("2002", "read", "1+2002")


def test_news_that_change_no_manifest_are_events_alone(site):
    meets(site, 0, FIRST)
    meets(site, 1, Identity("1001", firmware="2.1"))
    site.recorder.seal(at_ns(2))
    assert len(meters(site.history())) == 2
    assert [event.detail for event in site.history().events()] == [
        {"serial": "1001"}, {"serial": "1001", "firmware": "2.1"},
    ]  # fmt: skip


def test_a_meter_that_is_configured_no_more_is_passed_over(site):
    site.recorder.identified([Met("gone", FIRST, at_ns(1))], at_ns(2))
    assert site.history().reasons == ["first start"]
