"""`metertrail verify FILE [--trust TRUST.toml] [--json]`: reads the files, prints one line per check.

Exit status: 0 all holds and every key is known from elsewhere; 1 something does not hold; 2 usage, or a file that
cannot be read; 3 all holds, but without --trust nobody vouches for the keys; 4 nothing that is shown contradicts, but
something that has to be checked is withheld.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from contract.errors import Inadmissible
from verifier import archive, trust
from verifier.archive_file import data_of
from verifier.finding import MARKS, Finding
from verifier.verify import Report, Verdict, verify

EXIT: dict[Verdict, int] = {"pinned": 0, "failed": 1, "self-consistent": 3, "incomplete": 4}
UNREADABLE = 2
SHOWN_MAX = 20  # failures of one check that are printed, and lines of one that says much; --json gives all
MANY = {"trace"}
WORDS: dict[Verdict, str] = {
    "pinned": "pinned: everything holds, and every key is one the trust file names",
    "failed": "failed: at least one check does not hold",
    "incomplete": "incomplete: nothing that is shown contradicts, but what the lines LACK name is withheld",
    "self-consistent": "self-consistent: everything holds, but nobody vouches for the keys; give --trust FILE",
}


def main(argv: Sequence[str]) -> int:
    """Verify one archive and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="metertrail verify", description="Recompute an archive from its raw readings."
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="an archive of `metertrail export`, or a gateway's configuration: then its whole ledger",
    )
    parser.add_argument("--trust", metavar="TRUST.toml", type=Path, help="the keys you know from elsewhere")
    parser.add_argument(
        "--sheet", metavar="FILE", type=Path, action="append", default=[], help="a commissioning sheet; may be repeated"
    )
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
    try:
        given = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        trusted = None if given.trust is None else trust.parse(data_of(given.trust))
        report = verify(archive.read(data_of(given.file)), trusted, [data_of(path) for path in given.sheet])
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}: name a file that can be read")
    except Inadmissible as error:
        return _refuse(f"{given.file}: {error}")
    except ValueError as error:
        return _refuse("\n".join(f"{given.trust}: {line}" for line in str(error).splitlines()))
    lines = [_json(report)] if given.json else [*_lines(report), WORDS[report.verdict]]
    sys.stdout.write("\n".join(lines) + "\n")
    return EXIT[report.verdict]


def _lines(report: Report) -> Iterator[str]:
    failures: Counter[str] = Counter()
    for finding in report.findings:
        kind = f"{MARKS[finding.standing]} {finding.check}"
        counts = not finding.ok or finding.check in MANY
        failures[kind] += counts
        if not counts or failures[kind] <= SHOWN_MAX:
            yield finding.line()
    for kind, count in failures.items():
        if count > SHOWN_MAX:
            yield f"{kind} and {count - SHOWN_MAX} more: --json shows all"


def _json(report: Report) -> str:
    findings = [_told(finding) for finding in report.findings]
    return json.dumps({"verdict": report.verdict, "findings": findings}, ensure_ascii=False, indent=1)


def _told(finding: Finding) -> dict[str, object]:
    told = {"check": finding.check, "ok": finding.ok, "standing": finding.standing, "text": finding.text}
    return told if finding.told is None else {**told, "told": finding.told}


def _refuse(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return UNREADABLE
