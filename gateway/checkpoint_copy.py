"""A copy of the ledger's checkpoints outside its database: what a restored or rewritten database is measured against.

In and out: signed notes, one a line as a JSON string, only ever appended. Put the file on another disk than the
database. A line torn by a crash is passed over; anything else that is not a note of the ledger's key is told.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contract import checkpoint
from contract.errors import Inadmissible
from gateway.errors import Corrupt
from gateway.to_disk import to_disk

EVERY_NS = 60_000_000_000
TAIL_BYTES = 1 << 16  # the last note is well within


class CheckpointCopy:
    """The file. At most one note a minute is added, and one at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._added_ns: int | None = None
        self._pending: str | None = None
        self._is_named = False  # whether the file's name is surely on the disk too

    def last(self, key: Ed25519PublicKey) -> str | None:
        """The newest note in the file, or None if there is none. Raises Corrupt."""
        lines = self._tail().split(b"\n")[:-1]  # what follows the last line feed was torn
        for line in reversed(lines):
            if not line:
                continue
            try:
                note: str = json.loads(line)
                checkpoint.verify(note, key)
            except (ValueError, TypeError, AttributeError) as error:
                reason = error if isinstance(error, Inadmissible) else "not a note"
                raise Corrupt(f"{self._path}: the last line is not a checkpoint of this ledger: {reason}") from None
            return note
        return None

    def notes(self) -> Iterator[str]:
        """Every line that is whole, in order; one that is no text stands for itself, for no key signed it."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for line in file:
                try:
                    note = json.loads(line)
                except ValueError:
                    continue  # torn by a crash, or closed off since
                yield note if isinstance(note, str) else str(note)

    def add(self, note: str, at_ns: int) -> None:
        """Keep a note, unless one was kept less than a minute ago."""
        self._pending = note
        if self._added_ns is None or at_ns - self._added_ns >= EVERY_NS:
            self._added_ns = at_ns
            self.flush()

    def keep(self, note: str) -> None:
        """Keep a note whatever the time."""
        self._pending = note
        self.flush()

    def flush(self) -> None:
        """Write the last note given, if it is not in the file yet."""
        if self._pending is None:
            return
        torn = not self._tail().endswith(b"\n") and self._path.exists() and self._path.stat().st_size > 0
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            line = json.dumps(self._pending, ensure_ascii=False).encode() + b"\n"
            file.write(b"\n" + line if torn else line)
            file.flush()
            os.fsync(file.fileno())
        if not self._is_named:
            to_disk(self._path.parent)  # a new file's name, too, must survive a power cut
            self._is_named = True
        self._pending = None

    def _tail(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - TAIL_BYTES))
                return file.read()
        except FileNotFoundError:
            return b""
