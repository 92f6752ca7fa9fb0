"""Asking a person at the terminal; `Asker` is what anyone who answers can do.

In: questions. Out: the words given, each checked by whoever asked. Raises `Skipped` with the reason where a person
leaves a step out.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from typing import Protocol

from contract.problems import Problems

Read = Callable[[str], object]  # raises ValueError with a hint


class Skipped(Exception):
    """A step was left out; the message is the reason."""


class Asker(Protocol):
    """Whoever gives the answers. A key is `step.question`."""

    async def begin(self, step: str, about: str) -> None:
        """Say what a step is for. Raises Skipped."""
        ...

    def tell(self, verdict: str, line: str) -> None:
        """Say what came of a step."""
        ...

    async def ask(self, key: str, question: str, read: Read) -> str:
        """The words given, which `read` accepts. Raises Skipped."""
        ...

    async def wait(self, key: str, request: str) -> None:
        """Return once the request has been carried out. Raises Skipped."""
        ...


class Lines:
    """Lines from a file descriptor; "" at its end. Holds no lock that would keep the program from ending."""

    def __init__(self, descriptor: int = 0) -> None:
        self._descriptor = descriptor
        self._rest = b""

    def __call__(self) -> str:
        """Wait for a line."""
        while b"\n" not in self._rest:
            data = os.read(self._descriptor, 4096)
            if not data:
                line, self._rest = self._rest, b""
                return line.decode(errors="replace")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode(errors="replace") + "\n"


class Terminal:
    """A person at a terminal. `skip REASON` leaves a step out."""

    def __init__(self, read_line: Callable[[], str]) -> None:
        self._read_line = read_line

    async def begin(self, step: str, about: str) -> None:
        """Print a heading."""
        sys.stdout.write(f"\n== {step}: {about}\n   (to leave this step out: skip REASON)\n")

    def tell(self, verdict: str, line: str) -> None:
        """Print it."""
        sys.stdout.write(f"   {verdict.upper()}: {line}\n")

    async def ask(self, key: str, question: str, read: Read) -> str:
        """Ask until the answer can be read."""
        while True:
            sys.stdout.write(f"   {question}: ")
            sys.stdout.flush()
            line = await self._line()
            if not line:
                sys.stdout.write("\n")
                raise Problems([f"{key}: the input ended: answer at a terminal, or give --answers FILE"])
            words = line.strip()
            if words.partition(" ")[0].lower() == "skip":
                if reason := words[4:].strip():
                    raise Skipped(reason)
                sys.stdout.write("   write the reason behind it: skip REASON\n")
                continue
            try:
                read(words)
            except ValueError as error:
                sys.stdout.write(f"   {error}\n")
                continue
            return words

    async def wait(self, key: str, request: str) -> None:
        """Wait for Enter."""
        await self.ask(key, f"{request}, then press Enter", str)

    async def _line(self) -> str:
        """A line, while connections live on; in a thread that Ctrl-C need not wait for."""
        loop = asyncio.get_running_loop()
        line: asyncio.Future[str] = loop.create_future()

        def deliver(words: str) -> None:
            if not line.done():
                line.set_result(words)

        def read() -> None:
            loop.call_soon_threadsafe(deliver, self._read_line())

        threading.Thread(target=read, daemon=True).start()
        return await line
