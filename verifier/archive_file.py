"""An archive's bytes from a file, for the commands; the library takes bytes.

In: a path. Out: bytes, never more than an archive may have: a larger file is refused before any of it is read.
"""

from pathlib import Path

from contract.errors import TooLarge
from verifier.archive import ARCHIVE_BYTES_MAX


def data_of(path: Path) -> bytes:
    """Read a file. Raises TooLarge or OSError."""
    size = path.stat().st_size
    if size > ARCHIVE_BYTES_MAX:
        raise TooLarge(f"{size} bytes; at most {ARCHIVE_BYTES_MAX}")
    return path.read_bytes()
