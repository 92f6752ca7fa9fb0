"""What was counted in a window, and how that of two instruments, one after the other, adds up.

In and out: amounts in canonical units. Pure. Never: a sum of which one part is not known.
"""

from dataclasses import dataclass

from agent.aggregation.convolve import half_width_95
from agent.aggregation.uncertainty import root_up
from contract.budget import Budget, Corrected

EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True)
class Amount:
    """What was counted in a window, in canonical units; None where nothing can be claimed."""

    amount: int | None
    lower: int | None
    upper: int | None
    u95: int | None
    interpolated_ppm: int
    anomalies: tuple[str, ...]
    uncertainty: Budget | None = None
    corrected: Corrected | None = None
    by_power: int | None = None
    by_power_slack: int | None = None


def nothing(*why: str) -> Amount:
    """An amount that is not known, and why."""
    return Amount(None, None, None, None, 0, why)


def together(old: Amount, new: Amount) -> Amount:
    """What two instruments counted in one window, of which the second took the first one's place.

    Amounts and bounds add up. The share between whole readings is that of the energy, rounded down as ever. There is no
    corrected amount, for two certificates state two errors, and none by power, which neither meter saw all through.
    """
    anomalies = (EXCHANGE, *old.anomalies, *new.anomalies)
    if old.amount is None or new.amount is None:
        return nothing(*anomalies)
    budget = None if old.uncertainty is None or new.uncertainty is None else _budget(old.uncertainty, new.uncertainty)
    return Amount(
        old.amount + new.amount,
        _sum(old.lower, new.lower),
        _sum(old.upper, new.upper),
        None if old.uncertainty is None or new.uncertainty is None else _u95(old.uncertainty, new.uncertainty),
        _interpolated((abs(old.amount), old.interpolated_ppm), (abs(new.amount), new.interpolated_ppm)),
        anomalies,
        budget,
    )


def _interpolated(*parts: tuple[int, int]) -> int:
    """The share by energy, rounded up; where nothing was counted, the larger one."""
    whole = sum(energy for energy, _ in parts)
    return -(-sum(energy * ppm for energy, ppm in parts) // whole) if whole else max(ppm for _, ppm in parts)


def _budget(old: Budget, new: Budget) -> Budget:
    """Errors of two instruments are independent (GUM 5.1.2); transformers stay where they are, so theirs are one."""
    return Budget(
        meter=_root(old.meter, new.meter),
        certificate=_root(old.certificate, new.certificate),
        ct=_sum(old.ct, new.ct),
        pt=_sum(old.pt, new.pt),
        phase=_sum(old.phase, new.phase),
        resolution=root_up(old.resolution**2 + new.resolution**2, 1),
        start=_root(old.start, new.start),
        end=_root(old.end, new.end),
        clock=root_up(old.clock**2 + new.clock**2, 1),
        offset=_sum(old.offset, new.offset),
    )


def _u95(old: Budget, new: Budget) -> int | None:
    """The parts convolved: a rectangle's width squared is twelve times its variance.

    Each instrument has two edges, the resolution of two readings and two clock errors; one of its edges is the
    exchange, at which it was read.
    """
    widths: list[int | None] = [_width(_sum(getattr(old, part), getattr(new, part))) for part in ("ct", "pt", "phase")]
    for one in (old, new):
        widths.append(_width(one.meter))
        widths += [
            None if own is None else root_up(12 * own**2 + 6 * one.resolution**2, 1) for own in (one.start, one.end)
        ]
        widths += [root_up(6 * one.clock**2, 1)] * 2
    known = [width for width in widths if width is not None]
    offset = _sum(old.offset, new.offset)
    if len(known) < len(widths) or offset is None or old.certificate is None or new.certificate is None:
        return None
    return half_width_95(known, [old.certificate, new.certificate], offset)


def _width(sigma: int | None) -> int | None:
    return None if sigma is None else root_up(12 * sigma * sigma, 1)


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _root(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else root_up(one * one + other * other, 1)
