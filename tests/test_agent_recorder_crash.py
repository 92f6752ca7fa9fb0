"""A crash at every commit point, and then everything must still be there, once, in one chain."""

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from plant_in_memory import T0, S, Site, at_ns, plc_scan, round_of

from agent import files
from agent.identity import Identity, Met
from agent.journal import Journal
from contract import cbor

ROUNDS = {k: "A" if 3 <= k < 8 else "B" if 8 <= k < 11 else None for k in range(1, 24)}


@dataclass
class Crashes:
    """Copies a folder just before every commit: what a process leaves that is killed there."""

    folder: Path
    site: Site
    round: int = 0
    returned: int = 0
    images: list[tuple[Site, int, int]] = field(default_factory=list)

    def watch(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        connection.set_trace_callback(self._traced)
        return connection

    def _traced(self, statement: str) -> None:
        if statement == "COMMIT" and self.site.journal is not None:
            image = self.site.copy(self.folder / f"image-{len(self.images)}")
            self.images.append((image, self.round, self.returned))


def crashed(folder: Path, monkeypatch, start: Site | None = None) -> Crashes:
    """Run the plant once and keep an image of every commit point of the run."""
    site = start or Site.at(folder / "plant")
    crashes = Crashes(folder, site)
    opened = files.opened

    def watched(path, schema):
        connection, aside = opened(path, schema)
        return crashes.watch(connection), aside

    monkeypatch.setattr(files, "opened", watched)
    site.journal = None
    site.start(0)
    for k, batch in ROUNDS.items():
        crashes.round = k
        site.take(k, round_of(k, batch))
        crashes.returned = k
    monkeypatch.setattr(files, "opened", opened)
    site.stop()
    return crashes


def test_whatever_was_recorded_survives_a_crash_at_any_commit_once(tmp_path, monkeypatch):
    crashes = crashed(tmp_path, monkeypatch)
    assert len(crashes.images) > len(ROUNDS) + 10  # rows each round, and several commits for every seal
    for number, (image, during, returned) in enumerate(crashes.images):
        image.start(during)
        for k in range(during + 1, 40):
            image.take(k, round_of(k, ROUNDS.get(k)))
        image.recorder.seal(at_ns(40))
        history = image.history()
        requests = history.requests()
        assert set(requests.values()) == {1}, f"image {number}: something is sealed twice"
        due = {("press", at_ns(k)) for k in range(1, returned + 1)} | {
            ("press", at_ns(k)) for k in range(during + 1, 40)
        }
        assert due <= requests.keys(), f"image {number}: something recorded is lost"
        names = [head.batch for head, _ in history.batches()]
        assert names == ["A", "B"], f"image {number}: in round {during}"
        assert history.assert_batches_follow() == 2
        ended = [event.detail["batch"] for event in history.events() if event.event == "batch_ended"]
        assert ended == ["A", "B"], f"image {number}"
        image.stop()


def test_a_crash_during_recovery_is_recovered_from_too(tmp_path, monkeypatch):
    site = Site.at(tmp_path / "plant")
    site.start(0)
    site.read_rounds({k: ROUNDS[k] for k in range(1, 8)})
    left = site.copy(tmp_path / "left")
    crashes = Crashes(tmp_path, left)
    opened = files.opened
    monkeypatch.setattr(files, "opened", lambda path, schema: (crashes.watch(opened(path, schema)[0]), None))
    left.journal = Journal(left.folder)
    left.open(left.journal, 8)
    monkeypatch.setattr(files, "opened", opened)
    assert len(crashes.images) >= 4
    for image, _, _ in crashes.images:
        image.start(8)
        requests = image.history().requests()
        assert {("press", at_ns(k)) for k in range(1, 8)} <= requests.keys()
        assert set(requests.values()) == {1}
        image.stop()


def test_a_new_configuration_after_a_crash_at_any_commit(tmp_path, monkeypatch):
    """What was read under the old configuration is never sealed under the new one."""
    crashes = crashed(tmp_path, monkeypatch)
    other = Site.at(tmp_path / "other", (tmp_path / "plant" / "agent.toml").read_text().replace('"1"', '"2"'))
    for image, during, returned in crashes.images[2::3]:
        image.plan = other.plan
        image.start(during)
        for k in range(during + 1, 30):
            image.take(k, round_of(k, ROUNDS.get(k)))
        image.recorder.seal(at_ns(40))
        history = image.history()
        for stored, stated in zip(history.entries, history.in_force, strict=True):
            if stored.type == "segment":
                new = stored.from_ns > at_ns(during)
                installed = [cbor.decode(part).get("installation") for part in stated.parts]
                assert ("2" if new else "1") in installed
        assert set(history.requests().values()) == {1}
        assert {("press", at_ns(k)) for k in range(1, returned + 1)} <= history.requests().keys()
        assert [head.batch for head, _ in history.batches()] == ["A", "B"]
        assert history.assert_batches_follow() == 2
        image.stop()


@pytest.mark.parametrize("at", ["record", "seal"])
def test_an_exception_from_the_journal_leaves_it_for_the_next_start(tmp_path, monkeypatch, at):
    site = Site.at(tmp_path)
    site.start(0)
    site.read_rounds({k: ROUNDS[k] for k in range(1, 10)})

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Journal, at, full)
    with pytest.raises(sqlite3.OperationalError):
        site.read_rounds(dict.fromkeys(range(10, 16)))
    monkeypatch.undo()
    site.stop()
    site.start(16)
    assert {("press", at_ns(k)) for k in range(1, 10)} <= site.history().requests().keys()
    assert set(site.history().requests().values()) == {1}
    site.stop()


