"""Thousands of faulty answers over the real driver, and not a wrong value."""

from collections import Counter

import pytest

from simulators import storm
from simulators.storm import BEYOND, WITHIN


@pytest.mark.parametrize("beyond", [False, True], ids=["within", "beyond"])
def test_no_wrong_value_is_admitted(beyond):
    tallies = storm.storm(3000, 1, beyond=beyond)
    made = sum(sum(tally.injected.values()) for tally in tallies.values())
    assert 3000 <= made < 3100
    for framing, tally in tallies.items():
        assert tally.wrong == Counter(), f"{framing}\n{storm.table(tallies)}"
        assert not tally.alike or beyond, f"{framing}\n{storm.table(tallies)}"
        assert tally.injected.keys() >= {name for name, *_ in (BEYOND if beyond else WITHIN)}
        assert tally.admitted["none"] > 0.9 * tally.injected["none"]  # a driver that trusts nobody has no value


def test_the_command_says_whether_the_promise_was_kept(capsys):
    status = storm.main(["--requests", "200", "--seed", "3"])
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if line.startswith(("tcp ", "rtu "))]) == 2 * (2 + len(WITHIN) + len(BEYOND))
    assert (lines[-1] == "the promise was kept") == (status == 0)
