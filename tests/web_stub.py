"""A web server on this machine that answers every POST as a test says, and keeps what it was asked."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """Status, body and kind of one answer."""

    status: int
    body: bytes
    kind: str = "application/octet-stream"


@dataclass
class Stub:
    """Where it listens, and what was asked: path, kind and body of each."""

    url: str = ""
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[bytes], Answer]) -> Iterator[Stub]:
    """Serve until the end of the block."""
    stub = Stub()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            stub.asked.append((self.path, self.headers["Content-Type"], data))
            said = answer(data)
            self.send_response(said.status)
            self.send_header("Content-Type", said.kind)
            self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
