"""The application as a whole, without a browser."""

import web_plant
from fastapi.testclient import TestClient

from gateway import web
from gateway.late_api import PATH, Intake


def test_everything_behind_one_guard(tmp_path):
    live, end_ns = web_plant.busy(minutes=12)
    app = web.build(live, web_plant.Ledger(), "operator:secret", lambda: end_ns, Intake(tmp_path, "t" * 32))
    client = TestClient(app)
    paths = ("/", "/trust", "/api/lines", "/metrics")
    assert [client.get(path).status_code for path in paths] == [401] * 4
    assert client.get("/healthz").status_code == 200
    assert client.post(PATH, json={}, headers={"authorization": f"Bearer {'t' * 32}"}).status_code == 422
    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "Basic b3BlcmF0b3I6c2VjcmV0"}):
        assert client.post(PATH, json={}, headers=headers).status_code == 401  # the password of the pages is no token
    client.auth = ("operator", "secret")
    for path in paths[2:]:
        assert client.get(path).status_code == 200
    assert client.get("/docs").status_code == 404
