"""Live messages are not trusted."""

import json

import pytest
import web_plant

from gateway.live_message import BYTES_MAX, parse, parse_status

GOOD = {"at_ns": 5, "meters": [{"meter": "line1", "status": 0, "answered_ns": 4, "values": {"power_w_milli": -7}}],
        "running": [], "outbox": 2}  # fmt: skip


def test_a_good_message():
    told = parse(json.dumps({**GOOD, "later": "member"}).encode())
    assert (told.at_ns, told.outbox, told.meters[0].values) == (5, 2, {"power_w_milli": -7})
    assert told.clock is None
    clock = {"synchronised": False, "error_ns": None, "ahead_ns": 7}
    assert parse(json.dumps({**GOOD, "clock": clock}).encode()).clock.model_dump() == clock
    running = web_plant.running("line1", "L1-1", "coil", 1, 1000, 2000, half=10)
    told = parse(json.dumps({**GOOD, "running": [running]}).encode())
    assert (told.running[0].energy.lower, told.running[0].good.amount) == (990, 2000)


@pytest.mark.parametrize(
    "change",
    [
        {"at_ns": "5"},
        {"at_ns": -1},
        {"at_ns": 1.5},
        {"at_ns": 2**63},
        {"meters": None},
        {"meters": [{"meter": "m", "status": 2**32, "answered_ns": 4, "values": {}}]},
        {"meters": [{"meter": "m" * 65, "status": 0, "answered_ns": 4, "values": {}}]},
        {"meters": [{"meter": "m", "status": 0, "answered_ns": 4, "values": {"power": "1"}}]},
        {"running": [{"line": "line1"}]},
        {"outbox": -1},
        {"outbox": True},
        {"clock": {"synchronised": 1}},
        {"clock": {"ahead_ns": -1}},
    ],
)
def test_a_bad_message(change):
    with pytest.raises(ValueError, match="validation error"):
        parse(json.dumps({**GOOD, **change}).encode())


@pytest.mark.parametrize("payload", [b"", b"[]", b"\xff", b"{", b"9" * 30_000, b" " * (BYTES_MAX + 1)])
def test_what_is_no_message_at_all(payload):
    with pytest.raises(ValueError, match=r"\S"):
        parse(payload)
    with pytest.raises(ValueError, match=r"\S"):
        parse_status(payload)


def test_status():
    assert parse_status(b'{"state": "offline"}') == "offline"
    with pytest.raises(ValueError, match="online"):
        parse_status(b'{"state": "ONLINE"}')


@pytest.mark.parametrize(
    "energy", [{"amount": -1}, {"amount": 5, "lower": 6}, {"amount": 5, "upper": 4}, {"lower": -2}]
)
def test_an_amount_outside_its_bounds_is_no_message(energy):
    running = {"line": "l", "batch": "b", "product": "p", "start_ns": 1, "energy": energy}
    with pytest.raises(ValueError, match="energy"):
        parse(json.dumps({"at_ns": 1, "meters": [], "running": [running]}).encode())
