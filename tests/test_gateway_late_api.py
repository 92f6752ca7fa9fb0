"""`POST /api/batches`: only with the token, only so much, and every answer says what became of the batch."""

import json

import pytest
import web_plant
from fastapi import FastAPI
from fastapi.testclient import TestClient
from web_plant import NS, START_NS

from gateway import late_api, spool
from gateway.board import Board
from gateway.late_api import BODY_BYTES_MAX, PATH, Intake
from gateway.late_batch import KIND
from gateway.live import Live

TOKEN = "0123456789abcdef0123456789abcdef"
BATCH = {
    "line": "line1", "batch": "B-1", "product": "coil", "start": "2026-11-02T13:00", "end": "2026-11-02T05:30:00Z",
    "edge_s": 0.5, "author": "MES", "reason": "the link was down",
}  # fmt: skip
WITH = {"authorization": f"Bearer {TOKEN}"}


def client(folder, wait):
    board = Board(Live(web_plant.site(), web_plant.library(), START_NS), web_plant.Ledger(), lambda: START_NS)
    app = FastAPI()
    app.include_router(late_api.router(board, Intake(folder, TOKEN), wait))
    return TestClient(app)


def taken(path):
    path.unlink()
    return "taken up by the running gateway"


def test_a_batch_is_filed_as_it_was_told(tmp_path):
    seen = []

    def wait(path):
        seen.append(spool.parse(path.read_bytes(), {"late_batch": KIND})[1])
        return taken(path)

    answer = client(tmp_path, wait).post(PATH, json=BATCH, headers=WITH)
    assert (answer.status_code, answer.json()["batch"]) == (201, "B-1")
    (said,) = seen
    assert (said.way, said.author, said.edge_ns, said.told_ns) == ("http", "MES", NS // 2, START_NS)
    assert said.end_ns - said.start_ns == 1800 * NS


def test_one_that_is_not_taken_up_yet_waits(tmp_path):
    answer = client(tmp_path, lambda path: f"left: {path}").post(PATH, json=BATCH, headers=WITH)
    assert (answer.status_code, answer.json()["told"]) == (202, "waiting")
    assert len(list((tmp_path / spool.FOLDER).glob("*.json"))) == 1


def test_one_that_the_ledger_refuses_is_told_why(tmp_path):
    def wait(path):
        path.unlink()
        raise ValueError("start: overlaps batch B-0: give other times; product: is not in the site model")

    answer = client(tmp_path, wait).post(PATH, json=BATCH, headers=WITH)
    assert answer.status_code == 409
    assert answer.json()["detail"] == [
        "start: overlaps batch B-0: give other times", "product: is not in the site model",
    ]  # fmt: skip


def test_a_disk_that_takes_nothing_is_told(tmp_path):
    (tmp_path / spool.FOLDER).write_text("no folder")
    answer = client(tmp_path, taken).post(PATH, json=BATCH, headers=WITH)
    assert answer.status_code == 503
    assert answer.json()["detail"].startswith("cannot be kept: ")


@pytest.mark.parametrize("header", [{}, {"authorization": f"Bearer {TOKEN}x"}, {"authorization": f"Basic {TOKEN}"}])
def test_without_the_token_nothing_is_read(tmp_path, header):
    answer = client(tmp_path, taken).post(PATH, content=b"x" * (BODY_BYTES_MAX + 1), headers=header)
    assert answer.status_code == 401
    assert not (tmp_path / spool.FOLDER).exists()


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"x" * (BODY_BYTES_MAX + 1), 413, "tell one batch at a time"),
        (b"{", 422, "not JSON"),
        (b"[]", 422, "write one object"),
        (b"[" * 10_000, 422, "not JSON"),
        (json.dumps({**BATCH, "line": None, "colour": "red"}).encode(), 422, "line: missing: give it"),
        (json.dumps(BATCH).replace("0.5", "1e9999999").encode(), 422, "edge_s: 1E+9999999: write seconds from 0"),
        (json.dumps(BATCH).replace("0.5", "1e99999999999999999999").encode(), 422, "not JSON"),
        (json.dumps({**BATCH, "\ud800": 1}).encode(), 422, "'\\\\ud800': unknown"),
        (json.dumps({**BATCH, "a\nb": 1}).encode(), 422, "'a\\\\nb': unknown"),
        (b'{"line": "line1", "line": "line2"}', 422, "member 'line' is given twice"),
    ],
    ids=["large", "cut", "list", "deep", "fields", "exponent", "beyond", "half", "newline", "twice"],
)
def test_what_is_no_batch_is_refused_before_anything_is_left(tmp_path, content, status, words):
    answer = client(tmp_path, taken).post(PATH, content=content, headers=WITH)
    assert answer.status_code == status
    assert words in str(answer.json()["detail"])
    assert not (tmp_path / spool.FOLDER).exists()
