"""`metertrail commission` against a three-phase rig over a real socket: wired right, and wrong in known ways."""

import asyncio
import time

import pytest
from three_phase_rig import CONFIG, Rig, answers, write

from agent.commission import commission_cli, sheet
from agent.custody import load_public
from contract import keys
from simulators.modbus_server import answering, serving


async def visited(folder, rig, *, config=CONFIG, old="", new=""):
    """Run the command beside the rig; (exit status, the verdicts by step)."""
    units = {} if rig.silent else {1: rig}
    async with serving("tcp", answering(units, time.time_ns), 0) as port:
        path = write(folder, port, config)
        words = [path, "press", "--out", folder / "press.sheet", "--answers", answers(folder, old, new)]
        status = await asyncio.to_thread(commission_cli.main, [str(word) for word in words])
    if not (folder / "press.sheet").exists():
        return status, {}
    read = sheet.read((folder / "press.sheet").read_bytes(), load_public(folder / "edge-1.pub.pem"))
    return status, {step.step: step for step in read.steps}


def show(folder, key="edge-1.pub.pem"):
    return commission_cli.main(["--show", str(folder / "press.sheet"), "--key", str(folder / key)])


async def test_a_meter_that_is_wired_right_passes_every_step(tmp_path, capsys):
    status, steps = await visited(tmp_path, Rig())
    assert {name: step.verdict for name, step in steps.items()} == dict.fromkeys(
        ("identity", "display", "phases", "load", "ratio"), "passed"
    )
    assert status == 0
    assert "0.906" in steps["phases"].line  # cos 25 degrees
    assert "148 of its last digits apart" in steps["display"].line  # 1236.04 - 1234.56 in hundredths
    told = capsys.readouterr().out
    assert (tmp_path / "press.sheet.txt").read_text() in told
    assert show(tmp_path) == 0
    assert capsys.readouterr().out == (tmp_path / "press.sheet.txt").read_text()


async def test_the_sheet_holds_words_answers_and_times(tmp_path):
    before = time.time_ns()
    await visited(tmp_path, Rig())
    read = sheet.read((tmp_path / "press.sheet").read_bytes(), load_public(tmp_path / "edge-1.pub.pem"))
    assert (read.site, read.agent, read.meter, read.serial) == ("works", "edge-1", "press", "20431177")
    assert (read.ct.primary, read.ct.secondary, read.pt) == (400, 5, None)
    assert read.person == "Li Wei"
    assert before <= read.started_ns <= read.ended_ns <= time.time_ns()
    looks = [
        "identity", "display.first.before", "display.first.after", "display.second.before", "display.second.after",
        "phases", "load.before", "load.after", "ratio",
    ]  # fmt: skip
    assert [look.look for look in read.looks] == looks
    assert read.looks[0].seen[0].raw == 20431177
    assert {seen.point: seen.raw for seen in read.looks[1].seen}["energy_import"] == 123456
    assert {answer.key: answer.text for answer in read.answers}["display.second"] == "1236.04"
    asked = [answer.at_ns for answer in read.answers]
    assert asked == sorted(asked)


# where the transformers sit, which are reversed; what the phases' and the load's line say
WIRINGS = [
    ((0, 1, 2), (1, -1, 1), "CT of L2 is reversed", "a third: one of three CTs is reversed"),
    ((1, 0, 2), (1, 1, 1), "CTs of L1 and L2 are exchanged", "two CTs exchanged, whose errors cancel out"),
    ((0, 2, 1), (1, 1, 1), "CTs of L2 and L3 are exchanged", "two CTs exchanged, whose errors cancel out"),
    ((1, 2, 0), (1, 1, 1), "CTs are rotated against the voltages (L1's sits on L2", "the sign is wrong"),
    ((0, 1, 2), (-1, -1, -1), "CTs of L1 and L2 and L3 are reversed", "the sign is wrong"),
]


@pytest.mark.parametrize(("sits", "signs", "phases", "load"), WIRINGS)
async def test_a_wrong_wiring_is_named(tmp_path, sits, signs, phases, load):
    status, steps = await visited(tmp_path, Rig(sits, signs))
    assert status == 1
    assert {name for name, step in steps.items() if step.verdict == "failed"} == {"phases", "load"}
    assert phases in steps["phases"].line
    assert load in steps["load"].line
    assert show(tmp_path) == 1


