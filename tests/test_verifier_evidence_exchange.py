"""Over an exchange agent, gateway and verifier read the same of both instruments, and partitions close over it."""

import archive_maker as maker
import pytest
from agent_archive import factory_of, made_of
from archive_maker import AGENT, SITE, failures
from exchange_plant import NEW, OLD, rounds, settings
from plant_in_memory import KEY, S, Site, at_ns, plc_scan
from test_gateway_export import Sealer, admitted

from agent.aggregation.batch_record import Run, declared
from agent.drivers import Reading, Scan
from agent.identity import Identity, Met
from contract import body, entry, records
from gateway import late_evidence, metered, metering
from gateway.export import Asked
from gateway.ledger import Ledger
from verifier import archive, check_batches, check_partition, check_statement, evidence, trail
from verifier.verify import verify

PLACE = AGENT, "press", "energy"


@pytest.fixture(scope="module", params=["at once", "found first"])
def works_ledger(request, tmp_path_factory):
    """Three batches: before the exchange, over it and after it; what was noted may come after the meter was found."""
    folder = tmp_path_factory.mktemp("works")
    site = Site.at(folder, OLD)
    site.start(0)
    rounds(site, 1, 6, ("A", 2, 5))
    rounds(site, 6, 12, ("B", 7, 99))
    noted = 12
    if request.param == "found first":
        site.recorder.identified([Met("press", Identity("2002"), at_ns(11))], at_ns(12))
        rounds(site, 12, 15, ("B", 7, 99))
        noted = 15
    site.recorder.reconfigure(settings(folder / "new", NEW), at_ns(noted))
    rounds(site, noted, 30, ("B", 7, 25))
    rounds(site, 30, 60, ("C", 32, 40))
    site.recorder.seal(at_ns(60))
    return made_of(site)


@pytest.fixture
def made(works_ledger):
    return factory_of(works_ledger)


@pytest.fixture
def ledger(made, tmp_path):
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", SITE, made.ledger_key)
    opened.append([admitted(signed, packed) for signed, packed in made.ledger], at_ns(99))
    yield opened
    opened.close()


def read(made):
    seen, _ = trail.read(archive.read(made.pack()))
    known, _ = evidence.read(seen)
    return seen, known, check_batches.read(seen, None)[0]


def test_the_agent_s_own_records_hold_before_the_verifier(made):
    assert failures(made) == []
    seen, known, batches = read(made)
    assert [finding.ok for finding in check_batches.amounts(seen, known, batches, None)] == [True]
    told = {batch.name: (batch.head.closed, batch.amounts[0].anomalies) for batch in batches}
    assert told["B"] == ("complete", ["exchange"])
    assert told["C"] == ("complete", [])


@pytest.mark.parametrize(
    ("name", "nth", "is_needed"), [("B", 0, True), ("B", 1, True), ("C", 0, False), ("C", 1, False)]
)
def test_what_a_batch_rests_on_of_the_old_instrument_must_be_shown(made, name, nth, is_needed):
    """B begins in round 7; the last reading but one before that is in the first segment."""
    segments = [n for n, (signed, _) in enumerate(made.ledger) if entry.read(signed).header.type == "segment"]
    made.ledger[segments[nth]][1] = body.redact(made.ledger[segments[nth]][1], [])
    seen, known, batches = read(made)
    withheld = [item for item in seen.of("segment") if item.whole() is None]
    (batch,) = [batch for batch in batches if batch.name == name]
    assert (check_batches.missing_of(withheld, known, batch) is not None) == is_needed


def test_the_partition_closes_over_the_exchange(made):
    _, known, batches = read(made)
    (text,) = [one.text for one in check_partition.partitions(known, batches) if "press/energy" in one.text]
    # the old one from round 1 to 70 073, the new one from 5 to round 59: 66 + 340 Wh
    assert text.endswith(
        "3 batches and 4 times between them add up to the two registers', over an exchange, 406000 mWh"
    )


def test_an_amount_that_is_not_what_both_instruments_give_is_named(made):
    seen, known, batches = read(made)
    over = next(batch for batch in batches if batch.name == "B")
    bent = over.amounts[0].model_copy(update={"amount": over.amounts[0].amount + 1})
    batch = check_batches.Batch(over.item, over.head, (bent, *over.amounts[1:]))
    faults = [finding.text for finding in check_batches.amounts(seen, known, [batch], None)]
    assert faults == [f"B press/energy: signed {bent.amount} mWh, recomputed {bent.amount - 1}"]


