"""Every file of the journal damaged in every way: the agent starts, says so, and keeps the rest.

The plant has run over midnight and was killed: two days' files, the open one with its log, `open.db` with its own.
"""

from itertools import count

import pytest
from damage import IN_PLACES, WHOLE, Gateway, copied, harm, voids
from plant_in_memory import T0, S, Site, at_ns, round_of

from contract import body, records, segment
from contract.records import EventPart

MIDNIGHT = (T0 // (86400 * S) + 1) * 86400 - T0 // S
FIRST, LAST = MIDNIGHT - 70, MIDNIGHT + 70
KEPT = ("2023-11-14.db", "2023-11-15.db", "2023-11-15.db-wal", "open.db", "open.db-wal")
EMPTY = ("2023-11-15.db-shm", "open.db-shm", "lock")  # nothing in them is anybody's
CASES = [(name, *how) for name in KEPT for how in (*IN_PLACES, *WHOLE)]
CASES += [
    (name, *how) for name in EMPTY for how in (*((kind, place) for kind, place in IN_PLACES if kind == "junk"), *WHOLE)
]
RAN = set()


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """What the agent left: (its site, everything it had sealed)."""
    folder = tmp_path_factory.mktemp("killed")
    site = Site.at(folder / "plant")
    site.start(FIRST)
    for k in range(FIRST + 1, LAST):
        site.take(k, round_of(k, "A" if k % 40 > 20 else None))
        if k == MIDNIGHT + 30:
            site.journal.confirm({site.recorder.epoch: 5})
    sealed = site.entries()
    left = copied(site.folder, folder / "left")
    site.stop()
    return Site(left, site.plan), sealed


def told(site):
    found = []
    for stored in site.journal.since(0, "event"):
        found += [records.read(part, EventPart) for part in body.unpack(stored.sealed.body).parts]
    return found


def requests(site):
    found = set()
    for stored in site.journal.since(0, "segment"):
        for made in map(segment.decode, body.unpack(stored.sealed.body).parts):
            found |= {(made.meter, requested) for block in made.blocks for requested in block.requested_ns}
    return found


@pytest.mark.parametrize(("name", "kind", "place"), CASES)
def test_it_starts_says_so_and_keeps_the_rest(killed, tmp_path, name, kind, place):
    left, sealed = killed
    site = Site(copied(left.folder, tmp_path / "data"), left.plan, count(10_000))
    harm(site.folder / name, kind, place)
    harmed = (site.folder / name).read_bytes() if (site.folder / name).is_file() else b""

    site.start(LAST)
    site.take(LAST + 1, round_of(LAST + 1, None))
    site.recorder.seal(at_ns(LAST + 2))

    there = {
        (one.epoch, one.seq): one for day in site.journal._days.days() for one in site.journal._days.rows(day, "", ())
    }
    assert all(there[one.epoch, one.seq] == one for one in sealed if (one.epoch, one.seq) in there)
    lost = [one for one in sealed if (one.epoch, one.seq) not in there]
    ranges = [part for stored in site.journal.since(0, "void") for part in voids(stored)]
    known = {(one.epoch, one.seq): one for one in sealed}
    for part in ranges:
        assert part.cause == "damaged"
        assert part.last_hash == known[part.epoch, part.last].sealed.hash
        times = [known[part.epoch, seq] for seq in range(part.first, part.last + 1)]
        assert part.from_ns <= min(one.from_ns for one in times)
        assert part.to_ns >= max(one.to_ns for one in times)
    named = {(part.epoch, seq) for part in ranges for seq in range(part.first, part.last + 1)}
    confirmed = site.journal.delivered()
    assert named == {(one.epoch, one.seq) for one in lost if one.seq > confirmed.get(one.epoch, -1)}

    damaged = [event for event in told(site) if event.event in {"journal_damaged", "rows_damaged"}]
    due = {("press", at_ns(k)) for k in range(FIRST + 1, LAST)}
    whole = not lost and due <= requests(site)
    assert damaged or whole
    if name.endswith(".db"):
        sound = [one for one in lost if one.sealed.signed in harmed and one.sealed.body[:40] in harmed]
        assert not sound, "its bytes are sound, and it is lost"
    if name in EMPTY:
        assert whole

    gateway = Gateway()
    for one in sealed:
        if one.seq <= confirmed.get(one.epoch, -1):
            gateway.admit(one)
    gateway.take(site.journal)
    assert set(there) - named <= set(gateway.admitted), "the outbox does not go on beyond the hole"
    site.stop()

    if ranges:
        again = Site(site.folder, site.plan, count(20_000))
        again.start(LAST + 10)
        assert [part for stored in again.journal.since(0, "void") for part in voids(stored)] == ranges, "told once"
        again.stop()
    RAN.add((name, kind, place))


def test_every_case_ran():
    assert len(CASES) == 5 * (5 * 3 + 6) + 3 * (3 + 6) == 132
    assert set(CASES) == RAN or not RAN


def test_a_batch_over_lost_readings_that_the_gateway_has_gets_no_record_that_would_differ(tmp_path):
    """What is lost on both sides changes nothing: who recomputes has no more than the agent."""
    for confirmed in (True, False):
        site = Site.at(tmp_path / str(confirmed))
        site.start(FIRST)
        site.read_rounds({k: "A" if k > FIRST + 10 else None for k in range(FIRST + 1, MIDNIGHT + 20)})
        if confirmed:
            site.journal.confirm({site.recorder.epoch: 4})
        site.stop()
        (site.folder / "2023-11-14.db").write_bytes(b"gone")
        site.start(MIDNIGHT + 20)
        site.read_rounds({k: "A" if k < MIDNIGHT + 30 else None for k in range(MIDNIGHT + 21, MIDNIGHT + 60)})
        abandoned = [event.detail["batch"] for event in told(site) if event.event == "batch_abandoned"]
        assert abandoned == (["A"] if confirmed else [])
        assert len(list(site.journal.since(0, "batch"))) == (0 if confirmed else 1)
        site.stop()
