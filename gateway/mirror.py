"""A mirror for dashboards: meters' live values and batches, written to InfluxDB 2 or what speaks its write API.

In: live messages and admitted batch entries. Out: points in a bucket. Lossy on purpose and never evidence: what cannot
be written in time is dropped and counted, and nothing ever waits for it.
"""

import logging
import queue
import threading
from collections.abc import Sequence
from typing import Protocol

from influxdb_client import InfluxDBClient, Point
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.write_api import SYNCHRONOUS
from urllib3.exceptions import HTTPError

from gateway.attribution import BatchFacts
from gateway.live_message import LiveMessage

log = logging.getLogger("metertrail.mirror")

WAITING_MAX = 120  # messages; two minutes of one agent
TIMEOUT_MS = 5_000


class Bucket(Protocol):
    """Where the mirror is."""

    url: str
    org: str
    bucket: str


def meter_points(site: str, agent: str, message: LiveMessage) -> list[Point]:
    """A point for every meter that has ever answered, at the time of its answer; values as integers."""
    points = []
    for meter in message.meters:
        if meter.answered_ns:
            point = Point("meter").tag("site", site).tag("agent", agent).tag("meter", meter.meter)
            point.field("status", meter.status).time(meter.answered_ns)
            for name, value in sorted(meter.values.items()):
                point.field(name, value)
            points.append(point)
    return points


def batch_point(site: str, batch: BatchFacts) -> Point:
    """A batch at its end. What is not known is left out, never zero."""
    point = Point("batch").tag("site", site).tag("line", batch.line).tag("product", batch.product)
    point.field("batch", batch.batch).field("complete", batch.complete).time(batch.end_ns)
    amounts = {
        "energy_wh_milli": batch.energy_wh_milli,
        "lower_wh_milli": batch.lower,
        "upper_wh_milli": batch.upper,
        "good_g_milli": batch.good_g_milli,
        "scrap_g_milli": batch.scrap_g_milli,
        "good_one_milli": batch.good_one_milli,
        "scrap_one_milli": batch.scrap_one_milli,
    }
    for name, amount in amounts.items():
        if amount is not None:
            point.field(name, amount)
    return point


class Mirror:
    """Writes in a thread of its own."""

    def __init__(self, where: Bucket, token: str) -> None:
        self._where = where
        self._client = InfluxDBClient(where.url, token, org=where.org, timeout=TIMEOUT_MS)
        self._waiting: queue.Queue[Sequence[Point] | None] = queue.Queue(WAITING_MAX)
        self._thread = threading.Thread(target=self._run, name="mirror", daemon=True)
        self.dropped = 0
        self._failing = False

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, points: Sequence[Point]) -> None:
        """Hand over points; returns at once."""
        try:
            if points:
                self._waiting.put_nowait(points)
        except queue.Full:
            self.dropped += len(points)

    def stop(self) -> None:
        """Write what is waiting, as far as the server takes it now."""
        try:
            self._waiting.put(None, timeout=TIMEOUT_MS / 1000)
        except queue.Full:
            return
        self._thread.join(2 * TIMEOUT_MS / 1000)
        self._client.close()

    def _run(self) -> None:
        api = self._client.write_api(write_options=SYNCHRONOUS)
        while (points := self._waiting.get()) is not None:
            try:
                api.write(self._where.bucket, record=list(points))
            except (InfluxDBError, HTTPError, OSError) as error:
                self.dropped += len(points)
                self._tell(type(error).__name__)  # the message can carry the request's headers, and so the token
            else:
                self._tell(None)

    def _tell(self, failure: str | None) -> None:
        if bool(failure) != self._failing:
            self._failing = bool(failure)
            if failure:
                log.warning("mirror failing url=%s error=%s", self._where.url, failure)
            else:
                log.info("mirror writing again url=%s dropped=%d", self._where.url, self.dropped)
