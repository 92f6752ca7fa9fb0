"""What was written, on the disk: a file's bytes, or the names in a folder.

In: a path. Out: nothing; it returns when a power cut can no longer undo what was done before. Raises OSError. Never
writes anything itself.
"""

import os
from pathlib import Path


def to_disk(path: Path) -> None:
    """Wait until a file's content is on the disk; of a folder, the names of what was made or renamed in it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
