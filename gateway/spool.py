"""The spool: what commands have to say to the ledger, left in a folder for whoever holds the ledger's lock.

In: files of one JSON object, `{"kind": NAME, "says": {...}}`, and a table of kinds. Out: entries of the gateway's own
chain. A file goes only after its entry is durable, and the same parts are sealed once, so a crash between the two
repeats nothing. One that cannot be used is set aside with the reason beside it. Never: a half-written file taken up.
"""

import contextlib
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
from gateway.ledger import Ledger, LedgerEntry
from gateway.to_disk import to_disk
from gateway.trust import GATEWAY, shown_parts

FOLDER, REFUSED = "spool", "refused"
FILE_BYTES_MAX = 1 << 16
ALL_TIME = -(2**63), 2**63 - 1

Said = TypeVar("Said", bound=BaseModel)


class Seal(Protocol):
    """What seals an entry of the gateway's own chain."""

    def __call__(self, kind: str, parts: Sequence[bytes], span: Span | None = None, /) -> LedgerEntry:
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
    """What became of a file: the `index` of its entry in the ledger, or the `reason` why there is none."""

    name: str
    index: int | None
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
    try:
        with growing.open("x", encoding="utf-8") as file:
            json.dump({"kind": kind, "says": says.model_dump(mode="json")}, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        growing.rename(path)
    except BaseException:
        growing.unlink(missing_ok=True)
        raise
    to_disk(folder)  # a new name, too, must survive a power cut
    return path


def work_off(data: Path, kinds: Kinds, ledger: Ledger, seal: Seal) -> Iterator[Done]:
    """Turn every filing into its entry, in the order they were left. Raises Corrupt if the ledger takes no more.

    Raises OSError at the end if one could not be removed: it keeps no other from its entry.
    """
    stuck: OSError | None = None
    for path in _waiting(data / FOLDER):
        done = _taken_up(path, kinds, ledger, seal)
        try:
            if done.reason is None:
                with contextlib.suppress(OSError):
                    _beside(path).unlink()  # why it was refused before a crash
                path.unlink(missing_ok=True)
            else:
                _set_aside(path, done.reason)
        except OSError as error:
            stuck = stuck or error
            continue
        yield done
    if stuck is not None:
        raise stuck


def _waiting(folder: Path) -> list[Path]:
    """Raises OSError for a folder that cannot be looked into: what lies in it would wait for ever."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".json")
    except FileNotFoundError:
        return []


def refusal(path: Path) -> str | None:
    """Why a filing was set aside, or None if it was not."""
    try:
        return _beside(path).read_text(encoding="utf-8").rstrip("\n")
    except OSError:
        return None


def _taken_up(path: Path, kinds: Kinds, ledger: Ledger, seal: Seal) -> Done:
    """Seal one filing, unless it cannot be."""
    if not path.is_file():  # a pipe would be waited for
        return Done(path.name, None, "not a file")
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        kind, says = parse(data, kinds)
        parts = list(kind.parts(says, ledger))
    except OSError as error:
        return Done(path.name, None, f"cannot be read: {error.strerror}")
    except (ValueError, ArithmeticError, LookupError) as error:  # Problems and Inadmissible are ValueErrors
        return Done(path.name, None, "; ".join(str(error).splitlines()) or type(error).__name__)
    index = _said(ledger, kind.type, parts)
    if index is None:
        index = seal(kind.type, parts, kind.span(says) if kind.span else None).index
    return Done(path.name, index, None)


def _said(ledger: Ledger, kind: str, parts: Sequence[bytes]) -> int | None:
    """The entry that says the same already: it was sealed, and a crash kept its file from being removed."""
    for entry in ledger.select([kind], *ALL_TIME, author=GATEWAY):
        try:
            if list(shown_parts(body.unpack(entry.body))) == list(parts):
                return entry.index
        except Inadmissible:
            continue
    return None


def _set_aside(path: Path, reason: str) -> None:
    """Keep a file that cannot be used, and say why: the reason first, so that no file is refused without one."""
    note = _beside(path)
    note.parent.mkdir(mode=0o700, exist_ok=True)
    note.write_text(f"{reason}\n", encoding="utf-8")
    path.rename(note.with_suffix(".json"))


def _beside(path: Path) -> Path:
    return path.parent / REFUSED / f"{path.stem}.txt"
