"""A statement: what a period's batches used and emitted, product by product, and what it leaves out.

In: nothing; these are the records that attribution fills. Out: the one canonical JSON text of a statement. Integers,
text, booleans and null only; null is "not known", never zero.
"""

import json
from dataclasses import asdict, dataclass, fields
from typing import Literal

FORM = "metertrail/statement/v1"
LABEL = "partial: gate-to-gate energy"
LACKING = ("materials", "process emissions", "waste")
# unit a product may be declared per -> (canonical unit of its output, how many of these it is)
DECLARED: dict[str, tuple[Literal["g_milli", "one_milli"], int]] = {
    "kg": ("g_milli", 10**6),
    "t": ("g_milli", 10**9),
    "piece": ("one_milli", 10**3),
    "1000 pieces": ("one_milli", 10**6),
}


@dataclass(frozen=True, slots=True)
class FactorUsed:
    """The factor behind every emission of a statement, word for word."""

    id: str
    kind: str
    value: str
    unit: str
    region: str
    reference_period: str
    source: str


@dataclass(frozen=True, slots=True)
class Share:
    """A product's or a batch's part of a utility's energy; None if the utility's energy is not known."""

    utility: str
    energy_wh_milli: int | None


@dataclass(frozen=True, slots=True)
class MediumShare:
    """How much of a medium a batch used, in its canonical unit; None: not known."""

    medium: str
    unit: str
    amount: int | None


@dataclass(frozen=True, slots=True)
class MediumResult:
    """A medium in one canonical unit over the `batches` that counted it; `factor` and emissions are None without one.

    `u95` adds linearly, as that of energy does.
    """

    medium: str
    unit: str
    batches: int
    amount: int | None
    lower: int | None
    upper: int | None
    u95: int | None
    factor: str | None
    co2e_g_micro: int | None


@dataclass(frozen=True, slots=True)
class ProductResult:
    """One product over the period.

    Only batches that count are in the figures; `incomplete` and `excluded` (which includes them) are not, and stand in
    the statement's list of excluded batches. `direct_*` is what the lines' own meters say; `direct_u95_wh_milli`
    is the expanded uncertainty of their sum: one meter's limit of error is one error in all its batches, an edge shared
    by two of them is none, the rest is independent (summed.py).
    `measured_ppm` + `allocated_ppm` = 1,000,000 of the total energy. `*_per_unit` is per declared unit of good output:
    the period's sum over the period's sum. With `media`, `co2e_g_micro` is electricity's and theirs together. Output is
    in mg, or of a product declared by the piece in thousandths of one; the text has the two of the declared unit alone.
    """

    product: str
    unit: str
    batches: int
    incomplete: int
    excluded: int
    direct_wh_milli: int | None
    direct_lower_wh_milli: int | None
    direct_upper_wh_milli: int | None
    direct_u95_wh_milli: int | None
    utilities: tuple[Share, ...]
    energy_wh_milli: int | None
    good_g_milli: int | None
    scrap_g_milli: int | None
    wh_milli_per_unit: int | None
    co2e_g_micro: int | None
    co2e_g_micro_per_unit: int | None
    measured_ppm: int | None
    allocated_ppm: int | None
    media: tuple[MediumResult, ...] = ()
    electricity_co2e_g_micro: int | None = None
    good_one_milli: int | None = None
    scrap_one_milli: int | None = None


@dataclass(frozen=True, slots=True)
class UtilityResult:
    """One utility over the period: metered = allocated + unallocated, exactly."""

    utility: str
    key: str
    metered_wh_milli: int | None
    allocated_wh_milli: int | None
    unallocated_wh_milli: int | None
    volume_m3_micro: int | None
    wh_milli_per_m3: int | None


@dataclass(frozen=True, slots=True)
class Excluded:
    """A batch of the period that no product's figures count, and why. Its part of the utilities stays with it."""

    agent: str
    line: str
    batch: str
    product: str
    start_ns: int
    end_ns: int
    reason: str
    direct_wh_milli: int | None
    utilities: tuple[Share, ...]
    media: tuple[MediumShare, ...] = ()


@dataclass(frozen=True, slots=True)
class Late:
    """A batch of the period that no agent saw: who told it, why, and when; counted unless it is among the excluded."""

    agent: str
    line: str
    batch: str
    author: str
    reason: str
    end_ns: int
    told_ns: int


