"""Which meter is this? What it says of itself first, else which profile's registers make sense.

In: profiles by name, and the words of spans as far as they are known. Out: which spans to read next, and a verdict.
Never: more than is known. *Certain* rests on what the meter says of itself, *likely* on plausible registers alone;
profiles that cannot be told apart are all named. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from agent.commission import sunspec
from agent.commission.endpoint import Settings
from agent.commission.spans import Span
from agent.drivers import GOOD, Reading
from agent.drivers.blocks import Block, plan, readings
from agent.drivers.point import Point
from agent.drivers.profile import Profile
from agent.drivers.registers import value

WORD_TELLS = 4  # characters of a model's name
TEXT_CERTAIN = 4  # characters: so long a name is not met by chance, a code of one register may be
LIKELY = 5  # points of evidence: voltage and frequency, or voltages of three phases with a power factor
POSSIBLE = 2
# Phase or line voltage of low-voltage networks, or of medium voltage where a meter applies its transformer's ratio.
VOLTS = ((80, 500), (3_000, 40_000))
HERTZ = ((45, 65),)
COUNTED_MAX = 10**9  # in kWh: 1 TWh, which no single meter counts
IN_KWH = {"Wh": Fraction(1, 1000), "kWh": Fraction(1), "MWh": Fraction(1000)}

Facts = Mapping[Span, tuple[int, ...] | None]  # None: refused, or silence


@dataclass(frozen=True, slots=True)
class Look:
    """One point of a profile, and how it is read; a scale point comes with it."""

    point: Point
    block: Block

    @property
    def span(self) -> Span:
        """The registers to ask for."""
        return Span(self.block.table, self.block.address, self.block.count)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A profile with its points worth a look: those that identify, and up to six that tell by their values.

    `words` are those of its model's name that hold a digit, as a meter may state them.
    """

    name: str
    words: tuple[str, ...]
    identity: tuple[Look, ...]
    tests: tuple[Look, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a unit. `profiles`: those that fit and cannot be told apart; none if the model is unknown."""

    certainty: Literal["certain", "likely", "unknown"]
    profiles: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # fit less well, but nothing speaks against them
    base: int = 0
    serial: str = ""
    says: str = ""  # maker and model as the meter states them
    why: tuple[str, ...] = ()


HEARD = Verdict("unknown", why=("answers, not looked at",))


@dataclass(frozen=True, slots=True)
class Found:
    """A unit that answers, under which settings of which wire, and what it is as far as it was looked at."""

    wire: str
    settings: Settings
    unit: int
    verdict: Verdict


def candidates(profiles: Mapping[str, Profile]) -> tuple[Candidate, ...]:
    """What can be recognised of these profiles. SunSpec models are found by walking their map instead."""
    found = []
    for name, profile in profiles.items():
        if profile.make == "SunSpec" or any(point.table is None for point in profile.points):
            continue
        by_id = {point.id: point for point in profile.points}
        identity = [_look(point, by_id) for point in profile.identifying if point.identity in ("model", "serial")]
        tests = [_look(point, by_id) for point in _telling(profile.measured)] if profile.medium == "electricity" else []
        candidate = Candidate(name, _words(profile.model), tuple(filter(None, identity)), tuple(filter(None, tests)))
        if candidate.tests or any(look.point.expect for look in candidate.identity):
            found.append(candidate)
    return tuple(found)


def wanted(known: Sequence[Candidate], facts: Facts) -> tuple[Span, ...]:
    """Spans to read next, each once whatever the number of profiles that need it; empty when nothing is left to ask."""
    asked = [*sunspec.markers(), *(look.span for each in known for look in each.identity)]
    if missing := _missing(asked, facts):
        return missing
    found, more = sunspec.walk(facts)
    if found is not None:
        return more
    named = [each for each in known if _named(each, facts)]
    if any(_certain_by_name(each, facts) for each in named):
        return ()
    for pool in (named, [each for each in known if _contradicted(each, facts) is None]):
        if missing := _missing((each.tests[0].span for each in pool if each.tests), facts):
            return missing
        left = [each for each in pool if _evidence(each, facts) is not None]
        if missing := _missing((look.span for each in left for look in each.tests), facts):
            return missing
        if any(_score(each, facts) >= LIKELY for each in left):
            break
    return ()


def verdict(known: Sequence[Candidate], facts: Facts) -> Verdict:
    """What the facts say. Facts may be incomplete: then less is known."""
    found, _ = sunspec.walk(facts)
    if found is not None:
        return _sunspec(found)
    named = [each for each in known if _named(each, facts)]
    sure = [each for each in named if _certain_by_name(each, facts) or _score(each, facts) >= LIKELY]
    pool = sure or named or [each for each in known if _contradicted(each, facts) is None]
    scores = {each.name: _score(each, facts) for each in pool}
    best = max(scores.values(), default=0)
    top = tuple(name for name, score in scores.items() if score == best)
    also = tuple(name for name, score in scores.items() if POSSIBLE <= score < best)
    chosen = [each for each in pool if each.name in top]
    serial, says = _stated(chosen, facts)
    top = tuple(each.name for each in chosen if any(word in _bare(says) for word in each.words)) or top
    why = tuple(dict.fromkeys(line for each in chosen for line in _reasons(each, facts)))
    if sure:
        certain: Literal["certain", "likely"] = "certain" if len(top) == 1 else "likely"
        return Verdict(certain, top, also, serial=serial, says=says, why=why)
    if named or best >= LIKELY:
        return Verdict("likely", top, also, serial=serial, says=says, why=why)
    maybe = tuple(name for name, score in scores.items() if score >= POSSIBLE)
    return Verdict("unknown", also=maybe, why=("no profile that ships makes sense of its registers",))


def of_models(said: Verdict, shipped: Iterable[str]) -> Verdict:
    """The same, if a SunSpec verdict names a model that ships; else unknown, for there is no profile to read it by."""
    names = set(shipped)
    if said.certainty == "unknown" or set(said.profiles) <= names:
        return said
    return replace(said, certainty="unknown", profiles=(), why=(*said.why, "no profile ships for this model"))


def _words(model: str) -> tuple[str, ...]:
    words = (_bare(word) for word in re.split(r"[\s/,()]+", model))
    return tuple(word for word in words if len(word) >= WORD_TELLS and re.search(r"\d", word))


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _telling(points: Sequence[Point]) -> Iterator[Point]:
    """The points whose values tell most: voltages of up to three phases, frequency, power factor, a counter."""
    plain = [point for point in points if point.type not in ("bool", "text", "composite")]
    yield from [point for point in plain if point.quantity == "voltage" and point.unit == "V"][:3]
    for wanted_quantity in ("frequency", "power_factor"):
        yield from [point for point in plain if point.quantity == wanted_quantity][:1]
    yield from [point for point in plain if point.kind == "counter" and point.unit in IN_KWH][:1]


def _look(point: Point, by_id: Mapping[str, Point]) -> Look | None:
    together = [point] if point.scale_point is None else [point, by_id[point.scale_point]]
    try:
        blocks = plan(together, 125, 0)
    except ValueError:
        return None
    return Look(point, blocks[0]) if len(blocks) == 1 else None


def _missing(spans: Iterable[Span], facts: Facts) -> tuple[Span, ...]:
    return tuple(dict.fromkeys(span for span in spans if span not in facts))


def _read(look: Look, facts: Facts) -> dict[str, Reading]:
    words = facts.get(look.span)
    return {} if words is None else {reading.point: reading for reading in readings(look.block, words)}


def _text(look: Look, facts: Facts) -> str:
    """What an identity point says; whole numbers in decimal, nothing if it has no value."""
    reading = _read(look, facts).get(look.point.id)
    if reading is None or reading.status != GOOD:
        return ""
    if reading.raw is None:
        return (reading.text or "").strip()
    number = value(look.point, reading.raw)
    return str(number.numerator) if number.denominator == 1 else str(float(number))


def _models(each: Candidate) -> list[Look]:
    return [look for look in each.identity if look.point.identity == "model" and look.point.expect]


def _named(each: Candidate, facts: Facts) -> bool:
    return any(_text(look, facts) in look.point.expect for look in _models(each))


def _certain_by_name(each: Candidate, facts: Facts) -> bool:
    return any(
        look.point.type == "text" and len(said) >= TEXT_CERTAIN and said in look.point.expect
        for look in _models(each)
        for said in [_text(look, facts)]
    )


def _contradicted(each: Candidate, facts: Facts) -> str | None:
    """What the meter says of itself that a meter of this profile would not say."""
    said = [(look, _text(look, facts)) for look in _models(each)]
    return next((text for look, text in said if text and text not in look.point.expect), None)


def _number(look: Look, facts: Facts) -> Fraction | None:
    """The point's value; None if there is none. A refused register is for `_evidence` to notice."""
    found = _read(look, facts)
    reading = found.get(look.point.id)
    if reading is None or reading.raw is None:
        return None
    scale = None if look.point.scale_point is None else found[look.point.scale_point].raw
    if look.point.scale_point is not None and scale is None:
        return None
    return value(look.point, reading.raw, scale)


def _evidence(each: Candidate, facts: Facts) -> dict[str, int] | None:
    """Points of evidence by point id; None if a register of the profile does not exist or shows nonsense."""
    found: dict[str, int] = {}
    for index, look in enumerate(each.tests):
        if look.span not in facts:
            continue
        if facts[look.span] is None:
            return None
        number = _number(look, facts)
        if number is None or number == 0:
            continue  # a phase that is not connected, a meter without load: says nothing
        worth = _worth(look.point, number, first=index == 0)
        if worth is None:
            return None
        found[look.point.id] = worth
    return found


def _worth(point: Point, number: Fraction, *, first: bool) -> int | None:
    """How much a value other than zero speaks for the profile; None if it cannot be what the profile says."""
    if point.quantity == "voltage":
        return (2 if first else 1) if _within(number, VOLTS) else None
    if point.quantity == "frequency":
        return 3 if _within(number, HERTZ) else None
    if point.quantity == "power_factor":
        return 1 if abs(number) <= (100 if point.unit == "%" else 1) else 0
    return 1 if 0 < number * IN_KWH[point.unit] <= COUNTED_MAX and not _all_ones(point, number) else 0


def _all_ones(point: Point, number: Fraction) -> bool:
    return number == value(point, (1 << point.bits) - 1) if point.type.startswith("uint") else False


def _within(number: Fraction, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(low <= number <= high for low, high in ranges)


def _score(each: Candidate, facts: Facts) -> int:
    return sum((_evidence(each, facts) or {}).values())


def _stated(chosen: Sequence[Candidate], facts: Facts) -> tuple[str, str]:
    """Serial number and model in the meter's own words, if the chosen profiles agree on them."""
    told: dict[str, set[str]] = {"serial": set(), "model": set()}
    for each in chosen:
        for look in each.identity:
            if said := _text(look, facts):
                told[str(look.point.identity)].add(said)
    serial, model = (next(iter(texts)) if len(texts) == 1 else "" for texts in told.values())
    return serial, model


def _reasons(each: Candidate, facts: Facts) -> Iterator[str]:
    for look in _models(each):
        if (said := _text(look, facts)) and said in look.point.expect:
            yield f"{look.span} says model {said}"
    for look in each.tests:
        number = _number(look, facts)
        if number is not None and number != 0:
            yield f"{look.point.id} {float(number):.6g} {look.point.unit}".removesuffix(" 1")


def _sunspec(found: sunspec.Map) -> Verdict:
    says = " ".join(filter(None, (found.make, found.model)))
    numbers = ", ".join(str(number) for number, _ in found.models)
    why = (f"SunSpec map with models {numbers}",)
    meter = next(((number, at) for number, at in found.models if 200 <= number < 300), None)
    if meter is None:
        return Verdict("unknown", serial=found.serial, says=says, why=(*why, "none of them is a meter"))
    return Verdict("certain", (f"sunspec-{meter[0]}",), base=meter[1], serial=found.serial, says=says, why=why)
