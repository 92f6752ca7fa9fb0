"""What a line does, as its controller's state numbers tell it: produce, set up, start up, idle, maintain, off.

In: a line's configuration, and numbers of its state point as they are seen. Out: words, whether a batch runs, and an
event for each change. Pure. A number without a word has none: it is told as null, and never taken for the last one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from agent.aggregation.edges import edge
from agent.config import Line
from contract import records
from contract.records import EventPart, Seen


class Meaning(NamedTuple):
    """Whether a batch runs in a state, and what the line does."""

    runs: bool
    word: records.LineState


# StateCurrent of ISA-TR88.00.02 (PackTags, also OMAC PackML 2022). A batch begins when the machine starts for it, and
# ends when it has completed or come to a stop: holding and suspending interrupt it, with the energy they take.
PACKML: Mapping[int, Meaning] = MappingProxyType(
    {
        1: Meaning(runs=False, word="maintenance"),  # Clearing
        2: Meaning(runs=False, word="idle"),  # Stopped: powered and stationary
        3: Meaning(runs=True, word="start_up"),  # Starting
        4: Meaning(runs=False, word="idle"),  # Idle
        5: Meaning(runs=True, word="idle"),  # Suspended
        6: Meaning(runs=True, word="produce"),  # Execute
        7: Meaning(runs=True, word="idle"),  # Stopping
        8: Meaning(runs=True, word="idle"),  # Aborting
        9: Meaning(runs=False, word="maintenance"),  # Aborted
        10: Meaning(runs=True, word="idle"),  # Holding
        11: Meaning(runs=True, word="idle"),  # Held
        12: Meaning(runs=True, word="start_up"),  # Unholding
        13: Meaning(runs=True, word="idle"),  # Suspending
        14: Meaning(runs=True, word="start_up"),  # Unsuspending
        15: Meaning(runs=False, word="setup"),  # Resetting
        16: Meaning(runs=True, word="produce"),  # Completing
        17: Meaning(runs=False, word="idle"),  # Complete
    }
)
# Top-level states of a job order, OPC 10031-4 version 2.00, table 14. Version 1.00 numbers them otherwise.
JOB_ORDER: Mapping[int, Meaning] = MappingProxyType(
    {
        1: Meaning(runs=False, word="idle"),  # NotAllowedToStart
        2: Meaning(runs=False, word="idle"),  # AllowedToStart
        3: Meaning(runs=True, word="produce"),  # Running
        4: Meaning(runs=True, word="idle"),  # Interrupted
        5: Meaning(runs=False, word="idle"),  # Ended
        6: Meaning(runs=False, word="idle"),  # Aborted
    }
)
TABLES = {"packml": PACKML, "job_order": JOB_ORDER}


@dataclass(frozen=True, slots=True)
class Shown:
    """A line's state point at one moment."""

    seen: Seen
    number: int


def words(line: Line) -> Mapping[int, records.LineState]:
    """What the numbers of a line's state point mean."""
    table = TABLES.get(line.told_by)
    if table is not None:
        return {number: meaning.word for number, meaning in table.items()}
    return {int(number): word for number, word in line.states.items()}


def runs(line: Line, number: int) -> bool | None:
    """Whether a batch runs in the state of that number; None for one that the standard does not know."""
    meaning = TABLES[line.told_by].get(number)
    return None if meaning is None else meaning.runs


def changed(line: Line, last: Shown | None, now: Shown) -> EventPart | None:
    """The event that tells of another state than at the last look; None if it is the same.

    Its edge rests on the two looks alone: a source's time is that of the last change, and there may have been others.
    """
    known = words(line)
    word = known.get(now.number)
    detail: dict[str, object] = {"state": word, "number": now.number}
    if last is None:
        detail |= {"was": None, "seen": now.seen.model_dump()}
        return EventPart(event="line_state", about=line.name, at_ns=now.seen.answered_ns, detail=detail)
    if known.get(last.number) == word:
        return None
    at = edge(last.seen, now.seen, line.lag_ms * 1_000_000, None)
    detail |= {"was": known.get(last.number), "was_number": last.number, "edge": at.model_dump()}
    return EventPart(event="line_state", about=line.name, at_ns=at.latest_ns, detail=detail)
