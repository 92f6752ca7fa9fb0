"""Uncertainty of the true energy of one window: limits and bounds in, an expanded uncertainty U95 with its parts out.

It stands beside the indicated energy and never changes it. Integers throughout; every figure is rounded once, up. A
part that is not known is None and makes U95 None; it is never taken for zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING

from agent.aggregation.convolve import half_width_95
from contract.budget import Budget, Corrected

if TYPE_CHECKING:
    from collections.abc import Sequence

# Widths are counted in millionths of a canonical unit, in which an energy times its ppm is whole.
_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Instrument:
    """Limits of error of the measuring chain: half-widths of rectangular distributions, relative to the energy, in ppm.

    0 says that the chain has no such part (a direct-connected meter has no CT). `phase_urad` is the phase displacement
    of CT and PT together in microradians, `tan_phi_milli` the load's tan(phi) x 1000; their product is the relative
    error of active energy. Where a certificate states the meter's error, `error_ppm`, with the expanded uncertainty
    `certificate_ppm` (k = 2, a normal distribution), `meter_ppm` is the allowance for its drift since.
    """

    meter_ppm: int
    ct_ppm: int = 0
    pt_ppm: int = 0
    phase_urad: int = 0
    tan_phi_milli: int = 0
    certificate_ppm: int = 0
    error_ppm: int | None = None


@dataclass(frozen=True, slots=True)
class EdgeBounds:
    """Estimate of the counter at one edge and the bounds it is known to lie in, canonical units."""

    estimate: int
    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """U95 and its parts as standard uncertainties, canonical units, each rounded up; None is not known.

    `meter`, `ct`, `pt`, `phase`, `start`, `end` and `clock` (two, one an edge) are rectangular, `resolution` is two
    rectangles, `certificate` normal. `offset` is what the energy within the bounds' middles, corrected by the
    certificate, lies above the estimate: known, and so without a distribution. `corrected` is the estimate less the
    error a certificate states, None without one, with a U95 of its own.
    """

    u95: int | None
    meter: int | None
    certificate: int | None
    ct: int | None
    pt: int | None
    phase: int | None
    resolution: int
    start: int | None
    end: int | None
    clock: int
    offset: int | None
    error_ppm: int | None = None
    corrected: int | None = None
    corrected_u95: int | None = None

    def budget(self) -> Budget:
        """The parts, as an amount's record has them."""
        return Budget.model_validate({name: getattr(self, name) for name in Budget.model_fields})

    def correction(self) -> Corrected | None:
        """The corrected amount, as an amount's record has it."""
        if self.corrected is None or self.error_ppm is None:
            return None
        return Corrected(amount=self.corrected, u95=self.corrected_u95, error_ppm=self.error_ppm)


