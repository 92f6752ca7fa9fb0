"""The one place where order matters: readings reach the disk, then edges are found, then entries are sealed.

In: scans and events, and the time. Out: rows and entries in the journal. All methods run in one worker thread. A crash
at any point loses nothing that was recorded: `open` takes the same path with what the journal holds. After an exception
memory and journal may disagree, so a recorder must not be used again: a restart recovers.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from agent import closing, columns, lines, manifest, recall, rows
from agent.batches import Ended, Source
from agent.closing import Place
from agent.config import Line
from agent.drivers import Scan
from agent.journal import Journal, Left, Stored
from agent.known import Known
from contract import records, segment
from contract.chain import Head
from contract.entry import Clock, Header, Sealed, TreeHead
from contract.writer import Circumstances, Span, Writer, write

log = logging.getLogger("metertrail.agent")

# Of pending readings, each counted at the most it can take: an entry then stays below what a receiver refuses even if
# nothing in it can be compressed.
ENTRY_BYTES_MAX = 800_000
MEMORY_NS = 48 * 3600 * 1_000_000_000  # what is older is read back from the journal when a batch ends


@dataclass(frozen=True, slots=True)
class Settings:
    """What the recorder needs of the configuration."""

    meters: tuple[manifest.MeterPlan, ...]
    lines: tuple[Line, ...]
    config_hash: bytes
    seal_ns: int
    close_wait_ns: int


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
        self._clock_state, self._fresh = clock_state, fresh
        self.checkpoint: TreeHead | None = None
        self._lines = rows.Lines({}, [])
        self._pending: list[tuple[str, Scan]] = []
        self._events: list[bytes] = []
        self._pending_bytes = self._sealed_at_ns = 0
        self._reached_ns: dict[Place, int] = {}  # per counter, when its newest reading with a value was asked for
        self._configure(manifest.read(manifest.parts(settings.meters, settings.lines)))

    @property
    def epoch(self) -> bytes:
        """The epoch that is being written."""
        return self._writer.epoch

    def open(self, now_ns: int) -> None:
        """Begin an epoch after whatever the journal holds, and seal what the last run left unsealed."""
        self._tell_damage(now_ns)
        left, head, configured = self._journal.left(), self._journal.head(), self._stated
        self._lines = recall.unrecorded(self._journal, rows.read_lines(left.state.get("lines")))
        before = rows.read_parts(left.state.get("parts"))
        if before is not None and before != configured.parts:
            # what was read under the old configuration is sealed, and what ended is closed, under it: in this epoch,
            # before the new one is stated
            old = manifest.read(before)
            self._configure(old)
            self._begin(head, left, now_ns)
            self._close(now_ns, at_once=True)
            self._configure(configured)
            self._seal_manifest(head, "configuration changed", now_ns)
            self._lines, events = lines.carried_over(self._lines, old.lines, configured.lines, now_ns)
            self._keep([], events, {"lines": rows.write_lines(self._lines)}, now_ns)
            self.seal(now_ns)
        else:
            self._begin(head, left, now_ns)
        self._journal.record([], {"parts": rows.write_parts(configured.parts)}, now_ns)
        for name, state in self._lines.states.items():
            if state.running is not None:
                self._recall(name, max(state.running.start.earliest_ns, now_ns - MEMORY_NS))

    def renew(self, reason: str, now_ns: int) -> None:
        """Go on in a new epoch, as after a restart: no more of this one can be delivered."""
        self.seal(now_ns)
        head = self._writer.head
        self._writer = replace(self._writer, epoch=self._fresh(16), head=None)
        self._seal_manifest(head, reason, now_ns)

    def take(
        self, scans: Sequence[tuple[str, Scan]], events: Sequence[records.EventPart], sources: Mapping[str, Source],
        now_ns: int,
    ) -> None:  # fmt: skip
        """Make scans and events durable, then follow what they mean: edges, seals, batch records."""
        after, edges = lines.observed(self._lines, self._settings.lines, scans, sources)
        state = {} if after is self._lines else {"lines": rows.write_lines(after)}
        self._keep(scans, [*events, *edges], state, now_ns)
        self._lines = after
        if now_ns - self._sealed_at_ns >= self._settings.seal_ns or self._pending_bytes >= ENTRY_BYTES_MAX:
            self.seal(now_ns)
        self._close(now_ns)

    def seal(self, now_ns: int) -> None:
        """Put everything pending under a signature."""
        self._sealed_at_ns = now_ns
        if not self._pending and not self._events:
            return
        written: list[Stored] = []
        for portion in columns.portions(self._pending, ENTRY_BYTES_MAX):
            made = columns.segments(portion, self._stated.texts)
            if made:
                times = [t for s in made for b in s.blocks for t in (b.requested_ns[0], b.answered_ns[-1])]
                parts = [segment.encode(part) for part in made]
                written.append(self._write("segment", parts, Span(min(times), max(times)), now_ns))
                self._known.add(made)
        if self._events:
            at_ns = [records.read(event, records.EventPart).at_ns for event in self._events]
            written.append(self._write("event", self._events, Span(min(at_ns), max(at_ns)), now_ns))
        self._journal.seal(written, self._journal.last_row(), now_ns)
        self._pending, self._events, self._pending_bytes = [], [], 0
        self._known.forget(max(lines.needed_ns(self._lines, self._settings.lines, now_ns), now_ns - MEMORY_NS))

    def snapshot(self) -> tuple[rows.Lines, Mapping[str, records.LinePart], Known]:
        """For the live view: the lines as they are and as configured, and the readings so far, sealed or not."""
        meters = {meter for meter, _ in self._known.places}
        so_far = Known(self._stated.counters, self._known.places, dict(self._known.columns))
        so_far.add(columns.segments([one for one in self._pending if one[0] in meters], self._stated.texts))
        return self._lines, self._stated.lines, so_far

    def _configure(self, stated: manifest.Stated) -> None:
        """Let a configuration be in force."""
        self._stated = stated
        self._known = Known(stated.counters, {p for line in stated.lines.values() for p in closing.places(line)})

    def _begin(self, head: Head | None, left: Left, now_ns: int) -> None:
        """Open the epoch, and seal in it what was left: the path of a normal start and of one after a crash."""
        self._seal_manifest(head, "first start" if head is None else "restart", now_ns)
        self._pending = [rows.read_scan(row.data) for row in left.rows if row.kind == "scan"]
        self._events = [row.data for row in left.rows if row.kind == "event"]
        self.seal(now_ns)

    def _keep(
        self, scans: Sequence[tuple[str, Scan]], events: Sequence[records.EventPart], state: Mapping[str, bytes],
        now_ns: int,
    ) -> None:  # fmt: skip
        """Record in one commit; only then do scans and events wait to be sealed."""
        told = [records.write(event) for event in events]
        kept = [("scan", rows.write_scan(meter, scan)) for meter, scan in scans] + [("event", data) for data in told]
        if kept or state:
            self._journal.record(kept, state, now_ns)
        self._pending += scans
        self._events += told
        self._pending_bytes += sum(columns.cost(scan) for _, scan in scans) + sum(map(len, told))
        for meter, scan in scans:
            valued = {reading.point for reading in scan.readings if reading.raw is not None}
            for place in self._known.places:
                if place[0] == meter and place[1] in valued:
                    self._reached_ns[place] = max(self._reached_ns.get(place, 0), columns.requested_ns(scan))

    def _close(self, now_ns: int, *, at_once: bool = False) -> None:
        """Seal the record of every ended batch whose last readings are in, or have been waited for long enough."""
        waiting = []
        for name, ended in self._lines.closing:
            late = at_once or now_ns >= ended.end.latest_ns + self._settings.close_wait_ns
            if late or self._is_in(name, ended):
                self._seal_batch(name, ended, now_ns)
            else:
                waiting.append((name, ended))
        if len(waiting) != len(self._lines.closing):
            self._lines = rows.Lines(self._lines.states, waiting)
            # a crash before this commit leaves a batch in `closing` though its entry is sealed: `unrecorded` sees to it
            self._journal.record([], {"lines": rows.write_lines(self._lines)}, now_ns)

    def _is_in(self, name: str, ended: Ended) -> bool:
        return all(
            self._reached_ns.get(place, 0) >= closing.settled_ns(ended, self._stated.counters[place])
            for place in closing.places(self._stated.lines[name])
        )

    def _seal_batch(self, name: str, ended: Ended, now_ns: int) -> None:
        self.seal(now_ns)  # a batch record is a function of the chain before it
        self._recall(name, ended.running.start.earliest_ns)
        line, counters, known = self._stated.lines[name], self._stated.counters, self._known.columns
        complete = closing.is_settled(line, ended, counters, known)
        parts = closing.record(line, ended, counters, known, complete=complete)
        entry = self._write("batch", parts, Span(ended.running.start.earliest_ns, ended.end.latest_ns), now_ns)
        self._journal.seal([entry], self._journal.last_row(), now_ns)
        log.info("batch=%s line=%s sealed seq=%d complete=%s", ended.running.batch, name, entry.seq, complete)

    def _recall(self, name: str, at_ns: int) -> None:
        recall.restore(self._journal, self._known, self._stated.parts, closing.places(self._stated.lines[name]), at_ns)

    def _seal_manifest(self, head: Head | None, reason: str, now_ns: int) -> None:
        first = manifest.author(head, reason, self._settings.config_hash, now_ns)
        entry = self._write("manifest", [first, *self._stated.parts], Span(now_ns, now_ns), now_ns)
        self._journal.seal([entry], 0, now_ns)

    def _tell_damage(self, now_ns: int) -> None:
        """Record what could not be read, before anything else: a second crash must not hide the first."""
        found = [("journal_damaged", name) for name in self._journal.set_aside]
        if damaged := self._journal.left().damaged:
            found.append(("rows_damaged", f"{damaged} rows not yet sealed"))
        for event, about in found:
            log.warning("event=%s about=%s", event, about)
            data = records.write(records.EventPart(event=event, about=about, at_ns=now_ns, detail={}))
            self._journal.record([("event", data)], {}, now_ns)

    def _write(self, kind: str, parts: Sequence[bytes], span: Span, now_ns: int) -> Stored:
        now = Circumstances(now_ns, self._clock_state(), self.checkpoint, self._fresh(32))
        self._writer, header, sealed = write(self._writer, kind, parts, span, now)
        return _stored(header, sealed)


def _stored(header: Header, sealed: Sealed) -> Stored:
    return Stored(sealed, header.epoch, header.seq, header.type, header.from_ns, header.to_ns)
