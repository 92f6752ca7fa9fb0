"""What a changed configuration means for an agent that is running: which buses stay open, and what needs a restart.

In: the plan in force and the next one. Out: a `Change`. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from agent.check import Plan, target


@dataclass(frozen=True, slots=True)
class Change:
    """Buses by name: `kept` go on with their connection, `closed` end, `opened` begin; a changed one is in both.

    `restart` are the keys that only a restart can change, `key.path: problem: hint`.
    """

    kept: frozenset[str]
    closed: frozenset[str]
    opened: frozenset[str]
    restart: tuple[str, ...]


def change(old: Plan, new: Plan) -> Change:
    """Compare two plans."""
    before, after = _buses(old), _buses(new)
    kept = frozenset(name for name in before if before[name] == after.get(name))
    restart = [
        f"{table}.{key}: changed: needs a restart of the agent"
        for table in ("agent", "mqtt")
        for key in _changed(getattr(old.config, table), getattr(new.config, table))
    ]
    return Change(kept, frozenset(before) - kept, frozenset(after) - kept, tuple(restart))


def _changed(old: BaseModel, new: BaseModel) -> list[str]:
    return [name for name in type(old).model_fields if getattr(old, name) != getattr(new, name)]


def _buses(plan: Plan) -> Mapping[str, object]:
    """Everything a driver is opened with, for each bus that some meter is on."""
    return {
        bus: (
            plan.buses[bus],
            {m.meter.name: target(m, plan.config.line) for m in plan.meters if m.meter.bus == bus},
        )
        for bus in {m.meter.bus for m in plan.meters}
    }
