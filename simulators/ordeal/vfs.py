"""SQLite's way to the disk, led past a `Disk`: every write, sync, truncation and removal can fail, or be lost later.

In: disks. Out: the process's default VFS, which is the system's own but for the calls that change or read a file; locks
and shared memory go straight through. A file's table of methods (sqlite3.h: sqlite3_io_methods) is replaced by a copy
that points to ours; nothing else of SQLite is touched. Files below no disk's folder are left alone.
Raises Unreachable where SQLite's functions cannot be called by name.
"""

import _sqlite3
import contextlib
import ctypes
import errno
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from simulators.ordeal.disk import Call, Cut, Disk, Write

OK, FULL = 0, 13
# of sqlite3.h, errors of one kind and what was tried in the byte above
READ_FAILED, WRITE_FAILED, SYNC_FAILED = 0x10A, 0x30A, 0x40A
TRUNCATE_FAILED, DELETE_FAILED = 0x60A, 0xA0A
CREATE, NAMES_SYNCED = 0x4, 0x800 | 0x4000 | 0x80000  # rollback, super and write-ahead journals sync their folder

_PTR, _INT, _I64 = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_IO = ctypes.CFUNCTYPE(_INT, _PTR, _PTR, _INT, _I64)
_SIZE = ctypes.CFUNCTYPE(_INT, _PTR, _I64)
_SYNC = ctypes.CFUNCTYPE(_INT, _PTR, _INT)
_FILE = ctypes.CFUNCTYPE(_INT, _PTR)
_FILE_SIZE = ctypes.CFUNCTYPE(_INT, _PTR, ctypes.POINTER(_I64))
# names stay pointers: SQLite keeps them for as long as a file is open, and looks beyond their ends
_OPEN = ctypes.CFUNCTYPE(_INT, _PTR, _PTR, _PTR, _INT, ctypes.POINTER(_INT))
_DELETE = ctypes.CFUNCTYPE(_INT, _PTR, _PTR, _INT)


class Unreachable(Exception):
    """The Python's SQLite does not show its functions."""


class _Methods(ctypes.Structure):
    """`sqlite3_io_methods`, version 2; a copy says so, that nobody maps a file into memory past us."""

    _fields_ = (
        ("version", _INT), ("close", _PTR), ("read", _PTR), ("write", _PTR), ("truncate", _PTR), ("sync", _PTR),
        ("size", _PTR), ("rest", _PTR * 10),
    )  # fmt: skip


class _Vfs(ctypes.Structure):
    """`sqlite3_vfs`, version 3."""

    _fields_ = (
        ("version", _INT), ("file_size", _INT), ("path_length", _INT), ("next", _PTR), ("name", ctypes.c_char_p),
        ("data", _PTR), ("open", _PTR), ("delete", _PTR), ("rest", _PTR * 14),
    )  # fmt: skip


class _Handle(ctypes.Structure):
    """`sqlite3_file`: whatever a VFS keeps of it begins with the table of its methods."""

    _fields_ = (("methods", _PTR),)


@cache
def vfs() -> "Vfs":
    """The process's own; it must live as long as any connection made through it. Raises Unreachable."""
    return Vfs()


