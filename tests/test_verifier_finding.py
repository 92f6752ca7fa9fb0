"""How a finding is printed."""

from verifier.finding import Finding, lacking


def test_a_finding_is_one_line():
    assert Finding("chain", ok=True, text="edge-1: no gap").line() == "ok   chain edge-1: no gap"
    assert Finding("batch", ok=False, text="L1: wrong").line() == "FAIL batch L1: wrong"


def test_what_an_archive_says_adds_no_line_and_moves_no_cursor():
    said = Finding("batch", ok=False, text="L1\nok   all\x1b[2J\u202e: wrong").line()
    assert said == "FAIL batch L1?ok   all?[2J?: wrong"


def test_what_is_withheld_is_neither_right_nor_wrong():
    one = lacking("batch", "3 is withheld")
    assert (one.line(), one.ok, one.standing) == ("LACK batch 3 is withheld", False, "withheld")
    assert [Finding("x", ok=ok, text="").standing for ok in (True, False)] == ["ok", "failed"]
