"""Asking a time-stamp authority (RFC 3161, over HTTP) for the time of a checkpoint.

In: its address and the certificates to trust, a signed note. Out: the anchor with its answer, verbatim, once it has
been checked as a verifier will check it. Raises OSError or Inadmissible, one clear line, and then nothing is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from contract import checkpoint, timestamp
from contract.anchor_records import TOKEN_BYTES_MAX, AnchorPart
from contract.errors import BadSignature, Malformed
from gateway.post import post
from gateway.proofs import Leaves

ASKED, ANSWERED = "application/timestamp-query", "application/timestamp-reply"


@dataclass(frozen=True, slots=True)
class Authority:
    """One authority; `name` is what the gateway calls it."""

    name: str
    url: str
    trusted: Sequence[x509.Certificate]
    every_ns: int

    def ask(self, note: str, _log: Leaves) -> AnchorPart:
        """The time of this note."""
        words = checkpoint.parse(note).text().encode()
        request = TimestampRequestBuilder().data(words).hash_algorithm(HashAlgorithm.SHA256).build()
        answer = post(self.url, request.as_bytes(), ASKED, TOKEN_BYTES_MAX)
        if answer.status != 200:
            raise Malformed(f"{self.url}: answers with status {answer.status}")
        if timestamp.read(answer.body).tst_info.nonce != request.nonce:
            raise BadSignature(f"{self.url}: its time stamp answers another request")
        timestamp.verify(answer.body, words, self.trusted)
        return AnchorPart(source=self.name, note=note, token=answer.body)
