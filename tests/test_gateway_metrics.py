"""Metrics, read back by the Prometheus parser."""

import test_gateway_glance as ledgers
import web_plant
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from web_plant import NS

from gateway import metrics
from gateway.board import Board


def test_what_is_told():
    live, end_ns = web_plant.busy(minutes=12)
    live.on_refused("bad_signature")
    ledger = web_plant.Ledger(ledgers.note(), {"edge-1": ledgers.signed_receipt("edge-1", end_ns - 5 * NS)})
    app = FastAPI()
    app.include_router(metrics.router(Board(live, ledger, lambda: end_ns)))
    answer = TestClient(app).get("/metrics")
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert samples["metertrail_refused_total", "bad_signature"] == 1
    assert samples["metertrail_admitted_total", "batch"] == 4
    assert samples["metertrail_outbox_entries", "edge-1"] == 3
    assert samples["metertrail_ledger_entries",] == 1284
    assert samples["metertrail_receipt_age_seconds", "edge-1"] == 5
    assert samples["metertrail_meter_age_seconds", "edge-1", "main"] == 90
    assert not any(name.startswith("python_") for name, *_ in samples)
