"""What a late batch rests on: the manifest of its time, and no reading of another instrument, time or ledger."""

import archive_maker as maker
import pytest
from archive_maker import AGENT, PER_SEGMENT, READINGS, SITE, STEP_NS, T0, TRIP_NS, S
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_gateway_export import admitted

from agent.aggregation import batch_record
from agent.aggregation.batch_record import Run, declared
from contract import records, segment
from gateway.export import whole_ledger
from gateway.late_evidence import gather, has_passed
from gateway.ledger import Ledger
from verifier import archive, evidence, trail

ENERGY = ("line1", "energy_import")


def serial(number):
    """The factory's manifest with another line meter."""
    return [
        records.write(records.read(part, records.MeterPart).model_copy(update={"serial": number}))
        if records.kind_of(part) == "meter" and records.read(part, records.MeterPart).meter == "line1"
        else part
        for part in maker.manifest_parts()
    ]


@pytest.fixture
def made():
    return maker.opened()


@pytest.fixture
def ledger_key(made):
    return made.ledger_key.public_key()


@pytest.fixture
def ledger(tmp_path, made):
    """Line meters 1 (to 410 s), 2 (to 830 s) and 1 again, all under the same name."""
    for number, first in enumerate(range(0, READINGS, PER_SEGMENT)):
        if number % 7 == 0:
            made.epoch(AGENT, serial("2" if number == 7 else "1"), T0 + first * STEP_NS)
        last = first + PER_SEGMENT
        read = [segment.encode(maker.meter_segment(meter, first, last)) for meter in maker.METERS]
        made.add(AGENT, "segment", read, T0 + first * STEP_NS, T0 + (last - 1) * STEP_NS + TRIP_NS)
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", SITE, made.ledger_key)
    opened.append([admitted(signed, packed) for signed, packed in made.ledger], maker.TO_NS)
    yield opened
    opened.close()


@pytest.fixture
def whole(ledger, ledger_key):
    """The ledger's evidence as the verifier reads it."""
    return evidence.read(trail.read(archive.read(whole_ledger(ledger, ledger_key)))[0])[0]


def run(start, end):
    return Run("A", "coil", declared(T0 + start * S, 0), declared(T0 + end * S, 0))


def seconds(evidence):
    at = evidence.known[ENERGY].requested_ns
    return [] if not at.size else [(int(at[0]) - T0) // S, (int(at[-1]) - T0) // S]


@pytest.mark.parametrize(
    ("window", "read"),
    [((100, 200), [0, 410]), ((500, 600), [420, 830]), ((900, 1000), [840, 1190]), ((300, 500), [420, 830])],
)
def test_only_the_instrument_of_its_end_is_read(ledger, window, read):
    assert seconds(gather(ledger, AGENT, "line1", run(*window), ledger.size)) == read


def test_the_manifest_is_the_last_of_its_time_and_the_ledgers(ledger):
    manifests = [entry for entry in ledger.entries() if (entry.author, entry.type) == (AGENT, "manifest")]
    found = [gather(ledger, AGENT, "line1", run(*w), ledger.size).manifest for w in ((100, 200), (500, 600))]
    assert found == [manifests[0].hash, manifests[1].hash]
    before = gather(ledger, AGENT, "line1", run(500, 600), manifests[1].index)
    assert before.manifest == manifests[0].hash
    assert seconds(before) == [0, 410]


def test_nothing_further_than_an_hour_is_read(ledger):
    far = gather(ledger, AGENT, "line1", run(1000 + 3600, 1100 + 3600), ledger.size)
    assert seconds(far) == [1000, 1190]
    assert seconds(gather(ledger, AGENT, "line1", run(90_000, 90_001), ledger.size)) == []


@given(st.lists(st.integers(-400, 1600), min_size=2, max_size=2, unique=True).map(sorted), st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_verifier_finds_the_same_readings_for_any_window_and_any_size(ledger, whole, window, data):
    size, told = data.draw(st.integers(8, ledger.size)), run(*window)
    due = [one for one in whole.stated[AGENT] if one.index < size and one.from_ns <= told.end.latest_ns]
    try:
        found = gather(ledger, AGENT, "line1", told, size)
    except ValueError:
        assert not due
        return
    assert found.manifest == due[-1].hash
    for place, counter in found.counters.items():
        assert counter == due[-1].counters[place]
        known = batch_record.around(whole.around(AGENT, counter, due[-1], size), told)
        assert found.known[place].raws == known.raws
        assert found.known[place].answered_ns.tolist() == known.answered_ns.tolist()


def test_whether_more_may_come(ledger):
    assert not has_passed(ledger, AGENT, run(100, 1100), ledger.size)
    assert has_passed(ledger, AGENT, run(-9000, 1190 - 3600), ledger.size)
    assert not has_passed(ledger, AGENT, run(-9000, 1190 - 3600), ledger.size - 1)
