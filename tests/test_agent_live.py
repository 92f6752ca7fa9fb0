"""What pages are told: values as scaled, the running batch with bounds, nothing where one counter is missing."""

import json

import pytest
from message_plant import MESSAGED, TOLERANCE, message, works
from plant_in_memory import CONFIG, PLC_PROFILE, T0, Site, at_ns, energy, meter_scan, plc_scan, round_of, write_plant

from agent import check, live
from agent.load import Load
from agent.schedule import Polled
from gateway.live_message import parse


@pytest.fixture
def site(tmp_path):
    made = Site.at(tmp_path)
    made.start(0)
    yield made
    made.stop()


def test_a_running_batch_worked_out_by_hand(site):
    site.read_rounds({k: "A" if k >= 4 else None for k in range(1, 13)})
    (told,) = live.running(*site.recorder.so_far())
    assert (told["line"], told["batch"], told["product"], told["scrap"]) == ("press", "A", "coil", None)
    # from 4.006 to 11.5 (round 12 was asked for at 12, its register up to 0.5 s old) at 7 Wh a second
    assert told["energy"]["amount"] == pytest.approx((11.5 - 4.006) * 7000, abs=50)
    assert told["energy"]["lower"] <= told["energy"]["amount"] <= told["energy"]["upper"]
    assert told["good"]["amount"] is not None


def test_pending_readings_count_before_they_are_sealed(site):
    site.read_rounds({k: "A" if k >= 2 else None for k in range(1, 5)})
    assert not site.history().of_type("segment")
    (told,) = live.running(*site.recorder.so_far())
    assert told["energy"]["amount"] > 0


def test_nothing_runs_nothing_is_told(site):
    site.read_rounds(dict.fromkeys(range(1, 5)))
    assert live.running(*site.recorder.so_far()) == []


def test_a_sum_with_a_counter_missing_is_not_told_as_if_it_were_whole(tmp_path):
    oven = '[[meter]]\nname = "oven"\nbus = "serial"\nprofile = "./meter.toml"\nunit = 2\n'
    second = CONFIG.replace("[[line]]", oven + "[[line]]")
    site = Site.at(tmp_path, second.replace('["press.energy"]', '["press.energy", "oven.energy"]'))
    site.start(0)
    for k in range(1, 10):
        site.take(k, round_of(k, "A" if k >= 2 else None))
    (told,) = live.running(*site.recorder.so_far())
    assert told["energy"] is None
    assert told["good"]["amount"] > 0
    site.stop()


def test_media_are_not_added_up_with_anything(tmp_path):
    good, media = 'good = "press-plc.produced"', 'media = ["press-plc.produced"]'
    site = Site.at(tmp_path, CONFIG.replace(good, media))
    site.start(0)
    site.read_rounds({k: "A" if k >= 2 else None for k in range(1, 10)})
    (told,) = live.running(*site.recorder.so_far())
    assert "medium" not in told
    assert told["energy"]["amount"] > 0
    site.stop()


def test_a_line_that_counts_pieces_signs_pieces(tmp_path):
    path = write_plant(tmp_path)
    (tmp_path / "plc.toml").write_text(PLC_PROFILE.replace('unit = "kg"', 'unit = "piece"'))
    site = Site(tmp_path / "data", check.load(path, T0))
    site.start(0)
    site.read_rounds({k: "A" if k >= 4 else None for k in range(1, 10)})
    (told,) = live.running(*site.recorder.so_far())
    assert told["good"]["unit"] == "one_milli"
    assert told["energy"]["unit"] == "wh_milli"
    (_, plc) = live.meters(site.plan.meters, {"press-plc": [plc_scan(9, "A")[1]]})
    assert plc["values"] == {"produced_one_milli": 1027 * 1000}
    running = parse(json.dumps({"at_ns": 1, "meters": [], "running": [told]}).encode()).running[0]
    assert (running.good.unit, running.good.amount) == ("one_milli", told["good"]["amount"])
    site.read_rounds(dict.fromkeys(range(10, 25)))
    ((_, (_, good)),) = site.history().batches()
    # 3 pieces a second, and 6 seconds between the first look that shows the batch and the first that does not
    assert (good.role, good.unit) == ("good", "one_milli")
    # it surely showed 1006 to 1015 at the start and 1024 to 1033 at the end, and a register hides less than one piece
    assert (good.lower, good.amount, good.upper) == (8_000, 18_000, 28_000)
    assert site.history().assert_batches_follow() == 1
    site.stop()


