"""Files read whole, and those among them that nobody but their owner may read.

In: paths. Out: bytes. Raises ValueError with one line that says which file, what is wrong and what to do.
"""

import stat
from pathlib import Path


def read(path: Path, hint: str) -> bytes:
    """Read a file; `hint` is what to do where it cannot be."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}: {hint}") from None


def read_private(path: Path, hint: str, what: str) -> bytes:
    """Read a file with a secret, `what` it is called; refused if others may read it too."""
    data = read(path, hint)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ValueError(f"{path}: others can read this {what}: run `chmod 600 {path}`")
    return data
