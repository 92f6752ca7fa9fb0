"""What pages, API and metrics show: the newest of everything, in memory, as one frozen state after another.

In: entries as they are admitted (or read from the ledger at start), live messages, times. Out: `LiveState`, replaced
whole at every change, so a reader needs no lock. Bounded: traces, batches and readings have a stated most. Never: the
clock, a socket, a database; nothing here is evidence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from types import MappingProxyType
from typing import Protocol, TypeVar

from agent.aggregation import replay
from agent.drivers import profile as profiles
from contract import body, cbor, records, segment
from gateway import live_message, overlap, running_total
from gateway.attribution import BatchFacts, UtilityUse, facts, late_facts
from gateway.batch_facts import Together
from gateway.factors import Factor
from gateway.live_message import LiveMessage
from gateway.period import period_of
from gateway.running_total import RunningTotal
from gateway.site_model import CounterRef, SiteModel

BATCHES_MAX = 50_000  # a period's; beyond it the oldest go and `batches_lost` says so
BATCHES_KEPT = 200  # of earlier periods, for the eye
TRACE_MAX = 300
SEGMENT_MARGIN_NS = 600 * 10**9
BATCH_MARGIN_NS = 24 * 3600 * 10**9

Key = TypeVar("Key")
Value = TypeVar("Value")


class AdmittedEntry(Protocol):
    """What is needed of an entry that is in the ledger."""

    @property
    def author(self) -> str: ...  # noqa: D102 - the words are the entry's own
    @property
    def type(self) -> str: ...  # noqa: D102
    @property
    def body(self) -> bytes: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class MeterKind:
    """A meter as its manifest describes it; `power` names the live value of its active power."""

    meter: str
    model: str
    serial: str
    serial_is: str
    power: str | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an agent said of itself last; `together` has the lines whose batches may run at once."""

    meters: tuple[MeterKind, ...]
    line_meters: Mapping[str, tuple[str, ...]]
    counters: Mapping[tuple[str, str], replay.Counter]
    together: Mapping[str, Together] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """An agent's last live message and when it came."""

    at_ns: int
    message: LiveMessage


@dataclass(frozen=True, slots=True)
class LiveState:
    """Everything at one moment; `from_ns`..`to_ns` is the current accounting period.

    `totals` by (utility, "electricity" or "volume"); `power` by (agent, meter): instants in ns UTC and mW, None where
    the meter gave no value; `batches` in order of admission.
    """

    from_ns: int
    to_ns: int
    manifests: Mapping[str, Manifest] = field(default_factory=dict)
    heard: Mapping[str, Heard] = field(default_factory=dict)
    status: Mapping[str, str] = field(default_factory=dict)
    batches: tuple[BatchFacts, ...] = ()
    batches_lost: int = 0
    totals: Mapping[tuple[str, str], RunningTotal] = field(default_factory=dict)
    power: Mapping[tuple[str, str], tuple[tuple[int, int | None], ...]] = field(default_factory=dict)
    admitted: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)

    def uses(self) -> tuple[UtilityUse, ...]:
        """The utilities' metered energy and volume of the period so far."""
        names = dict.fromkeys(name for name, _ in self.totals)
        return tuple(UtilityUse(name, self._total(name, "electricity"), self._total(name, "volume")) for name in names)

    def _total(self, utility: str, what: str) -> int | None:
        total = self.totals.get((utility, what))
        return None if total is None or total.broken is not None else total.amount


def with_entry(state: LiveState, site: SiteModel, entry: AdmittedEntry) -> LiveState:
    """The state after one more admitted entry. Raises Malformed for a body the contract refuses."""
    state = replace(state, admitted=put(state.admitted, entry.type, state.admitted.get(entry.type, 0) + 1))
    if entry.type not in {"manifest", "segment", "batch", "late_batch"}:
        return state
    parts = [part for part in body.unpack(entry.body).parts if part is not None]
    match entry.type:
        case "manifest":
            return _with_manifest(state, site, entry.author, parts)
        case "segment":
            return _with_segments(state, site, entry.author, parts)
        case "late_batch":
            return _with_batch(state, late_facts(parts))
        case _:
            return _with_batch(state, facts(entry.author, parts))


