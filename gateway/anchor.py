"""Anchoring: now and then the last checkpoint is shown to outsiders, and what they give is sealed into the ledger.

In: outsiders to ask, the ledger, and a function that seals. Out: entries of type `anchor`. A thread for each: nothing
waits for an outsider, nor one for another. One that does not answer is told once, asked again after `RETRY_NS`, and
told once it is back.
"""

import contextlib
import logging
import queue
import threading
import time
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
ASK_S = 30.0
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
    """Ask everyone once, at the same time, for the last checkpoint, and seal what they give within `ASK_S`.

    Yields a line for each that gave nothing. Only for a process that ends soon: one that hangs is not called off.
    """
    note = ledger.latest_checkpoint()
    waiting = {outsider.name for outsider in outsiders if note}
    answers: queue.SimpleQueue[tuple[str, AnchorPart | str]] = queue.SimpleQueue()

    def ask(outsider: Outsider) -> None:
        answers.put((outsider.name, _asked(outsider, note or "", ledger)))

    for outsider in outsiders if note else ():
        threading.Thread(target=ask, args=(outsider,), daemon=True).start()
    parts, until_s = list[AnchorPart](), time.monotonic() + ASK_S
    while waiting:
        try:
            name, given = answers.get(timeout=max(until_s - time.monotonic(), 0.001))
        except queue.Empty:
            break
        waiting.discard(name)
        if isinstance(given, AnchorPart):
            parts.append(given)
        else:
            yield given
    yield from (f"{name}: no answer in {ASK_S:.0f} s" for name in sorted(waiting))
    if parts:
        seal("anchor", [records.write(part) for part in sorted(parts, key=lambda part: part.source)])


def _asked(outsider: Outsider, note: str, ledger: Log) -> AnchorPart | str:
    """What an outsider gives, or why it gives nothing."""
    try:
        return outsider.ask(note, ledger)
    except (OSError, Inadmissible) as error:
        return f"{outsider.name}: {error}"
    except Exception as error:
        log.exception("outsider could not be asked: %s", outsider.name)
        return f"{outsider.name}: {type(error).__name__}"


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
        self._threads = [threading.Thread(target=self._run, args=(one,), daemon=True) for one in outsiders]

    def start(self) -> None:
        """Begin to ask."""
        with contextlib.suppress(Exception):  # then all are due at once
            self._due_ns = _due_ns(self._outsiders, self._ledger)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask no more. An answer that is still awaited is given up: the next start asks again."""
        self._stopping.set()
        until_s = time.monotonic() + STOP_S
        for thread in self._threads:
            thread.join(max(until_s - time.monotonic(), 0))

    def look(self, outsider: Outsider, at_ns: int) -> None:
        """Ask this one if it is due. Raises what sealing raises."""
        due_ns = self._due_ns.get(outsider.name, at_ns)
        if at_ns < due_ns <= at_ns + outsider.every_ns:  # one further off is of a clock that was set back
            return
        note = self._ledger.latest_checkpoint()
        given = _asked(outsider, note, self._ledger) if note else f"{outsider.name}: the ledger is empty"
        if isinstance(given, AnchorPart) and not self._stopping.is_set():
            self._seal("anchor", [records.write(given)])
        failed = isinstance(given, str)
        self._due_ns[outsider.name] = at_ns + (min(RETRY_NS, outsider.every_ns) if failed else outsider.every_ns)
        self._tell(outsider.name, given if isinstance(given, str) else None)

    def _run(self, outsider: Outsider) -> None:
        pause_s = 0.0
        while not self._stopping.wait(pause_s):
            try:
                pause_s = LOOK_S
                self.look(outsider, self._now_ns())
            except Stopped as error:
                if not self._stopping.is_set():
                    self._on_failure(error)
                return
            except Exception:
                if not self._stopping.is_set():
                    log.exception("checkpoint could not be anchored")
                pause_s = RETRY_NS / 1e9

    def _tell(self, name: str, failure: str | None) -> None:
        if failure and name not in self._failing:
            self._failing.add(name)
            log.warning("outsider gives no anchor: %s", failure)
        elif not failure and name in self._failing:
            self._failing.discard(name)
            log.info("outsider gives anchors again: %s", name)


def _due_ns(outsiders: Sequence[Outsider], ledger: Log) -> dict[str, int]:
    """When each is due after a start: a gateway that restarts often does not ask more often."""
    last: dict[str, int] = {}
    for entry in ledger.select(["anchor"], *ALL_TIME, GATEWAY):
        for part in shown_parts(body.unpack(entry.body)):
            last[records.read(part, AnchorPart).source] = entry.to_ns
    return {one.name: last[one.name] + one.every_ns for one in outsiders if one.name in last}
