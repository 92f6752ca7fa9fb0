"""A software token for tests: SoftHSM in a folder of its own."""

import os
import subprocess
from pathlib import Path

from agent.config import Token

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")
LABEL, PIN = "plant", "481516"


def make(folder: Path) -> Token:
    """Begin a token; its configuration is in the environment from now on."""
    (folder / "tokens").mkdir(parents=True)
    (folder / "softhsm2.conf").write_text(
        f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    command = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "2342"]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "pin").write_text(f"{PIN}\n")
    (folder / "pin").chmod(0o600)
    module = next(path for path in MODULES if Path(path).exists())
    return Token(module=Path(module), label=LABEL, object="edge-1", pin_file=folder / "pin")
