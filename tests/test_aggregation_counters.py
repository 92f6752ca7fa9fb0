"""What a manifest says of counters: worked out by hand, and what cannot be computed with is refused at once."""

from fractions import Fraction

import pytest
from press import PLACE

from agent.aggregation import counters
from contract import records
from contract.errors import Malformed


def test_counters_as_a_manifest_states_them(parts, counter):
    assert counters.counters(parts).keys() == {PLACE, ("press-plc", "produced")}
    assert (counter.unit, counter.ratio, counter.age_ns) == ("wh_milli", Fraction(80), 500_000_000)
    assert counter.instrument is not None


@pytest.mark.parametrize("changed", [{"installation": "2"}, {"serial": "another"}])
def test_another_instrument_or_place_is_another_counter(parts, counter, changed):
    meter = records.write(records.read(parts[2], records.MeterPart).model_copy(update=changed))
    assert counters.counters([*parts[:2], meter])[PLACE] != counter


@pytest.mark.parametrize("step", ["Infinity", "NaN", "-1", "0", "1e99999999", "1e400", "0." + "1" * 40])
def test_a_step_that_no_register_has_is_malformed_at_once(parts, step):
    declared = [records.Declared(point="energy", step=step, age_ns=None, source="s")]
    meter = records.write(records.read(parts[2], records.MeterPart).model_copy(update={"declared": declared}))
    with pytest.raises(Malformed, match="press"):
        counters.counters([*parts[:2], meter])


@pytest.mark.parametrize("wrong", [{"accuracy_class": "7"}, {"profile": b"?" * 32}, {"declared_step": "x"}])
def test_a_manifest_that_cannot_be_computed_with_is_malformed(parts, wrong):
    meter = records.read(parts[2], records.MeterPart)
    if "declared_step" in wrong:
        declared = records.Declared(point="energy", step="x", age_ns=None, source="s")
        wrong = {"declared": [declared]}
    broken = records.write(meter.model_copy(update=wrong))
    with pytest.raises(Malformed, match="press"):
        counters.counters([*parts[:2], broken])