def test_midnight_between_two_seals_and_a_crash_there(tmp_path):
    midnight = (T0 // (86400 * S) + 1) * 86400 - T0 // S
    site = Site.at(tmp_path / "plant")
    site.start(midnight - 4)
    site.read_rounds(dict.fromkeys(range(midnight - 3, midnight + 9)))
    assert len(list(site.folder.glob("2023-*.db"))) == 2
    image = site.copy(tmp_path / "image")
    site.stop()
    image.start(midnight + 9)
    requests = image.history().requests()
    assert {("press", at_ns(k)) for k in range(midnight - 3, midnight + 9)} <= requests.keys()
    assert set(requests.values()) == {1}
    image.stop()


def test_a_clock_that_fell_back_a_day_does_not_move_the_head(tmp_path):
    site = Site.at(tmp_path)
    day = 86_400
    for start in (day, 0, day + 10):
        site.start(start)
        site.read_rounds(dict.fromkeys(range(start + 1, start + 7)))
        site.stop()
    site.start(2 * day)
    assert site.history().reasons == [
        "first start",
        "restart",
        "restart",
        "restart",
    ]  # each follows the one before: checked there
    site.stop()


def test_a_batch_that_ends_while_the_agent_is_down_ends_between_the_looks(tmp_path):
    site = Site.at(tmp_path)
    site.start(0)
    site.read_rounds({k: "A" if k >= 3 else None for k in range(1, 8)})
    site.stop()
    site.start(1000)
    site.read_rounds({k: "C" if k < 1005 else None for k in range(1001, 1020)})
    history = site.history()
    (first, amounts), (second, _) = history.batches()
    assert (first.batch, second.batch) == ("A", "C")
    # seen last in round 7, gone in round 1001: 4 s at least, 998 s at most, of 7 Wh each
    assert (first.end.earliest_ns, first.end.latest_ns) == (
        plc_scan(7, "A")[1].requested_ns,
        plc_scan(1001, "C")[1].answered_ns,
    )
    energy = amounts[0]
    assert energy.lower <= 4 * 7000
    assert energy.upper >= 998 * 7000
    assert first.end == second.start
    assert history.assert_batches_follow() == 2
    site.stop()


def test_another_instrument_and_a_crash_at_any_commit(tmp_path, monkeypatch):
    """Whatever was read of one instrument is sealed under its serial, and the exchange is told once."""
    site = Site.at(tmp_path / "plant")
    crashes = Crashes(tmp_path, site)
    opened = files.opened
    monkeypatch.setattr(files, "opened", lambda path, schema: (crashes.watch(opened(path, schema)[0]), None))
    site.start(0)
    for k in range(1, 14):
        crashes.round = k
        meet(site, k)
        site.take(k, round_of(k, None))
        crashes.returned = k
    monkeypatch.setattr(files, "opened", opened)
    site.stop()
    assert len(crashes.images) > 20
    for image, during, returned in crashes.images:
        image.start(during)
        for k in range(during + 1, 25):
            meet(image, k)
            image.take(k, round_of(k, None))
        image.recorder.seal(at_ns(25))
        history = image.history()
        for stored, stated in zip(history.entries, history.in_force, strict=True):
            if stored.type == "segment":
                serial = stated.counters["press", "energy"].serial
                assert serial == ("1001" if stored.to_ns < at_ns(EXCHANGED) else "2002")
        told = [event.event for event in history.events()]
        assert told.count("meter_is_another") == 1
        requests = history.requests()
        assert set(requests.values()) == {1}
        assert {("press", at_ns(k)) for k in range(1, returned + 1)} <= requests.keys()
        image.stop()


EXCHANGED = 7


def meet(site, k):
    """Every round the meter says who it is, before it is read."""
    identity = Identity("1001" if k < EXCHANGED else "2002")
    site.recorder.identified([Met("press", identity, at_ns(k))], at_ns(k))
