"""Metrics, read back by the Prometheus parser."""

import json

import test_gateway_glance as ledgers
import web_plant
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from web_plant import NS

from gateway import metrics
from gateway.board import Board


def samples_of(live, ledger, at_ns):
    app = FastAPI()
    app.include_router(metrics.router(Board(live, ledger, lambda: at_ns)))
    answer = TestClient(app).get("/metrics")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_an_agent_s_clock_is_told():
    live, end_ns = web_plant.busy(minutes=1)
    message = json.loads(web_plant.live_message(end_ns, {}))
    for followed, told in ((True, 1), (False, 0), (None, 0)):
        clock = {"synchronised": followed, "error_ns": None, "ahead_ns": 5 * NS}
        live.on_live("edge-1", json.dumps({**message, "clock": clock}).encode(), end_ns)
        samples = samples_of(live, web_plant.Ledger(ledgers.note(), {}), end_ns)
        assert samples["metertrail_clock_synchronised", "edge-1"] == told
        assert samples["metertrail_clock_ahead_seconds", "edge-1"] == 5


def test_what_is_told():
    live, end_ns = web_plant.busy(minutes=12)
    live.on_refused("bad_signature")
    ledger = web_plant.Ledger(ledgers.note(), {"edge-1": ledgers.signed_receipt("edge-1", end_ns - 5 * NS)})
    samples = samples_of(live, ledger, end_ns)
    assert samples["metertrail_refused_total", "bad_signature"] == 1
    assert samples["metertrail_admitted_total", "batch"] == 4
    assert samples["metertrail_outbox_entries", "edge-1"] == 3
    assert not any(name.startswith("metertrail_clock") for name, *_ in samples)
    assert samples["metertrail_ledger_entries",] == 1284
    assert samples["metertrail_receipt_age_seconds", "edge-1"] == 5
    assert samples["metertrail_meter_age_seconds", "edge-1", "main"] == 90
    assert not any(name.startswith("python_") for name, *_ in samples)
