"""A clock that jumps in mid-run: order and energies stay, nothing is closed early, shifts are not made up."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from agent_archive import factory_of, made_of
from plant_in_memory import CONFIG, T0, S, Site, at_ns, round_of

from agent.batches import Source
from contract import segment
from contract.records import EventPart
from verifier import archive
from verifier.verify import verify

HOUR_NS, YEARS_NS = 3600 * S, T0 - 100 * S  # from a boot in 1970
CALENDAR = """
[calendar]
zone = "UTC"
[[calendar.shift]]
name = "day"
start = "06:00"
end = "18:00"
[[calendar.shift]]
name = "night"
start = "18:00"
end = "06:00"
"""


def rounds(site, batches, jumps, *, meter=lambda _: True):
    """Read rounds; by `jumps`, the time stated in round k is so far behind."""
    points = {p.id: p for plan in site.plan.meters if plan.meter.name == "press-plc" for p in plan.profile.points}
    behind = None
    for k, batch in batches.items():
        by_ns = jumps(k)
        if behind is not None and by_ns != behind:
            site.recorder.reanchored(at_ns(k) - behind, at_ns(k) - by_ns)
        behind = by_ns
        scans = [
            (name, replace(scan, requested_ns=scan.requested_ns - by_ns, answered_ns=scan.answered_ns - by_ns))
            for name, scan in round_of(k, batch, meter=meter(k))
        ]
        now_ns = at_ns(k) + S * 9 // 10 - by_ns
        site.recorder.take(scans, [], {"press": Source(0, None, points)}, now_ns)
    site.recorder.seal(now_ns)


BATCHES = {k: "A" if 4 <= k < 9 else "B" if 9 <= k < 15 else None for k in range(1, 30)}


@pytest.mark.parametrize("by_ns", [2 * S, HOUR_NS, YEARS_NS], ids=["2 s", "1 h", "since 1970"])
@pytest.mark.parametrize("at", [2, 6, 12, 20])
def test_energies_are_the_same_as_without_the_jump(tmp_path, by_ns, at):
    site = Site.at(tmp_path)
    site.start(0 if by_ns != YEARS_NS else -YEARS_NS // S)
    rounds(site, BATCHES, lambda k: by_ns if k < at else 0)
    history = site.history()
    told = [(head.batch, head.closed, [one.amount for one in amounts]) for head, amounts in history.batches()]
    # edges are midway between two looks, so 5 s and 6 s of 7 Wh and 3 kg each: as in test_agent_recorder
    assert told == [("A", "complete", [35_000, 15_000_000]), ("B", "complete", [42_000, 18_000_000])]
    assert history.assert_batches_follow() == 2
    times = [
        requested
        for parts in history.of_type("segment")
        for made in map(segment.decode, parts)
        for block in made.blocks
        for requested in block.requested_ns
        if made.meter == "press"
    ]
    assert len(times) == len(BATCHES)
    assert times == sorted(times), "a reading was put before one that was read earlier"
    site.stop()


@pytest.mark.parametrize("at", [4, 9])
def test_an_edge_at_the_jump_is_as_wide_as_the_jump_and_its_energy_within_bounds(tmp_path, at):
    site = Site.at(tmp_path)
    site.start(-4000)
    rounds(site, BATCHES, lambda k: HOUR_NS if k < at else 0)
    (a, amounts), (b, more) = site.history().batches()
    edge = a.start if at == 4 else a.end
    assert edge.latest_ns - edge.earliest_ns > HOUR_NS
    assert (a.closed, b.closed) == ("complete", "complete")
    for one, true in zip((*amounts, *more), (35_000, 15_000_000, 42_000, 18_000_000), strict=True):
        assert one.lower <= true <= one.upper
    assert site.history().assert_batches_follow() == 2
    site.stop()


def test_a_shift_that_began_before_a_restart_goes_on_over_a_jump(tmp_path):
    """A machine without a battery was off for an hour of the day shift: its ends are right, and so is its energy."""
    site = Site.at(tmp_path, SHIFTS)
    six_ns = when("2023-11-14T06:00")
    site.start((six_ns - T0) // S - 60)
    site.recorder.take([], [], {}, six_ns - 30 * S)
    site.recorder.take([], [], {}, six_ns + 30 * S)
    site.recorder.seal(six_ns + 40 * S)
    site.stop()
    site.start((six_ns - T0) // S + 41)
    site.recorder.reanchored(six_ns + 60 * S, six_ns + 3600 * S)
    site.recorder.seal(six_ns + 3601 * S)
    assert [event.event for event in site.history().events()] == ["batch_joined_late", "batch_started"]
    assert site.recorder.so_far()[0].states["press"].running.batch == "press-2023-11-14-day"
    site.stop()


def test_what_waits_for_its_last_readings_is_not_given_up_for_a_jump(tmp_path):
    """close_wait is 10 s: the meter is silent from the end of the batch until two rounds after the jump."""
    site = Site.at(tmp_path)
    site.start(-4000)
    batches = {k: "A" if 4 <= k < 9 else None for k in range(1, 20)}
    rounds(site, batches, lambda k: HOUR_NS if k < 12 else 0, meter=lambda k: not 9 <= k < 14)
    ((head, amounts),) = site.history().batches()
    assert (head.closed, amounts[0].amount is not None) == ("complete", True)
    site.stop()


SHIFTS = CONFIG.replace('source = "press-plc"\n', 'told_by = "schedule"\nmakes = "coil"\n') + CALENDAR


def when(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * S


@pytest.mark.parametrize(
    ("from_", "to", "events"),
    [
        # within a shift that began by a clock that was behind: it did not begin then
        (
            "2023-11-14T07:00",
            "2023-11-14T12:00",
            [
                "batch_started press-2023-11-14-day",
                "batch_abandoned press-2023-11-14-day",
                "batch_joined_late press-2023-11-14-day",
            ],
        ),
        # over a change of shifts: the old has no end and the new no start that anyone has read
        (
            "2023-11-14T17:30",
            "2023-11-14T18:30",
            [
                "batch_started press-2023-11-14-day",
                "batch_abandoned press-2023-11-14-day",
                "batch_joined_late press-2023-11-14-night",
            ],
        ),
        # from 1970: not one record of the 39,000 shifts in between
        ("1970-01-01T06:10", "2023-11-14T12:00", ["batch_abandoned press-1970-01-01-day", "batch_joined_late"]),
    ],
)
def test_no_shift_begins_or_ends_at_an_instant_jumped_over(tmp_path, from_, to, events):
    site = Site.at(tmp_path, SHIFTS)
    first_ns = when(from_[:10] + "T05:59")
    site.start((first_ns - T0) // S)
    for at in (first_ns, first_ns + 61 * S, when(from_)):
        site.recorder.take([], [], {}, at)
    site.recorder.reanchored(when(from_), when(to))
    site.recorder.take([], [], {}, when(to) + S)
    site.recorder.seal(when(to) + 2 * S)
    told = [f"{one.event} {one.detail['batch']}" for one in site.history().events()]
    told = told[-len(events) :]
    assert all(one.startswith(due) for one, due in zip(told, events, strict=True)), told
    assert site.history().batches() == []
    site.stop()


@pytest.mark.parametrize("by_ns", [HOUR_NS, YEARS_NS], ids=["1 h", "since 1970"])
@pytest.mark.parametrize("at", [4, 6])
def test_the_verifier_finds_all_in_order_across_a_jump_and_tells_it(tmp_path, by_ns, at):
    site = Site.at(tmp_path)
    site.start(-by_ns // S)
    detail = {"step_ns": by_ns, "from_ns": at_ns(at) - by_ns, "to_ns": at_ns(at), "boot": None, "monotonic_ns": 5}
    rounds(site, {k: b for k, b in BATCHES.items() if k < at}, lambda _: by_ns)
    site.recorder.reanchored(detail["from_ns"], detail["to_ns"])
    told = EventPart(event="clock_reanchored", about="clock", at_ns=at_ns(at), detail=detail)
    site.recorder.take([], [told], {}, at_ns(at))
    rounds(site, {k: b for k, b in BATCHES.items() if k >= at}, lambda _: 0)
    report = verify(archive.read(factory_of(made_of(site)).pack()))
    assert [finding.line() for finding in report.findings if not finding.ok] == []
    (clock,) = [finding.text for finding in report.findings if finding.check == "clock"]
    assert "its time jumped 1 times" in clock
    assert clock.endswith("in all, 1 batches run across")


def test_events_of_the_clock_keep_their_place(tmp_path):
    site = Site.at(tmp_path)
    site.start(-4000)
    rounds(site, dict.fromkeys(range(1, 4)), lambda _: HOUR_NS)
    told = EventPart(event="clock_reanchored", about="clock", at_ns=at_ns(4), detail={"from_ns": at_ns(4) - HOUR_NS})
    site.recorder.take([], [told], {}, at_ns(4))
    rounds(site, dict.fromkeys(range(5, 8)), lambda _: 0)
    site.recorder.seal(at_ns(9))
    (event,) = site.history().events()
    assert event == told
    sealed = [stored.to_ns for stored in site.entries() if stored.type in {"segment", "event"}]
    assert sealed == sorted(sealed)
    site.stop()