@dataclass(frozen=True, slots=True)
class SharedTime:
    """A batch of the period that ran at once with `beside` others of its line, whose energy they share by `key`.

    `whole_wh_milli` is what the line took over its window; `energy_wh_milli` its part, which alone counts; null where
    it is not known, and `why`.
    """

    agent: str
    line: str
    batch: str
    product: str
    start_ns: int
    end_ns: int
    key: str
    beside: int
    whole_wh_milli: int | None
    energy_wh_milli: int | None
    why: str | None


@dataclass(frozen=True, slots=True)
class ByHand:
    """A figure of a batch that a person gave: by the ledger's entry `entry`, and how: amendment, metered or reported.

    `recorded` is what the batch's own record says; `unused` is why `amount` does not count, null where it does.
    """

    entry: int
    agent: str
    line: str
    batch: str
    role: str
    how: str
    unit: str
    recorded: int | None
    amount: int | None
    unused: str | None
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class VirtualTerm:
    """One counter of a virtual meter over the period, and what it counts for."""

    agent: str
    meter: str
    point: str
    times: str
    amount: int | None
    lower: int | None
    upper: int | None
    u95: int | None


@dataclass(frozen=True, slots=True)
class VirtualResult:
    """A virtual meter over the period: the exact sum of its terms, rounded once; bounds at the terms' worst.

    `u95` is the root of the sum of the terms' squares; `relative_u95_ppm` is it over the amount.
    """

    virtual: str
    unit: str | None
    amount: int | None
    lower: int | None
    upper: int | None
    u95: int | None
    relative_u95_ppm: int | None
    warning: str | None
    terms: tuple[VirtualTerm, ...]


@dataclass(frozen=True, slots=True)
class HandReading:
    """A counter read by hand, [value, value_most], beside the bounds of what its register showed, and the verdict."""

    entry: int
    agent: str
    meter: str
    point: str
    earliest_ns: int
    latest_ns: int
    unit: str
    value: int | None
    value_most: int | None
    metered_lower: int | None
    metered_upper: int | None
    verdict: str
    text: str
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class HandAmount:
    """What a counter moved between two hand readings that no reading of the meter tells. It is in no sum."""

    first_entry: int
    last_entry: int
    agent: str
    meter: str
    point: str
    from_ns: int
    to_ns: int
    unit: str
    method: str
    amount: int | None
    lower: int | None
    upper: int | None
    why_unknown: str | None


@dataclass(frozen=True, slots=True)
class Billed:
    """An invoice beside what its counters counted over its period. It is in no sum."""

    entry: int
    supplier: str
    number: str
    carrier: str
    from_ns: int
    to_ns: int
    unit: str
    billed: int | None
    metered: int | None
    metered_lower: int | None
    metered_upper: int | None
    metered_u95: int | None
    difference: int | None
    verdict: str
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything said about [from_ns, to_ns). A batch belongs to the period in which it ends, with all its energy.

    A member with a default is left out of the text while it says nothing, so that older statements keep their bytes.
    """

    form: str
    site: str
    label: str
    lacking: tuple[str, ...]
    provisional: bool
    from_ns: int
    to_ns: int
    factor: FactorUsed
    factor_uncertainty: str
    products: tuple[ProductResult, ...]
    utilities: tuple[UtilityResult, ...]
    excluded: tuple[Excluded, ...]
    late: tuple[Late, ...] = ()
    by_hand: tuple[ByHand, ...] = ()
    media_factors: tuple[FactorUsed, ...] = ()
    virtual: tuple[VirtualResult, ...] = ()
    hand_readings: tuple[HandReading, ...] = ()
    hand_amounts: tuple[HandAmount, ...] = ()
    invoices: tuple[Billed, ...] = ()
    shared: tuple[SharedTime, ...] = ()


def canonical_json(statement: Statement) -> bytes:
    """The statement's one text: UTF-8, keys sorted, no spaces; what is not stated, such as media, is left out."""
    silent = {member.name for member in fields(Statement) if getattr(statement, member.name) == member.default}
    said = {name: value for name, value in asdict(statement).items() if name not in silent}
    for one in (*said["products"], *said["excluded"]):
        if not one["media"]:
            del one["media"]
            one.pop("electricity_co2e_g_micro", None)
    for one in said["products"]:
        other = "g_milli" if DECLARED[one["unit"]][0] == "one_milli" else "one_milli"
        del one[f"good_{other}"], one[f"scrap_{other}"]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()
