"""`metertrail replay SOURCE --from ISO --to ISO [--json]`: a period's batch records again, signed beside recomputed.

SOURCE here is an archive, or entries alone as `agent.journal_copy` writes them. Exit status: 0 all records follow from
the readings; 1 something differs or cannot be read; 2 usage, or a file that cannot be read.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from contract.errors import Inadmissible
from contract.problems import one_line
from verifier import archive, replay, trail
from verifier.check_batches import COMPARED, UNITS, Period
from verifier.replay import Replay, Row
from verifier.trail import Alone, Entries

UNREADABLE = 2
ZIP = b"PK"
WIDTH = 24
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def main(argv: Sequence[str]) -> int:
    """Recompute a period and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="metertrail replay", description="Recompute a period's batch records from raw readings."
    )
    parser.add_argument(
        "source",
        metavar="SOURCE",
        type=Path,
        help="an archive, a gateway's configuration (its ledger), or the data folder of an agent (its journal)",
    )
    parser.add_argument("--from", dest="since", metavar="ISO", required=True, help="begin, as 2026-03-01T00:00+08:00")
    parser.add_argument("--to", dest="until", metavar="ISO", required=True, help="end, not included")
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    try:
        given = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        prepared = _prepared(given.source, _period(given.since, given.until))
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}: name a file that can be read")
    except Inadmissible as error:
        return _refuse(f"{given.source}: {error}")
    except ValueError as error:
        return _refuse(str(error))
    rows = list(_recomputed(prepared, sys.stderr))
    lines = [_json(prepared, rows)] if given.json else [one_line(line) for line in _lines(prepared, rows)]
    sys.stdout.write("\n".join(lines) + "\n")
    return int(bool(prepared.unreadable) or not all(row.holds for row in rows))


def _prepared(path: Path, period: Period) -> Replay:
    data = path.read_bytes()
    if not data:
        raise ValueError(f"{path}: empty: name an archive, or entries that were written whole")
    entries: Entries
    if data.startswith(ZIP):
        entries, unread = trail.read(archive.read(data))
    else:
        items, unread = trail.taken_apart(archive.read_entries(data), site="")
        entries = Alone(items)
    return replay.prepare(entries, unread, period)


def _period(since: str, until: str) -> Period:
    from_ns, to_ns = (_at_ns(option, text) for option, text in (("--from", since), ("--to", until)))
    if from_ns >= to_ns:
        raise ValueError(f"--to {until}: not after --from {since}: give a later time")
    return Period(from_ns, to_ns)


def _at_ns(option: str, text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{option} {text}: is not a time: write it as 2026-03-01T00:00+08:00") from None
    if at.tzinfo is None:
        raise ValueError(f"{option} {text}: has no offset from UTC: write it as 2026-03-01T00:00+08:00")
    return (at - EPOCH) // timedelta(microseconds=1) * 1000


def _recomputed(prepared: Replay, out: TextIO) -> Iterator[Row]:
    """All rows; on a terminal a bar tells how far it is, and is gone at the end."""
    shown = ""
    for done, batch in enumerate(prepared.batches, start=1):
        yield from prepared.rows(batch)
        if out.isatty() and (line := bar(done, len(prepared.batches))) != shown:
            out.write(f"\r\x1b[K{line}")
            out.flush()
            shown = line
    if shown:
        out.write("\r\x1b[K")
        out.flush()


def bar(done: int, total: int) -> str:
    """The line that tells how far it is."""
    full = WIDTH * done // total
    return f"[{'#' * full}{'.' * (WIDTH - full)}] {100 * done // total:>3} %"


def _lines(prepared: Replay, rows: Sequence[Row]) -> list[str]:
    lines = [finding.line() for finding in prepared.unreadable]
    lines += [line for row in rows for line in _told_of(row)]
    wrong = len({(row.agent, row.batch) for row in rows if not row.holds})
    total = len(prepared.batches)
    if not total:
        return [*lines, "no batch record touches the period"]
    return [*lines, f"{total} batches recomputed: {f'{wrong} differ' if wrong else 'all equal'}"]


def _told_of(row: Row) -> Iterator[str]:
    """One line of figures, and one for each fault."""
    if row.signed is not None and row.recomputed is not None:
        unit = UNITS.get(row.signed.unit, row.signed.unit)
        figures = [
            f"{name} {_known(one.amount)} {unit} ({_known(one.lower)} to {_known(one.upper)}) ± {_known(one.u95)}"
            for name, one in (("signed", row.signed), ("recomputed", row.recomputed))
        ]
        yield f"{'ok  ' if row.holds else 'FAIL'} {_place(row)} {', '.join(figures)}"
    yield from (f"FAIL {_place(row)}: {fault}" for fault in row.faults)


def _place(row: Row) -> str:
    return row.batch if row.signed is None else f"{row.batch} {row.signed.meter}/{row.signed.point}"


def _known(figure: int | None) -> str:
    return "not known" if figure is None else str(figure)


def _json(prepared: Replay, rows: Sequence[Row]) -> str:
    told = {
        "batches": len(prepared.batches),
        "unreadable": [finding.text for finding in prepared.unreadable],
        "rows": [_told(row) for row in rows],
    }
    return json.dumps(told, ensure_ascii=False, indent=1)


def _told(row: Row) -> dict[str, object]:
    told: dict[str, object] = {"batch": row.batch, "agent": row.agent, "faults": row.faults}
    if row.signed is not None:
        told |= {"role": row.signed.role, "meter": row.signed.meter, "point": row.signed.point, "unit": row.signed.unit}
    for name, figures in (("signed", row.signed), ("recomputed", row.recomputed)):
        told[name] = None if figures is None else {key: _plain(getattr(figures, key)) for key in COMPARED}
    return told


def _plain(figure: object) -> object:
    dump = getattr(figure, "model_dump", None)
    return dump() if dump is not None else figure


def _refuse(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return UNREADABLE
