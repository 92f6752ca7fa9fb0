"""The live state: fed by entries and messages, bounded, never brought down by either."""

import pytest
import web_plant
from web_plant import NS, START_NS, entry

from agent.drivers import profiles
from agent.drivers.profile import parse
from gateway import live as live_module
from gateway.live import TRACE_MAX, Live

COIL = "steel coil 1.5 mm"


@pytest.fixture
def live():
    made = Live(web_plant.site(), web_plant.library(), START_NS)
    made.on_admitted([web_plant.manifest()], START_NS)
    return made


def test_a_manifest_tells_meters_and_lines(live):
    told = live.state.manifests["edge-1"]
    assert [(kind.meter, kind.serial) for kind in told.meters] == [(m, serial) for m, _, serial in web_plant.METERS]
    assert told.line_meters == {"line1": ("line1",), "line2": ("line2",)}
    assert ("compressor", "energy_import") in told.counters


def test_the_power_of_every_profile_is_its_total():
    meters = {kind.meter: kind.power for kind in _kinds()}
    assert meters["air"] is None
    assert {name for meter, name in meters.items() if meter != "air"} == {"power_w_milli"}


def _kinds():
    made = Live(web_plant.site(), web_plant.library(), START_NS)
    made.on_admitted([web_plant.manifest()], START_NS)
    for _, name, _ in web_plant.METERS:
        assert parse(profiles.load(name)).points
    return made.state.manifests["edge-1"].meters


def test_batches_and_totals(live):
    live.on_admitted([web_plant.utility_segment(START_NS, 600, 10, 0.1)], START_NS)
    live.on_admitted([web_plant.batch("line1", "L1-1", COIL, START_NS, START_NS + 60 * NS, 1000, 2000)], START_NS)
    assert [batch.batch for batch in live.state.batches] == ["L1-1"]
    (use,) = live.state.uses()
    assert use.utility == "compressed-air"
    assert use.energy_wh_milli == 569 * 10_000  # up to half a minute before the last of 600 readings
    assert use.volume_m3_micro == pytest.approx(56_900_000, abs=1_000_000)  # whole m3 on the display
    assert live.state.admitted == {"manifest": 1, "segment": 1, "batch": 1}


def test_a_state_once_given_never_changes(live):
    before = live.state
    live.on_admitted([web_plant.batch("line1", "L1-1", COIL, START_NS, START_NS + NS, 1, 1)], START_NS)
    live.on_live("edge-1", web_plant.live_message(START_NS, {"line1": 1}), START_NS)
    assert (before.batches, dict(before.heard)) == ((), {})
    with pytest.raises(TypeError):
        live.state.heard["x"] = None


def test_live_messages(live):
    live.on_live("edge-1", web_plant.live_message(START_NS, {"line1": 41_000, "line2": 2}), START_NS + 7)
    assert live.state.heard["edge-1"].at_ns == START_NS + 7
    assert live.state.power["edge-1", "line1"] == ((START_NS, 41_000_000),)
    live.on_live("edge-1", web_plant.live_message(START_NS + NS, {"line1": 0}, lost=("line1",)), START_NS + NS)
    assert live.state.power["edge-1", "line1"][-1] == (START_NS + NS, None)


@pytest.mark.parametrize("payload", [b"", b"{}", b"\x00" * 100, b"x" * 70_000, b'{"at_ns": "now"}'])
def test_a_bad_live_message_is_counted_and_changes_nothing_else(live, payload):
    heard = live.state.heard
    live.on_live("edge-1", payload, START_NS)
    assert live.state.heard is heard
    assert live.state.refused == {"bad_live_message": 1}


def test_an_agent_nobody_knows_is_not_shown(live):
    for index in range(50):
        live.on_live(f"edge-x{index}", web_plant.live_message(START_NS, {"line1": 1}), START_NS)
        live.on_status(f"edge-x{index}", b'{"state": "online"}', START_NS)
    assert dict(live.state.heard) == {}
    assert dict(live.state.status) == {}
    assert live.state.refused == {"live_of_unknown_agent": 50}


def test_status_and_refusals(live):
    live.on_status("edge-1", b'{"state": "offline"}', START_NS)
    live.on_status("edge-1", b"offline", START_NS)
    live.on_refused("bad_signature")
    live.on_refused("bad_signature")
    assert live.state.status == {"edge-1": "offline"}
    assert live.state.refused == {"bad_live_message": 1, "bad_signature": 2}


def test_an_entry_that_cannot_be_shown_stops_nothing(live):
    bad = [entry("batch", [b"\xff"]), entry("manifest", [b"\x00"]), entry("segment", [b"\xff"])]
    good = web_plant.batch("line1", "L1-1", COIL, START_NS, START_NS + NS, 1, 1)
    live.on_admitted([*bad, entry("batch", []), good, entry("event", [b"?"]), entry("unheard-of", [])], START_NS)
    assert [batch.batch for batch in live.state.batches] == ["L1-1"]
    assert live.state.refused["not_shown"] >= 3


def test_memory_is_bounded(live, monkeypatch):
    monkeypatch.setattr(live_module, "BATCHES_MAX", 5)
    for index in range(8):
        at_ns = START_NS + index * NS
        live.on_admitted([web_plant.batch("line1", f"L1-{index}", COIL, at_ns, at_ns + NS, 1, 1)], START_NS)
    assert [batch.batch for batch in live.state.batches] == ["L1-3", "L1-4", "L1-5", "L1-6", "L1-7"]
    assert live.state.batches_lost == 3
    for index in range(TRACE_MAX + 50):
        live.on_live("edge-1", web_plant.live_message(START_NS + index * NS, {"line1": index}), START_NS)
    trace = live.state.power["edge-1", "line1"]
    assert (len(trace), trace[-1][1]) == (TRACE_MAX, (TRACE_MAX + 49) * 1000)


def test_a_new_period_keeps_the_last_batches_but_not_their_sums(live):
    live.on_admitted([web_plant.utility_segment(START_NS, 600, 10, 0.1)], START_NS)
    live.on_admitted([web_plant.batch("line1", "L1-1", COIL, START_NS, START_NS + NS, 1, 1)], START_NS)
    after_ns = live.state.to_ns
    live.on_live("edge-1", web_plant.live_message(after_ns, {"line1": 1}), after_ns)
    assert live.state.from_ns == after_ns
    assert [batch.batch for batch in live.state.batches] == ["L1-1"]
    assert live.state.uses()[0].energy_wh_milli is None


def test_what_is_wanted_of_the_ledger_at_start(live):
    from_ns = live.state.from_ns
    assert live.wants("manifest", 0)
    assert live.wants("segment", from_ns)
    assert not live.wants("segment", from_ns - 3600 * NS)
    assert live.wants("batch", from_ns - 3600 * NS)
    assert not live.wants("enrolment", from_ns)


def test_a_late_batch_is_shown_with_the_agents_own(live):
    seen = web_plant.batch("line1", "L1-1", COIL, START_NS, START_NS + 60 * NS, 1000, 2000)
    live.on_admitted([web_plant.late(seen)], START_NS)
    (batch,) = live.state.batches
    assert (batch.agent, batch.batch, batch.energy_wh_milli, batch.late.author) == ("edge-1", "L1-1", 1000, "Li")
    assert live.state.admitted["late_batch"] == 1
    assert live.wants("late_batch", START_NS)
    assert not live.wants("late_batch", START_NS - 400 * 24 * 3600 * NS)
