"""How a bus keeps up, by hand: shares of time, lateness since pages were told, one event an hour."""

from agent.load import TELL_EVERY_NS, Load

S, MS = 10**9, 10**6


def test_pages_are_told_of_the_time_since_they_were_told_last():
    load = Load("serial", 10 * S)
    load.held(10 * S, 10 * S + 250 * MS)
    load.held(11 * S, 11 * S + 50 * MS)
    load.slot(40 * MS, 0)
    load.slot(7 * MS, 2)
    assert load.told(12 * S) == {
        "name": "serial", "busy_permille": 150, "missed": 2, "late_ms_max": 40, "turn_ms_max": 250,
        "probes_forced": 0,
    }  # fmt: skip
    assert load.told(13 * S) == {
        "name": "serial", "busy_permille": 0, "missed": 2, "late_ms_max": 0, "turn_ms_max": 0, "probes_forced": 0,
    }  # fmt: skip


def test_missed_slots_are_told_at_once_and_then_once_an_hour():
    load = Load("serial", 0)
    load.slot(300 * MS, 0)
    assert load.event(S) is None
    load.slot(100 * MS, 3)
    load.held(S, 2 * S, forced=True)
    event = load.event(2 * S)
    assert (event.event, event.about, event.at_ns) == ("slots_missed", "serial", 2 * S)
    assert event.detail == {"missed": 3, "late_ms_max": 300, "probes_forced": 1}
    load.slot(0, 1)
    load.slot(0, 4)
    assert load.event(2 * S + TELL_EVERY_NS - 1) is None
    assert load.event(2 * S + TELL_EVERY_NS).detail == {"missed": 5, "late_ms_max": 0, "probes_forced": 0}
    assert load.event(9 * TELL_EVERY_NS) is None