def test_meters_as_last_read(site):
    last = {"press": [meter_scan(7)[1]], "press-plc": [plc_scan(7, "A")[1]]}
    press, plc = live.meters(site.plan.meters, last)
    assert press == {
        "meter": "press", "status": 0, "answered_ns": meter_scan(7)[1].answered_ns,
        "values": {"power_w_milli": 300_000, "energy_wh_milli": energy(7) * 1000},
    }  # fmt: skip
    assert plc["values"] == {"produced_g_milli": 1021 * 1_000_000}
    bad, never = live.meters(site.plan.meters, {"press": [meter_scan(7, status=0x800A0000)[1]]})
    assert (bad["status"], bad["values"]) == (0x800A0000, {})
    assert (never["answered_ns"], never["values"]) == (0, {})


def test_slots_missed_are_told_of_the_meters_that_missed_some(site):
    polled = {
        "press": Polled("press", 10**9, missed=3, late_ns_max=250_900_000, took_ns=40_000_000),
        "press-plc": Polled("press-plc", 10**9),
    }
    press, plc = live.meters(site.plan.meters, {}, polled)
    assert (press["missed"], press["late_ms_max"], press["took_ms"]) == (3, 250, 40)
    assert "missed" not in plc


def test_the_gateway_reads_what_the_agent_tells(site):
    site.read_rounds({k: "A" if k >= 4 else None for k in range(1, 13)})
    told = {
        "at_ns": at_ns(13), "meters": live.meters(site.plan.meters, {"press": [meter_scan(7)[1]]}),
        "running": live.running(*site.recorder.so_far()), "outbox": 3,
        "buses": [Load("serial", 0).told(10**9)],
    }  # fmt: skip
    message = parse(json.dumps(told).encode())
    assert message.running[0].batch == "A"
    assert message.meters[0].values["power_w_milli"] == 300_000


def test_a_meter_that_answers_with_nothing_new_is_not_old(site):
    """As who sends messages does between them: what it last said may be hours old."""
    polled = {
        "press": Polled("press", 10**9, answers=False, rested_ns=at_ns(50)),
        "press-plc": Polled("press-plc", 10**9, answers=True, rested_ns=at_ns(50)),
    }
    press, plc = live.meters(site.plan.meters, {}, polled)
    assert (press["answered_ns"], plc["answered_ns"]) == (0, at_ns(50))
    _, said = plc_scan(60, "A")
    _, plc = live.meters(site.plan.meters, {"press-plc": [said]}, polled)
    assert plc["answered_ns"] == said.answered_ns


def test_of_several_batches_at_once_the_lines_energy_is_told_once_with_the_others_names(tmp_path):
    several = works(tmp_path, MESSAGED.replace(TOLERANCE, f'{TOLERANCE}\noverlap = "equal"'))
    several.start(0)
    told = {5: message("started", "A", 5), 8: message("started", "B", 8), 20: message("ended", "A", 20)}
    for k in range(1, 16):
        several.take(k, [meter_scan(k), *([told[k]] if k in told else [])])
    (now,) = live.running(*several.recorder.so_far())
    assert (now["batch"], now["beside"]) == ("A", ["B"])
    # A's edge is 3..5 s, its middle 4; the last reading, asked at 15 s, shows what was at 14.5 s at least
    assert now["energy"]["amount"] == pytest.approx((14.5 - 4) * 7000, abs=50)
    for k in range(16, 26):
        several.take(k, [meter_scan(k), *([told[k]] if k in told else [])])
    (now,) = live.running(*several.recorder.so_far())
    assert (now["batch"], now.get("beside")) == ("B", None)
    assert now["energy"]["amount"] == pytest.approx((24.5 - 7) * 7000, abs=50)
    several.stop()
