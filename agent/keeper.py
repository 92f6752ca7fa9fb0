"""Recording goes on whatever the disk does: day files go in their time, room is made, a failed write is recovered from.

In: what the recorder takes, and the time. Out: the same, recorded now or when there is room again. A write that failed
for want of room ends a recorder: the next begins by the path of a start. Meanwhile rounds wait in memory, up to a
limit; what is lost beyond it is counted and told by a signed event. All methods run in the recorder's worker thread.
"""

import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from agent import files, losses, retention, rows
from agent.batches import Source
from agent.drivers import Scan
from agent.identity import Met
from agent.journal import Journal
from agent.losses import Gone
from agent.recorder import Recorder, Settings
from agent.retention import Day
from agent.room import Room
from agent.so_far import SoFar
from agent.waiting import Identified, Jump, Round, Waiting
from contract.entry import TreeHead
from contract.records import EventPart

log = logging.getLogger("metertrail.agent")

TIDY_NS, RESTS_NS = 10_000_000_000, 600_000_000_000  # how often files are looked at, and what batches rest on
PAUSE_FIRST_NS, PAUSE_MOST_NS = 1_000_000_000, 60_000_000_000


Begun = Callable[[Settings, TreeHead | None, int], Recorder]  # a recorder that is open


class Keeper:
    """One per agent. It is used like a recorder, and has one whenever the disk allows."""

    def __init__(self, journal: Journal, room: Room, retention_ns: int, settings: Settings, begun: Begun) -> None:
        self._journal, self._room, self._retention_ns = journal, room, retention_ns
        self._settings, self._begun = settings, begun
        self._recorder: Recorder | None = None
        self._waiting = Waiting()
        self._needed_ns = 0  # what batches rest on, as far as last known; before that, everything
        self._forsaken_ns = 0  # up to when readings are gone that some batch needs
        self._tidied_ns = self._retry_ns = self._rested_ns = 0
        self._pause_ns = PAUSE_FIRST_NS
        self._failed = self._was_full = False  # since it was written to last: at all, and for want of room
        self.checkpoint: TreeHead | None = None

    @property
    def epoch(self) -> bytes:
        """The epoch that is being written; empty while nothing is."""
        return b"" if self._recorder is None else self._recorder.epoch

    def open(self, now_ns: int) -> None:
        """Begin to record, at once or as soon as there is room."""
        if self._room.is_tight():
            self._room.give_up_reserve()
        self._begin(now_ns)

    def take(
        self, scans: Sequence[tuple[str, Scan]], events: Sequence[EventPart], sources: Mapping[str, Source], now_ns: int
    ) -> None:
        """As the recorder's."""
        self._waiting.items.append(Round(scans, events, sources))
        self._go_on(now_ns)

    def identified(self, found: Sequence[Met], now_ns: int) -> None:
        """As the recorder's."""
        self._waiting.items.append(Identified(found))
        self._go_on(now_ns)

    def reconfigure(self, settings: Settings, now_ns: int) -> None:
        """As the recorder's."""
        self._waiting.items.append(settings)
        self._go_on(now_ns)

    def reanchored(self, from_ns: int, to_ns: int) -> None:
        """As the recorder's."""
        self._waiting.items.append(Jump(from_ns, to_ns))
        self._go_on(to_ns)

    def renew(self, reason: str, now_ns: int) -> None:
        """As the recorder's; without one the next begins an epoch anyway."""
        if (recorder := self._recorder) is not None:
            self._guarded(partial(recorder.renew, reason, now_ns), now_ns)

    def seal(self, now_ns: int) -> None:
        """As the recorder's, at the end: what still waits then is lost, and said only in the log."""
        self._retry_ns = 0
        self._go_on(now_ns)
        if (recorder := self._recorder) is not None:
            self._guarded(partial(recorder.seal, now_ns), now_ns)
        if left := self._waiting.readings:
            log.error("stopping with %d readings that cannot be written", left)

    def so_far(self) -> tuple[rows.Lines, Mapping[str, SoFar]]:
        """As the recorder's; nothing while there is none."""
        return (rows.Lines({}, []), {}) if self._recorder is None else self._recorder.so_far()

    def _go_on(self, now_ns: int) -> None:
        """Record what waits, in order."""
        if self._recorder is None and not (now_ns >= self._retry_ns and self._begin(now_ns)):
            self._waiting.shed()
            return
        while self._waiting.items and (recorder := self._recorder) is not None:
            recorder.checkpoint = self.checkpoint
            one, before = self._waiting.items[0], recorder.rounds_kept
            done = self._guarded(partial(_hand_on, recorder, one, now_ns), now_ns)
            if done or (isinstance(one, Round) and recorder.rounds_kept > before):
                self._waiting.items.popleft()
                if isinstance(one, Settings):
                    self._settings = one
        if self._recorder is not None and now_ns - self._tidied_ns >= TIDY_NS:
            self._tidied_ns = now_ns
            self._guarded(partial(self._tidy, now_ns), now_ns)

    def _guarded(self, call: Callable[[], None], now_ns: int) -> bool:
        """Whether it could be done. After a failure that may pass, the recorder is not used again."""
        try:
            call()
        except (sqlite3.Error, OSError, files.Damaged) as error:
            full = files.is_full(error, self._journal.folder)
            if not full and not files.is_damage(error):
                raise
            if not self._failed:
                what = "readings wait in memory" if full else "it is opened anew"
                log.error("journal: %s: %s", error, what)  # noqa: TRY400 - the disk's fault, not ours
            self._recorder, self._failed, self._was_full = None, True, self._was_full or full
            self._retry_ns = now_ns + self._pause_ns
            self._pause_ns = min(2 * self._pause_ns, PAUSE_MOST_NS)
            return False
        return True

    def _begin(self, now_ns: int) -> bool:
        """Make a recorder by the path of a start, after making room where a write failed."""
        if not self._guarded(partial(self._recovered, now_ns), now_ns):
            return False
        if self._failed:
            log.info("journal: written to again")
        self._failed, self._was_full, self._pause_ns = False, False, PAUSE_FIRST_NS
        self._waiting.own_up(now_ns)
        return True

    def _recovered(self, now_ns: int) -> None:
        if self._failed:
            if self._was_full:
                self._room.give_up_reserve()
                again = self._pause_ns > 2 * PAUSE_FIRST_NS  # then what a batch needs may go, too, if it was delivered
                self._free(lambda day: again or day.to_ns < self._needed_ns, at_least=int(again))
            self._journal.reopen()
        self._recorder = recorder = self._begun(self._settings, self.checkpoint, now_ns)
        self._forsake(recorder, now_ns)
        self._tidy(now_ns)

    def _tidy(self, now_ns: int) -> None:
        """Let go what may go, make room where it lacks, and tell what nobody will ever send."""
        recorder = self._recorder
        if recorder is None:
            return
        if self._journal.is_damaged():
            raise files.Damaged("an entry that is still to be delivered cannot be read")
        recorder.tell_gone(self._journal.untold(), now_ns)
        held = self._held()
        if self._room.lacking() or retention.expired(held, now_ns, self._retention_ns, now_ns):
            if now_ns - self._rested_ns >= RESTS_NS:
                self._needed_ns, self._rested_ns = recorder.rests_on_ns(now_ns), now_ns
            for day in retention.expired(held, self._needed_ns, self._retention_ns, now_ns):
                self._delete(day, "retired")
            self._make_room(recorder, now_ns)
        self._room.keep_reserve()

    def _make_room(self, recorder: Recorder, now_ns: int) -> None:
        """Delivered days first, then damaged files; days that nobody has only where nothing else is left to go."""
        self._free(lambda day: day.to_ns < self._needed_ns)
        for path in self._room.set_aside():
            if self._room.lacking():
                log.warning("journal: %s deleted for want of room", path.name)
                self._room.delete_aside(path)
        self._free(lambda _: True)
        self._forsake(recorder, now_ns)
        for day in retention.undelivered(self._held(), self._needed_ns):
            if not self._room.over_quota() and not (self._was_full and self._room.is_tight()):
                return
            gone = [Gone(extent, "disk_full") for extent in self._journal.extents() if extent.day == day.name]
            if not recorder.tell_gone(self._journal.lacking(gone), now_ns):  # durable before anything is deleted
                return
            self._delete(day, "disk_full")
            self._forsake(recorder, now_ns)

    def _free(self, chosen: Callable[[Day], bool], at_least: int = 0) -> None:
        """Delete delivered days until nothing lacks."""
        for at, day in enumerate(filter(chosen, retention.delivered(self._held(), self._needed_ns))):
            if at >= at_least and not self._room.lacking():
                return
            self._delete(day, "retired")

    def _forsake(self, recorder: Recorder, now_ns: int) -> None:
        """Batches that rested on a day that is gone have no record."""
        if self._forsaken_ns:
            recorder.forsake(self._forsaken_ns, now_ns)
            self._forsaken_ns = 0

    def _delete(self, day: Day, cause: losses.Cause) -> None:
        log.info("journal: %s deleted: %s", day.name, "delivered" if cause == "retired" else "no room, not delivered")
        if day.to_ns >= self._needed_ns:
            self._forsaken_ns = max(self._forsaken_ns, day.to_ns)
        self._journal.delete(day.name, cause)

    def _held(self) -> list[Day]:
        extents = self._journal.extents()
        return retention.days(extents, self._journal.delivered(), self._room.sizes({extent.day for extent in extents}))


def _hand_on(recorder: Recorder, one: object, now_ns: int) -> None:
    if isinstance(one, Round):
        recorder.take(one.scans, one.events, one.sources, now_ns)
    elif isinstance(one, Settings):
        recorder.reconfigure(one, now_ns)
    elif isinstance(one, Jump):
        recorder.reanchored(one.from_ns, one.to_ns)
    elif isinstance(one, Identified):
        recorder.identified(one.met, now_ns)
