"""The API: integers with their units, null for what is not known, clear refusals."""

import json

import pytest
import test_gateway_glance as ledgers
import web_plant
from fastapi import FastAPI
from fastapi.testclient import TestClient
from web_plant import NS

from gateway import api, figures
from gateway.board import Board
from gateway.live import Live
from gateway.statement import canonical_json


def client(board):
    app = FastAPI()
    app.include_router(api.router(board))
    return TestClient(app)


@pytest.fixture(scope="module")
def plant():
    live, end_ns = web_plant.busy()
    ledger = web_plant.Ledger(ledgers.note(), {"edge-1": ledgers.signed_receipt("edge-1", end_ns - 5 * NS)})
    return Board(live, ledger, lambda: end_ns), end_ns


@pytest.fixture(scope="module")
def busy(plant):
    return client(plant[0])


def no_floats(text):
    return json.loads(text, parse_float=lambda number: pytest.fail(f"a float: {number}"))


def test_lines(busy):
    told = no_floats(busy.get("/api/lines").text)
    assert [line["line"] for line in told["lines"]] == ["line1", "line2"]
    running = told["lines"][0]["running"]
    assert (running["batch"], running["energy_wh_milli"]) == ("L1-0019", 12_100 * 97)
    assert running["lower_wh_milli"] < running["energy_wh_milli"] < running["upper_wh_milli"]
    assert told["lines"][0]["last_good"]["product"] == running["product"]
    assert told["provisional"] is True


def test_batches(busy):
    told = no_floats(busy.get("/api/batches?line=line2&limit=4").text)["batches"]
    assert [batch["batch"] for batch in told] == ["L2-0018", "L2-0017", "L2-0016", "L2-0015"]
    assert [batch["not_counted"] for batch in told] == [None, None, "incomplete", None]
    assert told[2]["intensity"] is None
    assert len(no_floats(busy.get("/api/batches").text)["batches"]) == 36


def test_meters(busy):
    told = no_floats(busy.get("/api/meters").text)["meters"]
    assert {meter["meter"]: meter["seal"] for meter in told} == {
        "main": "lost", "line1": "good", "line2": "good", "compressor": "good", "air": "good",
    }  # fmt: skip
    assert told[0]["power_w_milli"] is None


def test_products_is_the_canonical_statement(busy, plant):
    board, end_ns = plant
    state = board.state(end_ns)
    expected = canonical_json(figures.figures(state, board.site, board.live.factors).statement)
    assert busy.get("/api/products").content == expected
    assert busy.get(f"/api/products?from={state.from_ns}&to={state.to_ns}").content == expected
    told = no_floats(expected)
    assert (told["provisional"], told["label"]) == (True, "partial: gate-to-gate energy")


def test_ledger_and_health(busy):
    told = no_floats(busy.get("/api/ledger").text)
    assert (told["entries"], told["receipts_age_ns"]) == (1284, {"edge-1": 5 * NS})
    assert told["checkpoint"] == ledgers.note() or told["checkpoint"].startswith("metertrail/demo\n1284\n")
    assert no_floats(busy.get("/healthz").text)["status"] == "ok"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/api/batches?line=line7", "use one of line1, line2"),
        ("/api/batches?limit=0", "greater than or equal to 1"),
        ("/api/batches?limit=many", "integer"),
        ("/api/products?from=7", "metertrail export"),
        ("/api/products?to=soon", "integer"),
    ],
)
def test_a_bad_question_is_told_why(busy, path, words):
    answer = busy.get(path)
    assert answer.status_code == 422
    assert words in answer.text


def test_before_anything_arrived():
    live = Live(web_plant.site(), web_plant.library(), web_plant.START_NS)
    empty = client(Board(live, web_plant.Ledger(), lambda: web_plant.START_NS))
    line = empty.get("/api/lines").json()["lines"][0]
    assert (line["heard"], line["running"], line["last_good"], line["difference_ppm"]) == (False, None, None, None)
    assert empty.get("/api/batches").json()["batches"] == []
    product = empty.get("/api/products").json()["products"][0]
    assert (product["batches"], product["co2e_g_micro"], product["energy_wh_milli"]) == (0, None, None)
    assert empty.get("/api/ledger").json()["checkpoint"] is None
