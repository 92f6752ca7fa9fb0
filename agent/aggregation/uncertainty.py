"""Uncertainty of the true energy of one window: limits and bounds in, an expanded uncertainty U95 with its parts out.

It stands beside the indicated energy and never changes it. Integers throughout: variances are exact over one common
denominator, and every figure is rounded once, up. A part that is not known is None and makes U95 None; it is never
taken for zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Variances are counted in 1/12e12 square units: 12 from rectangular distributions (width^2 / 12), 1e12 from squared
# ppm.
_PPM_SQUARED = 10**12
_DENOMINATOR = 12 * _PPM_SQUARED


@dataclass(frozen=True, slots=True)
class Instrument:
    """Limits of error of the measuring chain: half-widths of rectangular distributions, relative to the energy, in ppm.

    0 says that the chain has no such part (a direct-connected meter has no CT). `phase_urad` is the phase displacement
    of CT and PT together in microradians, `tan_phi_milli` the load's tan(phi) x 1000; their product is the relative
    error of active energy.
    """

    meter_ppm: int
    ct_ppm: int = 0
    pt_ppm: int = 0
    phase_urad: int = 0
    tan_phi_milli: int = 0


@dataclass(frozen=True, slots=True)
class EdgeBounds:
    """Estimate of the counter at one edge and the bounds it is known to lie in, canonical units."""

    estimate: int
    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """U95 and its parts as standard uncertainties, canonical units, each rounded up; None is not known."""

    u95: int | None
    instrument: int | None
    resolution: int
    edges: int | None
    clock: int


def u95(
    energy: int, instrument: Instrument | None, step: int, edges: Sequence[EdgeBounds] | None, clock: int = 0
) -> Uncertainty:
    """Combine the parts after the GUM (JCGM 100:2008) and expand with k = 2.

    instrument: each limit p is rectangular, p / sqrt(3) (GUM 4.3.7). It is the same unknown error all through, so it
        grows linearly with the energy: over several windows of one meter these parts add up, not their squares.
    resolution: a register shows the counter to within `step`: step / sqrt(12) per reading (GUM F.2.2.1), two readings.
    edges: the counter at an edge lies anywhere in its bounds of half-width a: a^2 / 3, plus the squared distance of the
        estimate from their middle, for the estimate is published as it stands (GUM F.2.4.5). The step lies inside these
        bounds and counts under resolution, so its share is taken out here (GUM 4.3.10: nothing twice). The two edges
        add in quadrature.
    clock: half-width in energy of the error that a clock error not yet inside the edges' intervals makes at each edge.

    k = 2 covers at least 95 % here although few parts dominate: for one rectangular part 2u is 1.15 a, beyond its end;
    for two equal ones (a triangle) 95 % needs 1.90 u; for many, 1.96 u. Raises ValueError for negative arguments or an
    estimate outside its bounds.
    """
    if min(energy, step, clock) < 0:
        raise ValueError(f"energy {energy}, step {step}, clock {clock}: none may be negative")
    relative = None if instrument is None else 4 * energy * energy * _ppm_squared(instrument)
    resolution = 2 * step * step * _PPM_SQUARED
    timing = None if edges is None else sum(_edge_twelfths(edge, step) for edge in edges) * _PPM_SQUARED
    clocks = 8 * clock * clock * _PPM_SQUARED
    total = None if relative is None or timing is None else relative + resolution + timing + clocks
    return Uncertainty(
        u95=None if total is None else _root_up(4 * total),
        instrument=None if relative is None else _root_up(relative),
        resolution=_root_up(resolution),
        edges=None if timing is None else _root_up(timing),
        clock=_root_up(clocks),
    )


def _ppm_squared(instrument: Instrument) -> int:
    """Sum of the squared relative limits; the phase error is rounded up to a whole ppm (1 urad x tan 1 is 1 ppm)."""
    limits = (instrument.meter_ppm, instrument.ct_ppm, instrument.pt_ppm)
    if min(*limits, instrument.phase_urad, instrument.tan_phi_milli) < 0:
        raise ValueError(f"{instrument}: limits are half-widths: none may be negative")
    phase_ppm = -(-instrument.phase_urad * instrument.tan_phi_milli // 1000)
    return sum(limit * limit for limit in (*limits, phase_ppm))


def _edge_twelfths(edge: EdgeBounds, step: int) -> int:
    """12 x the mean square of (counter - estimate) for a counter anywhere in the bounds, less that of the step."""
    if not edge.lower <= edge.estimate <= edge.upper:
        raise ValueError(f"{edge}: the estimate lies outside its bounds")
    width = edge.upper - edge.lower
    twice_off_middle = 2 * edge.estimate - edge.lower - edge.upper
    return max(0, width * width + 3 * twice_off_middle * twice_off_middle - step * step)


def _root_up(variance: int) -> int:
    """The smallest integer whose square is at least variance / _DENOMINATOR."""
    whole = -(-variance // _DENOMINATOR)
    return isqrt(whole - 1) + 1 if whole > 0 else 0
