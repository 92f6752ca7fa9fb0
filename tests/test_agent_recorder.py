"""The recorder's order of things, beyond crashes: long gaps, changed configurations, damage, bounded memory."""

import random
from dataclasses import replace

import pytest
from plant_in_memory import CLOCK, CONFIG, T0, S, Site, at_ns, meter_scan, plc_scan, round_of

from agent import recorder as recorders
from agent.batches import Source
from agent.drivers import Reading
from contract import body, message, records, segment
from contract.records import EventPart
from contract.void_records import VoidPart


@pytest.fixture
def site(tmp_path):
    made = Site.at(tmp_path)
    made.start(0)
    yield made
    made.stop()


def test_two_batches_back_to_back_worked_out_by_hand(site):
    site.read_rounds({k: "A" if 4 <= k < 9 else "B" if 9 <= k < 15 else None for k in range(1, 25)})
    (a, amounts), (b, more) = site.history().batches()
    # edges are midway between two looks, so 5 s and 6 s of 7 Wh and 3 kg each
    assert [one.amount for one in (*amounts, *more)] == [35_000, 15_000_000, 42_000, 18_000_000]
    assert (a.batch, b.batch, a.end, a.closed, b.closed) == ("A", "B", b.start, "complete", "complete")
    assert site.history().assert_batches_follow() == 2
    assert set(site.history().requests().values()) == {1}


def test_a_meter_long_dead_before_the_start_still_gives_the_reading_the_start_rests_on(tmp_path):
    """Memory must reach back to the last reading before the start, however old: a verifier's does."""
    site = Site.at(tmp_path)
    site.start(0)
    site.read_rounds(dict.fromkeys(range(1, 6)))
    for k in range(4000, 4020):  # over an hour later; Bad until after the batch has begun
        site.take(k, round_of(k, "A" if 4003 <= k < 4010 else None, meter=k >= 4006))
    ((head, amounts),) = site.history().batches()
    assert head.closed == "complete"
    assert amounts[0].amount is not None
    assert site.history().assert_batches_follow() == 1
    site.stop()


def test_the_same_after_a_restart_reads_it_back_from_the_journal(tmp_path):
    site = Site.at(tmp_path)
    site.start(0)
    site.read_rounds(dict.fromkeys(range(1, 6)))
    site.stop()
    site.start(4000)
    for k in range(4001, 4010):
        site.take(k, round_of(k, "A" if k >= 4003 else None, meter=k >= 4006))
    site.stop()
    site.start(4010)
    for k in range(4011, 4020):
        site.take(k, round_of(k, "A" if k < 4014 else None))
    ((head, amounts),) = site.history().batches()
    assert (head.closed, amounts[0].amount is None) == ("complete", False)
    assert site.history().assert_batches_follow() == 1
    site.stop()


def test_the_controller_unreachable_for_an_hour_needs_readings_of_before(site):
    site.read_rounds(dict.fromkeys(range(1, 3), "A"))
    site.read_rounds({3: None})
    for k in range(10, 3600, 10):
        site.take(k, round_of(k, None, plc=False))
    site.read_rounds({k: "B" if k < 3610 else None for k in range(3601, 3630)})
    ((head, amounts),) = site.history().batches()
    assert head.start.earliest_ns == plc_scan(3, None)[1].requested_ns
    assert amounts[0].lower is not None
    assert site.history().assert_batches_follow() == 1


def test_memory_is_bounded_without_any_batch(tmp_path):
    site = Site.at(tmp_path)
    site.start(0)
    for k in range(1, 400):
        site.take(k, round_of(k, None))
    remembered = site.recorder._remembered().columns
    assert max(len(column.raws) for column in remembered.values()) < 20
    assert site.recorder._pending.readings < 400
    site.stop()


def test_a_batch_longer_than_memory_is_read_back_when_it_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(recorders, "MEMORY_NS", 20 * S)
    site = Site.at(tmp_path)
    site.start(0)
    site.read_rounds({k: "A" if 3 <= k < 100 else None for k in range(1, 120)})
    ((head, amounts),) = site.history().batches()
    assert (head.closed, amounts[0].amount) == ("complete", 97 * 7000)
    assert site.history().assert_batches_follow() == 1
    remembered = site.recorder._remembered().columns
    assert max(len(column.raws) for column in remembered.values()) < 40
    site.stop()


def test_a_meter_that_never_comes_back_closes_the_batch_incomplete(site):
    for k in range(1, 30):
        site.take(k, round_of(k, "A" if 3 <= k < 8 else None, meter=k < 7))
    ((head, amounts),) = site.history().batches()
    assert head.closed == "incomplete"
    assert amounts[0].amount is None
    assert amounts[1].amount == 15_000_000  # the controller told its own output all along
    assert site.history().assert_batches_follow() == 1


