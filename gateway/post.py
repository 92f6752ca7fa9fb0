"""One POST to someone outside: bounded in size and time, whoever answers.

In: an http(s) address, the body and its kind. Out: status, kind and body of the answer, whatever the status. Raises
OSError, one clear line, if there is none. Never: more than `bytes_max` read; `WAIT_S` without a byte, or a body that
takes longer.
"""

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

WAIT_S = 10.0
PIECE_BYTES = 1 << 12


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    kind: str
    body: bytes


def post(url: str, body: bytes, kind: str, bytes_max: int) -> Answer:
    """Ask and wait for the answer."""
    until_s = time.monotonic() + WAIT_S
    asked = urllib.request.Request(url, body, {"Content-Type": kind, "User-Agent": "metertrail"})  # noqa: S310 - http(s), by the configuration
    try:
        try:
            answer = urllib.request.urlopen(asked, timeout=WAIT_S)  # noqa: S310 - as above
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Answer(answer.status, answer.headers.get_content_type(), _read(answer, bytes_max, until_s))
    except urllib.error.URLError as error:
        raise OSError(f"{url}: {error.reason}") from None
    except http.client.HTTPException as error:
        raise OSError(f"{url}: no HTTP answer: {type(error).__name__}") from None
    except OSError as error:
        raise OSError(f"{url}: {error}") from None


def _read(answer: http.client.HTTPResponse | urllib.error.HTTPError, bytes_max: int, until_s: float) -> bytes:
    """A body that drips ends as one that is too long does."""
    source = answer.fp if isinstance(answer, urllib.error.HTTPError) else answer
    read1: Callable[[int], bytes] = getattr(source, "read1", source.read)
    data = bytearray()
    while piece := read1(PIECE_BYTES):
        data += piece
        if len(data) > bytes_max:
            raise OSError(f"answers with more than {bytes_max} bytes")
        if time.monotonic() > until_s:
            raise OSError(f"no whole answer in {WAIT_S:.0f} s")
    return bytes(data)
