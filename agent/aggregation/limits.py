"""Class limits as data: the largest error a standard allows a meter or instrument transformer of a class, by load.

A load in and limits in ppm out, always the worst over every load from the stated one upwards: that is what holds for a
window in which the load is only known to stay above a floor. Where a class states no limit, none is invented: None.
"""

from __future__ import annotations

from dataclasses import dataclass

# Current transformers have limits up to 120 % of the rated current, unless an extended range is agreed (IEC 61869-2).
CT_LOAD_MOST_PERMILLE = 1200
# Meters have limits down to a power factor of 0.5 inductive: tan(phi) x 1000, rounded up.
TAN_PHI_MOST_MILLI = 1_733


@dataclass(frozen=True, slots=True)
class Steps:
    """Limits of error as (from this load on, in permille of rated current; limit in ppm), loads rising.

    `unity` holds at power factor 1, `inductive` down to 0.5 inductive and 0.8 capacitive; balanced load.
    """

    unity: tuple[tuple[int, int], ...]
    inductive: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class MeterClass:
    """Limits of a transformer-operated meter, and of a `direct`-connected one in its basic or reference current."""

    source: str
    transformer: Steps
    direct: Steps


def _mid(temperatures: str, ppm: int) -> MeterClass:
    # The directive's two load ranges start at Imin and at the transitional current Itr, a twentieth of a
    # transformer-operated meter's rated current and a tenth of a direct-connected one's. How far below Itr a meter's
    # Imin lies is its maker's choice, so no limit is taken from there. The figure is the worse of the two ranges.
    source = f"Directive 2014/32/EU, annex V, table 2, {temperatures}"
    return MeterClass(source, Steps(((50, ppm),), ((50, ppm),)), Steps(((100, ppm),), ((100, ppm),)))


def _iec_22(unity: tuple[tuple[int, int], ...], inductive: tuple[tuple[int, int], ...]) -> MeterClass:
    # The standard is for transformer-operated meters; one that holds its transformers in itself is taken for one.
    return MeterClass("IEC 62053-22, percentage error limits", Steps(unity, inductive), Steps(unity, inductive))


def _iec_21(low_ppm: int, ppm: int) -> MeterClass:
    return MeterClass(
        "IEC 62053-21, percentage error limits",
        Steps(((20, low_ppm), (50, ppm)), ((50, low_ppm), (100, ppm))),
        Steps(((50, low_ppm), (100, ppm)), ((100, low_ppm), (200, ppm))),
    )


# The limits of IEC 62053-21 and of the directive were compared with published copies of their tables; those of
# IEC 62053-22 with no copy, only with the project's own field notes. Its classes 0.1S and 0.5 of the editions of 2020
# and the narrower limits of EN 50470-3 (which a MID class meets as well) could not be compared and are not here.
# In a hot switchboard or outdoors the wider temperature range applies.
METER_CLASSES = {
    "0.2S": _iec_22(((10, 4_000), (50, 2_000)), ((20, 5_000), (100, 3_000))),
    "0.5S": _iec_22(((10, 10_000), (50, 5_000)), ((20, 10_000), (100, 6_000))),
    "1": _iec_21(15_000, 10_000),
    "2": _iec_21(25_000, 20_000),
    "MID A": _mid("5..30 C", 35_000),
    "MID B": _mid("5..30 C", 20_000),
    "MID C": _mid("5..30 C", 10_000),
    "MID A, -10..40 C": _mid("-10..40 C", 50_000),
    "MID B, -10..40 C": _mid("-10..40 C", 25_000),
    "MID C, -10..40 C": _mid("-10..40 C", 13_000),
    "MID A, -25..55 C": _mid("-25..55 C", 70_000),
    "MID B, -25..55 C": _mid("-25..55 C", 35_000),
    "MID C, -25..55 C": _mid("-25..55 C", 17_000),
    "MID A, -40..70 C": _mid("-40..70 C", 90_000),
    "MID B, -40..70 C": _mid("-40..70 C", 40_000),
    "MID C, -40..70 C": _mid("-40..70 C", 20_000),
}

