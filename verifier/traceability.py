"""The traceability of every meter that a figure rests on, stretch by stretch between what changed.

In: a trail, its evidence, the keyring, which meters, the period, and commissioning sheets as bytes. Out: one `Traced`
for each meter and stretch, and findings. A verdict here is no failure of the archive: a missing certificate is not a
forgery, so each is told as a line that holds.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from agent.commission import sheet as sheets_form
from agent.commission.sheet import Sheet
from agent.drivers import profile as profiles
from contract import records
from contract.errors import Inadmissible, Malformed
from contract.keys import PublicKey
from contract.records import EventPart, MeterPart
from verifier.check_batches import Period
from verifier.evidence import Evidence, Stated
from verifier.finding import Finding
from verifier.keyring import Keyring
from verifier.trace_reasons import Level, Piece, Reason, iso, reasons
from verifier.trail import Item, Trail, records_of

Verdict = Literal["traceable", "traceable with remarks", "not traceable"]
VERDICTS: Mapping[Level, Verdict] = {
    "fault": "not traceable",
    "remark": "traceable with remarks",
    "ground": "traceable",
}
Places = Collection[tuple[str, str]]  # agents and their meters


@dataclass(frozen=True, slots=True)
class Traced:
    """One meter over one stretch: the verdict, and why."""

    piece: Piece
    reasons: tuple[Reason, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of its reasons decides."""
        levels = {reason.level for reason in self.reasons}
        return next(words for level, words in VERDICTS.items() if level in levels)

    def finding(self) -> Finding:
        """As a line: what speaks against it, or where nothing does, what speaks for it."""
        piece, worst = self.piece, self.verdict
        against = [one.text for level in ("fault", "remark") for one in self.reasons if one.level == level]
        words = against or [one.text for one in self.reasons]
        where = f"{piece.agent}/{piece.meter.meter} {iso(piece.from_ns)}..{iso(piece.to_ns)}"
        told = {
            "agent": piece.agent, "meter": piece.meter.meter, "from_ns": piece.from_ns, "to_ns": piece.to_ns,
            "verdict": worst,
            "reasons": [{"code": one.code, "level": one.level, "text": one.text} for one in self.reasons],
        }  # fmt: skip
        return Finding("trace", ok=True, text=f"{where}: {worst}: {'; '.join(words)}", told=told)


def findings(traced: Sequence[Traced]) -> Iterator[Finding]:
    """How many of each verdict, then each, the worst first; nothing where there is none."""
    order = list(VERDICTS.values())
    counts = ", ".join(f"{sum(one.verdict == words for one in traced)} {words}" for words in reversed(order))
    if traced:
        meters = len({(one.piece.agent, one.piece.meter.meter) for one in traced})
        yield Finding("trace", ok=True, text=f"{meters} meters in {len(traced)} stretches: {counts}")
    yield from (one.finding() for one in sorted(traced, key=lambda one: order.index(one.verdict)))


def traced(
    trail: Trail, evidence: Evidence, ring: Keyring, meters: Places, period: Period, sheets: Iterable[bytes]
) -> list[Traced]:
    """Every stretch of these meters in the period, by agent, meter and time."""
    shown = {sheets_form.sheet_hash(data): data for data in sheets}
    told, headers = _told(trail), _headers(trail)
    hidden = _hidden(trail)
    clocks: dict[tuple[str, int, int], tuple[int, int]] = {}  # most meters share their stretches
    found = []
    for agent, meter in sorted(meters):
        stated = [*evidence.stated.get(agent, ()), *hidden.get(agent, ())]
        for span in _spans(stated, meter, headers.get(agent, ()), period):
            sheet = _sheet(agent, None if span.meter.sheet is None else shown.get(span.meter.sheet), ring)
            stretch = agent, span.from_ns, span.to_ns
            clocks[stretch] = clocks.get(stretch) or _clock(span, headers.get(agent, ()))
            piece = _piece(agent, span, clocks[stretch], told.get((agent, meter), ()), sheet)
            found.append(Traced(piece, tuple(reasons(piece))))
    return found


@dataclass(frozen=True, slots=True)
class _Span:
    """[from_ns, to_ns) in which a meter was declared so, the first time in a manifest of these parts."""

    parts: tuple[bytes, ...]
    meter: MeterPart
    from_ns: int
    to_ns: int
    before: MeterPart | None


def _hidden(trail: Trail) -> dict[str, list[Stated]]:
    """Manifests that are withheld, as such that declare nothing: what was declared before ends with them."""
    found: dict[str, list[Stated]] = defaultdict(list)
    for item in trail.of("manifest"):
        if item.whole() is None:
            nothing = Stated(item.index, item.hash, item.header.from_ns, (), {}, {}, {}, item.order)
            found[item.header.author].append(nothing)
    return found


