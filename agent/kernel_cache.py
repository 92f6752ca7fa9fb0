"""Where compiled kernels are kept: beside the code, or in the agent's data where the code may not be written to.

In: the agent's data folder. Out: numba's own setting, which it reads when it is first imported: call `keep_kernels`
before. On a read-only install of a user without a home numba has no place of its own, and each start would compile for
seconds. What lies in the data is machine code: it is run only if it is what was vouched for, else compiled anew.
"""

import hashlib
import logging
import os
import shutil
import tempfile
from pathlib import Path

from agent import aggregation

log = logging.getLogger("metertrail.agent")

SETTING = "NUMBA_CACHE_DIR"
BESIDE = Path(aggregation.__file__).parent / "__pycache__"
SUMS = "sums"


def keep_kernels(data: Path) -> None:
    """Let compiled kernels be kept in `data`, unless they can be beside the code or somebody has said where."""
    if SETTING in os.environ or _is_writable(BESIDE):
        return
    folder = data / "kernels"
    if folder.exists() and not _is_vouched_for(folder):
        _remove(folder)
        log.warning("compiled kernels in %s are damaged: they are compiled anew", folder)
    os.environ[SETTING] = str(folder)
    log.info("compiled kernels are kept in %s: %s cannot be written to", folder, BESIDE)


def vouch(data: Path) -> None:
    """Remember what the compiled kernels in `data` are, once they are all there."""
    folder = data / "kernels"
    if os.environ.get(SETTING) != str(folder) or not folder.is_dir():
        return
    try:
        (folder / SUMS).write_text(_sums(folder))
    except OSError as error:  # no room: they are compiled anew at the next start
        log.warning("compiled kernels: %s", error)


def _is_vouched_for(folder: Path) -> bool:
    try:
        return (folder / SUMS).read_text() == _sums(folder)
    except (OSError, ValueError):
        return False


def _sums(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / SUMS)
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n" for path in files)


def _remove(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
    else:
        folder.unlink()


def _is_writable(folder: Path) -> bool:
    """Whether a file can be made there, by making one: permissions do not tell of a read-only mount."""
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