# IEC 61869-2, accuracy classes of measuring current transformers: at this load (permille of rated primary current), the
# ratio error in ppm and the phase displacement in minutes. Between two loads the lower one's limits, the wider, are
# taken. Classes 3 and 5 state no phase displacement, so nothing can be said of an energy behind them.
CT_CLASSES: dict[str, tuple[tuple[int, int, int | None], ...]] = {
    "0.1": ((50, 4_000, 15), (200, 2_000, 8), (1000, 1_000, 5)),
    "0.2S": ((10, 7_500, 30), (50, 3_500, 15), (200, 2_000, 10)),
    "0.5S": ((10, 15_000, 90), (50, 7_500, 45), (200, 5_000, 30)),
    "0.2": ((50, 7_500, 30), (200, 3_500, 15), (1000, 2_000, 10)),
    "0.5": ((50, 15_000, 90), (200, 7_500, 45), (1000, 5_000, 30)),
    "1": ((50, 30_000, 180), (200, 15_000, 90), (1000, 10_000, 60)),
    "3": ((500, 30_000, None),),
    "5": ((500, 50_000, None),),
}
# IEC 61869-3, accuracy classes of measuring voltage transformers, from 80 to 120 % of the rated voltage: ratio error in
# ppm and phase displacement in minutes.
VT_CLASSES: dict[str, tuple[int, int | None]] = {
    "0.1": (1_000, 5),
    "0.2": (2_000, 10),
    "0.5": (5_000, 20),
    "1": (10_000, 40),
    "3": (30_000, None),
}
# One minute of arc, pi / 10800 rad, rounded up to whole picoradians.
_PRAD_PER_MINUTE = 290_888_209


def meter_limit_ppm(name: str, load_permille: int, *, inductive: bool, direct: bool = False) -> int | None:
    """Limit of error of a meter of class `name` at any load from `load_permille` of its rated current upwards, in ppm.

    None below the lowest load that the class states a limit for. Raises ValueError for an unknown class.
    """
    if name not in METER_CLASSES:
        raise ValueError(f"meter class {name!r} is not known: give one of {', '.join(METER_CLASSES)}")
    known = METER_CLASSES[name]
    steps = known.direct if direct else known.transformer
    reached = [ppm for load, ppm in (steps.inductive if inductive else steps.unity) if load <= load_permille]
    return reached[-1] if reached else None


def ct_limits(name: str, load_permille: int) -> tuple[int, int] | None:
    """(ratio error in ppm, phase displacement in urad) of a CT at any load from `load_permille` upwards.

    None outside the loads that the class states limits for, or if it states no phase displacement. Raises ValueError
    for an unknown class.
    """
    if name not in CT_CLASSES:
        raise ValueError(f"CT class {name!r} is not known: give one of {', '.join(CT_CLASSES)}")
    reached = [(ppm, minutes) for load, ppm, minutes in CT_CLASSES[name] if load <= load_permille]
    if not reached or load_permille > CT_LOAD_MOST_PERMILLE:
        return None
    return _with_urad(*reached[-1])


def vt_limits(name: str) -> tuple[int, int] | None:
    """(ratio error in ppm, phase displacement in urad) of a voltage transformer near its rated voltage.

    None if the class states no phase displacement. Raises ValueError for an unknown class.
    """
    if name not in VT_CLASSES:
        raise ValueError(f"VT class {name!r} is not known: give one of {', '.join(VT_CLASSES)}")
    return _with_urad(*VT_CLASSES[name])


def _with_urad(ppm: int, minutes: int | None) -> tuple[int, int] | None:
    return None if minutes is None else (ppm, -(-minutes * _PRAD_PER_MINUTE // 10**6))
