"""Anchoring seals what outsiders give, asks when it is due, and holds nothing up."""

import itertools
import logging
import threading
from dataclasses import dataclass, field

import archive_maker as maker
import pytest
import witnesses
from ledger_on_disk import Kept

from contract.anchor_records import AnchorPart
from contract.errors import Malformed
from gateway import anchor
from gateway.anchor import RETRY_NS, Anchoring, ask_all
from gateway.errors import Corrupt
from verifier import archive
from verifier.verify import verify

HOUR_NS = 3_600 * 10**9


@dataclass
class Outsider:
    """Gives a co-signature, or what a test has it raise."""

    name: str = witnesses.NAME
    every_ns: int = HOUR_NS
    faults: list[Exception] = field(default_factory=list)
    asked: int = 0

    def ask(self, note, _log):
        self.asked += 1
        if self.faults:
            raise self.faults.pop(0)
        return AnchorPart(source=self.name, note=witnesses.cosigned(note, 9), token=None)


@pytest.fixture
def kept(tmp_path):
    opened = Kept(tmp_path, maker.factory())
    yield opened
    opened.ledger.close()


def anchors(kept: Kept) -> int:
    return len(list(kept.ledger.select(["anchor"], *anchor.ALL_TIME)))


def anchoring(kept: Kept, *outsiders: Outsider, seal=None, failures=None) -> Anchoring:
    told = [] if failures is None else failures
    return Anchoring(outsiders, kept.ledger, seal or kept.seal, itertools.count().__next__, told.append)


def test_what_is_given_is_sealed_and_makes_the_ledger_anchored(kept):
    assert list(ask_all([Outsider()], kept.ledger, kept.seal)) == []
    assert verify(archive.read(kept.made.pack()), witnesses.trusting(kept.made)).verdict == "anchored"


def test_one_that_gives_nothing_keeps_the_others_from_nothing(kept):
    broken = Outsider("broken", faults=[OSError("no route"), Malformed("junk")])
    assert list(ask_all([broken, Outsider()], kept.ledger, kept.seal)) == ["broken: no route"]
    assert anchors(kept) == 1


def test_one_that_hangs_is_not_waited_for(kept, monkeypatch):
    let_go, hanging = threading.Event(), Outsider("hanging")
    monkeypatch.setattr(hanging, "ask", lambda *_: let_go.wait(20))
    monkeypatch.setattr(anchor, "ASK_S", 0.5)
    assert list(ask_all([hanging, Outsider()], kept.ledger, kept.seal)) == ["hanging: no answer in 0 s"]
    let_go.set()
    assert anchors(kept) == 1


def test_an_empty_ledger_shows_nothing(tmp_path):
    kept = Kept(tmp_path, maker.Factory())
    outsider = Outsider()
    assert list(ask_all([outsider], kept.ledger, kept.seal)) == []
    assert outsider.asked == 0
    kept.ledger.close()


def test_each_is_asked_when_it_is_due(kept):
    often, seldom = Outsider("a", HOUR_NS), Outsider("b", 24 * HOUR_NS)
    room = anchoring(kept, often, seldom)
    for hour in range(25):
        for outsider in (often, seldom):
            room.look(outsider, hour * HOUR_NS)
            room.look(outsider, hour * HOUR_NS + 1)
    assert (often.asked, seldom.asked) == (25, 2)


def test_a_failure_is_told_once_and_asked_again_soon(kept, caplog):
    caplog.set_level(logging.INFO, "metertrail.anchor")
    outsider = Outsider(faults=[OSError("no route"), OSError("no route")])
    room = anchoring(kept, outsider)
    for at_ns in (0, RETRY_NS - 1, RETRY_NS, 2 * RETRY_NS, 2 * RETRY_NS + 1):
        room.look(outsider, at_ns)
    assert outsider.asked == 3
    assert [record.getMessage() for record in caplog.records] == [
        f"outsider gives no anchor: {witnesses.NAME}: no route",
        f"outsider gives anchors again: {witnesses.NAME}",
    ]
    assert anchors(kept) == 1


def test_after_a_restart_nobody_is_asked_before_its_time(kept):
    anchoring(kept, outsider := Outsider()).look(outsider, 0)
    assert outsider.asked == 1
    again, other = Outsider(), Outsider("new.example")
    due = anchor._due_ns([again, other], kept.ledger)
    assert due == {witnesses.NAME: maker.TO_NS + HOUR_NS}  # the entry's time, and the new one at once


def test_a_clock_that_was_set_back_keeps_nobody_waiting_for_years(kept):
    outsider = Outsider()
    room = anchoring(kept, outsider)
    for at_ns in (10_000 * HOUR_NS, 5, HOUR_NS + 5):
        room.look(outsider, at_ns)
    assert outsider.asked == 3


def started(room: Anchoring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchor, "LOOK_S", 0.01)
    room.start()


def test_an_outsider_that_hangs_holds_up_no_stop(kept, monkeypatch):
    asked, let_go = threading.Event(), threading.Event()
    hanging = Outsider()

    def ask(note, log):
        asked.set()
        let_go.wait(20)
        return Outsider().ask(note, log)

    monkeypatch.setattr(hanging, "ask", ask)
    monkeypatch.setattr(anchor, "STOP_S", 0.05)
    room = anchoring(kept, hanging)
    started(room, monkeypatch)
    assert asked.wait(20)
    room.stop()
    let_go.set()
    room._threads[0].join(20)
    assert not room._threads[0].is_alive()
    assert anchors(kept) == 0  # what came after the stop is not sealed


def test_a_ledger_that_takes_no_more_is_told_and_ends_it(kept, monkeypatch):
    def full(*_):
        raise Corrupt("full")

    told = []
    room = anchoring(kept, Outsider(), seal=full, failures=told)
    started(room, monkeypatch)
    room._threads[0].join(20)
    assert [str(error) for error in told] == ["full"]


def test_a_fault_of_ours_stops_nothing_else(kept, monkeypatch, caplog):
    done = threading.Event()
    outsider = Outsider(faults=[ZeroDivisionError()])
    told = []

    def seal(*parts):
        kept.seal(*parts)
        done.set()

    monkeypatch.setattr(anchor, "RETRY_NS", 1)
    room = anchoring(kept, outsider, seal=seal, failures=told)
    started(room, monkeypatch)
    assert done.wait(20)
    room.stop()
    assert told == []
    assert "outsider could not be asked" in caplog.text


def test_without_outsiders_no_thread_runs(kept):
    room = anchoring(kept)
    room.start()
    room.stop()
    assert room._threads == []