def test_a_bad_reading_after_the_end_does_not_close_a_batch(site):
    for k in range(1, 20):
        site.take(k, round_of(k, "A" if 3 <= k < 8 else None, meter=not 8 <= k < 13))
        if k == 12:
            assert not site.history().batches()
    ((head, amounts),) = site.history().batches()
    assert (head.closed, amounts[0].amount) == ("complete", 35_000)


def test_a_counter_full_of_garbage_does_not_stop_the_agent(site):
    for k in range(1, 20):
        scans = round_of(k, "A" if 3 <= k < 8 else None)
        if k == 5:
            point = scans[0][1].readings[1]
            scans[0] = (
                "press",
                replace(scans[0][1], readings=(point._replace(raw=2**40),)),
            )  # wider than its register: a verifier will say so
        site.take(k, scans)
    ((head, amounts),) = site.history().batches()
    assert head.closed == "incomplete"
    assert (amounts[0].amount, amounts[0].anomalies) == (None, ["readings beyond computing"])


def test_a_batch_joined_late_is_told_and_has_no_record(site):
    site.read_rounds({k: "A" if k < 5 else None for k in range(1, 20)})
    assert [(e.event, e.detail["batch"]) for e in site.history().events()] == [("batch_joined_late", "A")]
    assert site.history().batches() == []


def test_a_changed_configuration_in_mid_batch_gives_no_amount_for_what_was_read_before(tmp_path):
    site = Site.at(tmp_path)
    site.start(0)
    site.read_rounds({k: "A" if k >= 3 else None for k in range(1, 8)})
    site.stop()
    (tmp_path / "new").mkdir()
    site.plan = Site.at(tmp_path / "new", CONFIG.replace('"1"', '"moved"')).plan
    site.start(8)
    site.read_rounds({k: "A" if k < 12 else None for k in range(9, 25)})
    history = site.history()
    assert history.reasons == ["first start", "restart", "configuration changed"]
    ((head, amounts),) = history.batches()
    assert (head.batch, head.closed, amounts[0].amount) == ("A", "incomplete", None)
    assert history.assert_batches_follow() == 1
    assert set(history.requests().values()) == {1}
    site.stop()


def test_a_batch_that_ended_is_closed_under_the_configuration_it_ended_under(tmp_path):
    site = Site.at(tmp_path)
    site.start(0)
    site.read_rounds({k: "A" if 3 <= k < 8 else None for k in range(1, 9)})
    site.stop()
    without = CONFIG[: CONFIG.index("[[line]]")]
    site.plan = Site.at(tmp_path / "new", without).plan
    site.start(9)
    ((head, _amounts),) = site.history().batches()
    assert (head.batch, head.closed) == ("A", "incomplete")
    assert site.history().assert_batches_follow() == 1
    site.read_rounds(dict.fromkeys(range(10, 30)))
    site.stop()


def test_a_line_taken_away_in_mid_batch_is_told_and_forgotten(tmp_path):
    site = Site.at(tmp_path)
    site.start(0)
    site.read_rounds({k: "A" if k >= 3 else None for k in range(1, 9)})
    site.stop()
    site.plan = Site.at(tmp_path / "new", CONFIG[: CONFIG.index("[[line]]")]).plan
    site.start(9)
    assert [(e.event, e.about) for e in site.history().events()][-1] == ("batch_abandoned", "press")
    assert site.recorder.so_far()[0].states == {}
    site.stop()


def test_an_open_file_that_is_damaged_is_told_and_the_chain_goes_on(tmp_path):
    site = Site.at(tmp_path)
    site.start(0)
    site.read_rounds(dict.fromkeys(range(1, 9)))
    site.stop()
    (site.folder / "open.db").write_bytes(b"\0" * 5000)
    site.start(10)
    site.read_rounds(dict.fromkeys(range(11, 19)))
    history = site.history()
    assert ("journal_damaged", "open.db.damaged-0") in [(e.event, e.about) for e in history.events()]
    assert set(history.requests().values()) == {1}
    assert {("press", at_ns(k)) for k in range(11, 16)} <= history.requests().keys()
    site.stop()


def test_damaged_rows_and_state_are_told_and_the_others_sealed(tmp_path):
    site = Site.at(tmp_path)
    site.start(0)
    site.read_rounds(dict.fromkeys(range(1, 4), "A"))
    site.journal._open._file.execute("UPDATE unsealed SET data = x'00' WHERE id = (SELECT min(id) FROM unsealed)")
    site.journal._open._file.execute("UPDATE unsealed SET kind = 'scam' WHERE id = (SELECT max(id) FROM unsealed)")
    site.journal._open._file.execute("UPDATE state SET data = x'ff' WHERE name = 'lines'")
    site.journal._open._file.commit()
    site.stop()
    site.start(5)
    events = [(e.event, e.about) for e in site.history().events()]
    assert ("rows_damaged", "3 rows not yet sealed") in events
    assert len(site.history().requests()) == 4  # of two meters in three rounds
    site.stop()


