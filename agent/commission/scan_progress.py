"""How far a scan is, on one line of a terminal.

In: requests asked, units found. Out: text to a stream that is a terminal; nothing to any other.
"""

from typing import TextIO

WIDTH = 24


class Progress:
    """A bar that redraws only when it would look different."""

    def __init__(self, stream: TextIO, total: int) -> None:
        self._stream = stream
        self._total = max(1, total)
        self._asked = 0
        self._found = 0
        self._shown = ""

    def asked(self, count: int) -> None:
        """So many more unit ids are done with."""
        self._asked += count
        self._draw()

    def found(self) -> None:
        """One more unit answered."""
        self._found += 1
        self._draw()

    def clear(self) -> None:
        """Leave the line empty for what comes next."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = ""

    def _draw(self) -> None:
        if not self._stream.isatty():
            return
        line = bar(self._asked, self._total, self._found)
        if line != self._shown:
            self._stream.write(f"\r\x1b[K{line}")
            self._stream.flush()
            self._shown = line


def bar(asked: int, total: int, found: int) -> str:
    """The line itself."""
    done = min(asked, total)
    full = WIDTH * done // total
    return f"[{'#' * full}{'.' * (WIDTH - full)}] {100 * done // total:>3} %  {found} found"