def with_message(state: LiveState, agent: str, message: LiveMessage, at_ns: int) -> LiveState:
    """The state after a live message that came at `at_ns`."""
    power = dict(state.power)
    for meter in message.meters:
        key = (agent, meter.meter)
        name = _power_name(state, agent, meter.meter)
        trace = power.get(key, ())
        if name is not None and (not trace or trace[-1][0] < message.at_ns):
            power[key] = (*trace, (message.at_ns, meter.values.get(name)))[-TRACE_MAX:]
    return replace(state, heard=put(state.heard, agent, Heard(at_ns, message)), power=MappingProxyType(power))


def at_time(state: LiveState, site: SiteModel, at_ns: int) -> LiveState:
    """The state at an instant: a new accounting period keeps only the last batches of the old one."""
    if state.from_ns <= at_ns < state.to_ns:
        return state
    from_ns, to_ns = period_of(at_ns, site.local, site.calendar.calendar, site.period)
    totals = {key: running_total.restarted(total, from_ns) for key, total in state.totals.items()}
    return replace(
        state,
        from_ns=from_ns,
        to_ns=to_ns,
        totals=MappingProxyType(totals),
        batches=_kept(state.batches, from_ns),
        batches_lost=0,
    )


def put(known: Mapping[Key, Value], key: Key, value: Value) -> Mapping[Key, Value]:
    """A mapping with one value changed; the old one stays as it was."""
    return MappingProxyType({**known, key: value})


def _with_manifest(state: LiveState, site: SiteModel, agent: str, parts: list[bytes]) -> LiveState:
    manifest = _manifest(parts)
    totals = dict(state.totals)
    for key, ref in _counters_of(site).items():
        if ref.agent == agent:
            counter = manifest.counters.get((ref.meter, ref.point))
            totals[key] = running_total.described(totals.get(key, RunningTotal(state.from_ns)), counter)
    return replace(state, manifests=put(state.manifests, agent, manifest), totals=MappingProxyType(totals))


def _with_segments(state: LiveState, site: SiteModel, agent: str, parts: Iterable[bytes]) -> LiveState:
    """Only the utilities' meters are taken apart: the others' readings are not needed here."""
    wanted = {(ref.agent, ref.meter): key for key, ref in _counters_of(site).items()}
    totals = dict(state.totals)
    for part in parts:
        key = wanted.get((agent, _meter_of(part)))
        if key in totals:
            totals[key] = running_total.added(totals[key], segment.decode(part))
    return replace(state, totals=MappingProxyType(totals))


def _meter_of(part: bytes) -> str:
    fields = cbor.decode(part)
    return str(fields.get("meter")) if isinstance(fields, dict) else ""


def _with_batch(state: LiveState, batch: BatchFacts) -> LiveState:
    manifest = state.manifests.get(batch.agent)
    declared = None if manifest is None else manifest.together.get(batch.line)
    batches = (*state.batches, replace(batch, together=declared))
    lost = max(0, len(batches) - BATCHES_MAX)
    return replace(state, batches=batches[lost:], batches_lost=state.batches_lost + lost)


def _kept(batches: tuple[BatchFacts, ...], from_ns: int) -> tuple[BatchFacts, ...]:
    old = [batch for batch in batches if batch.end_ns < from_ns][-BATCHES_KEPT:]
    return (*old, *(batch for batch in batches if batch.end_ns >= from_ns))


def _manifest(parts: list[bytes]) -> Manifest:
    known = replay.known_profiles(parts)
    meters: list[MeterKind] = []
    lines: dict[str, tuple[str, ...]] = {}
    together: dict[str, Together] = {}
    for part in parts:
        match records.kind_of(part):
            case "meter":
                meter = records.read(part, records.MeterPart)
                meters.append(_meter_kind(meter, known.get(meter.profile)))
            case "line":
                line = records.read(part, records.LinePart)
                lines[line.line] = tuple(dict.fromkeys(ref.meter for ref in line.energy))
                if (declared := overlap.together(line, b"")) is not None:
                    together[line.line] = declared
            case _:
                continue
    counters = MappingProxyType(replay.counters(parts))
    return Manifest(tuple(meters), MappingProxyType(lines), counters, MappingProxyType(together))


