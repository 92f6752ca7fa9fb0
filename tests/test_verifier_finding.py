"""How a finding is printed."""

from verifier.finding import Finding


def test_a_finding_is_one_line():
    assert Finding("chain", ok=True, text="edge-1: no gap").line() == "ok   chain edge-1: no gap"
    assert Finding("batch", ok=False, text="L1: wrong").line() == "FAIL batch L1: wrong"
