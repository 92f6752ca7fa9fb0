"""A file of answers: it answers everything, or leaves out with a reason; its mistakes are told at once."""

from decimal import Decimal

import pytest
from three_phase_rig import ANSWERS

from agent.commission.commission_answers import load
from agent.commission.commission_ask import Skipped
from contract.problems import Problems


def number(words):
    try:
        return Decimal(words)
    except ArithmeticError:
        raise ValueError("write a number") from None


async def asked(path, slept):
    async def sleep(seconds):
        slept.append(seconds)

    return load(path, sleep)


async def test_a_file_answers_waits_and_leaves_out(tmp_path, capsys):
    path = tmp_path / "answers.toml"
    text = ANSWERS.format(amps="5").replace('watts = "3000"', 'watts = "3000"\nwait_s = 30')
    path.write_text(text.replace('serial = "20431177"', 'skip = "plate covered"'))
    slept = []
    asker = await asked(path, slept)
    assert await asker.ask("person", "", str) == "Li Wei"
    assert await asker.ask("load.tolerance_percent", "", number) == "15"
    assert await asker.ask("phases.feeds_in", "", str) == "no"
    await asker.begin("load", "about")
    await asker.wait("load.wait_s", "switch on")
    assert slept == [30]
    with pytest.raises(Skipped, match="plate covered"):
        await asker.begin("identity", "about")
    assert "switch on" in capsys.readouterr().out
    with pytest.raises(Problems) as raised:
        await asker.ask("person", "", number)
    assert raised.value.lines == (f"{path}: person: 'Li Wei': write a number",)


async def test_a_file_with_mistakes_tells_them_all_at_once(tmp_path):
    path = tmp_path / "answers.toml"
    text = ANSWERS.format(amps="5").replace('person = "Li Wei"', 'persn = "Li Wei"')
    path.write_text(text.replace('second = "1236.04"', "").replace('serial = "20431177"', 'skip = ""'))
    with pytest.raises(Problems) as raised:
        await asked(path, [])
    lines = [line.removeprefix(f"{path}: ") for line in raised.value.lines]
    assert any(line.startswith("person: missing") for line in lines)
    assert any(line.startswith("persn: unknown key: did you mean person?") for line in lines)
    assert any(
        line.startswith("display: ") and "without second: give it, or leave the step out" in line for line in lines
    )
    assert any(line.startswith("identity.skip: ''") for line in lines)
    with pytest.raises(Problems, match="nothing.toml: No such file or directory: name a file of answers"):
        await asked(tmp_path / "nothing.toml", [])
