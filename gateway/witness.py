"""Asking a witness to co-sign a checkpoint (C2SP tlog-witness, over HTTP).

In: its address, name and key, a signed note, the ledger for the proof it asks for. Out: the anchor: the note with the
witness's line. Raises OSError or Inadmissible, one clear line, and then nothing is kept.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contract import checkpoint, cosignature
from contract.anchor_records import AnchorPart
from contract.errors import BadSignature, Malformed
from contract.proof_text import Growth
from gateway import proofs
from gateway.post import Answer, post
from gateway.proofs import Leaves

ANSWER_BYTES_MAX = 1 << 14
KIND = "text/plain; charset=utf-8"
SIGNED, CONFLICT = 200, 409
MEANINGS = {
    400: "it cannot read the request",
    403: "it knows another key of this ledger",
    404: "it does not watch this ledger: give its operator the origin and the ledger's public key",
    422: "it saw another ledger before: this one does not begin with what it co-signed",
}


@dataclass(frozen=True, slots=True)
class Witness:
    """One witness. It alone remembers what it saw: it is asked first, so that no proof is worked out for nobody."""

    name: str
    url: str
    key: Ed25519PublicKey
    every_ns: int

    def ask(self, note: str, log: Leaves) -> AnchorPart:
        """Its co-signature of this note."""
        size = checkpoint.parse(note).size
        answer = self._post(Growth(0, (), note))
        if answer.status == CONFLICT:
            seen = _size(answer)
            if seen > size:
                raise Malformed(f"{self.url}: it co-signed {seen} entries, here are {size}: was the ledger put back?")
            answer = self._post(Growth(seen, proofs.growth(log, seen, size), note))
        if answer.status == CONFLICT:
            raise Malformed(f"{self.url}: it co-signed another ledger of {_size(answer)} entries")
        if answer.status != SIGNED:
            raise Malformed(f"{self.url}: status {answer.status}: {MEANINGS.get(answer.status, 'no co-signature')}")
        cosigned = cosignature.with_lines(note, self._own_lines(answer))
        if not cosignature.times_s(cosigned, self.name, self.key):
            raise BadSignature(f"{self.url}: answers without a co-signature of {self.name}'s key")
        return AnchorPart(source=self.name, note=cosigned, token=None)

    def _post(self, asked: Growth) -> Answer:
        return post(f"{self.url.rstrip('/')}/add-checkpoint", asked.text().encode(), KIND, ANSWER_BYTES_MAX)

    def _own_lines(self, answer: Answer) -> str:
        try:
            lines = answer.body.decode().splitlines(keepends=True)
        except UnicodeDecodeError:
            raise Malformed(f"{self.url}: its answer is not UTF-8") from None
        return "".join(line for line in lines if line.startswith(f"— {self.name} "))


def _size(answer: Answer) -> int:
    """The size in an answer of 409. Raises Malformed."""
    text = answer.body.decode(errors="replace").strip()
    if not checkpoint.SIZE.fullmatch(text):
        raise Malformed("a conflict without the size it co-signed last")
    return int(text)
