"""Counters, job orders and shifts through the recorder and before the verifier: over restarts and changed calendars."""

import told_lines
from plant_in_memory import S, Site, at_ns, meter_scan

from agent import check
from agent.recorder import Settings

SOURCE = 'source = "press-plc"'
COUNTER = f'{SOURCE}\ntold_by = "counter"\nbatch = "number"\nmakes = "coil"'
SCHEDULE = 'told_by = "schedule"\nmakes = "coil"'


def told(made: Site) -> list[tuple[str, str, int | None]]:
    """Each batch record: name, how it was closed, energy in Wh."""
    return [
        (head.batch, head.closed, None if amounts[0].amount is None else amounts[0].amount // 1000)
        for head, amounts in made.history().batches()
    ]


def test_numbers_in_a_register_tell_batches(tmp_path):
    made = told_lines.site(tmp_path, SOURCE, COUNTER)
    told_lines.run(made, range(60), lambda k: {"number": 41 + k // 20})
    # 41 was under way at the first look; 42 lies between looks 19 and 20, and 39 and 40: 20 s of 7 Wh
    assert told(made) == [("press-42", "complete", 140)]
    assert made.history().assert_batches_follow() == 1
    assert told_lines.failures(told_lines.ledger(made)) == []


def test_a_job_order_that_is_interrupted_is_one_batch(tmp_path):
    made = told_lines.site(tmp_path, SOURCE, f'{SOURCE}\ntold_by = "job_order"')
    states = {0: 2, 10: 3, 15: 4, 18: 3, 30: 5}
    told_lines.run(
        made,
        range(50),
        lambda k: {
            "state": states[max(since for since in states if since <= k)], "batch_id": "JO-7", "product": "coil",
        },
    )  # fmt: skip
    assert told(made) == [("JO-7", "complete", 140)]
    words = [event.detail["state"] for event in made.history().events() if event.event == "line_state"]
    assert words == ["idle", "produce", "idle", "produce", "idle"]
    assert told_lines.failures(told_lines.ledger(made)) == []


def test_a_restart_neither_ends_a_counted_batch_nor_tells_its_state_anew(tmp_path):
    extra = '\nstate = "state"\nstates = { "1" = "produce" }'
    made = told_lines.site(tmp_path, SOURCE, COUNTER.replace('"number"', '"number"\nnamed_by = "time"') + extra)
    told_lines.run(made, range(15), lambda k: {"number": 1 + k // 10, "state": 1})
    made.stop()
    made.start(20)
    for k in range(20, 50):
        made.take(k, [meter_scan(k), told_lines.shown(k, produced=1000 + 3 * k, number=2 + k // 30, state=1)])
    made.recorder.seal(at_ns(100))
    assert told(made) == [("press-20231114T221330Z", "complete", 140)]
    assert len([event for event in made.history().events() if event.event == "line_state"]) == 1
    assert told_lines.failures(told_lines.ledger(made)) == []


def test_a_shift_that_ended_while_the_agent_stood_waits_for_readings_of_after(tmp_path):
    made = told_lines.site(tmp_path, SOURCE, SCHEDULE, told_lines.SHIFTS)
    told_lines.run(made, range(50), lambda k: {})  # shift one begins at round 40, ends at round 100
    made.stop()
    made.start(130)
    made.recorder.take([], [], {}, at_ns(130))  # it ended half a minute ago, and nothing was read since
    assert told(made) == []
    for k in range(131, 180):
        made.take(k, [meter_scan(k), told_lines.shown(k, produced=1000 + 3 * k)])
    made.recorder.seal(at_ns(200))
    (one, two) = told(made)
    assert (one[:2], two[:2]) == (("press-2023-11-14-one", "complete"), ("press-2023-11-14-two", "complete"))
    # each within what the readings on both sides of the gap allow, 60 s of 7 Wh in truth
    for _, (energy, _) in made.history().batches():
        assert energy.lower <= 60 * 7 * 1000 <= energy.upper
    assert told_lines.failures(told_lines.ledger(made)) == []


def test_another_calendar_ends_what_the_old_one_began_without_a_record(tmp_path):
    made = told_lines.site(tmp_path, SOURCE, SCHEDULE, told_lines.SHIFTS)
    told_lines.run(made, range(50), lambda k: {})
    plan = told_lines.site(tmp_path / "new", SOURCE, SCHEDULE, told_lines.SHIFTS.replace("22:16", "22:17")).plan
    settings = Settings(plan.meters, plan.config.line, bytes(32), 5 * S, 10 * S, plan.config.calendar)
    made.recorder.reconfigure(settings, at_ns(51))
    for k in range(51, 90):
        made.take(k, [meter_scan(k)])
    made.recorder.seal(at_ns(200))
    events = [(event.event, event.detail["batch"]) for event in made.history().events() if "batch" in event.detail]
    name = "press-2023-11-14-one"
    assert events == [("batch_started", name), ("batch_abandoned", name), ("batch_joined_late", name)]
    assert told(made) == []


def test_a_calendar_that_no_line_is_told_by_is_not_stated(tmp_path):
    made = told_lines.site(tmp_path, SOURCE, SOURCE, told_lines.SHIFTS)
    assert isinstance(made.plan, check.Plan)
    made.start(0)
    assert made.recorder._stated.calendar is None
