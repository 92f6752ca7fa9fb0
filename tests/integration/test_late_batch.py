"""A gateway that runs takes up what a command and another program tell it, and the archive afterwards verifies."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from gateway_folder import free_port
from test_gateway_export_cli import PERIOD, works
from test_gateway_late_cli import ADD

from gateway import export_cli, late_cli
from verifier import archive, cli

__all__ = ["works"]  # the fixture

TOKEN = "a" * 64
PATIENCE_S = 60
TOLD = {
    "line": "line1", "batch": "L1-0004", "product": "plate", "start": "2023-11-14T22:31:00Z",
    "end": "2023-11-14T22:32:30Z", "edge_s": 2, "author": "MES", "reason": "link down",
}  # fmt: skip


@contextmanager
def running(folder: Path, port: int):
    """The gateway as a process; its broker is away, which keeps it from nothing here."""
    command = [sys.executable, "-m", "metertrail", "gateway", "run", str(folder / "gateway.toml")]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            until_s = time.monotonic() + PATIENCE_S
            while answer(port, "/healthz")[0] != 200:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until_s, (folder / "log").read_text()
                time.sleep(0.2)
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def answer(port: int, path: str, told: object = None, token: str = TOKEN) -> tuple[int, object]:
    data = None if told is None else json.dumps(told).encode()
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as given:
            return given.status, json.load(given)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return 0, None


def test_both_ways_in_beside_a_running_gateway(works: Path, capsys: pytest.CaptureFixture[str]):
    port = free_port()
    (works / "web.token").write_text(TOKEN)
    (works / "web.token").chmod(0o600)
    config = works / "gateway.toml"
    config.write_text(config.read_text() + f'[web]\nport = {port}\ntoken_file = "web.token"\n')
    with running(works, port):
        assert late_cli.main([str(config), *ADD]) == 0
        assert "taken up by the running gateway" in capsys.readouterr().out
        assert answer(port, "/api/batches", TOLD, "b" * 64)[0] == 401
        assert answer(port, "/api/batches", TOLD) == (
            201, {"batch": "L1-0004", "line": "line1", "told": "taken up by the running gateway"},
        )  # fmt: skip
        status, refused = answer(port, "/api/batches", TOLD)
        assert (status, refused["detail"][0].startswith("start: overlaps batch L1-0004")) == (409, True)
    archived = works / "a.zip"
    assert export_cli.main([*PERIOD[:2], "--to", "2023-11-15T06:33:00", "--out", str(archived), str(config)]) == 0
    said = json.loads(archive.read(archived.read_bytes()).statement)
    assert [(one["batch"], one["author"]) for one in said["late"]] == [("L1-0003", "Li"), ("L1-0004", "MES")]
    assert cli.main([str(archived), "--trust", str(works / "trust.toml")]) == 0
