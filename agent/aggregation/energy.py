"""Energy of one window: two edges of the same Boundaries in, one frozen record of Python ints out.

Every window takes its edges' shared estimates, so the energies of any partition add up to the counter difference to the
last digit. A window with an unknown edge, or across a stretch change, has no energy: never zero, never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.aggregation.bounds import MISSING
from agent.aggregation.window import MEASURED, UNKNOWN, Boundaries

_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class WindowEnergy:
    """Indicated energy of a window with its bounds, in the counter's canonical unit; None is not known.

    `method_share_ppm[MEASURED]` of the energy lies between whole readings, `method_share_ppm[INTERPOLATED]` in the
    parts at the edges; they add up to 1,000,000 (the measured share is rounded down). `complete`: later readings can
    neither change this record nor narrow its bounds: the energy is known, and readings on both sides of both edges
    bound it, unless the register's age is unknown, when no bounds can be claimed.
    """

    energy: int | None
    lower: int | None
    upper: int | None
    method_share_ppm: tuple[int, int] | None
    complete: bool


_NOTHING = WindowEnergy(None, None, None, None, complete=False)


def window_energy(boundaries: Boundaries, start_edge_index: int, end_edge_index: int) -> WindowEnergy:
    """Energy between two edges of `boundaries`.

    Lower bound: max(0, lower at the end - upper at the start), for a counter never runs back; upper bound: upper at the
    end - lower at the start. A window without length holds exactly nothing. Raises ValueError if there is no such edge,
    or if the end edge begins or ends earlier than the start edge.
    """
    b, start, end = boundaries, start_edge_index, end_edge_index
    check_window(b, start, end)
    if b.method[start] == UNKNOWN or b.stretch[start] != b.stretch[end]:  # an unknown end has stretch -1
        return _NOTHING
    energy = int(b.estimate[end]) - int(b.estimate[start])
    shares = _shares(b, start, end, energy)
    if has_no_length(b, start, end):
        return WindowEnergy(0, 0, 0, shares, complete=True)
    lower = _difference(int(b.lower[end]), int(b.upper[start]))
    upper = _difference(int(b.upper[end]), int(b.lower[start]))
    return WindowEnergy(
        energy=energy,
        lower=None if lower is None else max(0, lower),
        upper=upper,
        method_share_ppm=shares,
        complete=b.age_ns < 0 or all(min(b.floor[edge], b.ceiling[edge]) >= 0 for edge in (start, end)),
    )


def check_window(boundaries: Boundaries, start: int, end: int) -> None:
    """Raise ValueError unless both edges exist and the end edge neither begins nor ends earlier than the start edge."""
    edges = boundaries.earliest_ns.size
    if not (0 <= start < edges and 0 <= end < edges):
        raise ValueError(f"window {start}..{end}: there are {edges} edges: give indices from 0 to {edges - 1}")
    began, ended = ((int(boundaries.earliest_ns[edge]), int(boundaries.latest_ns[edge])) for edge in (start, end))
    if ended[0] < began[0] or ended[1] < began[1]:
        raise ValueError(
            f"window {start}..{end}: it ends at {ended} ns before it starts at {began} ns: correct or narrow the edges"
        )


def has_no_length(boundaries: Boundaries, start: int, end: int) -> bool:
    """Whether both edges are one and the same instant, however well it is known."""
    return start == end or bool(boundaries.earliest_ns[start] == boundaries.latest_ns[end])


def _shares(b: Boundaries, start: int, end: int, energy: int) -> tuple[int, int]:
    """Split 1,000,000 into what lies between whole readings of the window and what was interpolated at its edges."""
    whole = int(b.counter[b.before[end]]) - int(b.counter[b.after[start]])
    if energy == 0:
        measured = _PPM if b.method[start] == b.method[end] == MEASURED else 0
    else:
        measured = max(0, min(whole * _PPM // energy, _PPM))
    return measured, _PPM - measured


def _difference(minuend: int, subtrahend: int) -> int | None:
    return None if MISSING in (minuend, subtrahend) else minuend - subtrahend
