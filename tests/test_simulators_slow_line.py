"""A backlog over a slow line, small: all arrives in order, with live messages between. How late is for the soak."""

import shutil
import socket
import threading
import time

import pytest

from simulators import slow_line


@pytest.mark.parametrize("broker", ["own", "mosquitto"])
async def test_a_backlog_arrives_in_order_and_live_messages_between(broker, need, monkeypatch):
    if broker == "own":
        monkeypatch.setattr(shutil, "which", lambda _: None)
    else:
        need("mosquitto")
    monkeypatch.setattr(slow_line, "LIVE_EVERY_S", 0.1)
    problems, shown_ns = await slow_line.run(16, 40_000, 4_000_000)
    assert problems == []
    assert shown_ns


def test_a_line_carries_both_ways_and_up_no_faster_than_it_is():
    with socket.create_server(("127.0.0.1", 0)) as far:

        def answer():
            end, _ = far.accept()
            while piece := end.recv(1 << 16):
                end.sendall(piece)
            end.close()

        threading.Thread(target=answer, daemon=True).start()
        line = slow_line.Narrow(far.getsockname()[1], 800_000)
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", line.port)) as near:
            near.sendall(bytes(range(250)) * 100)
            got = b""
            while len(got) < 25_000:
                got += near.recv(1 << 16)
        line.close()
    assert got == bytes(range(250)) * 100
    assert time.monotonic() - began >= 25_000 * 8 / 800_000 * 0.9  # a lower bound holds on any machine


@pytest.mark.parametrize(
    ("problems", "shown_ns", "status"), [([], [1], 0), (["lost"], [1], 1), ([], [], 1), ([], [6 * 10**9], 1)]
)
def test_whatever_does_not_hold_fails(monkeypatch, capsys, problems, shown_ns, status):
    async def ran(*_):
        return list(problems), shown_ns

    monkeypatch.setattr(slow_line, "run", ran)
    monkeypatch.setattr(slow_line.logging, "disable", lambda _: None)
    assert slow_line.main([]) == status
    assert ("BREACH" in capsys.readouterr().out) == bool(status)
