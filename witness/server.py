"""A witness on the network: `POST /add-checkpoint` as C2SP tlog-witness has it. Reached by gateways, not by people.

In: requests of at most TEXT_CHARACTERS_MAX bytes. Out: a co-signature's line, or the protocol's status and one line. It
needs no password: what it signs is all it says. Put a proxy with TLS before it where strangers can reach it.
"""

import logging
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from contract.errors import Inadmissible
from contract.proof_text import TEXT_CHARACTERS_MAX, parse_growth
from witness.config import Config
from witness.judge import BAD_REQUEST, CONFLICT, Refused
from witness.memory import Memory
from witness.signing import answer

log = logging.getLogger("metertrail.witness")

PATH = "/add-checkpoint"
WAIT_S = 10
FAILED, TOO_LARGE = 500, 413
TEXT, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"


def make_server(config: Config, now_s: Callable[[], float] = time.time) -> ThreadingHTTPServer:
    """A server that listens; the caller serves and closes it. Raises OSError."""

    class Handler(BaseHTTPRequestHandler):
        timeout = WAIT_S

        def do_POST(self) -> None:
            if self.path != PATH:
                return self._say(404, f"POST {PATH} is all there is\n")
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > TEXT_CHARACTERS_MAX:
                return self._say(TOO_LARGE, f"give Content-Length, at most {TEXT_CHARACTERS_MAX}\n")
            return self._say(*_answered(config, self.rfile.read(int(length)), int(now_s())))

        def _say(self, status: int, words: str, kind: str = TEXT) -> None:
            data = words.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Told in `_answered`, with the reason."""

    return ThreadingHTTPServer((config.host, config.port), Handler)


def _answered(config: Config, data: bytes, at_s: int) -> tuple[int, str, str]:
    """Status, body and its kind."""
    try:
        asked = parse_growth(data.decode())
    except (UnicodeDecodeError, Inadmissible) as error:
        return BAD_REQUEST, f"{error}\n", TEXT
    origin = asked.note.partition("\n")[0]
    try:
        line = answer(config, asked, at_s)
    except Refused as refused:
        log.warning("refused origin=%s status=%d %s", origin, refused.status, refused)
        if refused.status != CONFLICT:
            return refused.status, f"{refused}\n", TEXT
        seen = Memory(config.memory).seen(origin)
        return CONFLICT, f"{seen.size if seen else 0}\n", SIZE
    except (ValueError, OSError) as error:
        log.error("memory cannot be kept: %s", error)  # noqa: TRY400 - its line says all
        return FAILED, "the witness cannot remember: nothing is signed\n", TEXT
    log.info("signed origin=%s", origin)
    return 200, line, TEXT
