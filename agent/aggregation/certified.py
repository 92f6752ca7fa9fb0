"""A meter's error as its certificate states it, point by point: points in, the error at a window's load out.

Between two loads the error is taken along the straight line between them; beyond the outermost ones nothing is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contract import records
    from contract.error_points import ErrorPoint


@dataclass(frozen=True, slots=True)
class Certified:
    """Error points of a certificate, when it holds, and what the meter may have drifted since, in ppm."""

    points: tuple[tuple[int, int, int, int], ...]  # load permille, power factor milli, error ppm, U ppm
    drift_ppm: int
    from_ns: int
    to_ns: int


@dataclass(frozen=True, slots=True)
class MeterError:
    """Error of the indicated energy in ppm, its expanded uncertainty (k = 2), half the spread over power factors."""

    error_ppm: int
    u_ppm: int
    spread_ppm: int


def certified(certificate: records.Certificate | None) -> Certified | None:
    """What a manifest says of a certificate's points; None if it has none."""
    if certificate is None or not certificate.points:
        return None
    points = tuple(sorted(_row(point) for point in certificate.points))
    return Certified(points, certificate.drift_ppm or 0, certificate.valid_from_ns, certificate.valid_to_ns)


def error_at(
    points: Sequence[tuple[int, int, int, int]], load_permille: int, tan_phi_milli: int | None
) -> MeterError | None:
    """The error at a load: by the points of the power factor next to the load's, or, if that is not read, of any.

    Of several power factors the error is the middle of the lowest and highest, and half their distance its spread. None
    if the points of one of them do not reach to this load.
    """
    factors = sorted({point[1] for point in points})
    if tan_phi_milli is not None:
        # cos(phi) x 1000, rounded down
        factor = isqrt(10**12 // (10**6 + tan_phi_milli**2))
        factors = [min(factors, key=lambda one: (abs(one - factor), one))]
    found = [_between([p for p in points if p[1] == one], load_permille) for one in factors]
    known = [one for one in found if one is not None]
    if not known or len(known) < len(found):
        return None
    low, high = min(error for error, _ in known), max(error for error, _ in known)
    return MeterError((low + high) // 2, max(u for _, u in known), (high - low + 1) // 2)


def _between(points: Sequence[tuple[int, int, int, int]], load: int) -> tuple[int, int] | None:
    """(error, U) at a load; the wider U of the two points around it."""
    below = [point for point in points if point[0] <= load]
    above = [point for point in points if point[0] >= load]
    if not below or not above:
        return None
    (start, _, first, one), (end, _, last, other) = below[-1], above[0]
    along = Fraction(load - start, end - start) if end > start else Fraction(0)
    return round(first + along * (last - first)), max(one, other)


def _row(point: ErrorPoint) -> tuple[int, int, int, int]:
    return (point.load_permille, point.power_factor_milli, point.error_ppm, point.u_ppm)
