"""The product against meters whose truth is known; and the harness against a product that claims too much."""

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from simulators import truth
from simulators.truth_evidence import claims
from simulators.truth_judge import WINDOWS, judge
from simulators.truth_meters import INSTRUMENTS, LATE, PLANT, draw
from simulators.truth_table import (
    Drawn,
    bounds_table,
    coverage_table,
    covered,
    one_each,
    promises,
    wholes,
    with_tables,
)

METERS, SEED = 60, 1
ORACLE, BOUNDS, CLAIMED, WIDTH, COVERAGE, NOT_TOO_MUCH = range(6)


@pytest.fixture(scope="module")
def asked():
    """The meters of each kind, and what the product claims of them."""
    kinds = ([draw(SEED, number, scenario) for number in range(METERS)] for scenario in (PLANT, LATE, INSTRUMENTS))
    return [[(meter, claims(meter, meter.declared, WINDOWS)) for meter in meters] for meters in kinds]


def judged(asked, change=lambda _, claim: claim):
    """Verdicts if the product claimed something else."""
    return Drawn(*(
        tuple(tuple(judge(meter, [change(meter, claim) for claim in told])) for meter, told in kind) for kind in asked
    ))  # fmt: skip


def told_otherwise(kind, **declared):
    """Claims on meters of which the site says something else than is so."""
    changed = ((meter, {key: change(meter.declared) for key, change in declared.items()}) for meter, _ in kind)
    return [(meter, claims(meter, replace(meter.declared, **wrong), WINDOWS)) for meter, wrong in changed]


@pytest.fixture(scope="module")
def plain(asked):
    return judged(asked)


def windows(found):
    return [
        verdict for meters in (found.plant, found.late, found.instruments) for windows in meters for verdict in windows
    ]


def kept(found):
    return [held for _, held in promises(found)]


def test_bounds_hold_in_every_window_and_are_near_the_tightest(plain):
    assert len(windows(plain)) == 3 * METERS * len(WINDOWS)
    assert kept(plain)[:COVERAGE] == [True] * COVERAGE


def test_u95_covers_the_true_energy_and_three_quarters_of_it_do_not(plain):
    # Of 60 meters that are covered in 95 of 100 cases, fewer than 54 are so once in 30 drawings.
    assert min(covered(one_each(plain.plant)), covered(one_each(plain.late))) >= Fraction(9, 10)
    assert covered(wholes(plain.instruments)) >= Fraction(9, 10)
    assert kept(plain)[NOT_TOO_MUCH]


def times_u95(factor):
    return lambda _, claim: replace(claim, u95=None if claim.u95 is None else int(claim.u95 * factor))


@pytest.mark.parametrize(("bound", "steps"), [("lower", 1), ("upper", -1)])
def test_bounds_too_narrow_by_one_step_are_noticed(asked, bound, steps):
    def narrowed(meter, claim):
        told = getattr(claim, bound)
        return replace(claim, **{bound: None if told is None else told + steps * meter.declared.count_wh_milli})

    assert not kept(judged(asked, narrowed))[BOUNDS]


def test_bounds_half_as_wide_again_are_noticed(asked):
    def widened(_, claim):
        return replace(claim, upper=None if claim.upper is None else claim.upper + (claim.upper - claim.lower) // 2)

    assert not kept(judged(asked, widened))[WIDTH]


def test_half_of_u95_is_noticed(asked):
    halved = judged(asked, times_u95(0.5))
    assert not kept(halved)[COVERAGE]
    assert covered(wholes(halved.instruments)) < Fraction(9, 10)


def test_twice_u95_is_noticed(asked):
    assert not kept(judged(asked, times_u95(2)))[NOT_TOO_MUCH]


def test_an_understated_age_is_noticed(asked):
    late = told_otherwise(asked[1], age_ns=lambda declared: declared.age_ns // 2)
    assert any(verdict.inside is False for meter, told in late for verdict in judge(meter, told))


def test_a_class_better_than_the_instruments_is_noticed(asked):
    better = told_otherwise(
        asked[2], accuracy_class=lambda _: "0.2S", ct_class=lambda declared: declared.ct_class and "0.2S"
    )
    assert covered(wholes([judge(meter, told) for meter, told in better])) < Fraction(9, 10)


def test_the_command_prints_both_tables_and_each_promise(capsys):
    status = truth.main(["--meters", "3", "--seed", "5"])
    lines = capsys.readouterr().out.splitlines()
    told = [line for line in lines if line.startswith(("kept", "BROKEN"))]
    assert len(told) == 6
    assert status == int(any(line.startswith("BROKEN") for line in told))
    assert sum(line.startswith("| ---") for line in lines) == 2


def test_the_document_has_the_tables_that_the_command_puts_there(plain):
    text = (Path(__file__).parent.parent / "docs" / "verifier.md").read_text(encoding="utf-8")
    tables = [bounds_table(plain), coverage_table(plain)]
    written = with_tables(text, tables)
    assert [shape(line) for line in text.splitlines()] == [shape(line) for line in written.splitlines()]
    assert all(row in written.splitlines() for table in tables for row in table)


def shape(line):
    """A line without the digits of a table's figures."""
    return re.sub(r"(?<=\| )[\d.]+(?: %)?(?= \|)", "#", line)