def test_a_period_over_the_exchange_is_known_and_the_same_to_gateway_and_verifier(made, ledger):
    _, known, _ = read(made)
    gateways = metering.counting(metered.finding(metered.read(ledger, {PLACE[:2]}, *metered.ALL_TIME, ledger.size)))
    verifiers = metering.counting(check_statement._finding(known))
    for window in ((3, 50), (3, 8), (9, 12), (10, 11), (20, 50)):
        found = gateways(*PLACE, *map(at_ns, window))
        assert found == verifiers(*PLACE, *map(at_ns, window))
        assert found.amount.amount is not None
    assert gateways(*PLACE, at_ns(3), at_ns(50)).amount.amount == pytest.approx(47 * 7000, abs=50)


@pytest.mark.parametrize("window", [(3, 50), (8, 20), (10, 11), (20, 50)])
def test_a_late_batch_over_the_exchange_rests_on_the_same_readings(made, ledger, window):
    _, known, _ = read(made)
    start, end = (declared(at_ns(k), S // 10) for k in window)
    run = Run("L", "coil", start, end)
    theirs = late_evidence.gather(ledger, AGENT, "press", run, ledger.size)
    stated = next(one for one in known.stated[AGENT] if one.hash == theirs.manifest)
    counter = stated.counters["press", "energy"]
    ours = known.around(AGENT, counter, stated, ledger.size)
    given = theirs.known["press", "energy"]
    assert given.raws == ours.raws
    assert (given.earlier is None) == (ours.earlier is None)
    if ours.earlier is not None:
        assert given.earlier.counter == ours.earlier.counter
        assert given.earlier.known.raws == ours.earlier.known.raws
    assert (ours.earlier is None) == (counter.handover is None)


def test_nothing_of_what_was_noted_is_lost_on_the_way(made):
    seen, _, _ = read(made)
    stated = [part for item in seen.of("manifest") for part in item.shown() if records.kind_of(part) == "meter"]
    (over,) = records.read(stated[-2], records.MeterPart).handover
    assert (over.before, over.after, over.serial_before, over.source) == ("70073", "5", "1001", "work order 17")


def test_an_archive_shows_what_a_batch_rests_on_of_the_old_instrument_however_old(tmp_path):
    """The old meter's last readings are hours older than the batch's start, and so than the archive's usual margin."""
    site, hours = Site.at(tmp_path / "works", OLD), 6_000
    site.start(0)
    rounds(site, 1, 6, ("A", 99, 99))
    for k in range(hours, hours + 12):
        site.take(k, [plc_scan(k, "B" if k > hours + 2 else None)])
    noted = NEW.replace("2023-11-14T22:13:30.5Z", "2023-11-14T23:53:30.5Z")
    site.recorder.reconfigure(settings(tmp_path / "new", noted), at_ns(hours + 12))
    for k in range(hours + 12, hours + 50):
        readings = (Reading("power", 300, 0), Reading("energy", 7 * (k - hours), 0))
        meter = "press", Scan(0, at_ns(k), at_ns(k) + S // 100, readings)
        site.take(k, [meter, plc_scan(k, "B" if k < hours + 30 else None)])
    factory = maker.Factory()
    factory.private[AGENT] = KEY
    maker.opened(factory)
    factory.ledger += [[stored.sealed.signed, stored.sealed.body] for stored in site.entries()]
    factory.writers[AGENT] = site.recorder._writer
    site.stop()
    sealer = Sealer(factory, tmp_path)
    shown = archive.read(sealer.export(Asked(None, at_ns(hours), at_ns(hours + 40), provisional=True)))
    sealer.ledger.close()
    assert [finding.line() for finding in verify(shown).findings if not finding.ok] == []
    known, _ = evidence.read(trail.read(shown)[0])
    (batch,) = check_batches.read(trail.read(shown)[0], None)[0]
    assert (batch.head.closed, batch.amounts[0].anomalies) == ("complete", ["exchange"])
    assert len(known.sealed_before(batch.item, known.latest(*PLACE)).earlier.known.raws) >= 2


def test_a_batch_that_begins_between_the_exchange_and_the_first_reading_holds(tmp_path):
    site = Site.at(tmp_path, OLD)
    site.start(0)
    rounds(site, 1, 12, ("A", 99, 99))
    site.recorder.reconfigure(settings(tmp_path / "new", NEW), at_ns(12))
    for k in (12, 13):
        site.take(k, [plc_scan(k, "B" if k == 13 else None)])
    rounds(site, 14, 16, ("B", 14, 30))
    site.stop()
    site.plan = Site.at(tmp_path / "new", NEW).plan
    site.start(16)  # what memory held is read back
    rounds(site, 16, 45, ("B", 14, 30))
    factory = maker.Factory()
    factory.private[AGENT] = KEY
    maker.opened(factory)
    factory.ledger += [[stored.sealed.signed, stored.sealed.body] for stored in site.entries()]
    site.stop()
    assert failures(factory) == []
    _, _, (batch,) = read(factory)
    assert batch.amounts[0].amount == pytest.approx(17 * 7000, abs=3500)
