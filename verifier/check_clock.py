"""What agents say of their clocks is told, never judged: a wrong clock is no reason to disbelieve a reading.

In: a trail and its batches. Out: one finding an agent, always in order: how much was sealed by a clock that followed
another, how wrong it may have been, how often it was set, and which batches that concerns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from contract.errors import Malformed
from contract.records import EventPart
from verifier.check_batches import Batch
from verifier.finding import Finding
from verifier.trail import Item, Trail, records_of

REANCHORED = "clock_reanchored"
MOVED = ("clock_step", "clock_behind")
BY_ANOTHER = {"reported", "schedule"}  # edges whose time is not that of a look, nor measured against ours


@dataclass(frozen=True, slots=True)
class Jump:
    """The agent's time went from one instant to a later one."""

    from_ns: int
    to_ns: int


def clocks(trail: Trail, batches: Sequence[Batch]) -> Iterator[Finding]:
    """One line an agent, in order of appearance."""
    entries: dict[str, list[Item]] = {}
    for item in trail.items:
        entries.setdefault(item.header.author, []).append(item)
    agents = dict.fromkeys(item.header.author for item in trail.of("manifest"))
    for agent in agents:
        mine = [batch for batch in batches if batch.agent == agent]
        yield _finding(agent, entries[agent], mine, *_told(trail, agent))


def _told(trail: Trail, agent: str) -> tuple[list[Jump], int]:
    """The jumps of an agent's time, and how often its machine's clock moved without it."""
    jumps, moved = list[Jump](), 0
    for item in trail.of("event", author=agent):
        try:
            events = records_of(item, EventPart, "event")
        except Malformed:
            continue  # told by the check of ends
        moved += sum(event.event in MOVED for event in events)
        for event in events:
            match event.detail:
                case {"from_ns": int(from_ns), "to_ns": int(to_ns)} if event.event == REANCHORED:
                    jumps.append(Jump(from_ns, to_ns))
    return jumps, moved


def _finding(agent: str, entries: Sequence[Item], batches: Sequence[Batch], jumps: list[Jump], moved: int) -> Finding:
    states = [item.header.clock for item in entries]
    followed = sum(state.synchronised is True for state in states)
    errors_ns = [state.error_ns for state in states if state.error_ns is not None]
    boots = {state.boot for state in states if state.boot is not None}
    across = sum(any(_runs_across(batch, jump) for jump in jumps) for batch in batches)
    by_another = sum(_is_by_another(batch) for batch in batches)
    told: dict[str, object] = {
        "agent": agent,
        "entries": len(states),
        "synchronised": followed,
        "error_ns_most": max(errors_ns, default=None),
        "error_unknown": len(states) - len(errors_ns),
        "boots": len(boots),
        "steps": moved,
        "jumps": [[jump.from_ns, jump.to_ns] for jump in jumps],
        "batches_across_a_jump": across,
        "batches_by_another_clock": by_another,
    }
    text = f"{agent}: {followed} of {len(states)} entries synchronised"
    if errors_ns:
        text += f", error at most {max(errors_ns) // 10**6}.{max(errors_ns) // 10**5 % 10} ms"
    if len(errors_ns) < len(states):
        text += f", that of {len(states) - len(errors_ns)} not known"
    text += f"; {len(boots)} boots" if boots else ""
    text += f"; its machine's clock moved {moved} times and its time did not follow" if moved else ""
    if jumps:
        by = timedelta(seconds=sum(jump.to_ns - jump.from_ns for jump in jumps) // 10**9)
        text += f"; its time jumped {len(jumps)} times, {by} (h:mm:ss) in all, {across} batches run across"
    text += f"; {by_another} batches by another's time while it was not synchronised" if by_another else ""
    return Finding("clock", ok=True, text=text, told=told)


def _runs_across(batch: Batch, jump: Jump) -> bool:
    return batch.head.start.earliest_ns < jump.to_ns and jump.from_ns < batch.head.end.latest_ns


def _is_by_another(batch: Batch) -> bool:
    """Whether its edges are instants of a schedule or an MES, put on the time of a clock that followed none."""
    told = {batch.head.start.policy, batch.head.end.policy} & BY_ANOTHER
    return bool(told) and batch.late is None and batch.item.header.clock.synchronised is False
