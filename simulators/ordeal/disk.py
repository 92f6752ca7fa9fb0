"""A disk that keeps its promises and no more: what was synced stays, whatever else was written may be lost or torn.

In: every call that changes a file below one folder, told before and after it is made. Out: an OSError where a call is
to fail; after a cut of power, files as some disk could have left them. All chance comes from the generator given.

What a failed sync was to write is lost at the next cut, though later syncs succeed, unless it is written again: so it
is on Linux. A cut keeps, loses or tears each write since the file's last sync (512-byte sectors are whole), and keeps
the first few of the names made, removed or changed since the folder's last sync, as journaling file systems do.
Never: a promise that a real disk does not give.
"""

import contextlib
import errno
import gc
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal

SECTOR = 512

Call = Literal["read", "write", "sync", "truncate", "delete", "rename", "sync_names"]


@dataclass(frozen=True, slots=True)
class Write:
    """One write since the last sync: `before` is what stood there, `size` the file's length then."""

    offset: int
    data: bytes
    before: bytes
    size: int

    @property
    def end(self) -> int:
        """Where it ended."""
        return self.offset + len(self.data)


@dataclass(frozen=True, slots=True)
class Cut:
    """A file made shorter since the last sync, and what it lost."""

    size: int
    tail: bytes


@dataclass(frozen=True, slots=True)
class Name:
    """A name made (`was` None), removed (`now` None) or changed; `content` of the file that is no longer named."""

    was: str | None
    now: str | None
    content: bytes | None = None


