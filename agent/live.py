"""What pages are told each second: unsigned, for the eye alone.

In: the last scans, and what the recorder knows of running batches. Out: a JSON-ready dict of integers. Running batches
are measured up to the latest instant that is already bracketed by readings, so even a live figure has bounds.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from agent.drivers import Scan
from agent.drivers.profile import Point
from agent.drivers.registers import scaled, unit_of
from agent.manifest import MeterPlan
from agent.rows import Lines
from agent.schedule import Polled
from agent.so_far import SoFar

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
        place = polled.get(plan.meter.name)
        if place is not None and place.answers:  # who sends messages answers, though it may have nothing to say
            answered_ns = max(answered_ns, place.rested_ns)
        now: dict[str, object] = {
            "meter": plan.meter.name,
            "status": worst,
            "answered_ns": answered_ns,
            "values": values,
        }
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
    numbers = [p for p in plan.profile.measured if p.type != "text"]
    points = [p for p in numbers if unit_of(p) in SHOWN or (p.kind == "counter" and unit_of(p) == "one_milli")]
    return sorted(points, key=lambda p: p.quantity != "active_power")[:SHOWN_MAX]


def running(lines: Lines, so_far: Mapping[str, SoFar]) -> list[dict[str, object]]:
    """Each line's running batch: its energy and output so far, None where nothing can be claimed yet.

    Of several at once the one that began first, and `beside` it the others' names: what is counted since is all theirs.
    """
    told: list[dict[str, object]] = []
    for name, state in lines.states.items():
        if state.running is None or name not in so_far:
            continue
        found = {"energy": None, "good": None, "scrap": None} | so_far[name].told()
        now: dict[str, object] = {
            "line": name,
            "batch": state.running.batch,
            "product": state.running.product,
            "start_ns": state.running.start.earliest_ns,
            **found,
        }
        told.append(now | ({"beside": [one.batch for one in state.beside]} if state.beside else {}))
    return told
