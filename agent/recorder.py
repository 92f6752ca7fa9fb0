"""The one place where order matters: readings reach the disk, then edges are found, then entries are sealed.

In: scans and events, and the time. Out: rows and entries in the journal. All methods run in one worker thread. A crash
at any point loses nothing that was recorded: `open` takes the same path with what the journal holds. After an exception
memory and journal may disagree, so a recorder must not be used again: a restart recovers.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from agent import closing, columns, identity, lines, losses, manifest, recall, rows, scheduled, stored
from agent.batches import Ended, Source
from agent.closing import Place
from agent.config import Line
from agent.drivers import Scan
from agent.journal import Journal, Left, Stored
from agent.key_watch import KeyWatch
from agent.known import Known
from agent.losses import Gone
from agent.so_far import SoFar
from agent.told import event as in_words
from contract import keys, records, rotation
from contract.calendar_form import ZonedCalendarForm
from contract.chain import Head
from contract.entry import Clock, TreeHead
from contract.problems import one_line
from contract.segment import is_good
from contract.writer import Circumstances, Span, Writer, write

log = logging.getLogger("metertrail.agent")

PENDING_MAX = 1 << 20  # readings in memory, some 10 MB of them: a plant with more is sealed more often
MEMORY_NS = 48 * 3600 * 1_000_000_000  # what is older is read back from the journal when a batch ends


@dataclass(frozen=True, slots=True)
class Settings:
    """What the recorder needs of the configuration."""

    meters: tuple[manifest.MeterPlan, ...]
    lines: tuple[Line, ...]
    config_hash: bytes
    seal_ns: int
    close_wait_ns: int
    calendar: ZonedCalendarForm | None = None


class Recorder:
    """Owns the journal and the chain."""

    def __init__(
        self,
        journal: Journal,
        writer: Writer,
        settings: Settings,
        clock_state: Callable[[], Clock],
        fresh: Callable[[int], bytes],
    ) -> None:
        self._journal, self._writer, self._settings = journal, writer, settings
        self._key_watch = KeyWatch()
        self._clock_state, self._fresh = clock_state, fresh
        self.checkpoint: TreeHead | None = None
        self._lines = rows.Lines({}, [])
        self._pending = columns.Pending(())
        self._events: list[bytes] = []
        self._sealed_at_ns = 0
        self._reached_ns: dict[Place, int] = {}  # per point, when its newest reading with a value was asked for
        self._known = Known({}, set())
        self._so_far: dict[str, SoFar] = {}
        self._standings: dict[str, identity.Standing] = {}
        self._parent: Head | None = None  # the entry this epoch follows
        self._jumps: list[tuple[int, int]] = []  # of our time, since the start: when, and how far
        self._told_since_ns = 0  # since when our time is told by the clock as it is anchored now
        self.rounds_kept = 0  # how often scans and events became durable
        self._configure(self._as_configured())

    @property
    def epoch(self) -> bytes:
        """The epoch that is being written."""
        return self._writer.epoch

    def open(self, now_ns: int) -> None:
        """Begin an epoch after whatever the journal holds, and seal what the last run left unsealed."""
        self._told_since_ns = now_ns
        self._tell_damage(now_ns)
        left, head = self._journal.left(), self._journal.head()
        self._standings = rows.read_standings(left.state.get("identities"))
        self._lines = recall.unrecorded(self._journal, rows.read_lines(left.state.get("lines")))
        configured, before = self._as_configured(), rows.read_parts(left.state.get("parts"))
        if before is not None and before != configured.parts:
            self._configure(manifest.read(before))
            self._begin(head, left, now_ns)
            self._restate(configured, "configuration changed", [], now_ns)
        else:
            self._configure(configured)
            self._begin(head, left, now_ns)
            self._journal.record([], {"parts": rows.write_parts(configured.parts)}, now_ns)
        self.tell_gone(self._journal.untold(), now_ns)
        if self._journal.bereft_ns is not None:
            self.forsake(self._journal.bereft_ns, now_ns)
        self._recall_running(now_ns)

    def reconfigure(self, settings: Settings, now_ns: int) -> None:
        """Go on under another configuration, in the same epoch."""
        self._settings = settings
        self._restate(self._as_configured(), "configuration changed", [], now_ns)
        self._recall_running(now_ns)

    def identified(self, found: Sequence[identity.Met], now_ns: int) -> None:
        """Take what meters say of themselves; another instrument than before is stated before anything more of it."""
        configs = {plan.meter.name: plan.configured for plan in self._settings.meters}
        standings, events = identity.all_met(configs, self._standings, found)
        if standings == self._standings:
            return
        self._standings = standings
        for event in events:
            log.log(logging.INFO if event.event == "identity_read" else logging.WARNING, "%s", in_words(event))
        configured = self._as_configured()
        if configured.parts == self._stated.parts:
            self._keep([], events, self._state(), now_ns)
        else:
            self._restate(configured, "meters identified", events, now_ns)
            self._recall_running(now_ns)

    def renew(self, reason: str, now_ns: int) -> None:
        """Go on in a new epoch, as after a restart: no more of this one can be delivered."""
        self.seal(now_ns)
        self._parent = self._writer.head
        self._writer = replace(self._writer, epoch=self._fresh(16), head=None)
        self._seal_manifest(reason, now_ns)

    def rotate(self, key: keys.PrivateKey, now_ns: int) -> None:
        """Go on under another key, in an epoch of its own, after both keys have signed that."""
        self.seal(now_ns)
        old_id = keys.thumbprint(self._writer.key.public_key())
        part = rotation.state(old_id, key, self._writer.author, self._writer.site)
        stated = self._write("rotation", [part], Span(now_ns, now_ns), now_ns)
        self._journal.seal([stated], 0, now_ns)  # a crash from here on: key_change.py finds the new key due
        self._writer = replace(self._writer, key=key)
        self.renew("key rotated", now_ns)

    def reanchored(self, from_ns: int, to_ns: int) -> None:
        """Our time has jumped: nothing was waited for meanwhile, and no shift begins or ends there."""
        self._jumps = [*self._jumps, (from_ns, to_ns - from_ns)]
        since_ns, self._told_since_ns = self._told_since_ns, to_ns
        calendar, jump = self._stated.calendar, (from_ns, to_ns)
        after, events = scheduled.jumped(self._lines, self._settings.lines, calendar, since_ns, jump)
        if after is not self._lines or events:
            self._keep([], events, {"lines": rows.write_lines(after)}, to_ns)
            self._lines = after

    def tell_gone(self, gone: Sequence[Gone], now_ns: int) -> bool:
        """Put under a signature which entries nobody will ever send; in an epoch that lacks none of them itself.

        Whether that is so now: not while the key to sign with is out.
        """
        if not gone:
            return True
        if not self._key_watch.is_there(self._writer.key):
            return False
        if any(one.extent.epoch == self.epoch for one in gone):
            self.renew("entries of the epoch before are gone", now_ns)
        parts = [records.write(losses.void(one)) for one in gone]
        for one in gone:
            extent, what = one.extent, (one.cause, one.extent.day)
            log.error("epoch=%s seq=%d to %d gone cause=%s %s", extent.epoch.hex(), extent.first, extent.last, *what)
        for told in columns.cut(parts):
            self._journal.seal([self._write("void", told, Span(*losses.span(gone)), now_ns)], 0, now_ns)
        return True

    def forsake(self, to_ns: int, now_ns: int) -> None:
        """Readings up to an instant are in the journal no longer: batches that rest on them will have no record."""
        after, abandoned = lines.bereft(self._lines, to_ns, now_ns)
        if after is not self._lines:
            self._keep([], abandoned, {"lines": rows.write_lines(after)}, now_ns)
            self._lines = after

    def rests_on_ns(self, now_ns: int) -> int:
        """The time of the earliest reading that a batch without a record rests on, or one still to begin."""
        needed_ns = lines.needed_ns(self._lines, self._settings.lines, now_ns)
        for name in self._stated.lines:
            self._recall(name, needed_ns)
        return self._known.rests_from_ns(needed_ns)

    def take(
        self, scans: Sequence[tuple[str, Scan]], events: Sequence[records.EventPart], sources: Mapping[str, Source],
        now_ns: int,
    ) -> None:  # fmt: skip
        """Make scans and events durable, then follow what they mean: edges, seals, batch records."""
        seen, edges = lines.observed(self._lines, self._settings.lines, scans, sources)
        after, passed = scheduled.passed(seen, self._settings.lines, self._stated.calendar, now_ns)
        state = {} if after is self._lines else {"lines": rows.write_lines(after)}
        for refused in (event for event in edges if event.event == "message_refused"):
            log.warning("%s", in_words(refused))
        self._keep(scans, [*events, *edges, *passed], state, now_ns)
        self._lines = after
        due = now_ns - self._sealed_at_ns >= self._settings.seal_ns or self._pending.readings >= PENDING_MAX
        if (due or after.closing) and not self._key_watch.is_there(self._writer.key):
            return  # what was read is durable; it is sealed when the key is back
        if due:
            self.seal(now_ns)
        self._close(now_ns)

    def seal(self, now_ns: int) -> None:
        """Put everything pending under a signature."""
        self._sealed_at_ns = now_ns
        if self._journal.begins_day(now_ns):
            self._seal_manifest("a new day", now_ns)  # a day's file can be read without those before it
        if not self._pending.readings and not self._events:
            return
        written: list[Stored] = []
        for portion in columns.portions(self._pending.segments()):
            span = Span(min(portion.times_ns), max(portion.times_ns))
            written.append(self._write("segment", portion.parts, span, now_ns))
            self._known.add(portion.segments)
        for events in columns.cut(self._events):
            at_ns = [records.read(event, records.EventPart).at_ns for event in events]
            written.append(self._write("event", events, Span(min(at_ns), max(at_ns)), now_ns))
        self._journal.seal(written, self._journal.last_row(), now_ns)
        self._pending, self._events = columns.Pending(self._stated.texts), []
        self._known.forget(max(lines.needed_ns(self._lines, self._settings.lines, now_ns), now_ns - MEMORY_NS))

    def so_far(self) -> tuple[rows.Lines, Mapping[str, SoFar]]:
        """For the live view: the lines as they are, and what each running batch has taken."""
        running = {n: s.running for n, s in self._lines.states.items() if s.running and n in self._stated.lines}
        self._so_far = {name: one for name, one in self._so_far.items() if name in running and one.is_of(running[name])}
        if begun := running.keys() - self._so_far.keys():
            known = self._remembered()
            for name in begun:
                line = self._stated.lines[name]
                self._so_far[name] = SoFar.of(running[name], line, known.counters, known.columns)
        return self._lines, self._so_far

    def _remembered(self) -> Known:
        """The readings so far of lines' counters, sealed or not."""
        meters = {meter for meter, _ in self._known.places}
        so_far = Known(self._stated.counters, self._known.places, dict(self._known.columns))
        so_far.add(list(self._pending.segments(meters)))
        return so_far

    def _as_configured(self) -> manifest.Stated:
        settings = self._settings
        return manifest.read(manifest.parts(settings.meters, settings.lines, self._standings, settings.calendar))

    def _configure(self, stated: manifest.Stated) -> None:
        """Let a configuration be in force."""
        self._stated = stated
        self._pending = columns.Pending(stated.texts)  # whatever was read before is sealed by now
        places = {place for line in stated.lines.values() for place in closing.places(line)}
        same = {p for p in places & set(self._known.places) if self._known.counters[p] == stated.counters[p]}
        read = _points(stated.counters, same)
        self._reached_ns = {point: at_ns for point, at_ns in self._reached_ns.items() if point in read}
        columns_ = {place: replace(self._known.columns[place], earlier=None) for place in same}
        self._known = Known(stated.counters, places, columns_, self._known.whole & same)
        self._so_far = {}

    def _begin(self, head: Head | None, left: Left, now_ns: int) -> None:
        """Open the epoch, and seal in it what was left: the path of a normal start and of one after a crash."""
        self._parent = head
        self._seal_manifest("first start" if head is None else "restart", now_ns)
        for row in left.rows:
            if row.kind == "scan":
                self._pending.add(*rows.read_scan(row.data))
        self._events = [row.data for row in left.rows if row.kind == "event"]
        self.seal(now_ns)

    def _restate(
        self, configured: manifest.Stated, reason: str, events: Sequence[records.EventPart], now_ns: int
    ) -> None:
        """Let another configuration be in force from here on.

        What was read under the old one is sealed under it. What ended on a line that the new one describes otherwise is
        closed before that is stated; batches of other lines go on.
        """
        old = self._stated
        self.seal(now_ns)
        if configured.parts != old.parts:
            self._close(now_ns, at_once=lines.touched(old, configured))
            self._configure(configured)
            self._seal_manifest(reason, now_ns)
            self._lines, abandoned = lines.carried_over(self._lines, old, configured, now_ns)
            self._keep([], [*events, *abandoned], self._state(), now_ns)
            self.seal(now_ns)

    def _state(self) -> dict[str, bytes]:
        return {
            "lines": rows.write_lines(self._lines),
            "parts": rows.write_parts(self._stated.parts),
            "identities": rows.write_standings(self._standings),
        }

    def _recall_running(self, now_ns: int) -> None:
        self._so_far = {}
        for name, state in self._lines.states.items():
            if state.running is not None and name in self._stated.lines:
                self._recall(name, max(state.running.start.earliest_ns, now_ns - MEMORY_NS))

    def _keep(
        self, scans: Sequence[tuple[str, Scan]], events: Sequence[records.EventPart], state: Mapping[str, bytes],
        now_ns: int,
    ) -> None:  # fmt: skip
        """Record in one commit; only then do scans and events wait to be sealed."""
        told = [records.write(event) for event in events]
        kept = [("scan", rows.write_scan(meter, scan)) for meter, scan in scans] + [("event", data) for data in told]
        if kept or state:
            self._journal.record(kept, state, now_ns)
            self.rounds_kept += 1
        self._events += told
        counted = {meter for meter, _ in self._known.places}
        read = _points(self._known.counters, self._known.places) if scans else set()
        for meter, scan in scans:
            self._pending.add(meter, scan)
            if meter not in counted:
                continue
            valued = {reading.point for reading in scan.readings if reading.raw is not None and is_good(reading.status)}
            for point in valued & {name for of, name in read if of == meter}:
                place = meter, point
                self._reached_ns[place] = max(self._reached_ns.get(place, 0), columns.requested_ns(scan))
        if self._so_far:
            made = columns.segments([one for one in scans if one[0] in counted], self._stated.texts)
            for running in self._so_far.values():
                running.add(made)

    def _close(self, now_ns: int, at_once: Collection[str] = ()) -> None:
        """Seal the record of every ended batch whose last readings are in, or have been waited for long enough."""
        waiting = []
        for name, ended in self._lines.closing:
            # from when the end was known: an end told late has readings in the journal, and lots still to come
            jumped_ns = sum(by_ns for at_ns, by_ns in self._jumps if ended.known_ns <= at_ns)
            late = name in at_once or now_ns >= ended.known_ns + jumped_ns + self._settings.close_wait_ns
            if not (late or self._is_in(name, ended)) or not self._seal_batch(name, ended, now_ns, late=late):
                waiting.append((name, ended))
        if len(waiting) != len(self._lines.closing):
            self._lines = replace(self._lines, closing=waiting)
            # a crash before this commit leaves a batch in `closing` though its entry is sealed: `unrecorded` sees to it
            self._journal.record([], {"lines": rows.write_lines(self._lines)}, now_ns)

    def _is_in(self, name: str, ended: Ended) -> bool:
        line = self._stated.lines[name]
        return not closing.awaits_lots(line, ended) and all(
            self._reached_ns.get(point, 0) >= closing.settled_ns(ended, self._stated.counters[place])
            for place in closing.places(line)
            for point in _points(self._stated.counters, [place])
        )

    def _seal_batch(self, name: str, ended: Ended, now_ns: int, *, late: bool) -> bool:
        """Seal a batch's record, unless its last readings cannot be judged yet. Whether it is sealed."""
        self.seal(now_ns)  # a batch record is a function of the chain before it
        self._recall(name, ended.running.start.earliest_ns)
        line, counters, known = self._stated.lines[name], self._stated.counters, self._known.columns
        if not late and closing.is_open(line, counters, known):
            return False
        complete = closing.is_settled(line, ended, counters, known)
        parts = closing.record(line, ended, counters, known, complete=complete)
        entry = self._write("batch", parts, Span(ended.running.start.earliest_ns, ended.end.latest_ns), now_ns)
        self._journal.seal([entry], self._journal.last_row(), now_ns)
        called = one_line(ended.running.batch)
        log.info("batch=%s line=%s sealed seq=%d %s", called, name, entry.seq, closing.outcome(parts))
        return True

    def _recall(self, name: str, at_ns: int) -> None:
        places = closing.places(self._stated.lines[name])
        recall.restore(self._journal, self._known, places, at_ns)
        for meter, point in sorted(places):
            over = self._stated.counters[meter, point].handover
            if over is not None and at_ns < over.first_ns and self._known.columns[meter, point].earlier is None:
                log.warning(
                    "meter=%s handover.%s joins nothing: before this instrument none was described with serial %r: "
                    "correct serial_before", meter, point, over.serial_before,
                )  # fmt: skip

    def _seal_manifest(self, reason: str, now_ns: int) -> None:
        first = manifest.author(self._parent, reason, self._settings.config_hash, now_ns, self._writer.key)
        entry = self._write("manifest", [first, *self._stated.parts], Span(now_ns, now_ns), now_ns)
        self._journal.seal([entry], 0, now_ns)

    def _tell_damage(self, now_ns: int) -> None:
        """Record what could not be read, before anything else: a second crash must not hide the first."""
        found = [("journal_damaged", about) for about in (*self._journal.set_aside, *self._journal.found)]
        if damaged := self._journal.left().damaged:
            found.append(("rows_damaged", f"{damaged} rows not yet sealed"))
        for event, about in found:
            log.warning("event=%s about=%s", event, about)
            data = records.write(records.EventPart(event=event, about=about, at_ns=now_ns, detail={}))
            self._journal.record([("event", data)], {}, now_ns)
        self._journal.set_aside, self._journal.found = [], []

    def _write(self, kind: str, parts: Sequence[bytes], span: Span, now_ns: int) -> Stored:
        now = Circumstances(now_ns, self._clock_state(), self.checkpoint, self._fresh(32))
        self._writer, header, sealed = write(self._writer, kind, parts, span, now)
        return stored.of(header, sealed)


def _points(counters: closing.Counters, places: Collection[Place]) -> set[Place]:
    """The points that have to be read for these counters, by (meter, point)."""
    return {(place[0], point) for place in places for point in counters[place].points}