def _meter_kind(meter: records.MeterPart, profile: profiles.Profile | None) -> MeterKind:
    points = () if profile is None else profile.points
    powers = [point.id for point in points if point.quantity == "active_power"]
    power = "power" if "power" in powers else powers[0] if len(powers) == 1 else None  # beside the phases: the total
    model = "" if profile is None else f"{profile.make} {profile.model}"
    return MeterKind(meter.meter, model, meter.serial, meter.serial_is, None if power is None else f"{power}_w_milli")


def _power_name(state: LiveState, agent: str, meter: str) -> str | None:
    manifest = state.manifests.get(agent)
    kinds = () if manifest is None else manifest.meters
    return next((kind.power for kind in kinds if kind.meter == meter), None)


def _counters_of(site: SiteModel) -> dict[tuple[str, str], CounterRef]:
    found = {
        (utility.id, "electricity"): utility.electricity
        for utility in site.utilities
        if isinstance(utility.electricity, CounterRef)  # a virtual meter's figure is the statement's alone
    }
    return found | {(u.id, "volume"): u.volume for u in site.utilities if u.volume is not None}


class Live:
    """The state and who may change it: the sequencer's thread, the broker client's thread, the page's loop."""

    def __init__(self, site: SiteModel, factors: Mapping[str, Factor], at_ns: int) -> None:
        self.site = site
        self.factors = factors
        self._lock = Lock()
        self._state = LiveState(*period_of(at_ns, site.local, site.calendar.calendar, site.period))
        self._known = {line.agent for line in site.lines}

    @property
    def state(self) -> LiveState:
        """The newest state."""
        return self._state

    def on_admitted(self, entries: Iterable[AdmittedEntry], at_ns: int) -> None:
        """Take entries in the order of their admission. One that cannot be shown is counted, not raised."""
        with self._lock:
            state = at_time(self._state, self.site, at_ns)
            for entry in entries:
                try:
                    state = with_entry(state, self.site, entry)
                except Exception:  # noqa: BLE001 - what an agent signed must not keep a page, or a gateway, from starting
                    state = replace(state, refused=_counted(state.refused, "not_shown"))
            self._state = state

    def on_live(self, agent: str, payload: bytes, at_ns: int) -> None:
        """Take a live message; a bad one, or one of an agent nobody knows, is counted."""
        with self._lock:
            state = at_time(self._state, self.site, at_ns)
            if agent in self._known or agent in state.manifests:
                try:
                    state = with_message(state, agent, live_message.parse(payload), at_ns)
                except ValueError:
                    state = replace(state, refused=_counted(state.refused, "bad_live_message"))
            else:
                state = replace(state, refused=_counted(state.refused, "live_of_unknown_agent"))
            self._state = state

    def on_status(self, agent: str, payload: bytes, at_ns: int) -> None:
        """Take an agent's retained status or its last will: JSON whose `state` is online, offline or stopped."""
        with self._lock:
            state = at_time(self._state, self.site, at_ns)
            try:
                told = live_message.parse_status(payload)
            except ValueError:
                state = replace(state, refused=_counted(state.refused, "bad_live_message"))
            else:
                if agent in self._known:
                    state = replace(state, status=put(state.status, agent, told))
            self._state = state

    def wants(self, kind: str, to_ns: int) -> bool:
        """Whether an old entry is worth giving to `on_admitted` when the state is rebuilt from the ledger at start."""
        margins = {"segment": SEGMENT_MARGIN_NS, "batch": BATCH_MARGIN_NS, "late_batch": BATCH_MARGIN_NS}
        margin_ns = margins.get(kind)
        return kind == "manifest" or (margin_ns is not None and to_ns >= self._state.from_ns - margin_ns)

    def on_refused(self, verdict: str) -> None:
        """Count a message the gateway did not admit."""
        with self._lock:
            self._state = replace(self._state, refused=_counted(self._state.refused, verdict))


def _counted(known: Mapping[str, int], name: str) -> Mapping[str, int]:
    return put(known, name, known.get(name, 0) + 1)
