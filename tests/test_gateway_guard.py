"""The guard: nobody without the password, nothing from elsewhere."""

import base64

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from gateway.guard import Guard

PASSWORD = "operator:Grün und gut"


def app(password=PASSWORD):
    made = FastAPI()

    @made.post("/api/batches")
    @made.get("/api/batches")
    @made.get("/")
    @made.get("/healthz")
    def page():
        return {"ok": True}

    @made.websocket("/ws")
    async def socket(websocket: WebSocket):
        await websocket.accept()
        await websocket.send_text("hello")

    made.add_middleware(Guard, password=password, token="a-secret-of-this-run")
    return made


def basic(words):
    return {"authorization": "Basic " + base64.b64encode(words.encode()).decode()}


def test_the_right_password_opens_and_is_remembered():
    client = TestClient(app())
    assert client.get("/").status_code == 401
    assert client.get("/", headers=basic(PASSWORD)).status_code == 200
    cookie = next(iter(client.cookies.jar))
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert client.get("/").status_code == 200
    with client.websocket_connect("/ws") as socket:
        assert socket.receive_text() == "hello"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("operator:wrong"),
        basic("operator:"),
        {"authorization": "Basic ***"},
        {"authorization": "Bearer x"},
        {"cookie": "metertrail=guess"},
        {"cookie": "metertrail="},
        {"cookie": ";;=\x01"},
    ],
)
def test_anyone_else_is_refused(headers):
    client = TestClient(app())
    answer = client.get("/", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert "set-cookie" not in answer.headers
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws", headers=headers):
        pytest.fail("connected")


def test_health_is_open_and_so_is_everything_without_a_password():
    assert TestClient(app()).get("/healthz").status_code == 200
    assert TestClient(app(None)).get("/").status_code == 200


def test_what_asks_for_its_own_token_is_let_through_and_nothing_else_of_its_path():
    client = TestClient(app())
    assert client.post("/api/batches").status_code == 200
    assert client.get("/api/batches").status_code == 401
    assert client.post("/").status_code == 401


def test_nothing_may_be_loaded_from_elsewhere():
    policy = TestClient(app(None)).get("/").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert "*" not in policy
