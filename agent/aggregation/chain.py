"""The measuring chain of a meter: what a manifest says of it in, its limits of error at a window's load out.

The load of a window is its mean power over the rated one; where that is not declared, the limits are the worst from a
tenth of the rated load upwards and down to a power factor of 0.8. A load or power factor for which a class states no
limit gives None: not known, never the nearest limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING

from agent.aggregation.certified import Certified, certified, error_at
from agent.aggregation.limits import TAN_PHI_MOST_MILLI, ct_limits, meter_limit_ppm, vt_limits
from agent.aggregation.uncertainty import Instrument

if TYPE_CHECKING:
    from contract import records

LOAD_PERMILLE, TAN_PHI_MILLI = 100, 750
_NS_PER_H = 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class Chain:
    """A meter and its transformers: their classes, None where there is none of the kind.

    `rated_w` is the active power at rated current (of the meter's transformers, or a direct-connected meter's basic
    or reference current), rated voltage and power factor 1, None where nobody states it.
    """

    meter_class: str
    ct_class: str | None = None
    pt_class: str | None = None
    rated_w: int | None = None
    certified: Certified | None = None
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """What a window says of the load: indicated energy in mWh from start to end; tan(phi) x 1000, None if not read."""

    energy_wh_milli: int
    start_ns: int
    end_ns: int
    tan_phi_milli: int | None = None


def chain_of(meter: records.MeterPart) -> Chain | None:
    """The chain a manifest describes; None where a class is not stated. Raises ValueError for an unknown class."""
    transformers = [one.accuracy_class for one in (meter.ct, meter.pt) if one is not None]
    if meter.accuracy_class is None or None in transformers:
        return None
    chain = Chain(
        meter.accuracy_class,
        None if meter.ct is None else meter.ct.accuracy_class,
        None if meter.pt is None else meter.pt.accuracy_class,
        meter.rated_w,
        certified(meter.certificate),
        direct=meter.ct is None,
    )
    instrument_at(chain, Window(0, 0, 0))  # an unknown class is told now, not at the first batch
    return chain


def instrument_at(chain: Chain, window: Window) -> Instrument | None:
    """The chain's limits of error at the window's load and power factor, by its certificate where that covers them."""
    tan_phi_milli = TAN_PHI_MILLI if window.tan_phi_milli is None else window.tan_phi_milli
    load = load_permille(chain, window)
    meter = None if load is None else _certified(chain, window, load)
    at = LOAD_PERMILLE if load is None else load
    ct = (0, 0) if chain.ct_class is None else ct_limits(chain.ct_class, at)
    pt = (0, 0) if chain.pt_class is None else vt_limits(chain.pt_class)
    if meter is None:
        # a direct-connected meter's limits begin later, but at a load that nobody states none is told from the other
        meter_ppm = meter_limit_ppm(
            chain.meter_class, at, inductive=tan_phi_milli > 0, direct=chain.direct and load is not None
        )
        meter = None if meter_ppm is None or tan_phi_milli > TAN_PHI_MOST_MILLI else _Meter(meter_ppm)
    if meter is None or ct is None or pt is None:
        return None
    return Instrument(
        meter.limit_ppm, ct[0], pt[0], ct[1] + pt[1], tan_phi_milli, meter.certificate_ppm, meter.error_ppm
    )


def load_permille(chain: Chain, window: Window) -> int | None:
    """Mean current over the rated one in permille, rounded down; None where the rated power is not stated.

    At rated voltage apparent power is P sqrt(1 + tan(phi)^2). Where the power factor is not read, P itself stands for
    it: the current is never less, and limits only narrow as it rises.
    """
    duration_ns = window.end_ns - window.start_ns
    if chain.rated_w is None or duration_ns <= 0:
        return None
    load = window.energy_wh_milli * _NS_PER_H // (duration_ns * chain.rated_w)
    tan_phi_milli = window.tan_phi_milli or 0
    return isqrt(load * load * (10**6 + tan_phi_milli**2) // 10**6)


@dataclass(frozen=True, slots=True)
class _Meter:
    """The meter's own part: a rectangular limit, and a certificate's error with its U where there is one."""

    limit_ppm: int
    certificate_ppm: int = 0
    error_ppm: int | None = None


def _certified(chain: Chain, window: Window, load: int) -> _Meter | None:
    known = chain.certified
    if known is None or not known.from_ns <= window.start_ns <= window.end_ns <= known.to_ns:
        return None
    found = error_at(known.points, load, window.tan_phi_milli)
    return None if found is None else _Meter(known.drift_ppm + found.spread_ppm, found.u_ppm, found.error_ppm)
