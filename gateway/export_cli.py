"""`metertrail export --from ISO --to ISO --out FILE [--product P] CONFIG`: a period's statement with all its evidence.

In: a gateway's configuration and a period. Out: an archive for `metertrail verify`, a `run` entry in the ledger, and a
line for each of the statement's cross-checks; on stderr, why it will not verify, as far as chains tell. Outsiders
of the configuration are shown the new checkpoint, and what they give goes along; one that does not answer is told and
keeps nothing back. It writes the ledger, so the gateway must not be running meanwhile. Never replaces a file. Exit
status: 0 done, 1 the ledger cannot answer, 2 usage or configuration.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from contract import records
from contract.calendar import instant_ns
from contract.problems import Problems, one_line
from contract.writer import Span
from gateway import anchor, site_model
from gateway.config import Config, load
from gateway.cross_check import remarks
from gateway.custody import load_ledger_key
from gateway.errors import Busy, Stopped
from gateway.export import Asked, check_product, export, whole_ledger
from gateway.ledger import Ledger
from gateway.oddities import against
from gateway.opening import open_sequencer
from gateway.preflight import Prepared, prepare
from gateway.site_model import SiteModel

FAILED, USAGE = 1, 2
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def main(argv: Sequence[str]) -> int:
    """Export one archive and return the exit status."""
    parser = argparse.ArgumentParser(prog="metertrail export", description="A statement with all its evidence.")
    parser.add_argument("config", metavar="CONFIG", type=Path, help="the gateway's configuration")
    parser.add_argument("--product", metavar="P", help="one product; without it, all of the site")
    parser.add_argument("--from", dest="since", metavar="ISO", required=True, help="start, such as 2026-03-01T00:00")
    parser.add_argument("--to", dest="until", metavar="ISO", required=True, help="end, not included")
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="the archive to write")
    try:
        given = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        config = load(given.config)
        prepared = prepare(config)
        asked = _asked(given, site_model.parse(prepared.site))
        _check_out(given.out)
    except Problems as found:
        return _refuse(found.lines, USAGE)
    except ValueError as error:
        return _refuse([str(error)], USAGE)
    try:
        data, run = _exported(given.config, config, prepared, asked)
        with given.out.open("xb") as file:
            file.write(data)
    except Busy as error:
        return _refuse([f"{error}, export, and start it again"], FAILED)
    except (Stopped, OSError, ValueError) as error:
        return _refuse([str(error)], FAILED)
    sys.stdout.writelines(f"{one_line(remark)}\n" for remark in remarks(run.statement))
    sys.stdout.write(f"{given.out}: {len(data)} bytes; check it with `metertrail verify {given.out}`\n")
    return 0


def pack_ledger(path: Path) -> bytes:
    """The whole ledger of a gateway's configuration as an archive. The gateway may be running: nothing is written.

    Raises Problems or ValueError, one clear line each, for a configuration or a ledger that cannot be read.
    """
    config = load(path)
    key = load_ledger_key(config.gateway.ledger_key).public_key()
    try:
        ledger = Ledger.open(config.gateway.database_url, config.gateway.site)
    except Stopped as error:
        raise ValueError(str(error)) from None
    try:
        return whole_ledger(ledger, key)
    finally:
        ledger.close()


def at_ns(text: str, zone: tzinfo) -> int:
    """An ISO 8601 time as ns UTC; one without an offset is the site's local time. Raises ValueError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time: write it as 2026-03-01T00:00 or 2026-03-01T00:00+08:00") from None
    if at.tzinfo is None:
        whole = at.replace(microsecond=0)
        return instant_ns(whole, zone) + at.microsecond * 1000
    return (at - EPOCH) // timedelta(microseconds=1) * 1000


def _asked(given: argparse.Namespace, site: SiteModel) -> Asked:
    from_ns, to_ns = at_ns(given.since, site.local), at_ns(given.until, site.local)
    if from_ns >= to_ns:
        raise ValueError(f"--to {given.until}: not after --from {given.since}: give a later time")
    if given.product is not None:
        check_product(site, given.product)
    return Asked(given.product, from_ns, to_ns, provisional=to_ns > time.time_ns())


def _check_out(out: Path) -> None:
    """Told before anything is sealed."""
    if out.exists():
        raise ValueError(f"{out}: exists already: name another file, or remove it")
    if not out.absolute().parent.is_dir():
        raise ValueError(f"{out}: its folder does not exist: make it first")


def _exported(path: Path, config: Config, prepared: Prepared, asked: Asked) -> tuple[bytes, records.RunPart]:
    """Open the ledger as the gateway does, have the run sealed, and close it again; the archive and the run."""
    Ledger.open(config.gateway.database_url, config.gateway.site).close()  # a ledger that is not there is not made
    ledger, sequencer = open_sequencer(path, config, prepared, time.time_ns, lambda _entries, _at_ns: None)
    try:
        key = prepared.ledger_key.public_key()
        runs: list[records.RunPart] = []

        def seal(run: records.RunPart) -> None:
            sequencer.seal("run", [records.write(run)], Span(asked.from_ns, asked.to_ns))
            runs.append(run)
            for fault in anchor.ask_all(prepared.outsiders.asked, ledger, sequencer.seal):
                sys.stderr.write(f"not anchored by {one_line(fault)}\n")

        data = export(ledger, key, asked, seal)
        sys.stderr.writelines(f"{one_line(why)}\n" for why in against(ledger, asked.from_ns, asked.to_ns))
        return data, runs[0]
    finally:
        ledger.close()


def _refuse(lines: Sequence[str], status: int) -> int:
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return status
