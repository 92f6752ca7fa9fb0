"""`metertrail batch CONFIG add|import ...`: batches that no controller told, computed from the ledger's readings.

In: words of the command line, or a list as Excel or CSV. Out: `late_batch` entries, by way of the spool, so that the
gateway may run or not. Exit status: 0 done, 1 refused or the ledger cannot be used, 2 usage, configuration or list.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from contract import records
from contract.late_records import LatePart
from contract.problems import Problems, one_line
from gateway import late_batch, late_list, site_model
from gateway.attribution import late_facts
from gateway.config import Config, load
from gateway.digits import fixed
from gateway.errors import Stopped
from gateway.hand_in import hand_in, hand_in_all
from gateway.late_batch import LateBatch
from gateway.late_told import EDGE_S, FIELDS, Way, read
from gateway.ledger import Ledger
from gateway.preflight import Prepared, prepare

FAILED, USAGE = 1, 2
FILE_BYTES_MAX = 4 * 2**20
KIND = "late_batch"
MORE = "The options of each: metertrail batch CONFIG add --help"
WH_MILLI_PER_KWH = 10**6


def main(argv: Sequence[str]) -> int:
    """Tell one batch or a list of them and return the exit status."""
    try:
        given = _parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        if given.what == "import" and given.template:
            return _template(given.list)
        config = load(given.config)
        prepared = prepare(config)
        told = _one(given, prepared) if given.what == "add" else _listed(given.list, prepared)
    except Problems as found:
        return _refuse(found.lines, USAGE)
    except OSError as error:
        where = error.filename or given.config  # a full disk has no name
        return _refuse([f"{where}: {error.strerror}: name a file that can be used"], USAGE)
    except ValueError as error:
        return _refuse([str(error)], USAGE)
    try:
        if given.what == "add":
            return _add(given.config, config, prepared, told[0])
        return _import(given, config, prepared, told)
    except Problems as found:
        return _refuse(found.lines, FAILED)
    except (Stopped, OSError, ValueError) as error:
        return _refuse(str(error).splitlines(), FAILED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="metertrail batch", description="Batches that no controller told.", epilog=MORE
    )
    parser.add_argument("config", metavar="CONFIG", type=Path, help="the gateway's configuration")
    commands = parser.add_subparsers(dest="what", required=True)
    add = commands.add_parser("add", help="tell one batch")
    for name, words in (
        ("line", "as the site model names it"), ("batch", "its id"), ("product", "as the site model names it"),
        ("start", "such as 2026-04-12T08:30, in the site's local time unless an offset follows"), ("end", "likewise"),
        ("author", "who tells it"), ("reason", "why it is told late"),
    ):  # fmt: skip
        add.add_argument(f"--{name}", required=True, help=words)
    add.add_argument("--edge-s", default=EDGE_S, help=f"how far the times may be off, in seconds (usually {EDGE_S})")
    whole = commands.add_parser("import", help="tell a list of batches: all of it or nothing")
    whole.add_argument("list", metavar="LIST", type=Path, help="an .xlsx or .csv file")
    whole.add_argument("--dry-run", action="store_true", help="say what would be taken, and take nothing")
    whole.add_argument("--template", action="store_true", help="write an empty list to fill in")
    return parser


def _one(given: argparse.Namespace, prepared: Prepared) -> list[LateBatch]:
    site = site_model.parse(prepared.site)
    return [read({name: getattr(given, name) for name in FIELDS}, site.local, Way("command", time.time_ns()))]


def _listed(path: Path, prepared: Prepared) -> list[LateBatch]:
    if path.stat().st_size > FILE_BYTES_MAX:
        raise ValueError(f"{path}: more than {FILE_BYTES_MAX} bytes: keep only the list of batches in it")
    site = site_model.parse(prepared.site)
    return late_list.rows(str(path), path.read_bytes(), site.local, time.time_ns())


def _add(path: Path, config: Config, prepared: Prepared, said: LateBatch) -> int:
    """Hand it in, and say what it comes to: an incomplete batch is taken too, and does not count."""
    ledger = Ledger.open(config.gateway.database_url, config.gateway.site)
    try:
        summary = one_line(_summary(late_batch.parts(said, ledger)))
    finally:
        ledger.close()
    sys.stdout.write(f"{summary}: {hand_in(path, config, prepared, KIND, said)}\n")
    return 0


def _import(given: argparse.Namespace, config: Config, prepared: Prepared, told: Sequence[LateBatch]) -> int:
    """Check every row against the ledger first: nothing is taken if one of them is wrong."""
    _tell(str(given.list), config, told)
    if given.dry_run:
        sys.stdout.write(f"{given.list}: {len(told)} batches would be taken\n")
        return 0
    refused: list[str] = []
    for said, outcome in zip(told, hand_in_all(given.config, config, prepared, KIND, told), strict=True):
        try:
            sys.stdout.write(f"{given.list}: row {said.row}: {outcome()}\n")
        except ValueError as error:
            refused += late_list.placed(str(given.list), said.row, str(error).splitlines())
    return _refuse(refused, FAILED) if refused else 0


def _tell(name: str, config: Config, told: Sequence[LateBatch]) -> None:
    """Say what each batch comes to. Raises Problems with what the ledger shows to be wrong, row by row."""
    ledger = Ledger.open(config.gateway.database_url, config.gateway.site)
    lines, said_of = list[str](), list[str]()
    try:
        for number, said in enumerate(told):
            try:
                parts = late_batch.parts(said, ledger, told[:number])
            except ValueError as error:
                lines += late_list.placed(name, said.row, str(error).splitlines())
            else:
                said_of.append(f"{name}: row {said.row}: {one_line(_summary(parts))}\n")
    finally:
        ledger.close()
    if lines:
        raise Problems(lines)
    sys.stdout.writelines(said_of)


def _summary(parts: Sequence[bytes]) -> str:
    known, lacking = late_facts(parts), records.read(parts[0], LatePart).lacking
    energy = known.energy_wh_milli
    kwh = "energy not known" if energy is None else f"{fixed(Fraction(energy, WH_MILLI_PER_KWH), 3)} kWh"
    state = f"incomplete, not counted: {'; '.join(lacking)}" if lacking else "complete"
    return f"{known.batch} on {known.line}: {kwh}, {state}"


def _template(path: Path) -> int:
    if path.suffix.lower() != ".xlsx":
        raise ValueError(f"{path}: a template is an Excel workbook: call it {path.with_suffix('.xlsx').name}")
    try:
        with path.open("xb") as file:
            file.write(late_list.workbook())
    except FileExistsError:
        raise ValueError(f"{path}: exists already: choose another name") from None
    sys.stdout.write(f"{path}: fill in a row for each batch, then: metertrail batch CONFIG import {path} --dry-run\n")
    return 0


def _refuse(lines: Sequence[str], status: int) -> int:
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return status