@dataclass(slots=True)
class Disk:
    """One machine's folder. `fail_in` and `stop_in` count the calls until one fails once, or all from there on."""

    folder: Path
    luck: Random
    fail_in: int | None = None
    fail_with: int = errno.EIO
    fail_only: frozenset[Call] = frozenset()  # the calls that are counted for `fail_in`; empty: all that change a file
    stop_in: int | None = None
    is_off: bool = False
    is_bare: bool = False  # while the disk itself changes its files, nobody is to lead that past it
    struck: list[str] = field(default_factory=list)  # the calls that failed, as `call name`
    calls: Counter[Call] = field(default_factory=Counter)
    torn: int = 0
    lost: int = 0
    pending: dict[str, list[Write | Cut]] = field(default_factory=dict)
    doomed: dict[str, list[Write]] = field(default_factory=dict)
    names: dict[str, list[Name]] = field(default_factory=dict)

    def call(self, call: Call, path: str) -> None:
        """Before a call is made. Raises OSError if it is to fail."""
        if self.is_off:
            raise OSError(errno.EIO, "the machine is off", path)
        self.calls[call] += 1
        if self.stop_in is not None and call != "read":
            self.stop_in -= 1
            if self.stop_in < 0:
                self.stop_in, self.is_off = None, True
                self._strike(call, path)
        if self.fail_in is not None and (call in self.fail_only if self.fail_only else call != "read"):
            self.fail_in -= 1
            if self.fail_in < 0:
                self.fail_in = None
                if call == "sync":
                    self._doom(path)
                self._strike(call, path)

    def _strike(self, call: Call, path: str) -> None:
        self.struck.append(f"{call} {Path(path).name}")
        raise OSError(self.fail_with, os.strerror(self.fail_with), path)

    def _doom(self, path: str) -> None:
        """A sync failed: the system forgets that these writes are still to be made, and later syncs say nothing."""
        ops = self.pending.pop(path, [])
        self.doomed.setdefault(path, []).extend(op for op in ops if isinstance(op, Write))

    def wrote(self, path: str, write: Write) -> None:
        """A write was made."""
        end = write.offset + len(write.data)
        kept = [one for one in self.doomed.get(path, []) if one.offset >= end or one.end <= write.offset]
        if path in self.doomed:
            self.doomed[path] = kept
        self.pending.setdefault(path, []).append(write)

    def truncated(self, path: str, cut: Cut) -> None:
        """A file was made shorter."""
        self.pending.setdefault(path, []).append(cut)

    def synced(self, path: str) -> None:
        """All that was written to a file is on the disk."""
        self.pending.pop(path, None)

    def created(self, path: str) -> None:
        """A name was made."""
        self._named(Name(None, path))

    def deleted(self, path: str, content: bytes) -> None:
        """A name was removed; `content` is what the file held."""
        self.pending.pop(path, None)
        self.doomed.pop(path, None)
        self._named(Name(path, None, content))

    def renamed(self, was: str, now: str, content: bytes | None) -> None:
        """A name was changed; `content` is that of the file it replaced, if any."""
        self.pending.pop(now, None)
        if was in self.pending:
            self.pending[now] = self.pending.pop(was)
        self._named(Name(was, now, content))

    def names_synced(self, folder: str) -> None:
        """All names in a folder are on the disk."""
        self.names.pop(folder, None)

    def start(self) -> None:
        """Let it run again, with nothing planned against it."""
        self.is_off, self.fail_in, self.stop_in = False, None, None

    def restored(self) -> None:
        """Its files were put back from a copy, all of them on the disk."""
        self.pending.clear()
        self.doomed.clear()
        self.names.clear()

    def cut(self) -> None:
        """The power went: leave the files as the disk may have had them. Nobody may have one open."""
        self.is_bare = True
        for folder in list(self.names):
            made = self.names.pop(folder)
            kept = self.luck.randint(0, len(made))
            for name in reversed(made[kept:]):
                self._unnamed(name)
        for path, ops in self.pending.items():
            if Path(path).exists():
                self._lose(Path(path), ops)
        self.pending.clear()
        for path, writes in self.doomed.items():
            if Path(path).exists():
                file = bytearray(Path(path).read_bytes())
                for one in writes:
                    _put(file, one.offset, one.before.ljust(len(one.data), b"\0")[: max(0, len(file) - one.offset)])
                Path(path).write_bytes(file)
        self.doomed.clear()
        for shared in self.folder.rglob("*-shm"):  # memory, which no power cut leaves
            shared.unlink()
        self.is_bare = False

    def _named(self, name: Name) -> None:
        self.names.setdefault(str(Path(name.now or name.was or "").parent), []).append(name)

    def _unnamed(self, name: Name) -> None:
        """Undo a change of names."""
        if name.was and name.now:
            with contextlib.suppress(FileNotFoundError):
                Path(name.now).rename(name.was)
            if name.now in self.pending:
                self.pending[name.was] = self.pending.pop(name.now)
            if name.content is not None:
                Path(name.now).write_bytes(name.content)
        elif name.now:
            Path(name.now).unlink(missing_ok=True)
            self.pending.pop(name.now, None)
        elif name.was and name.content is not None:
            Path(name.was).write_bytes(name.content)

    def _lose(self, path: Path, ops: list[Write | Cut]) -> None:
        """Go back to what was synced, then let the disk have some of what was written since."""
        file = bytearray(path.read_bytes())
        for op in reversed(ops):
            if isinstance(op, Write):
                file[op.offset : op.offset + len(op.before)] = op.before
                del file[op.size :]
            else:
                file += op.tail
        how = self.luck.choice(("all", "none", "first", "any"))
        first = self.luck.randint(0, len(ops))
        for number, op in enumerate(ops):
            if how == "all" or (how == "first" and number < first):
                share = "kept"
            elif how == "first" and number == first:
                share = "torn"
            else:
                share = self.luck.choice(("kept", "lost", "torn")) if how == "any" else "lost"
            self._redo(file, op, share)
        path.write_bytes(file)

    def _redo(self, file: bytearray, op: Write | Cut, share: str) -> None:
        if share == "lost" or (share == "torn" and isinstance(op, Cut)):
            self.lost += 1
        elif isinstance(op, Cut):
            del file[op.size :]
        elif share == "kept":
            _put(file, op.offset, op.data)
        else:
            self.torn += 1
            ends = range(SECTOR - op.offset % SECTOR, len(op.data) + SECTOR, SECTOR)
            begin = 0
            as_prefix, kept = self.luck.random() < 0.5, self.luck.randint(0, len(ends))
            for number, end in enumerate(ends):
                if number < kept if as_prefix else self.luck.random() < 0.5:
                    _put(file, op.offset + begin, op.data[begin:end])
                begin = end


def _put(file: bytearray, offset: int, data: bytes) -> None:
    if data:
        file += bytes(max(0, offset - len(file)))
        file[offset : offset + len(data)] = data


def let_go(disk: Disk) -> None:
    """Close what a dead process left open here, as the system does. Raises RuntimeError if a database is among it."""
    left = _open_below(disk.folder)
    if any(not name.endswith("lock") for name in left.values()):
        gc.collect()
        left = _open_below(disk.folder)
    for descriptor, name in left.items():
        if not name.endswith("lock"):
            raise RuntimeError(f"{name}: still open")
        os.close(descriptor)


def _open_below(folder: Path) -> dict[int, str]:
    found = {}
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the one that lists them
            name = str(descriptor.readlink())
            if name.startswith(f"{folder}/"):
                found[int(descriptor.name)] = name
    return found
