"""Asking at a terminal that is answered wrongly first, or not at all."""

import os
from decimal import Decimal

import pytest

from agent.commission.commission_ask import Lines, Skipped, Terminal
from contract.problems import Problems


def number(words):
    try:
        return Decimal(words)
    except ArithmeticError:
        raise ValueError("write a number") from None


def terminal(*lines):
    left = iter(lines)
    return Terminal(lambda: next(left, ""))


async def test_a_terminal_asks_until_it_can_read(capsys):
    assert await terminal("abc\n", "\n", " 5.10 \n").ask("load.watts", "power in W", number) == "5.10"
    out = capsys.readouterr().out
    assert out.count("power in W: ") == 3
    assert out.count("write a number") == 2


async def test_a_step_is_left_out_with_a_reason_only(capsys):
    with pytest.raises(Skipped, match=r"^no display here$"):
        await terminal("skip\n", "SKIP  no display here\n").ask("display.first", "energy", number)
    assert "write the reason behind it" in capsys.readouterr().out
    with pytest.raises(Skipped, match="dark"):
        await terminal("skip dark\n").wait("load.wait_s", "switch on")


async def test_input_that_ends_is_told():
    with pytest.raises(Problems) as raised:
        await terminal().ask("person", "name", str)
    assert raised.value.lines == ("person: the input ended: answer at a terminal, or give --answers FILE",)


async def test_enter_is_enough_to_go_on(capsys):
    asker = terminal("\n")
    await asker.begin("load", "does a load show?")
    await asker.wait("load.wait_s", "switch the load on")
    asker.tell("failed", "it does not")
    out = capsys.readouterr().out
    assert "== load: does a load show?" in out
    assert out.endswith("   FAILED: it does not\n")


def test_lines_come_one_by_one_however_they_are_written():
    out, into = os.pipe()
    os.write(into, "李\nb\nc".encode())
    os.close(into)
    lines = Lines(out)
    assert [lines() for _ in range(4)] == ["李\n", "b\n", "c", ""]
    os.close(out)