def _spans(stated: Iterable[Stated], meter: str, items: Sequence[Item], period: Period) -> Iterator[_Span]:
    """Stretches between manifests that declare the meter otherwise, cut where a certificate or a transformer begins."""
    last_ns = max((item.header.to_ns for item in items), default=0) + 1
    told = [(one, _meter(one.parts, meter)) for one in sorted(stated, key=lambda one: one.order)]
    before: MeterPart | None = None
    at = 0
    while at < len(told):
        one, part = told[at]
        end = at + 1
        while end < len(told) and told[end][1] == part:
            end += 1
        if part is not None:
            if at and (earlier := _last(told[:at])) is not None:
                before = earlier if earlier.serial not in {"", part.serial} else before
            until_ns = told[end][0].from_ns if end < len(told) else max(last_ns, one.from_ns + 1)
            from_ns, to_ns = max(one.from_ns, period.from_ns), min(until_ns, period.to_ns)
            yield from _cut(_Span(one.parts, part, from_ns, to_ns, before))
        at = end


def _last(told: Sequence[tuple[Stated, MeterPart | None]]) -> MeterPart | None:
    return next((part for _, part in reversed(told) if part is not None), None)


def _cut(span: _Span) -> Iterator[_Span]:
    if span.from_ns >= span.to_ns:
        return
    given = span.meter.certificate
    times = [] if given is None else [given.valid_from_ns, given.valid_to_ns + 1]
    times += [one.valid_from_ns for one in (span.meter.ct, span.meter.pt) if one and one.valid_from_ns is not None]
    inside = sorted({at_ns for at_ns in times if span.from_ns < at_ns < span.to_ns})
    for from_ns, to_ns in zip([span.from_ns, *inside], [*inside, span.to_ns], strict=True):
        yield _Span(span.parts, span.meter, from_ns, to_ns, span.before)


@lru_cache(maxsize=64)
def _meters(parts: tuple[bytes, ...]) -> Mapping[str, MeterPart]:
    read = (records.read(part, MeterPart) for part in parts if records.kind_of(part) == "meter")
    return {part.meter: part for part in read}


def _meter(parts: tuple[bytes, ...], meter: str) -> MeterPart | None:
    return _meters(parts).get(meter)


@lru_cache(maxsize=64)
def _grades(parts: tuple[bytes, ...]) -> Mapping[bytes, str]:
    files = [records.read(part, records.ProfilePart).toml for part in parts if records.kind_of(part) == "profile"]
    return {profiles.profile_hash(toml): profiles.parse(toml).grade for toml in files}


def _headers(trail: Trail) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    for item in trail.of("segment"):
        found[item.header.author].append(item)
    return found


def _told(trail: Trail) -> dict[tuple[str, str], list[EventPart]]:
    """What meters said of themselves, by agent and meter."""
    found: dict[tuple[str, str], list[EventPart]] = defaultdict(list)
    for item in trail.of("event"):
        try:
            events = records_of(item, EventPart, "event")
        except Malformed:
            continue  # a finding of its own
        for event in events:
            if event.event == "identity_read":
                found[item.header.author, event.about].append(event)
    return found


def _clock(span: _Span, items: Sequence[Item]) -> tuple[int, int]:
    """How many entries of readings speak of the stretch, and how many of them a synchronised clock sealed."""
    mine = [item.header for item in items if item.header.from_ns < span.to_ns and item.header.to_ns >= span.from_ns]
    return len(mine), sum(header.clock.synchronised is True for header in mine)


def _piece(
    agent: str,
    span: _Span,
    clock: tuple[int, int],
    events: Sequence[EventPart],
    sheet: tuple[Sheet, bool] | None,
) -> Piece:
    read = [event for event in events if event.at_ns < span.to_ns]
    return Piece(
        agent,
        span.meter,
        span.from_ns,
        span.to_ns,
        _grades(span.parts).get(span.meter.profile),
        span.before,
        *clock,
        {name: str(text) for name, text in read[-1].detail.items()} if read else {},
        sheet,
    )


def _sheet(agent: str, data: bytes | None, ring: Keyring) -> tuple[Sheet, bool] | None:
    """A sheet, and whether one of the agent's keys signed it; one that cannot be read is as good as not shown."""
    try:
        sheet = None if data is None else sheets_form.claimed(data)
    except Inadmissible:
        return None
    if data is None or sheet is None:
        return None
    return sheet, any(_is_signed(data, one.key) for one in ring.enrolments if one.author == agent)


def _is_signed(data: bytes, key: PublicKey) -> bool:
    try:
        sheets_form.read(data, key)
    except Inadmissible:
        return False
    return True
