"""The mirror writes what a server of the write API receives, and a failing one costs nothing but points."""

import http.server
import logging
import queue
import threading
from dataclasses import dataclass, replace

import pytest

from gateway.attribution import BatchFacts
from gateway.live_message import LiveMessage
from gateway.mirror import WAITING_MAX, Mirror, batch_point, meter_points

MESSAGE = LiveMessage.model_validate(
    {
        "at_ns": 1_000,
        "meters": [
            {"meter": "line 1,a=b", "status": 0, "answered_ns": 999, "values": {"power_w_milli": 42_000_123, "e": -1}},
            {"meter": "line2", "status": 0x800A0000, "answered_ns": 0, "values": {}},
        ],
        "running": [],
    }
)
BATCH = BatchFacts(
    agent="edge-1", batch="L1-0001", line="line1", product="coil", start_ns=5, end_ns=2**60 + 1, complete=False,
    energy_wh_milli=None, lower=None, upper=None, u95=None, good_g_milli=2**60 + 1, scrap_g_milli=0,
)  # fmt: skip


def test_a_meter_that_never_answered_has_no_point():
    (point,) = meter_points("demo", "edge-1", MESSAGE)
    # line protocol: comma, space and equals sign are escaped in tags, integers end in i, fields in order
    assert point.to_line_protocol() == (
        r"meter,agent=edge-1,meter=line\ 1\,a\=b,site=demo e=-1i,power_w_milli=42000123i,status=0i 999"
    )


def test_what_is_not_known_of_a_batch_is_left_out():
    assert batch_point("demo", BATCH).to_line_protocol() == (
        'batch,line=line1,product=coil,site=demo batch="L1-0001",complete=false,'
        "good_g_milli=1152921504606846977i,scrap_g_milli=0i 1152921504606846977"
    )


def test_pieces_of_a_batch_are_in_the_mirror():
    made = replace(BATCH, good_g_milli=None, scrap_g_milli=None, good_one_milli=480_000, scrap_one_milli=0)
    assert batch_point("demo", made).to_line_protocol() == (
        'batch,line=line1,product=coil,site=demo batch="L1-0001",complete=false,'
        "good_one_milli=480000i,scrap_one_milli=0i 1152921504606846977"
    )


@dataclass
class Where:
    url: str
    org: str = "plant"
    bucket: str = "metertrail"


@pytest.fixture
def server():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            data = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.received.put((self.path, self.headers["Authorization"], data))
            self.send_response(self.server.statuses.pop(0) if self.server.statuses else 204)
            self.end_headers()

        def log_message(self, *_):
            pass

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.received, made.statuses = queue.Queue(), []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def test_points_arrive_with_the_token(server):
    mirror = Mirror(Where(f"http://127.0.0.1:{server.server_port}"), "s3cret")
    mirror.start()
    mirror.put([batch_point("demo", BATCH)])
    path, authorization, data = server.received.get(timeout=10)
    mirror.stop()
    assert path.startswith("/api/v2/write?org=plant&bucket=metertrail")
    assert authorization == "Token s3cret"
    assert data.decode() == batch_point("demo", BATCH).to_line_protocol()
    assert mirror.dropped == 0


def test_a_server_that_fails_is_told_once_and_tried_again(server, caplog):
    server.statuses += [401, 401]
    mirror = Mirror(Where(f"http://127.0.0.1:{server.server_port}"), "s3cret")
    with caplog.at_level(logging.INFO, logger="metertrail.mirror"):
        mirror.start()
        for _ in range(3):
            mirror.put([batch_point("demo", BATCH)])
        for _ in range(3):
            server.received.get(timeout=10)
        mirror.stop()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert mirror.dropped == 2
    assert "s3cret" not in caplog.text


def test_a_full_queue_drops_and_counts():
    mirror = Mirror(Where("http://127.0.0.1:9"), "t")  # never started: nothing is taken out
    for _ in range(WAITING_MAX + 3):
        mirror.put([batch_point("demo", BATCH)])
    assert mirror.dropped == 3
