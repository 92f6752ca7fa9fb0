"""A sheet in words: everything that is signed can be read in it."""

from sheets import STEPS, made

from agent.commission.sheet_text import render

TEXT = render(made(), bytes([0xAB] * 32), bytes([0xCD] * 32))
LINES = TEXT.splitlines()


def test_its_head():
    assert LINES[:2] == ["Commissioning sheet: meter press of agent edge-1, site works", "Result: failed"]
    told = {line[:14].strip(): line[14:] for line in LINES[3:15]}
    assert told["ct"] == "400/5 class 0.5"
    assert told["pt"] == "-"
    assert told["person"] == "李伟"
    assert told["from"] == "2023-11-14T22:13:20.123Z"
    assert told["profile"] == f"./rig.toml, sha256 {bytes(range(32)).hex()}"
    assert told["this file"] == f"sha256 {'ab' * 32}"
    assert told["signed by"] == f"key {'cd' * 32}"


def test_every_step_is_a_line():
    for step, verdict, line in STEPS:
        assert f"{verdict.upper():<9}{step:<10}{line}" in LINES


def test_answers_and_readings():
    assert "  2023-11-14T22:13:21.123Z  display.first            '1234.56'" in LINES
    assert "  2023-11-14T22:13:20.123Z +4 ms  power                 0xffffffffffffffff" in LINES
    assert "  2023-11-14T22:13:20.123Z +0 ms  serial                A-7" in LINES
    assert "  2023-11-14T22:13:20.123Z +0 ms  current_l1            -  status 0x809b0000" in LINES


def test_without_transformers():
    assert "ct            -" in render(made(ct=None), b"", b"").splitlines()