def test_a_day_file_lost_leaves_the_new_epoch_after_what_was_sealed_last_and_says_what_is_gone(tmp_path):
    day = 86_400
    site = Site.at(tmp_path)
    site.start(0)
    site.read_rounds(dict.fromkeys(range(1, 9)))
    kept = len(site.entries())
    site.read_rounds(dict.fromkeys(range(day, day + 9)))
    last, epoch = site.entries()[-1], site.recorder.epoch
    site.stop()
    max(site.folder.glob("2023-*.db")).write_bytes(b"gone")
    site.start(2 * day)
    told = site.journal.after({epoch: 2**62}, 9)
    assert [stored.type for stored in told] == ["manifest", "segment", "event", "void"]
    parent = records.read(body.unpack(told[0].sealed.body).parts[0], records.Author).parent
    assert (parent.epoch, parent.seq, parent.hash) == (epoch, last.seq, last.sealed.hash)
    (void,) = [records.read(part, VoidPart) for part in body.unpack(told[3].sealed.body).parts]
    assert (void.epoch, void.first, void.last, void.last_hash) == (epoch, kept, last.seq, last.sealed.hash)
    assert (void.cause, void.to_ns) == ("damaged", last.to_ns)
    site.stop()


def test_each_day_begins_with_a_manifest_so_that_its_file_can_be_read_by_itself(tmp_path):
    site = Site.at(tmp_path)
    midnight = (T0 // (86_400 * S) + 1) * 86_400 - T0 // S
    site.start(midnight - 20)
    site.read_rounds({k: "A" if k % 40 > 20 else None for k in range(midnight - 19, midnight + 60)})
    first = {}
    for stored in site.entries():
        day = next(e.day for e in site.journal.extents() if e.first <= stored.seq <= e.last)
        first.setdefault(day, stored.type)
    assert first == {"2023-11-14.db": "manifest", "2023-11-15.db": "manifest"}
    assert site.history().reasons == ["first start", "a new day"]
    assert site.history().assert_batches_follow() >= 1
    site.stop()


def test_a_new_epoch_on_demand_follows_the_one_before(site):
    site.read_rounds({k: "A" if k >= 3 else None for k in range(1, 8)})
    before = site.recorder.epoch
    site.recorder.renew("tested", at_ns(8))
    assert site.recorder.epoch != before
    site.read_rounds({k: "A" if k < 12 else None for k in range(9, 25)})
    history = site.history()
    assert history.reasons == ["first start", "tested"]
    ((head, amounts),) = history.batches()
    assert (head.closed, amounts[0].amount) == ("complete", 9 * 7000)
    assert history.assert_batches_follow() == 1


def test_no_entry_outgrows_a_message_even_if_nothing_in_it_can_be_compressed(tmp_path):
    chance = random.Random(1)
    site = Site.at(tmp_path)
    site.start(0)
    scans = [
        ("press", replace(
            meter_scan(k)[1],
            requested_ns=at_ns(k) + chance.randrange(S // 3), answered_ns=at_ns(k) + chance.randrange(S // 2, S),
            readings=tuple(
                Reading(reading.point, chance.getrandbits(32), chance.getrandbits(31), chance.getrandbits(62))
                for reading in meter_scan(k)[1].readings
            ),
        ))
        for k in range(1, 24_000)
    ]  # fmt: skip
    site.recorder.take(scans, [], {"press": Source(0, None)}, at_ns(24_000))
    segments = [stored for stored in site.entries() if stored.type == "segment"]
    assert len(segments) == 2  # one part would be larger than a reader takes
    for stored in segments:
        assert len(message.pack(stored.sealed.signed, stored.sealed.body)) < message.MESSAGE_BYTES_MAX
    assert sum(site.history().requests().values()) == len(scans)
    site.stop()


def test_what_is_told_from_elsewhere_is_sealed_too(site):
    event = EventPart(event="clock_step", about="clock", at_ns=T0, detail={"step_ns": 5})
    site.recorder.take([], [event], {"press": Source(0, None)}, at_ns(1))
    site.recorder.seal(at_ns(2))
    assert site.history().events() == [event]
    assert site.history().entries[0].sealed is not None
    assert CLOCK.synchronised is None


def test_a_bad_text_tag_leaves_no_trace_that_says_otherwise(site):
    """Text is told in events; a column of statuses for it would call good tags Bad."""
    for k in range(1, 4):
        meter, scan = plc_scan(k, "A")
        if k == 2:
            bad = scan.readings[0]._replace(text=None, status=0x80000000)
            scan = replace(scan, readings=(bad, *scan.readings[1:]))
        site.take(k, [(meter, scan)])
    site.recorder.seal(at_ns(9))
    (parts,) = site.history().of_type("segment")
    (block,) = segment.decode(parts[0]).blocks
    assert [column.point for column in block.columns] == ["running", "produced"]
