"""Plain files led past a `Disk`, as SQLite's are: each write, sync, rename and removal can fail, or be lost later.

In: disks, for as long as a block lasts. Out: `open` for writing, `os.fsync`, `os.rename`, `os.replace` and `os.unlink`
that tell the disk below whose folder the file lies; any other file is left alone.
"""

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from simulators.ordeal.disk import Cut, Disk, Write

Place = str | os.PathLike[str]

_open, _fsync, _unlink = cast("Callable[..., Any]", io.open), os.fsync, os.unlink  # as they are without us


@contextlib.contextmanager
def mounted(*disks: Disk) -> Iterator[None]:
    """Lead plain files past these disks."""
    led = _Led(disks)
    with (
        patch.object(io, "open", led.open),
        patch.object(os, "fsync", led.fsync),
        patch.object(os, "unlink", led.unlink),
        patch.object(os, "rename", led.moving(os.rename)),
        patch.object(os, "replace", led.moving(os.replace)),
    ):
        yield


class _Led:
    """The calls as they are while disks are mounted."""

    def __init__(self, disks: tuple[Disk, ...]) -> None:
        self._disks = disks

    def _of(self, path: object) -> Disk | None:
        if not isinstance(path, str | os.PathLike):
            return None
        found = (disk for disk in self._disks if os.fspath(path).startswith(f"{disk.folder}/"))
        return next((disk for disk in found if not disk.is_bare), None)

    def open(self, file: Place, mode: str = "r", *args: object, **named: object) -> io.IOBase:
        disk = self._of(file)
        if disk is None or not set(mode) & set("wax"):
            return cast("io.IOBase", _open(file, mode, *args, **named))
        buffered = io.BufferedWriter(_Raw(disk, os.fspath(file), mode.replace("b", "").replace("t", "")))
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding="utf-8")

    def fsync(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        is_folder = path.is_dir()
        disk = self._of(f"{path}/" if is_folder else path)
        if disk is None:
            _fsync(descriptor)
            return
        disk.call("sync_names" if is_folder else "sync", str(path))
        (disk.names_synced if is_folder else disk.synced)(str(path))

    def unlink(self, path: Place, **named: Any) -> None:  # noqa: ANN401 - whatever the system's takes
        disk = self._of(path)
        if disk is None or not Path(path).exists():
            _unlink(path, **named)
            return
        disk.call("delete", os.fspath(path))
        content = Path(path).read_bytes()
        _unlink(path, **named)
        disk.deleted(os.fspath(path), content)

    def moving(self, move: Callable[[Place, Place], None]) -> Callable[[Place, Place], None]:
        def moved(was: Place, now: Place) -> None:
            disk = self._of(was)
            if disk is None:
                move(was, now)
                return
            disk.call("rename", os.fspath(was))
            content = Path(now).read_bytes() if Path(now).is_file() else None
            move(was, now)
            disk.renamed(os.fspath(was), os.fspath(now), content)

        return moved


class _Raw(io.FileIO):
    """A file open for writing."""

    def __init__(self, disk: Disk, path: str, mode: str) -> None:
        before = Path(path).read_bytes() if Path(path).exists() else None
        self._disk, self._path = disk, path
        super().__init__(path, mode)
        if before is None:
            disk.created(path)
        elif mode == "w":
            disk.truncated(path, Cut(0, before))

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        self._disk.call("write", self._path)
        size = os.fstat(self.fileno()).st_size
        offset = size if "a" in self.mode else self.tell()
        written = super().write(data)
        self._disk.wrote(self._path, Write(offset, bytes(data)[:written], b"", size))
        return int(written)
