"""Where compiled kernels are kept: beside the code, or in the agent's data where the code may not be written to.

In: the agent's data folder. Out: numba's own setting, which it reads when it is first imported: call this before. On a
read-only install of a user without a home numba has no place of its own, and each start would compile for seconds.
"""

import logging
import os
import tempfile
from pathlib import Path

from agent import aggregation

log = logging.getLogger("metertrail.agent")

SETTING = "NUMBA_CACHE_DIR"
BESIDE = Path(aggregation.__file__).parent / "__pycache__"


def keep_kernels(data: Path) -> None:
    """Let compiled kernels be kept in `data`, unless they can be beside the code or somebody has said where."""
    if SETTING in os.environ or _is_writable(BESIDE):
        return
    os.environ[SETTING] = str(data / "kernels")
    log.info("compiled kernels are kept in %s: %s cannot be written to", data / "kernels", BESIDE)


def _is_writable(folder: Path) -> bool:
    """Whether a file can be made there, by making one: permissions do not tell of a read-only mount."""
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
