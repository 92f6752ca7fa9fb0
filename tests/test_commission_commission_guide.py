"""The guide: which questions come, what is read around them, and what a profile without a register leaves out."""

from itertools import count

import pytest
from three_phase_rig import CONFIG, write

from agent import check
from agent.commission.commission_ask import Skipped
from agent.commission.commission_bench import Bench
from agent.commission.commission_guide import STEPS, Visit, commission
from agent.drivers import Reading, Scan
from agent.drivers.profile import parse
from agent.manifest import MeterPlan
from contract.problems import Problems


class Told:
    """Someone who answers by key, notes what was asked in which order, and leaves out what has no answer."""

    def __init__(self, story, answers):
        self.story = story
        self.answers = answers

    async def begin(self, step, _about):
        self.story.append(step)
        if step in self.answers:
            raise Skipped(self.answers[step])

    async def ask(self, key, _question, read):
        self.story.append(key)
        if key not in self.answers:
            raise Skipped(f"no {key}")
        read(self.answers[key])
        return self.answers[key]

    def tell(self, verdict, line):
        self.story.append(f"{verdict}: {line}")

    async def wait(self, key, _request):
        self.story.append(key)


class Meter:
    """A driver whose registers are what the story has come to."""

    def __init__(self, story, raws):
        self.story = story
        self.raws = raws

    async def read(self, _meter):
        self.story.append("read")
        return [Scan(0, 0, 0, tuple(Reading(name, raw, 0) for name, raw in self.raws(self.story).items()))]

    async def identify(self, _meter):
        self.story.append("identify")
        return [Scan(1, 0, 0, (Reading("serial", 20431177, 0),))]


def visit(tmp_path, answers, raws=lambda _: {}, keep=lambda point: True):
    plan = check.load(write(tmp_path, 1502, CONFIG), 0)
    planned = plan.meters[0]
    whole = parse(planned.profile_toml)
    whole = whole.model_copy(update={"points": tuple(point for point in whole.points if keep(point))})
    story = []

    async def sleep(seconds):
        story.append(f"sleep {seconds}")

    bench = Bench(MeterPlan(planned.meter, planned.profile_toml, whole), Meter(story, raws), sleep)
    return plan, Visit(bench, Told(story, {"person": "A"} | answers), count(1000).__next__), story


async def test_the_register_is_read_on_both_sides_of_the_display(tmp_path):
    answers = {step: "-" for step in STEPS if step != "display"} | {"display.first": "1.00", "display.second": "2.00"}
    plan, given, story = visit(
        tmp_path, answers, lambda story: {"energy_import": 100 * (1 + ("display.wait_s" in story))}
    )
    sheet = await commission(plan, given)
    look = ["read", "sleep 0.005", "display.{}", "sleep 0.005", "read"]  # a register of 5 ms may be as old as that
    wanted = [*(one.format("first") for one in look), "display.wait_s", *(one.format("second") for one in look)]
    at = story.index("display") + 1
    assert story[at : at + len(wanted)] == wanted
    assert next(step for step in sheet.steps if step.step == "display").verdict == "passed"
    assert [step.verdict for step in sheet.steps] == ["skipped", "passed", "skipped", "skipped", "skipped"]
    told = [f"{step.verdict}: {step.line}" for step in sheet.steps]
    assert [line for line in story if line in told] == told


async def test_a_step_that_a_person_leaves_gives_up_its_answers_but_keeps_what_was_read(tmp_path):
    plan, given, _ = visit(
        tmp_path, {"identity.serial": "20431177", "display.first": "5"}, lambda _: {"energy_import": 500}
    )
    sheet = await commission(plan, given)
    lines = {step.step: (step.verdict, step.line) for step in sheet.steps}
    assert lines["display"] == ("skipped", "no display.second")
    assert lines["identity"][0] == "passed"
    assert [answer.key for answer in sheet.answers] == ["identity.serial", "display.first"]
    assert [look.look for look in sheet.looks][:3] == ["identity", "display.first.before", "display.first.after"]


WHOLE = {
    f"{what}_l{at}": raw for at in (1, 2, 3) for what, raw in (("voltage", 2300), ("current", 500), ("power", 1000))
}
ANSWERS = {
    "phases.feeds_in": "no", "load.watts": "100", "load.tolerance_percent": "10", "ratio.l1": "40", "ratio.l2": "-",
    "ratio.l3": "-", "identity.serial": "20431177",
}  # fmt: skip


@pytest.mark.parametrize(
    ("gone", "step", "verdict", "words"),
    [
        ("energy_import", "display", "skipped", "this profile has no counter"),
        ("voltage_l", "phases", "skipped", "voltage or current is not in this profile"),
        ("current_l", "phases", "skipped", "voltage or current of L1 is not in this profile"),
        ("current_l", "ratio", "skipped", "current by phase is not in this profile"),
        ("power", "load", "skipped", "active power is not in this profile"),
        ("power", "phases", "skipped", "neither power by phase nor in sum"),
        ("serial", "identity", "passed", "not readable from this meter"),
        ("nothing", "phases", "passed", "L1 0.87,"),  # 100 W / (230 V x 0.5 A)
        ("nothing", "ratio", "passed", "L1 40 A: register x ratio 80"),
    ],
)
async def test_what_a_profile_does_not_have_is_left_out_with_words(tmp_path, gone, step, verdict, words):
    plan, given, _ = visit(tmp_path, ANSWERS, lambda _: WHOLE, lambda point: not point.id.startswith(gone))
    found = next(one for one in (await commission(plan, given)).steps if one.step == step)
    assert found.verdict == verdict
    assert words in found.line


async def test_power_in_sum_may_be_added_up(tmp_path):
    def raws(story):
        return WHOLE | {
            f"power_l{at}": 1000 + 100 * ("load.wait_s" in story) for at in (1, 2, 3)
        }  # 10 W each, 30 in sum

    answers = ANSWERS | {"load.watts": "2400"}  # x 80
    plan, given, _ = visit(tmp_path, answers, raws, lambda point: point.id != "power")
    found = next(one for one in (await commission(plan, given)).steps if one.step == "load")
    assert found.line == "power changed by 2400 W where 2400 W were switched on: within 10 %"


async def test_no_sheet_without_a_name(tmp_path):
    plan, given, _ = visit(tmp_path, {})
    del given.asker.answers["person"]
    with pytest.raises(Problems, match="a sheet needs the name of whoever was there"):
        await commission(plan, given)


@pytest.mark.parametrize("words", ["", "abc", "-1", "NaN", "Infinity", "1e99", "1" * 30, "0x10"])
async def test_what_is_no_number_is_not_taken(tmp_path, words):
    plan, given, _ = visit(tmp_path, ANSWERS | {"load.watts": words}, lambda _: WHOLE)
    with pytest.raises(ValueError, match="write a decimal number"):
        await commission(plan, given)
