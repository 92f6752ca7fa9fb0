"""The application as a whole, without a browser."""

import web_plant
from fastapi.testclient import TestClient

from gateway import web


def test_everything_behind_one_guard():
    live, end_ns = web_plant.busy(minutes=12)
    app = web.build(live, web_plant.Ledger(), "operator:secret", lambda: end_ns)
    client = TestClient(app)
    paths = ("/", "/trust", "/api/lines", "/metrics")
    assert [client.get(path).status_code for path in paths] == [401] * 4
    assert client.get("/healthz").status_code == 200
    client.auth = ("operator", "secret")
    for path in paths[2:]:
        assert client.get(path).status_code == 200
    assert client.get("/docs").status_code == 404
