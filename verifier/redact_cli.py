"""`metertrail redact FILE --out COPY [--tier T] [--keep PRODUCT ...] [--withhold METER ...]`: a copy for other eyes.

Never replaces a file and never changes the original. Exit status: 0 written; 2 usage, a file that cannot be read, or a
wish that means nothing here.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from contract.errors import Inadmissible
from contract.problems import one_line
from verifier import archive
from verifier.archive_file import data_of
from verifier.redact import TIERS, Redacted, Wish, redact

UNREADABLE = 2


def main(argv: Sequence[str]) -> int:
    """Write one redacted copy and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="metertrail redact", description="A copy of an archive that withholds parts and still verifies."
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the archive; it stays as it is")
    parser.add_argument("--out", metavar="COPY", type=Path, required=True, help="the copy to write")
    parser.add_argument(
        "--tier",
        choices=TIERS,
        default="confidential",
        help="public: headers, keys, site model, public factors, statement; controlled: all but raw readings",
    )
    parser.add_argument(
        "--keep", metavar="PRODUCT", action="append", default=[], help="withhold other products' batches"
    )
    parser.add_argument("--withhold", metavar="METER", action="append", default=[], help="withhold what a meter said")
    try:
        given = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    wish = Wish(given.tier, tuple(given.keep), tuple(given.withhold))
    if wish == Wish():
        return _refuse("nothing to withhold: give --tier public, --tier controlled, --keep or --withhold")
    try:
        made = redact(archive.read(data_of(given.file)), wish)
        with given.out.open("xb") as file:
            file.write(made.data)
    except FileExistsError:
        return _refuse(f"{given.out}: exists already: name another file, or remove it")
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}: name a file that can be read, and a folder that is there")
    except (Inadmissible, ValueError) as error:
        return _refuse(f"{given.file}: {error}")
    sys.stdout.write(f"{one_line(_told(given.out, made))}\n")
    return 0


def _told(out: Path, made: Redacted) -> str:
    digest = hashlib.sha256(made.data).hexdigest()
    return f"{out}: {made.bodies} bodies and {made.parts} parts of others withheld; SHA-256 {digest}"


def _refuse(message: str) -> int:
    sys.stderr.write(f"{one_line(message)}\n")
    return UNREADABLE
