"""What pages are told each second: unsigned, for the eye alone.

In: the recorder's snapshot and the last scans. Out: a JSON-ready dict of integers. Running batches are measured up to
the latest instant that is already bracketed by readings, so even a live figure has bounds.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from agent import closing
from agent.aggregation.replay import Counter, Readings, amounts
from agent.batches import Running
from agent.closing import Place
from agent.drivers import Scan
from agent.drivers.profile import Point
from agent.drivers.registers import scaled, unit_of
from agent.known import Known
from agent.manifest import MeterPlan
from agent.rows import Lines
from agent.schedule import Polled
from contract.records import LinePart

NS_PER_MS = 1_000_000
SHOWN = ("w_milli", "wh_milli", "m3_micro", "m3_per_h_milli", "l_per_min_milli", "g_milli")
SHOWN_MAX = 4  # values of a meter: of hundreds of meters no page shows more


def meters(
    plans: Sequence[MeterPlan],
    last: Mapping[str, Sequence[Scan]],
    polled: Mapping[str, Polled] = MappingProxyType({}),
) -> list[dict[str, object]]:
    """Each meter's last answer: status, time, a few values by point and canonical unit; slots missed, if any were."""
    told: list[dict[str, object]] = []
    for plan in plans:
        scans = last.get(plan.meter.name, ())
        found = {r.point: r for scan in sorted(scans, key=lambda s: s.answered_ns) for r in scan.readings}
        values: dict[str, int] = {}
        for point in _shown(plan):
            reading = found.get(point.id)
            if reading is None or reading.raw is None:
                continue
            scale = found.get(point.scale_point) if point.scale_point else None
            scale_raw = None if scale is None else scale.raw
            values[f"{point.id}_{unit_of(point)}"] = scaled(point, reading.raw, plan.ratio, scale_raw)
        worst = max((reading.status for reading in found.values()), default=0)
        answered_ns = max((scan.answered_ns for scan in scans), default=0)
        now: dict[str, object] = {
            "meter": plan.meter.name,
            "status": worst,
            "answered_ns": answered_ns,
            "values": values,
        }
        place = polled.get(plan.meter.name)
        if place is not None and place.missed:
            now |= {
                "missed": place.missed,
                "late_ms_max": place.late_ns_max // NS_PER_MS,
                "took_ms": place.took_ns // NS_PER_MS,
            }
        told.append(now)
    return told


def _shown(plan: MeterPlan) -> list[Point]:
    """Powers first, each kind in the profile's order."""
    points = [p for p in plan.profile.measured if p.type != "text" and unit_of(p) in SHOWN]
    return sorted(points, key=lambda p: p.quantity != "active_power")[:SHOWN_MAX]


def running(lines: Lines, parts: Mapping[str, LinePart], known: Known) -> list[dict[str, object]]:
    """Each running batch: its energy and output so far, None where nothing can be claimed yet."""
    told: list[dict[str, object]] = []
    for name, state in lines.states.items():
        if state.running is None or name not in parts:
            continue
        found = {"energy": None, "good": None, "scrap": None} | _so_far(state.running, parts[name], known)
        told.append(
            {
                "line": name,
                "batch": state.running.batch,
                "product": state.running.product,
                "start_ns": state.running.start.earliest_ns,
                **found,
            }
        )
    return told


def _so_far(batch: Running, line: LinePart, known: Known) -> dict[str, dict[str, int | None]]:
    """Per role, amount and bounds from the batch's start to the latest instant that all its counters bracket."""
    places: dict[str, list[Place]] = {}
    for role, ref in closing.refs(line):
        if role == "medium":
            continue  # each has a unit of its own: there is no sum of them
        places.setdefault(role, []).append((ref.meter, ref.point))
    start = (batch.start.earliest_ns, batch.start.latest_ns)
    sums: dict[str, dict[str, int | None]] = {}
    for name, counted in places.items():
        at_ns = min(_bracketed_ns(known.columns[place], known.counters[place]) for place in counted)
        if at_ns < start[1]:
            continue
        edges = [start, (at_ns, at_ns)]
        found = [amounts(known.counters[place], known.columns[place], edges, [(0, 1)])[0] for place in counted]
        sums[name] = {
            "amount": _sum([one.amount for one in found]),
            "lower": _sum([one.lower for one in found]),
            "upper": _sum([one.upper for one in found]),
        }
    return sums


def _bracketed_ns(column: Readings, counter: Counter) -> int:
    """The latest instant at which the newest reading still gives an upper bound; 0 without a reading."""
    return int(column.requested_ns[-1]) - max(0, counter.age_ns) if column.requested_ns.size else 0


def _sum(found: Sequence[int | None]) -> int | None:
    """The sum of what is known, None if anything is not."""
    known = [one for one in found if one is not None]
    return sum(known) if len(known) == len(found) else None
