"""Class limits as data: the largest error a standard allows a meter or current transformer of a class, by load.

A load in and limits in ppm out, always the worst over every load from the stated one upwards: that is what holds for a
window in which the load is only known to stay above a floor. Below a class's lowest load no limit is stated, and none
is invented.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MeterClass:
    """Limits of error as (from this load on, in permille of rated current; limit in ppm), loads rising.

    `unity` holds at power factor 1, `inductive` down to 0.5 inductive and 0.8 capacitive; balanced load.
    """

    source: str
    unity: tuple[tuple[int, int], ...]
    inductive: tuple[tuple[int, int], ...]


def _mid(temperatures: str, ppm: int) -> MeterClass:
    # The directive's load ranges start at the meter's own Imin, not at a share of the rated current: the figure is the
    # worse of its two ranges and holds for loads that the caller knows to be at or above Imin.
    source = f"Directive 2014/32/EU, annex V, table 2, {temperatures}"
    return MeterClass(source, ((0, ppm),), ((0, ppm),))


_IEC_22 = "IEC 62053-22, percentage error limits"
_IEC_21 = "IEC 62053-21, percentage error limits, transformer-operated"
# In a hot switchboard or outdoors the wider temperature range applies.
METER_CLASSES = {
    "0.2S": MeterClass(_IEC_22, ((10, 4_000), (50, 2_000)), ((20, 5_000), (100, 3_000))),
    "0.5S": MeterClass(_IEC_22, ((10, 10_000), (50, 5_000)), ((20, 10_000), (100, 6_000))),
    "1": MeterClass(_IEC_21, ((20, 15_000), (50, 10_000)), ((50, 15_000), (100, 10_000))),
    "2": MeterClass(_IEC_21, ((20, 25_000), (50, 20_000)), ((50, 25_000), (100, 20_000))),
    "MID A": _mid("5..30 C", 35_000),
    "MID B": _mid("5..30 C", 20_000),
    "MID C": _mid("5..30 C", 10_000),
    "MID A, -10..40 C": _mid("-10..40 C", 50_000),
    "MID B, -10..40 C": _mid("-10..40 C", 25_000),
    "MID C, -10..40 C": _mid("-10..40 C", 13_000),
}

# IEC 61869-2, accuracy classes of measuring current transformers: at this load (permille of rated primary current), the
# ratio error in ppm and the phase displacement in minutes. Between two loads the lower one's limits, the wider, are
# taken.
CT_CLASSES = {
    "0.2S": ((10, 7_500, 30), (50, 3_500, 15), (200, 2_000, 10)),
    "0.5S": ((10, 15_000, 90), (50, 7_500, 45), (200, 5_000, 30)),
    "0.2": ((50, 7_500, 30), (200, 3_500, 15), (1000, 2_000, 10)),
    "0.5": ((50, 15_000, 90), (200, 7_500, 45), (1000, 5_000, 30)),
    "1": ((50, 30_000, 180), (200, 15_000, 90), (1000, 10_000, 60)),
}
# One minute of arc, pi / 10800 rad, rounded up to whole picoradians.
_PRAD_PER_MINUTE = 290_888_209


def meter_limit_ppm(name: str, load_permille: int, *, inductive: bool) -> int:
    """Limit of error of a meter of class `name` at any load from `load_permille` of its rated current upwards, in ppm.

    Raises ValueError for an unknown class or a load below the lowest one the class states a limit for.
    """
    if name not in METER_CLASSES:
        raise ValueError(f"meter class {name!r} is not known: give one of {', '.join(METER_CLASSES)}")
    steps = METER_CLASSES[name].inductive if inductive else METER_CLASSES[name].unity
    return steps[_step(f"meter class {name}", [load for load, _ in steps], load_permille)][1]


def ct_limits(name: str, load_permille: int) -> tuple[int, int]:
    """(ratio error in ppm, phase displacement in urad) of a CT at any load from `load_permille` upwards.

    Raises ValueError for an unknown class or a load below the lowest one the class states limits for.
    """
    if name not in CT_CLASSES:
        raise ValueError(f"CT class {name!r} is not known: give one of {', '.join(CT_CLASSES)}")
    steps = CT_CLASSES[name]
    _, ratio_ppm, minutes = steps[_step(f"CT class {name}", [load for load, _, _ in steps], load_permille)]
    return ratio_ppm, -(-minutes * _PRAD_PER_MINUTE // 10**6)


def _step(what: str, loads: list[int], load_permille: int) -> int:
    """Index of the step in force at the load: the worst of all above it, for limits only narrow as it rises."""
    if load_permille < loads[0]:
        raise ValueError(
            f"{what}: no limit is stated at {load_permille} permille of rated current: the lowest load is {loads[0]}"
        )
    return sum(load <= load_permille for load in loads) - 1