class Vfs:
    """One per process: `vfs()`. `mounted` makes it the default for as long as a block lasts."""

    def __init__(self) -> None:
        try:
            library = ctypes.CDLL(_sqlite3.__file__)
            find, self._register = library.sqlite3_vfs_find, library.sqlite3_vfs_register
            self._unregister = library.sqlite3_vfs_unregister
        except (AttributeError, OSError) as error:
            raise Unreachable(f"the functions of this Python's SQLite cannot be called by name: {error}") from None
        find.restype = ctypes.POINTER(_Vfs)
        self._system = find(None)
        self._ours = _Vfs.from_buffer_copy(self._system.contents)
        self._ours.name, self._ours.next = b"ordeal", None
        self._open, self._delete = _OPEN(self._on_open), _DELETE(self._on_delete)
        self._ours.open, self._ours.delete = _address(self._open), _address(self._delete)
        self._io = {"read": _IO(self._on_read), "write": _IO(self._on_write)}
        self._truncate, self._sync = _SIZE(self._on_truncate), _SYNC(self._on_sync)
        self._tables: dict[int, _Methods] = {}  # by the address of the system's own
        self._files: dict[int, tuple[Disk, str, _Methods]] = {}
        self._closing = _FILE(self._on_close)
        self._unsynced: set[int] = set()  # files whose first sync also syncs their folder
        self._disks: list[Disk] = []

    @contextlib.contextmanager
    def mounted(self, *disks: Disk) -> Iterator[None]:
        """Lead every connection made within the block past these disks."""
        self._disks += disks
        self._register(ctypes.byref(self._ours), 1)
        try:
            yield
        finally:
            self._unregister(ctypes.byref(self._ours))
            for disk in disks:
                self._disks.remove(disk)

    def _disk_of(self, path: str) -> Disk | None:
        return next((disk for disk in self._disks if path.startswith(f"{disk.folder}/")), None)

    def _on_open(self, _: int, name: int | None, file: int, flags: int, out: object) -> int:
        path = ctypes.string_at(name).decode() if name else ""
        disk = self._disk_of(path)
        is_new = not Path(path).exists()
        opened = _OPEN(self._system.contents.open)
        result = opened(ctypes.addressof(self._system.contents), name, file, flags, out)
        if result != OK or disk is None:
            return int(result)
        handle = _Handle.from_address(file)
        system = _Methods.from_address(handle.methods)
        self._files[file] = disk, path, system
        handle.methods = ctypes.addressof(self._table(handle.methods))
        if is_new and flags & CREATE:
            disk.created(path)
        if flags & CREATE and flags & NAMES_SYNCED:
            self._unsynced.add(file)
        return OK

    def _table(self, address: int) -> _Methods:
        """Our copy of a table of methods."""
        if address not in self._tables:
            table = _Methods.from_buffer_copy(_Methods.from_address(address))
            table.version = min(2, table.version)
            table.close, table.read, table.write = map(_address, (self._closing, self._io["read"], self._io["write"]))
            table.truncate, table.sync = _address(self._truncate), _address(self._sync)
            self._tables[address] = table
        return self._tables[address]

    def _on_close(self, file: int) -> int:
        _, _, system = self._files.pop(file)
        self._unsynced.discard(file)
        _Handle.from_address(file).methods = ctypes.addressof(system)
        return int(_FILE(system.close)(file))

    def _on_read(self, file: int, buffer: int, length: int, offset: int) -> int:
        disk, path, system = self._files[file]
        return _made(disk, "read", path, READ_FAILED) or int(_IO(system.read)(file, buffer, length, offset))

    def _on_write(self, file: int, buffer: int, length: int, offset: int) -> int:
        disk, path, system = self._files[file]
        if failed := _made(disk, "write", path, WRITE_FAILED):
            return failed
        write = Write(offset, ctypes.string_at(buffer, length), *_there(system, file, offset, length))
        result = int(_IO(system.write)(file, buffer, length, offset))
        if result == OK:
            disk.wrote(path, write)
        return result

    def _on_truncate(self, file: int, size: int) -> int:
        disk, path, system = self._files[file]
        if failed := _made(disk, "truncate", path, TRUNCATE_FAILED):
            return failed
        tail, _ = _there(system, file, size, 1 << 30)
        result = int(_SIZE(system.truncate)(file, size))
        if result == OK:
            disk.truncated(path, Cut(size, tail))
        return result

    def _on_sync(self, file: int, _: int) -> int:
        disk, path, _system = self._files[file]
        if failed := _made(disk, "sync", path, SYNC_FAILED):
            return failed
        disk.synced(path)  # what the real disk has is of no matter, so nothing waits for it
        if file in self._unsynced:
            self._unsynced.discard(file)
            disk.names_synced(str(Path(path).parent))
        return OK

    def _on_delete(self, _: int, name: int, sync_folder: int) -> int:
        path = ctypes.string_at(name).decode()
        disk = self._disk_of(path)
        content = None
        if disk is not None and Path(path).exists():
            if failed := _made(disk, "delete", path, DELETE_FAILED):
                return failed
            content = Path(path).read_bytes()
        removed = _DELETE(self._system.contents.delete)
        result = int(removed(ctypes.addressof(self._system.contents), name, sync_folder))
        if disk is not None and content is not None and result == OK:
            disk.deleted(path, content)
            if sync_folder:
                disk.names_synced(str(Path(path).parent))
        return result


def _made(disk: Disk, call: Call, path: str, failed: int) -> int:
    """0 if a call may be made, else SQLite's word for why not. No exception may leave a callback."""
    try:
        disk.call(call, path)
    except OSError as error:
        return FULL if error.errno == errno.ENOSPC and call == "write" else failed
    return OK


def _there(system: _Methods, file: int, offset: int, length: int) -> tuple[bytes, int]:
    """What stands in a file at a place, at most `length` bytes, and the file's size."""
    size = _I64()
    _FILE_SIZE(system.size)(file, ctypes.byref(size))
    there = max(0, min(length, size.value - offset))
    buffer = ctypes.create_string_buffer(there)
    if there:
        _IO(system.read)(file, ctypes.addressof(buffer), there, offset)
    return buffer.raw, size.value


def _address(function: Callable[..., Any]) -> int:
    return int(ctypes.cast(function, _PTR).value or 0)  # type: ignore[arg-type] # a function made by CFUNCTYPE
