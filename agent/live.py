"""What pages are told each second: unsigned, for the eye alone.

In: the recorder's snapshot and the last scans. Out: a JSON-ready dict of integers. Running batches are measured up to
the latest instant that is already bracketed by readings, so even a live figure has bounds.
"""

from collections.abc import Mapping, Sequence

from agent import closing
from agent.aggregation.replay import Counter, Readings, amounts
from agent.batches import Running
from agent.drivers import Scan
from agent.drivers.registers import scaled, unit_of
from agent.known import Known
from agent.manifest import MeterPlan
from agent.rows import Lines
from contract.records import LinePart

SHOWN = ("w_milli", "wh_milli", "m3_micro", "m3_per_h_milli", "l_per_min_milli", "g_milli")


def meters(plans: Sequence[MeterPlan], last: Mapping[str, Sequence[Scan]]) -> list[dict[str, object]]:
    """Each meter's last answer: status, time and values by point and canonical unit."""
    told: list[dict[str, object]] = []
    for plan in plans:
        scans = last.get(plan.meter.name, ())
        found = {r.point: r for scan in scans for r in scan.readings}
        values: dict[str, int] = {}
        for point in plan.profile.points:
            reading = found.get(point.id)
            if reading is None or reading.raw is None or point.type == "text" or unit_of(point) not in SHOWN:
                continue
            scale = found.get(point.scale_point) if point.scale_point else None
            scale_raw = None if scale is None else scale.raw
            values[f"{point.id}_{unit_of(point)}"] = scaled(point, reading.raw, plan.ratio, scale_raw)
        worst = max((reading.status for reading in found.values()), default=0)
        answered_ns = max((scan.answered_ns for scan in scans), default=0)
        told.append({"meter": plan.meter.name, "status": worst, "answered_ns": answered_ns, "values": values})
    return told


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
    """Per role, amount and bounds from the batch's start to the latest bracketed instant."""
    sums: dict[str, dict[str, int | None]] = {}
    start = (batch.start.earliest_ns, batch.start.latest_ns)
    for role, ref in closing.refs(line):
        counter, column = known.counters[ref.meter, ref.point], known.columns[ref.meter, ref.point]
        at_ns = _bracketed_ns(column, counter)
        if at_ns is None or at_ns < start[1]:
            continue
        found = amounts(counter, column, [start, (at_ns, at_ns)], [(0, 1)])[0]
        one = {"amount": found.amount, "lower": found.lower, "upper": found.upper}
        sums[role] = one if role not in sums else {name: _plus(sums[role][name], one[name]) for name in one}
    return sums


def _bracketed_ns(column: Readings, counter: Counter) -> int | None:
    """The latest instant at which the newest reading still gives an upper bound."""
    if not column.requested_ns.size:
        return None
    return int(column.requested_ns[-1]) - max(0, counter.age_ns)


def _plus(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left + right
