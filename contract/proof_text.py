"""Proofs of a ledger as text: that an entry is in it, or how it grew (C2SP tlog-proof, tlog-witness).

In: hashes and a note. Out: text, and back again. Whether a proof leads anywhere is merkle.py's to say, and whose note
it is checkpoint.py's.
    c2sp.org/tlog-proof@v1 / extra BASE64 / index N / hashes, a line each / blank / note        an entry
    old SIZE / hashes, a line each / blank / note                                               growth since SIZE
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from contract import checkpoint
from contract.errors import Malformed, TooLarge

FIRST_LINE = "c2sp.org/tlog-proof@v1"
HASHES_MAX = 63
EXTRA_BYTES_MAX = 1 << 14
TEXT_CHARACTERS_MAX = checkpoint.CHECKPOINT_BYTES_MAX + HASHES_MAX * 45 + EXTRA_BYTES_MAX * 4 // 3 + 100


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That a leaf stands at `index` in the note's tree. `extra` is unsigned: what it says must be found elsewhere."""

    index: int
    proof: tuple[bytes, ...]
    note: str
    extra: bytes = b""

    def text(self) -> str:
        """The file's text."""
        extra = f"extra {b64encode(self.extra).decode()}\n" if self.extra else ""
        return f"{FIRST_LINE}\n{extra}index {self.index}\n{_lines(self.proof)}\n{self.note}"


@dataclass(frozen=True, slots=True)
class Growth:
    """That the note's tree begins with the tree of `old_size` leaves; no proof is due from 0."""

    old_size: int
    proof: tuple[bytes, ...]
    note: str

    def text(self) -> str:
        """The request to a witness."""
        return f"old {self.old_size}\n{_lines(self.proof)}\n{self.note}"


def parse_inclusion(text: str) -> Inclusion:
    """Read a proof that an entry is there. Raises TooLarge or Malformed."""
    head, note = _parts(text)
    if head[:1] != [FIRST_LINE]:
        raise Malformed(f"proof: does not begin with {FIRST_LINE}")
    extra = b""
    if len(head) > 1 and head[1].startswith("extra "):
        extra = checkpoint.unbase64(head.pop(1).removeprefix("extra "))
        if not extra or len(extra) > EXTRA_BYTES_MAX:
            raise Malformed(f"proof: extra must have 1 to {EXTRA_BYTES_MAX} bytes")
    return Inclusion(_number(head[1:2], "index"), _hashes(head[2:]), note, extra)


def parse_growth(text: str) -> Growth:
    """Read a request to a witness. Raises TooLarge or Malformed."""
    head, note = _parts(text)
    return Growth(_number(head[:1], "old"), _hashes(head[1:]), note)


def _parts(text: str) -> tuple[list[str], str]:
    if len(text) > TEXT_CHARACTERS_MAX:
        raise TooLarge(f"proof: {len(text)} characters; at most {TEXT_CHARACTERS_MAX}")
    head, blank, note = text.partition("\n\n")
    if not blank:
        raise Malformed("proof: no blank line before the checkpoint")
    checkpoint.parse(note)
    return head.split("\n"), note


def _number(lines: Sequence[str], word: str) -> int:
    before, _, number = (lines[0] if lines else "").partition(" ")
    if before != word or not checkpoint.SIZE.fullmatch(number):
        raise Malformed(f"proof: no line `{word} NUMBER` where it is due")
    return int(number)


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > HASHES_MAX:
        raise Malformed(f"proof: {len(lines)} hashes; at most {HASHES_MAX}")
    hashes = tuple(map(checkpoint.unbase64, lines))
    if any(len(one) != 32 for one in hashes):
        raise Malformed("proof: each hash must have 32 bytes")
    return hashes


def _lines(hashes: Sequence[bytes]) -> str:
    return "".join(f"{b64encode(one).decode()}\n" for one in hashes)
