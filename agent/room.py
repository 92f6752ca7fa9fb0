"""Room on the disk: what the journal uses, what is free, and a reserve that is given up when nothing else is left.

In: the journal's folder and its quota. Out: how many bytes have to go, and the file `reserve`. Never deletes anything
but the reserve and damaged files that were set aside.
"""

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from agent import files
from agent.day_files import DAYS

RESERVE_BYTES = 16 << 20  # enough for a day's new file, its log, a void and what waits meanwhile
# So many reserves are kept free while there is something delivered to delete; on a small file system a twentieth of it.
LOW_MOST, LOW_LEAST, LOW_PERMILLE = 4, 2, 50
OURS = (DAYS, f"{DAYS}-wal", f"{DAYS}-shm", "*.damaged-*")


class Room:
    """One per journal."""

    def __init__(self, folder: Path, bytes_max: int | None = None, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._folder, self.bytes_max, self.reserve_bytes = folder, bytes_max, reserve_bytes
        self._reserve = folder / "reserve"

    def used_bytes(self) -> int:
        """What sealed entries take, and damaged files that were set aside; `open.db` has a few MB and stays so."""
        return sum(_size(path) for pattern in OURS for path in self._folder.glob(pattern))

    def sizes(self, days: Iterable[str]) -> dict[str, int]:
        """What each day's file takes with its log."""
        return {day: sum(_size(self._folder / (day + end)) for end in ("", "-wal", "-shm")) for day in days}

    def over_quota(self) -> int:
        """How many bytes the journal is above its quota; 0 without one."""
        return 0 if self.bytes_max is None else max(0, self.used_bytes() - self.bytes_max)

    def lacking(self) -> int:
        """How many bytes have to go for the journal to be within its quota and the disk not to be low."""
        found = os.statvfs(self._folder)
        share = found.f_blocks * found.f_frsize * LOW_PERMILLE // 1000
        low = min(LOW_MOST * self.reserve_bytes, max(LOW_LEAST * self.reserve_bytes, share))
        return max(0, self.over_quota(), low - files.free_bytes(self._folder))

    def is_tight(self) -> bool:
        """Whether the reserve cannot be kept beside what is being written."""
        return files.free_bytes(self._folder) < (1 if self.has_reserve() else 2) * self.reserve_bytes

    def has_reserve(self) -> bool:
        """Whether the reserve is there."""
        return _size(self._reserve) >= self.reserve_bytes

    def keep_reserve(self) -> None:
        """Make the reserve where there is room for it."""
        if self.has_reserve() or files.free_bytes(self._folder) < 2 * self.reserve_bytes:
            return
        files.prepare(self._reserve)
        with contextlib.suppress(OSError), self._reserve.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, self.reserve_bytes)

    def give_up_reserve(self) -> None:
        """Let the reserve's room be used."""
        files.prepare(self._reserve)
        self._reserve.unlink(missing_ok=True)

    def set_aside(self) -> list[Path]:
        """Damaged files that were set aside, the oldest first."""
        return sorted(self._folder.glob("*.damaged-*"), key=lambda path: (path.lstat().st_mtime_ns, path.name))

    def delete_aside(self, path: Path) -> None:
        """Delete one of them; what could be read of it is in the journal."""
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    """A sparse file takes less than it says: what counts is what the disk gives back."""
    with contextlib.suppress(OSError):
        found = path.lstat()
        return found.st_blocks * 512
    return 0
