"""`metertrail verify FILE [--trust TRUST.toml] [--checkpoint NOTE]... [--json]`: reads files, one line per check.

Exit status: 0 all holds and every key is known from elsewhere (pinned or anchored); 1 something does not hold;
2 usage, or a file that cannot be read; 3 all holds, but without --trust nobody vouches for the keys; 4 nothing that is
shown contradicts, but something that has to be checked is withheld.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from contract.errors import Inadmissible
from verifier import archive, proof, trust
from verifier.archive_file import data_of
from verifier.finding import MARKS, Finding
from verifier.verify import Report, Verdict, verify

EXIT: dict[Verdict, int] = {"anchored": 0, "pinned": 0, "failed": 1, "self-consistent": 3, "incomplete": 4}
UNREADABLE = 2
SHOWN_MAX = 20  # failures of one check that are printed, and lines of one that says much; --json gives all
MANY = {"time", "trace"}
WORDS: dict[Verdict, str] = {
    "anchored": "anchored: everything holds, every key is known, and an outsider the trust file names saw all of it",
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
        help="an archive of `metertrail export`, a proof of `metertrail anchor prove`, or a gateway's configuration",
    )
    parser.add_argument("--trust", metavar="TRUST.toml", type=Path, help="the keys you know from elsewhere")
    parser.add_argument(
        "--sheet", metavar="FILE", type=Path, action="append", default=[], help="a commissioning sheet; may be repeated"
    )
    parser.add_argument(
        "--checkpoint",
        metavar="NOTE",
        type=Path,
        action="append",
        default=[],
        help="a checkpoint you kept, or one a witness co-signed: the ledger must begin with it; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
    try:
        given = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        trusted = None if given.trust is None else trust.parse(data_of(given.trust), _beside(given.trust))
        data = data_of(given.file)
        if proof.is_proof(data) and (given.sheet or given.checkpoint):
            return _refuse(f"{given.file}: a proof of one entry: --sheet and --checkpoint go with an archive")
        report = proof.verify(data, trusted) if proof.is_proof(data) else _verified(data, trusted, given)
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}: name a file that can be read")
    except Inadmissible as error:
        return _refuse(f"{given.file}: {error}")
    except ValueError as error:
        return _refuse("\n".join(f"{given.trust}: {line}" for line in str(error).splitlines()))
    lines = [_json(report)] if given.json else [*_lines(report), WORDS[report.verdict]]
    sys.stdout.write("\n".join(lines) + "\n")
    return EXIT[report.verdict]


def _verified(data: bytes, trusted: trust.Trust | None, given: argparse.Namespace) -> Report:
    sheets, kept = [data_of(path) for path in given.sheet], [_note(path) for path in given.checkpoint]
    return verify(archive.read(data), trusted, sheets, kept)


def _beside(trust_file: Path) -> Callable[[str], bytes]:
    """Reads what a trust file names, which lies beside it."""
    return lambda name: data_of(trust_file.parent / name)


def _note(path: Path) -> str:
    return data_of(path).decode(errors="replace").replace("\r\n", "\n")  # a mail program's line ends


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
