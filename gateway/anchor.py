"""Anchoring: now and then the last checkpoint is shown to outsiders, and what they give is sealed into the ledger.

In: outsiders to ask, the ledger, and a function that seals. Out: entries of type `anchor`. A thread of its own: nothing
waits for an outsider. One that does not answer is told once, asked again after `RETRY_NS`, and told once it is back.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from contract import body, records
from contract.anchor_records import AnchorPart
from contract.errors import Inadmissible
from gateway.errors import Stopped
from gateway.ledger import LedgerEntry
from gateway.proofs import Leaves
from gateway.trust import GATEWAY, shown_parts

log = logging.getLogger("metertrail.anchor")

RETRY_NS = 300_000_000_000
LOOK_S = 5.0
STOP_S = 1.0
ALL_TIME = -(2**63), 2**63 - 1

Seal = Callable[[str, Sequence[bytes]], object]


class Outsider(Protocol):
    """Who can be asked: a witness or a time-stamp authority."""

    @property
    def name(self) -> str:
        """What the gateway calls it."""

    @property
    def every_ns(self) -> int:
        """How often it is asked."""

    def ask(self, note: str, log: Leaves, /) -> AnchorPart:
        """What it gives for this note. Raises OSError or Inadmissible, one clear line."""


class Log(Leaves, Protocol):
    """What anchoring needs of a ledger."""

    def latest_checkpoint(self) -> str | None:
        """The last signed note."""

    def select(
        self, types: Sequence[str], from_ns: int, to_ns: int, author: str | None = None, /
    ) -> Iterator[LedgerEntry]:
        """Entries of these types."""


def ask_all(outsiders: Sequence[Outsider], ledger: Log, seal: Seal) -> Iterator[str]:
    """Ask everyone once for the last checkpoint and seal what they give; a line for each that gave nothing."""
    note = ledger.latest_checkpoint()
    parts = []
    for outsider in outsiders if note else ():
        try:
            parts.append(outsider.ask(note or "", ledger))
        except (OSError, Inadmissible) as error:
            yield f"{outsider.name}: {error}"
    if parts:
        seal("anchor", [records.write(part) for part in parts])


class Anchoring:
    """Asks each outsider when it is due. `on_failure` is told if the ledger takes no more."""

    def __init__(
        self,
        outsiders: Sequence[Outsider],
        ledger: Log,
        seal: Seal,
        now_ns: Callable[[], int],
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._outsiders, self._ledger, self._seal = outsiders, ledger, seal
        self._now_ns, self._on_failure = now_ns, on_failure
        self._due_ns: dict[str, int] = {}
        self._failing: set[str] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="anchor", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        if self._outsiders:
            self._thread.start()

    def stop(self) -> None:
        """Ask no more. An answer that is still awaited is given up: it is of no checkpoint that would be missed."""
        self._stopping.set()
        if self._outsiders:
            self._thread.join(STOP_S)

    def look(self, at_ns: int) -> None:
        """Ask those who are due. Raises what sealing raises."""
        for outsider in self._outsiders:
            if at_ns < self._due_ns.get(outsider.name, at_ns) or self._stopping.is_set():
                continue
            told = list(ask_all([outsider], self._ledger, self._seal_unless_stopping))
            self._due_ns[outsider.name] = at_ns + (min(RETRY_NS, outsider.every_ns) if told else outsider.every_ns)
            self._tell(outsider.name, told)

    def _run(self) -> None:
        with contextlib.suppress(Exception):  # then all are due at once
            self._due_ns = _due_ns(self._outsiders, self._ledger)
        pause_s = 0.0
        while not self._stopping.wait(pause_s):
            try:
                pause_s = LOOK_S
                self.look(self._now_ns())
            except Stopped as error:
                if not self._stopping.is_set():
                    self._on_failure(error)
                return
            except Exception:
                log.exception("checkpoint could not be anchored")
                pause_s = RETRY_NS / 1e9

    def _seal_unless_stopping(self, kind: str, parts: Sequence[bytes]) -> None:
        if not self._stopping.is_set():
            self._seal(kind, parts)

    def _tell(self, name: str, told: Sequence[str]) -> None:
        if told and name not in self._failing:
            self._failing.add(name)
            log.warning("outsider gives no anchor: %s", told[0])
        elif not told and name in self._failing:
            self._failing.discard(name)
            log.info("outsider gives anchors again: %s", name)


def _due_ns(outsiders: Sequence[Outsider], ledger: Log) -> dict[str, int]:
    """When each is due after a start: a gateway that restarts often does not ask more often."""
    last: dict[str, int] = {}
    for entry in ledger.select(["anchor"], *ALL_TIME, GATEWAY):
        for part in shown_parts(body.unpack(entry.body)):
            last[records.read(part, AnchorPart).source] = entry.to_ns
    return {one.name: last[one.name] + one.every_ns for one in outsiders if one.name in last}
