"""What a witness saw last of each ledger, in a file: it is all that a witness knows, so it outlives every crash.

In and out: `Seen` by origin. One process at a time decides: two requests at once can never be answered from one state.
A new state is on disk before anyone is told of it. A file that cannot be read stops the witness: it would begin anew.
"""

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path

from witness.judge import Seen


class Memory:
    """The file. It need not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def advance(self, origin: str, decide: Callable[[Seen | None], Seen]) -> Seen:
        """Decide on what was seen last, and keep the outcome. Raises what `decide` raises; ValueError, OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self._read()
            now = decide(known.get(origin))
            if now != known.get(origin):
                self._write({**known, origin: now})
            return now

    def seen(self, origin: str) -> Seen | None:
        """What was seen last of a ledger. Raises ValueError or OSError."""
        return self._read().get(origin)

    def _read(self) -> dict[str, Seen]:
        try:
            given = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            raise ValueError(f"{self._path}: not readable: restore it: without it rollbacks go unseen") from None
        try:
            return {origin: Seen(int(one["size"]), bytes.fromhex(one["root"])) for origin, one in given.items()}
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ValueError(f"{self._path}: not of the form this witness writes: restore it") from None

    def _write(self, known: dict[str, Seen]) -> None:
        told = {origin: {"size": seen.size, "root": seen.root.hex()} for origin, seen in sorted(known.items())}
        growing = self._path.with_suffix(".new")
        with growing.open("w", encoding="utf-8") as file:
            json.dump(told, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        growing.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
