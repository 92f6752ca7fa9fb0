"""The evidence of a drawn meter is evidence: it is written, read back, and says what was drawn."""

from dataclasses import replace
from fractions import Fraction

import pytest

from agent.aggregation import replay
from contract import segment as segments
from simulators import truth_evidence
from simulators.truth_judge import WINDOWS
from simulators.truth_meters import PLANT, draw
from simulators.truth_register import REGISTERS

METERS = [draw(1, number, PLANT) for number in range(12)]


@pytest.mark.parametrize("register", REGISTERS, ids=lambda register: register.name)
def test_a_manifest_states_what_was_drawn(register):
    declared = replace(METERS[0].declared, register=register, ratio=80, ct_class="0.5", ratio_in_register=False)
    (counter,) = replay.counters(truth_evidence.parts(declared)).values()
    assert (counter.unit, counter.ratio, counter.age_ns) == ("wh_milli", Fraction(80), declared.age_ns)
    assert counter.power_max_w == declared.power_max_w
    assert counter.instrument is not None


def test_segments_are_in_the_form_that_is_sealed():
    for meter in METERS:
        part = truth_evidence.segment(meter)
        assert segments.decode(segments.encode(part)) == part


def test_the_product_answers_for_each_window():
    whole = 0
    for meter in METERS:
        amounts = [claim.amount for claim in truth_evidence.claims(meter, meter.declared, WINDOWS)]
        if None not in amounts:
            whole += 1
            assert sum(amounts[:3]) == amounts[3]
    assert whole >= 10