async def test_a_ratio_applied_twice_is_named(tmp_path):
    status, steps = await visited(tmp_path, Rig(applies_ratio=True))
    assert status == 1
    for step in ("load", "ratio"):
        assert steps[step].verdict == "failed"
        assert "80 times too much: the ratio is applied twice" in steps[step].line
    assert steps["phases"].verdict == "passed"  # angles know no ratio


async def test_a_ratio_that_is_missing_is_named(tmp_path):
    config = "\n".join(line for line in CONFIG.splitlines() if not line.startswith("ct"))
    _, steps = await visited(tmp_path, Rig(), config=config)
    assert steps["ratio"].verdict == "failed"
    assert "a ratio of 400/5 were not applied" in steps["ratio"].line


async def test_another_meter_is_named(tmp_path):
    _, steps = await visited(tmp_path, Rig(serial=77))
    assert steps["identity"].verdict == "failed"
    assert "the meter itself '77'" in steps["identity"].line


async def test_a_step_left_out_stands_on_the_sheet_with_its_reason(tmp_path):
    status, steps = await visited(tmp_path, Rig(), old='serial = "20431177"', new='skip = "plate covered"')
    assert status == 0
    assert (steps["identity"].verdict, steps["identity"].line) == ("skipped", "plate covered")
    assert "Result: incomplete" in (tmp_path / "press.sheet.txt").read_text()


async def test_an_answer_that_is_no_number_is_told_and_no_sheet_written(tmp_path, capsys):
    status, steps = await visited(tmp_path, Rig(), old='"1236.04"', new='"1236,04"')
    assert (status, steps) == (2, {})
    assert capsys.readouterr().err == (
        f"{tmp_path / 'answers.toml'}: display.second: '1236,04': write a decimal number such as \"1234.56\"\n"
    )


async def test_a_silent_meter_is_told_in_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("agent.commission.commission_bench.TRY_AGAIN_S", 0.0)
    config = CONFIG.replace("timeout_ms = 2000", "timeout_ms = 20")
    status, _ = await visited(tmp_path, Rig(silent=True), config=config)
    err = capsys.readouterr().err
    assert status == 2
    assert err.count("\n") == 1
    assert err.startswith(f"{tmp_path / 'agent.toml'}: meter.press: 127.0.0.1:")
    assert "a running agent may hold the only connection" in err


async def test_a_sheet_that_was_altered_or_signed_by_another_is_not_shown(tmp_path, capsys):
    await visited(tmp_path, Rig())
    capsys.readouterr()
    other = keys.public_to_pem(keys.generate().public_key())
    (tmp_path / "other.pub.pem").write_bytes(other)
    assert show(tmp_path, "other.pub.pem") == 1
    path = tmp_path / "press.sheet"
    path.write_bytes(path.read_bytes().replace(b"Li Wei", b"Li Wai"))
    assert show(tmp_path) == 1
    assert capsys.readouterr().out == ""
    path.write_bytes(b"no sheet")
    assert show(tmp_path) == 2


async def test_a_sheet_is_never_overwritten(tmp_path, capsys):
    await visited(tmp_path, Rig())
    words = [tmp_path / "agent.toml", "press", "--out", tmp_path / "press.sheet"]
    assert commission_cli.main([str(word) for word in words]) == 2
    assert "press.sheet: exists already" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["a.toml"], ["a.toml", "press"], ["--show", "x"], ["a", "b", "--show", "x"]])
def test_words_that_do_not_fit_together(words, capsys):
    with pytest.raises(SystemExit) as left:
        commission_cli.main(words)
    assert left.value.code == 2
    assert "usage:" in capsys.readouterr().err


async def test_a_name_that_is_no_meter(tmp_path, capsys):
    path = write(tmp_path, 1502)
    words = [path, "pres", "--out", tmp_path / "s", "--answers", answers(tmp_path)]
    assert await asyncio.to_thread(commission_cli.main, [str(word) for word in words]) == 2
    assert capsys.readouterr().err == f"{path}: there is no meter 'pres': use one of press\n"
