"""The spool: what commands have to say to the ledger, left in a folder for whoever holds the ledger's lock.

In: files of one JSON object, `{"kind": NAME, "says": {...}}`, and a table of kinds. Out: entries of the gateway's own
chain. A file goes only after its entry is durable, and the same parts are sealed once, so a crash between the two
repeats nothing. One that cannot be used is set aside with the reason beside it. Never: a half-written file taken up.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from contract import body
from contract.errors import Inadmissible
from contract.problems import explain, suggest
from contract.writer import Span
from gateway.ledger import Ledger
from gateway.trust import GATEWAY, shown_parts

FOLDER, REFUSED = "spool", "refused"
FILE_BYTES_MAX = 1 << 16
ALL_TIME = -(2**63), 2**63 - 1

Said = TypeVar("Said", bound=BaseModel)


class Seal(Protocol):
    """What seals an entry of the gateway's own chain."""

    def __call__(self, kind: str, parts: Sequence[bytes], span: Span | None = None, /) -> object:
        """Make the entry durable; `span` None: it speaks of the moment."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[Said]):
    """One kind of filing: its strict model, the entry type it becomes, and the parts it makes, given the ledger.

    `parts` raises ValueError, one clear line, where the ledger shows that the words cannot be right. `span` is the time
    that the parts speak of, where that is not the moment they are sealed.
    """

    says: type[Said]
    type: str
    parts: Callable[[Said, Ledger], Sequence[bytes]]
    span: Callable[[Said], Span] | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a file: `reason` is None where its entry is in the ledger."""

    name: str
    reason: str | None


Kinds = Mapping[str, Kind[Any]]


def parse(data: bytes, kinds: Kinds) -> tuple[Kind[Any], BaseModel]:
    """Read a filing. Raises ValueError, one line that says what is wrong."""
    if len(data) > FILE_BYTES_MAX:
        raise ValueError(f"more than {FILE_BYTES_MAX} bytes: leave pictures and documents beside it, by their hash")
    try:
        given = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if not (isinstance(given, dict) and given.keys() == {"kind", "says"} and isinstance(given["kind"], str)):
        raise ValueError('write one object: {"kind": NAME, "says": {...}}')
    kind = kinds.get(given["kind"])
    if kind is None:
        raise ValueError(f"kind: {given['kind'][:60]!r}: {suggest(given['kind'], kinds)}")
    try:
        return kind, kind.says.model_validate_json(json.dumps(given["says"]), strict=True)
    except ValidationError as error:
        says = given["says"] if isinstance(given["says"], dict) else None
        raise ValueError("; ".join(explain(error, kind.says, says))) from None


def leave(data: Path, kind: str, says: BaseModel, at_ns: int) -> Path:
    """Leave a filing in the spool of the gateway whose data folder this is. Whole or not at all, and on disk."""
    folder = data / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{at_ns:020d}-{os.urandom(4).hex()}.json"
    growing = path.with_suffix(".new")
    with growing.open("x", encoding="utf-8") as file:
        json.dump({"kind": kind, "says": says.model_dump(mode="json")}, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    growing.rename(path)
    return path


def work_off(data: Path, kinds: Kinds, ledger: Ledger, seal: Seal) -> Iterator[Done]:
    """Turn every filing into its entry, in the order they were left. Raises Corrupt if the ledger takes no more."""
    for path in sorted((data / FOLDER).glob("*.json")):
        reason = _taken_up(path, kinds, ledger, seal)
        if reason is None:
            path.unlink(missing_ok=True)
        else:
            _set_aside(path, reason)
        yield Done(path.name, reason)


def refusal(path: Path) -> str | None:
    """Why a filing was set aside, or None if it was not."""
    try:
        return _beside(path).read_text(encoding="utf-8").rstrip("\n")
    except OSError:
        return None


def _taken_up(path: Path, kinds: Kinds, ledger: Ledger, seal: Seal) -> str | None:
    """Seal one filing; the reason if it cannot be."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        kind, says = parse(data, kinds)
        parts = list(kind.parts(says, ledger))
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except (ValueError, ArithmeticError, LookupError) as error:  # Problems and Inadmissible are ValueErrors
        return "; ".join(str(error).splitlines()) or type(error).__name__
    if not _is_said(ledger, kind.type, parts):
        seal(kind.type, parts, kind.span(says) if kind.span else None)
    return None


def _is_said(ledger: Ledger, kind: str, parts: Sequence[bytes]) -> bool:
    """Whether an entry says the same already: it was sealed, and a crash kept its file from being removed."""
    for entry in ledger.select([kind], *ALL_TIME, author=GATEWAY):
        try:
            if list(shown_parts(body.unpack(entry.body))) == list(parts):
                return True
        except Inadmissible:
            continue
    return False


def _set_aside(path: Path, reason: str) -> None:
    """Keep a file that cannot be used, and say why: the reason first, so that no file is refused without one."""
    note = _beside(path)
    note.parent.mkdir(mode=0o700, exist_ok=True)
    note.write_text(f"{reason}\n", encoding="utf-8")
    path.rename(note.with_suffix(".json"))


def _beside(path: Path) -> Path:
    return path.parent / REFUSED / f"{path.stem}.txt"