def u95(
    energy: int, instrument: Instrument | None, step: int, edges: Sequence[EdgeBounds] | None, clock: int = 0
) -> Uncertainty:
    """State the parts after the GUM (JCGM 100:2008) and convolve their distributions after its Supplement 1.

    meter, ct, pt, phase: each limit p is rectangular, p / sqrt(3) (GUM 4.3.7). It is the same unknown error all
        through, so it grows linearly with the energy: over several windows of one meter these parts add up, not their
        squares.
    resolution: a register shows the counter to within `step`: step / sqrt(12) per reading (GUM F.2.2.1), two readings.
    edges: none, or the start and the end. The counter at an edge lies anywhere in its bounds. The step lies inside
        them and counts under resolution, so the parts `start` and `end` are what is left without it (GUM 4.3.10:
        nothing twice); the convolution takes each edge as the one rectangle that its bounds are. The estimate is
        published as it stands, so its distance from their middle is an offset (GUM F.2.4.5).
    clock: half-width in energy of the error that a clock error not yet inside the edges' intervals makes at each edge.

    Raises ValueError for negative arguments or an estimate outside its bounds.
    """
    if min(energy, step, clock) < 0:
        raise ValueError(f"energy {energy}, step {step}, clock {clock}: none may be negative")
    relative = None if instrument is None else _relative_ppm(instrument)
    spans = None if edges is None else [_width(edge, step) for edge in edges]
    meter, ct, pt, phase = [None] * 4 if relative is None else [_rectangle(2 * energy * ppm) for ppm in relative]
    sigma = None if instrument is None else -(-energy * instrument.certificate_ppm // 2)
    start, end = [None] * 2 if spans is None else [_without(span, step) for span in spans] or [0, 0]
    error_ppm = None if instrument is None else instrument.error_ppm
    correction = 0 if error_ppm is None else corrected_by(energy * _PPM, error_ppm)
    middle = None if edges is None else _middle(edges)
    offset = total = corrected = None
    if relative is not None and spans is not None and sigma is not None and middle is not None:
        offset = middle + correction
        widths = [*(2 * energy * ppm for ppm in relative), *(span * _PPM for span in spans), *[2 * clock * _PPM] * 2]
        total = -(-half_width_95(widths, [sigma], offset) // _PPM)
        corrected = None if error_ppm is None else -(-half_width_95(widths, [sigma], middle) // _PPM)
    return Uncertainty(
        u95=total,
        meter=meter,
        certificate=None if sigma is None else -(-sigma // _PPM),
        ct=ct,
        pt=pt,
        phase=phase,
        resolution=root_up(step * step, 6),
        start=start,
        end=end,
        clock=root_up(2 * clock * clock, 3),
        offset=None if offset is None else _away(offset),
        error_ppm=error_ppm,
        corrected=None if error_ppm is None else energy + corrected_by(energy, error_ppm),
        corrected_u95=corrected,
    )


def corrected_by(energy: int, error_ppm: int) -> int:
    """What corrects an indicated energy whose meter reads `error_ppm` too high: E / (1 + e) - E, half to even."""
    return _half_even(-energy * error_ppm, _PPM + error_ppm)


def root_up(numerator: int, denominator: int) -> int:
    """The smallest integer whose square is at least numerator / denominator, which is not negative."""
    whole = -(-numerator // denominator)
    return isqrt(whole - 1) + 1 if whole > 0 else 0


def _rectangle(width: int) -> int:
    """Standard uncertainty of a rectangle whose width is given in millionths of a unit."""
    return root_up(width * width, 12 * _PPM * _PPM)


def _relative_ppm(instrument: Instrument) -> tuple[int, int, int, int]:
    """Limits of meter, ct, pt and phase; the phase error is rounded up to a whole ppm (1 urad x tan 1 is 1 ppm)."""
    limits = (instrument.meter_ppm, instrument.ct_ppm, instrument.pt_ppm)
    if min(*limits, instrument.phase_urad, instrument.tan_phi_milli, instrument.certificate_ppm) < 0:
        raise ValueError(f"{instrument}: limits are half-widths: none may be negative")
    return *limits, -(-instrument.phase_urad * instrument.tan_phi_milli // 1000)


def _width(edge: EdgeBounds, step: int) -> int:
    """Width of an edge's bounds, which no register resolves finer than its step."""
    if not edge.lower <= edge.estimate <= edge.upper:
        raise ValueError(f"{edge}: the estimate lies outside its bounds")
    return max(edge.upper - edge.lower, step)


def _without(span: int, step: int) -> int:
    return root_up(span * span - step * step, 12)


def _middle(edges: Sequence[EdgeBounds]) -> int:
    """Distance of the middle of what the edges' bounds allow from the estimate, in millionths."""
    twice = [edge.lower + edge.upper - 2 * edge.estimate for edge in edges] or [0, 0]
    return (twice[1] - twice[0]) * (_PPM // 2)


def _half_even(numerator: int, denominator: int) -> int:
    quotient, rest = divmod(numerator, denominator)
    return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient & 1))


def _away(millionths: int) -> int:
    return -(-millionths // _PPM) if millionths >= 0 else millionths // _PPM
