"""The one place where order matters: readings reach the disk, then edges are found, then entries are sealed.

In: scans and events, and the time. Out: rows and entries in the journal. All methods run in one worker thread. A crash
at any point loses nothing that was recorded: `open` takes the same path with what the journal holds.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agent import closing, columns, manifest, rows
from agent.aggregation.replay import counters
from agent.batches import LineState, Source, observe
from agent.config import Line
from agent.drivers import Scan
from agent.journal import Journal, Stored, Unsealed
from agent.looks import look
from contract import body, records, segment
from contract.chain import Head
from contract.entry import Clock, Header, Sealed, TreeHead
from contract.segment import MeterSegment
from contract.writer import Circumstances, Span, Writer, write

log = logging.getLogger("metertrail.agent")

PENDING_BYTES_MAX = 200_000  # of unsealed rows: sealed well below the quarter mebibyte an entry may have
FOREVER_NS = 2**63 - 1
HISTORY_NS = 15 * 60 * 1_000_000_000  # kept beyond what running batches need
SEGMENT_MARGIN_NS = 10 * 60 * 1_000_000_000  # readings before a batch that its start may rest on


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
        self._parts = manifest.parts(settings.meters, settings.lines)
        self.counters = counters(self._parts)
        self._lines = rows.Lines({}, [])
        self.line_parts = {
            part.line: part
            for part in (records.read(p, records.LinePart) for p in self._parts if records.kind_of(p) == "line")
        }
        self._pending: list[tuple[str, Scan]] = []
        self._events: list[bytes] = []
        self._pending_bytes = 0
        self._sealed_at_ns = 0
        self._history: dict[str, list[MeterSegment]] = {}
        self._last_requested_ns: dict[str, int] = {}
        self.checkpoint: TreeHead | None = None

    def open(self, now_ns: int) -> None:
        """Begin an epoch after whatever the journal holds, and seal what a crash left unsealed."""
        head = self._journal.head()
        left, damaged = self._journal.unsealed()
        self._lines = rows.read_lines(self._journal.state().get("lines"))
        before = None if head is None else self._journal.last_manifest(head.epoch)
        old_parts = self._parts if before is None else _open_parts(before)[1:]
        if left and old_parts != self._parts:
            # what was read under the old configuration is sealed under it, in this epoch, before the new one is stated
            self._seal_manifest(head, "restart", old_parts, now_ns)
            self._restore(left)
            self.seal(now_ns)
            self._seal_manifest(head, "configuration changed", self._parts, now_ns)
        else:
            self._seal_manifest(head, "first start" if head is None else "restart", self._parts, now_ns)
            self._restore(left)
        self._history = {}
        self._recall()
        for name in self._journal.set_aside:
            self._tell("journal_damaged", name, now_ns)
        if damaged:
            self._tell("rows_damaged", f"{damaged} unsealed rows", now_ns)
        self.seal(now_ns)

    def take(
        self, scans: Sequence[tuple[str, Scan]], events: Sequence[records.EventPart], sources: Mapping[str, Source],
        now_ns: int,
    ) -> None:  # fmt: skip
        """Make scans and events durable, then follow what they mean: edges, seals, batch records."""
        lines, edges = self._observe(scans, sources)
        scan_rows = [("scan", rows.write_scan(meter, scan)) for meter, scan in scans]
        event_rows = [("event", records.write(event)) for event in (*events, *edges)]
        state = {} if lines is self._lines else {"lines": rows.write_lines(lines)}
        if scan_rows or event_rows or state:
            self._journal.record([*scan_rows, *event_rows], state)
        self._lines = lines
        self._pending += scans
        self._events += [data for _, data in event_rows]
        self._pending_bytes += sum(len(data) for _, data in (*scan_rows, *event_rows))
        for meter, scan in scans:
            self._last_requested_ns[meter] = max(self._last_requested_ns.get(meter, 0), scan.requested_ns)
        if now_ns - self._sealed_at_ns >= self._settings.seal_ns or self._pending_bytes >= PENDING_BYTES_MAX:
            self.seal(now_ns)
        self._close(now_ns)

    def seal(self, now_ns: int) -> None:
        """Put everything pending under a signature."""
        self._sealed_at_ns = now_ns
        if not self._pending and not self._events:
            return
        written: list[Stored] = []
        made = columns.segments(self._pending)
        if made:
            times = [t for s in made for b in s.blocks for t in (b.requested_ns[0], b.answered_ns[-1])]
            span = Span(min(times), max(times))
            written.append(self._write("segment", [segment.encode(part) for part in made], span, now_ns))
        if self._events:
            at_ns = [records.read(event, records.EventPart).at_ns for event in self._events]
            written.append(self._write("event", self._events, Span(min(at_ns), max(at_ns)), now_ns))
        self._journal.seal(written, self._journal.last_row(), now_ns)
        for part in made:
            self._history.setdefault(part.meter, []).append(part)
        self._pending, self._events, self._pending_bytes = [], [], 0

    def snapshot(self) -> tuple[rows.Lines, dict[str, list[MeterSegment]]]:
        """For the live view: the lines, and each meter's segments with the pending readings as one more."""
        segments = {meter: list(parts) for meter, parts in self._history.items()}
        for part in columns.segments(self._pending):
            segments.setdefault(part.meter, []).append(part)
        return self._lines, segments

    def _observe(
        self, scans: Sequence[tuple[str, Scan]], sources: Mapping[str, Source]
    ) -> tuple[rows.Lines, list[records.EventPart]]:
        states, ending = dict(self._lines.states), list(self._lines.closing)
        events: list[records.EventPart] = []
        for line in self._settings.lines:
            state = states.get(line.name, LineState())
            for meter, scan in scans:
                seen = look(line, scan) if meter == line.source else None
                if seen is None:
                    continue
                state, ended, started = observe(state, seen, sources[line.name])
                if ended is not None:
                    ending.append((line.name, ended))
                    events.append(_edge("batch_ended", line.name, ended.running.batch, ended.end))
                if started is not None:
                    events.append(_edge("batch_started", line.name, started.batch, started.start))
            states[line.name] = state
        unchanged = states == self._lines.states
        return (self._lines if unchanged else rows.Lines(states, ending)), events

    def _close(self, now_ns: int) -> None:
        """Seal the record of every ended batch whose last readings are in, or have been waited for long enough."""
        waiting = []
        for line_name, ended in self._lines.closing:
            line = self.line_parts.get(line_name)
            if line is None:
                log.warning(
                    "batch=%s line=%s dropped: the line is no longer configured", ended.running.batch, line_name
                )
                continue
            until = closing.needed_until_ns(line, ended, self.counters)
            complete = all(self._last_requested_ns.get(meter, 0) >= at_ns for meter, at_ns in until.items())
            if not complete and now_ns < ended.end.latest_ns + self._settings.close_wait_ns:
                waiting.append((line_name, ended))
                continue
            self.seal(now_ns)  # a batch record is a function of the chain before it
            parts = closing.parts(line, ended, self.counters, self._history, complete=complete)
            span = Span(ended.running.start.earliest_ns, ended.end.latest_ns)
            entry = self._write("batch", parts, span, now_ns)
            self._journal.seal([entry], self._journal.last_row(), now_ns)
            log.info("batch=%s line=%s sealed seq=%d complete=%s", ended.running.batch, line_name, entry.seq, complete)
        if len(waiting) != len(self._lines.closing):
            self._lines = rows.Lines(self._lines.states, waiting)
            # a crash before this commit leaves the batch in `closing` though its entry is sealed: `_recall` sees to it
            self._journal.record([], {"lines": rows.write_lines(self._lines)})
            self._forget(now_ns)

    def _restore(self, left: Sequence[Unsealed]) -> None:
        for row in left:
            if row.kind == "event":
                self._events.append(row.data)
            else:
                self._pending.append(rows.read_scan(row.data))

    def _recall(self) -> None:
        """Read back what batches still need: segments read under this same configuration, and which are recorded."""
        starts = self._starts_ns()
        if not starts:
            return
        alike = self._alike_ns()
        recorded = set()
        for stored in self._journal.since(min(starts) - SEGMENT_MARGIN_NS, ["segment", "batch"]):
            if stored.type == "batch":
                batch = records.read(_open_parts(stored)[0], records.BatchPart)
                recorded.add((batch.line, batch.batch, batch.start.earliest_ns))
            elif any(first_ns <= stored.from_ns < last_ns for first_ns, last_ns in alike):
                for made in map(segment.decode, _open_parts(stored)):
                    self._history.setdefault(made.meter, []).append(made)
        # a crash between a batch's entry and the state that drops it from `closing`: it is recorded, once
        closing_still = [
            (line, ended)
            for line, ended in self._lines.closing
            if (line, ended.running.batch, ended.running.start.earliest_ns) not in recorded
        ]
        self._lines = rows.Lines(self._lines.states, closing_still)

    def _alike_ns(self) -> list[tuple[int, int]]:
        """When the configuration was the one of now, as intervals of time."""
        manifests = [(stored.from_ns, _open_parts(stored)[1:]) for stored in self._journal.since(0, ["manifest"])]
        ends = [*(from_ns for from_ns, _ in manifests[1:]), FOREVER_NS]
        return [(at_ns, end) for (at_ns, parts), end in zip(manifests, ends, strict=True) if parts == self._parts]

    def _starts_ns(self) -> list[int]:
        """When each batch began that has no record yet."""
        starts = [ended.running.start.earliest_ns for _, ended in self._lines.closing]
        return starts + [s.running.start.earliest_ns for s in self._lines.states.values() if s.running is not None]

    def _forget(self, now_ns: int) -> None:
        until_ns = min([now_ns - HISTORY_NS, *(start - SEGMENT_MARGIN_NS for start in self._starts_ns())])
        for meter, parts in self._history.items():
            self._history[meter] = [p for p in parts if max(b.answered_ns[-1] for b in p.blocks) >= until_ns]

    def _seal_manifest(self, head: Head | None, reason: str, parts: Sequence[bytes], now_ns: int) -> None:
        first = manifest.author(head, reason, self._settings.config_hash, now_ns)
        entry = self._write("manifest", [first, *parts], Span(now_ns, now_ns), now_ns)
        self._journal.seal([entry], 0, now_ns)

    def _tell(self, event: str, about: str, now_ns: int) -> None:
        log.warning("event=%s about=%s", event, about)
        data = records.write(records.EventPart(event=event, about=about, at_ns=now_ns, detail={}))
        self._journal.record([("event", data)], {})
        self._events.append(data)

    def _write(self, kind: str, parts: Sequence[bytes], span: Span, now_ns: int) -> Stored:
        now = Circumstances(now_ns, self._clock_state(), self.checkpoint, self._fresh(32))
        self._writer, header, sealed = write(self._writer, kind, parts, span, now)
        return _stored(header, sealed)


def _stored(header: Header, sealed: Sealed) -> Stored:
    return Stored(sealed, header.epoch, header.seq, header.type, header.from_ns, header.to_ns)


def _open_parts(stored: Stored) -> list[bytes]:
    return [part for part in body.unpack(stored.sealed.body).parts if part is not None]


def _edge(event: str, line: str, batch: str, at: records.Edge) -> records.EventPart:
    detail = {"batch": batch, "edge": at.model_dump()}
    return records.EventPart(event=event, about=line, at_ns=at.latest_ns, detail=detail)
