"""The guided check: one step after the other, each read, asked, judged, or left out with a reason.

In: a meter on the bench, someone who answers, a clock. Out: the unsigned `Sheet`. The guide decides nothing:
what answers and readings mean is in checks.py and checks_phases.py.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from agent import config, identity, manifest
from agent.check import Plan
from agent.commission import checks, checks_phases
from agent.commission.checks import Moment, Verdict
from agent.commission.commission_ask import Asker, Skipped
from agent.commission.commission_bench import Bench, Taken, place
from agent.commission.sheet import Answer, Look, Sheet, Step
from agent.drivers.profile import UNITS, Point, profile_hash
from contract import records
from contract.problems import Problems

PHASES = ("l1", "l2", "l3")
DIGITS_MAX = 24


@dataclass(slots=True)
class Visit:
    """One person at one meter: what has been asked and read so far."""

    bench: Bench
    asker: Asker
    now_ns: Callable[[], int]
    answers: list[Answer] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)

    async def ask(self, key: str, question: str, read: Callable[[str], object] = str) -> str:
        """Ask, and keep the words."""
        words = await self.asker.ask(key, question, read)
        self.answers.append(Answer(key=key, text=words, at_ns=self.now_ns()))
        return words

    async def take(self, name: str, *, identity: bool = False) -> Taken:
        """Read, and keep the readings."""
        taken = await self.bench.take(identity=identity)
        self.looks.append(taken.look(name))
        return taken


async def commission(plan: Plan, visit: Visit) -> Sheet:
    """Go through every step. Raises Problems if the meter keeps silent or an answer in a file cannot be used."""
    started_ns = visit.now_ns()
    try:
        person = await visit.asker.ask("person", "your name, as it is to stand on the sheet", _name)
    except Skipped:
        raise Problems(["person: a sheet needs the name of whoever was there: give it"]) from None
    steps = []
    for step, (about, carry_out) in STEPS.items():
        try:
            await visit.asker.begin(step, about)
            verdict = await carry_out(visit)
        except Skipped as skipped:
            verdict = Verdict(step, "skipped", str(skipped))
        visit.asker.tell(verdict.verdict, verdict.line)
        steps.append(Step(step=verdict.step, verdict=verdict.verdict, line=verdict.line[:1000]))
    planned = visit.bench.plan
    meter = planned.meter
    return Sheet(
        site=plan.config.agent.site,
        agent=plan.config.agent.name,
        meter=meter.name,
        installation=meter.installation,
        address=place(meter, planned.profile),
        serial=meter.serial,
        profile=meter.profile,
        profile_hash=profile_hash(planned.profile_toml),
        ct=_transformer(meter.ct),
        pt=_transformer(meter.pt),
        software=manifest.SOFTWARE,
        person=person,
        started_ns=started_ns,
        ended_ns=visit.now_ns(),
        looks=visit.looks,
        answers=visit.answers,
        steps=steps,
    )


async def _identity(visit: Visit) -> Verdict:
    planned = visit.bench.plan
    typed = await visit.ask("identity.serial", "serial number on the nameplate", _name)
    read, expected = None, None
    if planned.profile.identifying:
        taken = await visit.take("identity", identity=True)
        read = identity.found(planned.profile, taken.scans)
        expected = None if read is None else identity.contradicts(planned.profile, read)
    return checks.identity(typed, planned.meter.serial, read, expected)


async def _display(visit: Visit) -> Verdict:
    point = visit.bench.counter()
    if point is None:
        return Verdict("display", "skipped", "this profile has no counter")
    moments: list[Moment] = []
    for which in ("first", "second"):
        if moments:
            await visit.asker.wait("display.wait_s", "let the display move by at least ten of its last digits")
        moment = await _moment(visit, point, which)
        if moment is None:
            return Verdict("display", "failed", f"{which} look: {point.id} could not be read")
        moments.append(moment)
    return checks.display(moments[0], moments[1], visit.bench.ratio, age_known=point.age_ms is not None)


async def _moment(visit: Visit, point: Point, which: str) -> Moment | None:
    """Read, ask, read: between the two the person looks. A register may be old, so its age passes on both sides."""
    age_s = (point.age_ms or 0) / 1000
    before = (await visit.take(f"display.{which}.before")).counter(point, "low")
    await visit.bench.sleep(age_s)
    question = f"{point.id} on the display now, all digits, in {point.unit}"
    words = await visit.ask(f"display.{which}", question, _decimal)
    await visit.bench.sleep(age_s)
    after = (await visit.take(f"display.{which}.after")).counter(point, "high")
    if before is None or after is None:
        return None
    typed, unit = _decimal(words), Fraction(10) ** UNITS[point.unit][1]
    exponent = typed.as_tuple().exponent
    digit = Fraction(10) ** min(0, exponent if isinstance(exponent, int) else 0)
    return Moment(Fraction(typed) * unit, digit * unit, before, after)


async def _phases(visit: Visit) -> Verdict:
    taken = await visit.take("phases")
    names = [phase for phase in PHASES if f"voltage_{phase}" in taken.points] or [""]
    found = []
    for name in names:
        voltage, current, power = (
            taken.number(f"{what}_{name}" if name else what) for what in ("voltage", "current", "power")
        )
        if voltage is None or current is None:
            absent = f" of {name.upper()}" if name else ""
            return Verdict("phases", "skipped", f"voltage or current{absent} is not in this profile, or has no value")
        found.append(checks_phases.Phase(name.upper() or "L", voltage, abs(current), power))
    words = await visit.ask("phases.feeds_in", "does this circuit feed energy back at this moment (yes or no)", _yes)
    return checks_phases.phases(found, _total(taken), feeds_in=_yes(words))


async def _load(visit: Visit) -> Verdict:
    watts = _positive(await visit.ask("load.watts", "power of the load you will switch on, in W", _positive))
    question = "tolerance in percent (usual: 15)"
    tolerance = _positive(await visit.ask("load.tolerance_percent", question, _positive))
    before = _total(await visit.take("load.before"))
    await visit.asker.wait("load.wait_s", "switch the load on and let the meter settle")
    after = _total(await visit.take("load.after"))
    if before is None or after is None:
        return Verdict("load", "skipped", "active power is not in this profile, or has no value")
    by = visit.bench.ratio
    return checks.load(before * by, after * by, watts, tolerance, visit.bench.plan.ratio)


async def _ratio(visit: Visit) -> Verdict:
    clamps = {}
    for phase in PHASES:
        question = f"clamp meter on the primary conductor of {phase.upper()}, in A ('-' if there is none)"
        words = await visit.ask(f"ratio.{phase}", question, _current)
        if words != "-":
            clamps[phase.upper()] = _positive(words)
    if not clamps:
        return Verdict("ratio", "skipped", "no clamp-meter reading was given")
    taken = await visit.take("ratio")
    single = taken.number("current")
    found = {phase.upper(): taken.number(f"current_{phase}") for phase in PHASES}
    if found["L1"] is None and single is not None:
        found["L1"] = single
    known = {phase: abs(current) for phase, current in found.items() if current is not None}
    if not known.keys() >= clamps.keys():
        return Verdict("ratio", "skipped", "current by phase is not in this profile, or has no value")
    given = visit.bench.plan.meter.ct
    ct = Fraction(1) if given is None else Fraction(given.primary, given.secondary)
    return checks.ratio(clamps, known, ct, primary=visit.bench.primary)


STEPS: dict[str, tuple[str, Callable[[Visit], Awaitable[Verdict]]]] = {
    "identity": ("is this the meter that is configured?", _identity),
    "display": ("do display and register show the same energy, twice?", _display),
    "phases": ("is each current transformer on its phase, the right way round?", _phases),
    "load": ("does a load of known power show as such?", _load),
    "ratio": ("is the transformers' ratio applied once?", _ratio),
}


def _total(taken: Taken) -> Fraction | None:
    """Active power of all phases, by the register of the sum or else by adding them up."""
    total = taken.number("power")
    by_phase = [taken.number(f"power_{phase}") for phase in PHASES]
    known = [power for power in by_phase if power is not None]
    return sum(known, Fraction(0)) if total is None and len(known) == len(PHASES) else total


def _transformer(given: config.Transformer | None) -> records.Transformer | None:
    if given is None:
        return None
    return records.Transformer(primary=given.primary, secondary=given.secondary, accuracy_class=given.accuracy_class)


def _name(words: str) -> str:
    if not 1 <= len(words.strip()) <= 200:
        raise ValueError("write 1 to 200 characters")
    return words


def _decimal(words: str) -> Decimal:
    try:
        number = Decimal(words.replace(" ", ""))
    except InvalidOperation:
        raise ValueError('write a decimal number such as "1234.56"') from None
    if not number.is_finite() or number < 0 or abs(number.adjusted()) > DIGITS_MAX or len(words) > DIGITS_MAX:
        raise ValueError('write a decimal number such as "1234.56"')
    return number


def _positive(words: str) -> Fraction:
    number = Fraction(_decimal(words))
    if number <= 0:
        raise ValueError("must be greater than zero")
    return number


def _current(words: str) -> object:
    return words if words == "-" else _positive(words)


def _yes(words: str) -> bool:
    if words.lower() not in ("yes", "no", "y", "n", "是", "否"):
        raise ValueError("answer yes or no")
    return words.lower() in ("yes", "y", "是")
