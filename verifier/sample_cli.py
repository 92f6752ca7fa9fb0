"""`metertrail sample FILE --count N --seed TEXT [--of batches] [--json]`: what to look at on the spot.

The draw and its reasons are sample.py's. Exit status: 0 drawn; 2 usage, or an archive that cannot be read or holds
none.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from contract.errors import Inadmissible
from contract.problems import one_line
from verifier import archive, evidence, sample, trail
from verifier.archive_file import data_of
from verifier.check_batches import UNITS
from verifier.sample import COUNT_MAX, KINDS, Drawn, Reading, Recount, Sample, Told

UNREADABLE = 2
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def main(argv: Sequence[str]) -> int:
    """Draw, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="metertrail sample", description="Draw what to check on the spot.")
    parser.add_argument("file", metavar="FILE", type=Path, help="the archive")
    parser.add_argument("--count", metavar="N", type=int, required=True, help=f"how many, at most {COUNT_MAX}")
    parser.add_argument("--seed", metavar="TEXT", required=True, help="public words chosen after the archive was fixed")
    parser.add_argument(
        "--of", dest="kind", choices=KINDS, default="readings", help="what to draw; readings if left out"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    try:
        given = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    if not 0 < given.count <= COUNT_MAX:
        return _refuse(f"--count {given.count}: draw 1 to {COUNT_MAX}")
    if not given.seed.strip() or not given.seed.isprintable():
        return _refuse("--seed: give printable words, such as the date and who draws")
    try:
        data = data_of(given.file)
        found = drawn(data, given.kind, given.seed, given.count)
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}: name a file that can be read")
    except (Inadmissible, ValueError) as error:
        return _refuse(f"{given.file}: {error}")
    lines = [json.dumps(asdict(found), ensure_ascii=False, indent=1)] if given.json else list(_lines(found))
    sys.stdout.write("\n".join(line if given.json else one_line(line) for line in lines) + "\n")
    return 0


def drawn(data: bytes, kind: sample.Kind, seed: str, count: int) -> Sample:
    """Raises ValueError, one clear line, where nothing can be drawn."""
    read, unread = trail.read(archive.read(data))
    known, unfit = evidence.read(read)
    for finding in (*unread, *unfit):
        if not finding.ok:
            raise ValueError(f"{finding.check} {finding.text}: verify the archive first")
    found = sample.sample(read, known, hashlib.sha256(data).hexdigest(), kind, seed, count)
    if not found.population:
        raise ValueError(f"it shows no {kind}: ask for an archive that does")
    return found


def _lines(found: Sample) -> Iterator[str]:
    yield f"archive SHA-256 {found.archive}"
    yield f"ledger  {found.size} entries, root {found.root}"
    beside = f"; {found.withheld} entries are not shown whole: what they hold is not in the draw" * (found.withheld > 0)
    yield f"drawn   {len(found.drawn)} of {found.population} {found.kind} by the seed {found.seed!r}{beside}"
    for place, one in enumerate(found.drawn, 1):
        yield f"{place}. number {one.number}: entry {one.entry} {one.where}"
        yield f"   leaf {one.leaf}; proof {' '.join(one.proof) or 'none: the only entry'}"
        yield from (f"   {line}" for line in _told(one))


def _told(one: Drawn) -> Iterator[str]:
    return _reading(one.what) if isinstance(one.what, Reading) else _batch(one.what)


def _reading(one: Reading) -> Iterator[str]:
    yield f"meter {one.meter}, serial {one.serial or 'not stated'}, at {one.address}; profile {one.profile}"
    yield f"{_value(one)}; asked {_at(one.requested_ns)}, answered {_at(one.answered_ns)}{_source(one)}"
    yield f"profile: {one.profile_line}"
    if one.canonical is not None:
        unit = UNITS.get(one.canonical_unit, one.canonical_unit)
        yield f"times ratio {one.ratio}, in canonical units: {one.canonical} {unit}"
    yield f"compare: serial number and ratio on the plates; {_compare(one)}"


def _value(one: Reading) -> str:
    return f"{one.point} raw 0x{one.raw}, status 0x{one.status:08x}, is {one.value} {one.unit}"


def _compare(one: Reading) -> str:
    if one.kind == "counter":
        return "the register on the display, which shows this or more unless it wrapped or the meter was exchanged"
    return "the meter's own log, or another instrument's, of that time"


def _source(one: Reading) -> str:
    return "" if one.source_ns is None else f", by its own clock {_at(one.source_ns)}"


def _batch(one: Told) -> Iterator[str]:
    yield f"batch {one.batch} of {one.product!r} on {one.line}, {one.closed}"
    yield f"began {_span(one.start_ns)}, ended {_span(one.end_ns)}"
    for side, lots in (("in", one.inputs), ("out", one.outputs)):
        if lots:
            yield f"{side}: {'; '.join(lots)}"
    for amount in one.amounts:
        yield from _amount(amount)
    yield "compare: order, product, times and quantities in the MES or on the order's paper"


def _amount(one: Recount) -> Iterator[str]:
    unit = UNITS.get(one.unit, one.unit)
    told = "not recomputed" if one.fault else f"recomputed {_known(one.recomputed)}"
    yield f"{one.meter}/{one.point}: signed {_known(one.signed)} {unit}, {told}{f' ({one.fault})' if one.fault else ''}"
    for name, reading in (("before", one.before), ("after", one.after)):
        if reading is not None:
            yield f"  {name}: {_value(reading)}, answered {_at(reading.answered_ns)}"


def _known(figure: int | None) -> str:
    return "not known" if figure is None else str(figure)


def _span(edge: tuple[int, int]) -> str:
    return _at(edge[0]) if edge[0] == edge[1] else f"between {_at(edge[0])} and {_at(edge[1])}"


def _at(at_ns: int) -> str:
    """UTC to the millisecond, as evidence keeps it."""
    try:
        return (EPOCH + timedelta(milliseconds=at_ns // 10**6)).isoformat(timespec="milliseconds")
    except OverflowError:
        return f"{at_ns} ns"


def _refuse(message: str) -> int:
    sys.stderr.write(f"{one_line(message)}\n")
    return UNREADABLE
