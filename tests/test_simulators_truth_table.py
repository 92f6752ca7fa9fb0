"""Tables and promises from verdicts made by hand."""

from fractions import Fraction

import pytest

from simulators.truth_judge import Verdict
from simulators.truth_table import Drawn, bounds_table, coverage_table, covered, one_each, promises, wholes, with_tables


def verdict(inside=True, ratio="1.1", share="0.5", load=0.5, oracle=True):
    width_ratio, error_share = (None if told is None else Fraction(told) for told in (ratio, share))
    return Verdict("1 Wh", load, inside, oracle, width_ratio, error_share)


def drawn(plant, instruments, late=()):
    return Drawn(*(tuple((v, v) for v in kind) for kind in (plant, late or GOOD, instruments)))


def broken(found):
    return [number for number, (_, held) in enumerate(promises(found)) if not held]


GOOD = [verdict(share="0.9")] * 20


def test_one_window_of_each_meter_in_turn():
    windows = [[verdict(share=str(10 * meter + window)) for window in range(3)] for meter in range(4)]
    assert [v.error_share for v in one_each(windows)] == [0, 11, 22, 30]
    assert [v.error_share for v in wholes(windows)] == [2, 12, 22, 32]


def test_coverage_leaves_out_what_has_no_u95():
    some = [verdict(share="0.8"), verdict(share="1"), verdict(share="1.01"), verdict(share=None)]
    assert covered(some) == Fraction(2, 3)
    assert covered(some, Fraction(9, 10)) == Fraction(1, 3)
    assert covered([]) == 0


def test_promises_are_broken_one_by_one():
    assert broken(drawn(GOOD, GOOD)) == []
    assert broken(drawn([*GOOD, verdict(oracle=False)], GOOD)) == [0]
    assert broken(drawn([*GOOD, verdict(inside=False)], GOOD)) == [1]
    assert broken(drawn([*GOOD, verdict(inside=None, ratio=None)], GOOD)) == [2]
    assert broken(drawn([*GOOD * 5, verdict(inside=None, ratio=None)], GOOD)) == []
    assert broken(drawn(GOOD, [verdict(ratio="1.21", share="0.9")] * 9)) == [3]
    assert broken(drawn(GOOD, GOOD, [verdict(ratio="1.21")] * 9)) == [3]
    assert broken(drawn(GOOD, GOOD, [verdict(share="1.1")] * 9)) == [4]
    assert broken(drawn([*GOOD, *[verdict(share="1.1")] * 2], GOOD)) == [4]
    assert broken(drawn(GOOD, [verdict(share="0.7")] * 20)) == [5]


def test_nothing_claimed_keeps_no_promise_of_the_product():
    nothing = [verdict(inside=None, ratio=None, share=None)] * 3
    assert broken(drawn(nothing, nothing)) == [2, 3, 4]


def test_tables_count_what_they_name():
    found = drawn([verdict(load=0.05), verdict(load=0.15, inside=False), verdict(load=0.5, share="2")], GOOD)
    rows = bounds_table(found)
    assert rows[2:] == [
        "| 1 Wh | 6 | 0 | 2 | 1.10 | 1.10 |",
        "| all of these | 6 | 0 | 2 | 1.10 | 1.10 |",
        "| 1 Wh, up to 5 s late | 40 | 0 | 0 | 1.10 | 1.10 |",
        "| 1 Wh, up to 0.5 s late | 40 | 0 | 0 | 1.10 | 1.10 |",
    ]
    assert coverage_table(found)[2:] == [
        "| plant | 3 | 0 | 66.7 % | 66.7 % |",
        "| of these, below 10 % load | 1 | 0 | 100.0 % | 100.0 % |",
        "| of these, 10 to 20 % load | 1 | 0 | 100.0 % | 100.0 % |",
        "| of these, above 20 % load | 1 | 0 | 0.0 % | 0.0 % |",
        "| late registers | 20 | 0 | 100.0 % | 0.0 % |",
        "| instruments dominate | 20 | 0 | 100.0 % | 0.0 % |",
    ]


def test_tables_are_put_where_their_headers_stand():
    text = "# A\n\n| a | b |\n| --- | --- |\n| old | 1 |\n\nBetween.\n\n| c |\n| --- |\n"
    new = with_tables(text, [["| c |", "| --- |", "| x |"], ["| a | b |", "| --- | --- |"]])
    assert new == "# A\n\n| a | b |\n| --- | --- |\n\nBetween.\n\n| c |\n| --- |\n| x |\n"
    with pytest.raises(ValueError, match="no table begins with '| d |'"):
        with_tables(text, [["| d |"]])
