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
from gateway.oddities import Oddity
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


def test_output_is_told_in_its_unit():
    site, at_ns = web_plant.by_the_piece(), web_plant.START_NS
    live = Live(site, web_plant.library(), at_ns)
    coil = site.products[0].id
    made = web_plant.batch("line1", "B1", coil, at_ns, at_ns + NS, 2_000_000, 480_000, unit="one_milli")
    live.on_admitted([web_plant.manifest(), made], at_ns)
    now = web_plant.running("line1", "B2", coil, at_ns + NS, 500_000, 100_000, 1000, unit="one_milli")
    live.on_live("edge-1", web_plant.live_message(at_ns + 2 * NS, {"line1": 1}, [now]), at_ns + 2 * NS)
    asked = client(Board(live, web_plant.Ledger(), lambda: at_ns + 2 * NS))
    (batch,) = no_floats(asked.get("/api/batches").text)["batches"]
    assert (batch["good_one_milli"], batch["scrap_one_milli"]) == (480_000, 2_000_000)
    assert (batch["good_g_milli"], batch["scrap_g_milli"], batch["intensity"]["unit"]) == (None, None, "piece")
    running = no_floats(asked.get("/api/lines").text)["lines"][0]["running"]
    assert (running["good_one_milli"], running["good_g_milli"]) == (100_000, None)
    assert running["intensity"]["wh_milli_per_unit"] == 5_000  # 0.5 kWh over 100 pieces
    (product, _) = no_floats(asked.get("/api/products").text)["products"]
    assert (product["unit"], product["good_one_milli"], "good_g_milli" in product) == ("piece", 480_000, False)


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


def test_what_is_odd_in_agents_chains():
    live, end_ns = web_plant.busy(minutes=12)
    odd = (
        Oddity("edge-1", "clone", "edge-1/5f3a09c2/0", "another epoch already follows 1c/5", 7),
        Oddity("edge-1", "void", "edge-1/77aa09c2/3", "to 7 (damaged)", 5),
    )
    app = FastAPI()
    app.include_router(api.router(Board(live, web_plant.Ledger(), lambda: end_ns, lambda: odd)))
    told = no_floats(TestClient(app).get("/api/chains").text)
    assert [(one["name"], one["entry"], one["author"], one["open"]) for one in told["odd"]] == [
        ("clone", "edge-1/5f3a09c2/0", None, True),
        ("void", "edge-1/77aa09c2/3", None, False),
    ]
    assert told["odd"][0]["text"] == "another epoch already follows 1c/5"


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
