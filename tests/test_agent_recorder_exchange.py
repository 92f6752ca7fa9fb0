"""A meter is exchanged while a batch runs: with what the fitter noted its energy is known, however it was told."""

import pytest
from exchange_plant import NEW, OLD, RENAMED, rounds, settings
from plant_in_memory import Site, at_ns, plc_scan

from agent import check
from agent.identity import Identity, Met
from contract.records import MeterPart, kind_of, read


@pytest.fixture
def site(tmp_path):
    made = Site.at(tmp_path, OLD)
    made.start(0)
    yield made
    made.stop()


def amounts_of(site):
    ((head, amounts),) = site.history().batches()
    return head, amounts[0]


def test_a_batch_over_an_exchange_is_known(tmp_path, site):
    rounds(site, 1, 12)
    site.recorder.reconfigure(settings(tmp_path / "new", NEW), at_ns(12))
    rounds(site, 12, 40)
    head, amount = amounts_of(site)
    assert (head.closed, amount.anomalies) == ("complete", ["exchange"])
    # 22 rounds at 7 Wh; the sheet's figures are those of round 10.43, where the registers' rate goes on
    assert amount.amount == pytest.approx(22 * 7000, abs=10)
    assert amount.lower <= 22 * 7000 <= amount.upper
    # an edge lies between readings three rounds apart; each of the four readings hides a step
    assert amount.upper - amount.lower <= 2 * 3 * 7000 + 4 * 1000


def test_after_a_restart_it_is_known_as_well(tmp_path, site):
    rounds(site, 1, 12)
    site.stop()
    site.plan = Site.at(tmp_path / "new", NEW).plan
    site.start(12)
    rounds(site, 12, 20)
    site.stop()
    site.start(20)
    rounds(site, 20, 40)
    head, amount = amounts_of(site)
    assert (head.closed, amount.anomalies) == ("complete", ["exchange"])
    assert amount.amount == pytest.approx(22 * 7000, abs=10)


def test_what_was_noted_may_come_after_the_new_meter_was_found(tmp_path, site):
    rounds(site, 1, 12)
    site.recorder.identified([Met("press", Identity("2002"), at_ns(11))], at_ns(12))
    rounds(site, 12, 15)
    site.recorder.reconfigure(settings(tmp_path / "renamed", RENAMED), at_ns(15))
    rounds(site, 15, 18)
    site.recorder.reconfigure(settings(tmp_path / "new", NEW), at_ns(18))
    rounds(site, 18, 40)
    head, amount = amounts_of(site)
    assert (head.closed, amount.anomalies) == ("complete", ["exchange"])
    assert amount.amount == pytest.approx(22 * 7000, abs=10)


def test_the_live_view_knows_it_too(tmp_path, site):
    rounds(site, 1, 12)
    site.recorder.reconfigure(settings(tmp_path / "new", NEW), at_ns(12))
    rounds(site, 12, 20)
    _, so_far = site.recorder.so_far()
    told = so_far["press"].told()["energy"]
    assert told["lower"] <= told["amount"] <= told["upper"]
    assert told["amount"] == pytest.approx((19 - 0.5 - 2.5) * 7000, abs=4000)


@pytest.mark.parametrize("serial", ["3003", "1002"])
def test_of_another_instrument_than_was_noted_nothing_is_joined(tmp_path, site, serial, caplog):
    rounds(site, 1, 12)
    other = NEW.replace('serial_before = "1001"', f'serial_before = "{serial}"')
    site.recorder.reconfigure(settings(tmp_path / "new", other), at_ns(12))
    rounds(site, 12, 40)
    head, amount = amounts_of(site)
    assert (head.closed, amount.amount) == ("incomplete", None)
    assert (
        f"meter=press handover.energy joins nothing: before this instrument none was described with serial '{serial}': "
        in caplog.text
    )


def test_without_what_was_noted_it_is_incomplete(tmp_path, site):
    rounds(site, 1, 12)
    site.recorder.reconfigure(settings(tmp_path / "new", RENAMED), at_ns(12))
    rounds(site, 12, 40)
    assert amounts_of(site)[0].closed == "incomplete"


def test_the_configuration_is_one_that_is_taken(tmp_path):
    assert check.load(Site.at(tmp_path, NEW).folder.parent / "agent.toml", at_ns(12)).meters


def test_a_batch_that_begins_between_the_exchange_and_the_first_reading_is_known(tmp_path, site):
    rounds(site, 1, 12, ("A", 11, 30))
    site.recorder.reconfigure(settings(tmp_path / "new", NEW), at_ns(12))
    for k in (12, 13):
        site.take(k, [plc_scan(k, "A" if k == 13 else None)])
    rounds(site, 14, 40, ("A", 14, 30))
    found = {head.batch: amounts[0] for head, amounts in site.history().batches()}
    assert found["A"].amount is not None


def test_of_a_third_instrument_that_was_found_nothing_was_noted(tmp_path, site):
    rounds(site, 1, 12)
    site.recorder.reconfigure(settings(tmp_path / "new", NEW), at_ns(12))
    site.recorder.identified([Met("press", Identity("2002"), at_ns(12))], at_ns(12))
    site.recorder.identified([Met("press", Identity("3003"), at_ns(13))], at_ns(13))
    told = [
        read(part, MeterPart)
        for parts in site.history().of_type("manifest")
        for part in parts[1:]
        if kind_of(part) == "meter"
    ]
    assert [(one.serial, one.handover is not None) for one in told if one.meter == "press"] == [
        ("1001", False), ("2002", True), ("2002", True), ("3003", False),
    ]  # fmt: skip
