"""A time-stamp authority's answer (RFC 3161): that the words of a checkpoint existed at a time.

In: the answer's bytes (TimeStampResp, DER), the words, and the certificates one trusts. Out: the time, if one of them
vouches for it. Certificates are judged at the token's time; lists of revoked ones are not looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from cryptography import x509
from rfc3161_client import TimeStampResponse, VerifierBuilder, decode_timestamp_response

from contract.anchor_records import TOKEN_BYTES_MAX
from contract.errors import BadSignature, Malformed, TooLarge

GRANTED = 0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CONTEXT_0 = 0xA0  # the tag of an explicit or implicit [0]


@dataclass(frozen=True, slots=True)
class Stamp:
    """When, by the authority's clock, and how far off that may be (None: it does not say)."""

    at_ns: int
    accuracy_ns: int | None

    @property
    def from_ns(self) -> int:
        """The token was not made before."""
        return self.at_ns - (self.accuracy_ns or 0)

    @property
    def by_ns(self) -> int:
        """The words existed by then."""
        return self.at_ns + (self.accuracy_ns or 0)


def read(answer: bytes) -> TimeStampResponse:
    """Take an answer apart. Raises TooLarge, or Malformed also where it holds no token: the message says why not."""
    if len(answer) > TOKEN_BYTES_MAX:
        raise TooLarge(f"time stamp: {len(answer)} bytes; at most {TOKEN_BYTES_MAX}")
    try:
        response = decode_timestamp_response(_with_certificates_in_order(answer))
        status, why = response.status, "; ".join(response.status_string)
    except ValueError as error:
        raise Malformed(f"time stamp: not an RFC 3161 answer: {_brief(error)}") from None
    if status != GRANTED:
        raise Malformed(f"time stamp: not granted: status {status} {why[:200]}".rstrip())
    return response


def verify(answer: bytes, words: bytes, trusted: Sequence[x509.Certificate]) -> Stamp:
    """The time of these words. Raises TooLarge, Malformed or BadSignature."""
    response = read(answer)
    try:
        VerifierBuilder(roots=list(trusted)).build().verify_message(response, words)
        told = response.tst_info
        accuracy = told.accuracy
        return Stamp(_ns(told.gen_time - EPOCH), None if accuracy is None else _accuracy_ns(accuracy))
    except Exception as error:  # noqa: BLE001 - whatever the library finds odd in a stranger's certificates
        raise BadSignature(f"time stamp: {_brief(error)}") from None


def _accuracy_ns(accuracy: object) -> int:
    units = (("seconds", 10**9), ("millis", 10**6), ("micros", 10**3))
    return sum((getattr(accuracy, name) or 0) * ns for name, ns in units)


def _ns(span: timedelta) -> int:
    return span // timedelta(microseconds=1) * 1000


def _brief(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _with_certificates_in_order(answer: bytes) -> bytes:
    """The same answer with its certificates in DER's order, which no signature covers and many authorities do not keep.

    Where the form is another (RFC 3161, section 2.4.2; RFC 5652, section 5.1), it is left as it is.
    """
    try:
        (_, start, end), *_ = _values(answer, 0, len(answer))
        content = _values(answer, *_values(answer, start, end)[1][1:])
        signed = _values(answer, *_values(answer, *content[1][1:])[0][1:])
        _, start, end = next(value for value in signed if value[0] == _CONTEXT_0)
        firsts = [start, *(last for _, _, last in _values(answer, start, end))]
    except (IndexError, StopIteration):
        return answer
    certificates = [answer[first:last] for first, last in pairwise(firsts)]
    return answer[:start] + b"".join(sorted(certificates)) + answer[end:]


def _values(data: bytes, at: int, end: int) -> list[tuple[int, int, int]]:
    """Tag, start and end of each DER value from `at` to `end`. Raises IndexError where they do not fill it."""
    found = []
    while at < end:
        tag, length, start = data[at], data[at + 1], at + 2
        if length > 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[at + 2 : start], "big")
        at = start + length
        if at > end:
            raise IndexError(at)
        found.append((tag, start, at))
    return found
