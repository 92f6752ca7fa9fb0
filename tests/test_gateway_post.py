"""A POST is bounded in size and time, and what went wrong is one line."""

import socket
import threading
import time

import pytest
from web_stub import Answer, serving

from gateway import post as room
from gateway.post import post


def test_status_kind_and_body_come_back_whatever_the_status():
    for status in (200, 404, 409, 500):
        with serving(lambda data, status=status: Answer(status, data[::-1], "text/x.tlog.size")) as stub:
            told = post(f"{stub.url}/path", b"abc", "text/plain", 10)
        assert (told.status, told.kind, told.body) == (status, "text/x.tlog.size", b"cba")
        assert stub.asked == [("/path", "text/plain", b"abc")]


def test_too_long_an_answer_is_not_read_to_its_end():
    with serving(lambda _: Answer(200, bytes(20_000))) as stub, pytest.raises(OSError, match="more than 100 bytes"):
        post(stub.url, b"", "text/plain", 100)


def test_nobody_there_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(OSError, match=rf"^http://127.0.0.1:{port}: .*refused") as told:
        post(f"http://127.0.0.1:{port}", b"", "text/plain", 100)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("drips", [None, "200 OK", "500 Oops"], ids=["silent", "drips", "drips a fault"])
def test_one_who_never_comes_to_an_end_is_given_up(monkeypatch, drips):
    monkeypatch.setattr(room, "WAIT_S", 0.3)
    stop = threading.Event()

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1 << 16)
            if drips:
                connection.sendall(f"HTTP/1.1 {drips}\r\nContent-Length: 100\r\n\r\n".encode())
            while drips and not stop.wait(0.05):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return
            stop.wait(5)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        began = time.monotonic()
        with pytest.raises(OSError, match="timed out|no whole answer"):
            post(f"http://127.0.0.1:{server.getsockname()[1]}", b"", "text/plain", 1000)
        stop.set()
        thread.join()
    assert time.monotonic() - began < 20


def test_what_is_no_http_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"junk\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(OSError, match="no HTTP answer"):
            post(f"http://127.0.0.1:{server.getsockname()[1]}", b"", "text/plain", 1000)
        thread.join()
