"""`metertrail manual CONFIG reading|invoice|quantity|amend ...`: what no meter tells, signed by who says it.

In: words from the command line; a picture or document that is hashed and copied into the gateway's data folder. Out: an
entry of the gateway's chain, by way of its spool. Exit status: 0 done, 1 refused or the ledger cannot be written,
2 usage or configuration.
"""

import argparse
import hashlib
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from contract.problems import Problems, explain
from gateway import site_model
from gateway.config import Config, load
from gateway.errors import Stopped
from gateway.export_cli import at_ns
from gateway.hand_in import hand_in
from gateway.manual_filing import KINDS
from gateway.preflight import prepare
from gateway.site_model import SiteModel

FAILED, USAGE = 1, 2
DOCUMENTS = "documents"
DOCUMENT_BYTES_MAX = 1 << 26
WITHIN_S = 60  # a time of reading is written to the minute
COUNTER = "AGENT/METER/POINT"
BATCH = "AGENT/LINE/BATCH"


def main(argv: Sequence[str]) -> int:
    """File one thing and return the exit status."""
    try:
        given = _parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        config = load(given.config)
        prepared = prepare(config)
        kind, words = FILINGS[given.what](given, site_model.parse(prepared.site))
        said = {"author": given.author, "reason": given.reason, "entered_ns": time.time_ns()}
        filing = KINDS[kind].says.model_validate({**words, **said, **_kept(given, config)})
    except Problems as found:
        return _refuse(found.lines, USAGE)
    except ValidationError as error:
        return _refuse(explain(error, KINDS[kind].says), USAGE)
    except OSError as error:
        where = error.filename or given.config  # a full disk has no name
        return _refuse([f"{where}: {error.strerror}: name a file that can be used"], USAGE)
    except ValueError as error:
        return _refuse([str(error)], USAGE)
    try:
        told = hand_in(given.config, config, prepared, kind, filing)
    except (Stopped, OSError, ValueError) as error:
        return _refuse([_in_options(given.what, line) for line in str(error).splitlines()], FAILED)
    sys.stdout.write(f"{kind}: {told}\n")
    return 0


def _reading(given: argparse.Namespace, site: SiteModel) -> tuple[str, Mapping[str, object]]:
    agent, meter, point = _split(given.counter, COUNTER)
    if given.within < 0:
        raise ValueError(f"--within {given.within}: give seconds, such as {WITHIN_S}")
    earliest_ns = _at_ns("--at", given.at, site)
    return "reading", {
        "agent": agent,
        "meter": meter,
        "point": point,
        "text": given.value,
        "multiplier": given.multiplier,
        "earliest_ns": earliest_ns,
        "latest_ns": earliest_ns + given.within * 10**9,
    }


def _invoice(given: argparse.Namespace, site: SiteModel) -> tuple[str, Mapping[str, object]]:
    return "invoice", {
        "supplier": given.supplier,
        "number": given.number,
        "carrier": given.carrier,
        "text": given.amount,
        "from_ns": _at_ns("--from", given.since, site),
        "to_ns": _at_ns("--to", given.until, site),
        "counters": tuple(given.counter),
    }


def _quantity(given: argparse.Namespace, _site: SiteModel) -> tuple[str, Mapping[str, object]]:
    return "quantity", {
        **_batch(given.batch),
        "role": given.role,
        "text": given.amount,
        "method": "metered" if given.instrument else "reported",
        "instrument": given.instrument,
    }


def _amendment(given: argparse.Namespace, _site: SiteModel) -> tuple[str, Mapping[str, object]]:
    if (given.batch is None) == (given.entry is None):
        raise ValueError(f"amend: give either --batch {BATCH} or --entry INDEX")
    named = dict.fromkeys(("agent", "line", "batch")) if given.batch is None else _batch(given.batch)
    role = None if given.batch is None else given.role
    return "amendment", {**named, "role": role, "entry": given.entry, "number": given.part, "text": given.to}


FILINGS = {"reading": _reading, "invoice": _invoice, "quantity": _quantity, "amend": _amendment}
TEXT_OPTION = {"reading": "--value", "invoice": "--amount", "quantity": "--amount", "amend": "--to"}
EVIDENCE = {"reading": "picture", "invoice": "document", "quantity": "evidence"}  # the member that holds a file's hash


def _in_options(what: str, line: str) -> str:
    """What the ledger says of a filing's `text`, with the option that gave it."""
    return re.sub(r"^text: ", f"{TEXT_OPTION[what]}: ", line)


def _parser() -> argparse.ArgumentParser:
    about, more = (
        "What no meter tells, as signed entries.",
        "The options of each: metertrail manual CONFIG reading --help",
    )
    parser = argparse.ArgumentParser(prog="metertrail manual", description=about, epilog=more)
    parser.add_argument("config", metavar="CONFIG", type=Path, help="the gateway's configuration")
    commands = parser.add_subparsers(dest="what", required=True)
    command = commands.add_parser("reading", help="a counter read by hand")
    command.add_argument("--counter", metavar=COUNTER, required=True)
    command.add_argument("--value", metavar="TEXT", required=True, help='as displayed, with unit: "12345.6 kWh"')
    command.add_argument("--multiplier", metavar="N", type=int, default=1, help="what the display is to be taken times")
    command.add_argument("--at", metavar="ISO", required=True, help="when it was read, such as 2026-03-01T08:00")
    command.add_argument("--within", metavar="S", type=int, default=WITHIN_S, help="and at most so many seconds later")
    command.add_argument("--picture", metavar="FILE", type=Path, dest="file", help="of the display")
    command = commands.add_parser("invoice", help="what a supplier billed")
    for name in ("supplier", "number", "carrier"):
        command.add_argument(f"--{name}", metavar="TEXT", required=True)
    command.add_argument("--amount", metavar="TEXT", required=True, help='as billed, with unit: "5120 kWh"')
    command.add_argument("--from", dest="since", metavar="ISO", required=True, help="start of the billed period")
    command.add_argument("--to", dest="until", metavar="ISO", required=True, help="its end, not included")
    command.add_argument("--counter", metavar=COUNTER, required=True, action="append", help="several: their sum")
    command.add_argument("--document", metavar="FILE", type=Path, dest="file", help="the invoice")
    command = commands.add_parser("quantity", help="what a batch gave, where no meter tells it")
    command.add_argument("--batch", metavar=BATCH, required=True)
    command.add_argument("--role", choices=("good", "scrap", "rework"), default="good")
    command.add_argument("--amount", metavar="TEXT", required=True, help='with unit: "7.82 t", "480 piece"')
    command.add_argument("--instrument", metavar="TEXT", help="what it was measured with; without it: reported")
    command.add_argument("--evidence", metavar="FILE", type=Path, dest="file", help="such as a weighing slip")
    command = commands.add_parser("amend", help="another value for a batch's output, or for an earlier filing")
    command.add_argument("--batch", metavar=BATCH)
    command.add_argument("--role", choices=("good", "scrap"), default="good")
    command.add_argument("--entry", metavar="INDEX", type=int, help="the ledger's entry, instead of a batch")
    command.add_argument("--part", metavar="N", type=int, default=0, help="its part, from 0")
    command.add_argument("--to", metavar="TEXT", required=True, help='the new value, "7.80 t", or "unknown"')
    command.set_defaults(file=None)
    for command in commands.choices.values():
        command.add_argument("--author", metavar="NAME", required=True, help="who says so")
        command.add_argument("--reason", metavar="TEXT", required=True, help="why by hand")
    return parser


def _at_ns(option: str, text: str, site: SiteModel) -> int:
    try:
        return at_ns(text, site.local)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{option}: {error}") from None


def _split(name: str, form: str) -> list[str]:
    words = name.split("/", 2)
    if len(words) != 3 or not all(words):
        raise ValueError(f"{name!r}: write {form}")
    return words


def _batch(name: str) -> dict[str, str | None]:
    return dict(zip(("agent", "line", "batch"), _split(name, BATCH), strict=True))


def _kept(given: argparse.Namespace, config: Config) -> dict[str, str | None]:
    """Copy the file into the data folder under its SHA-256; what the filing says of it."""
    member = EVIDENCE.get(given.what)
    if member is None:
        return {}
    if given.file is None:
        return {member: None}
    with given.file.open("rb") as file:
        data = file.read(DOCUMENT_BYTES_MAX + 1)
    if len(data) > DOCUMENT_BYTES_MAX:
        raise ValueError(f"{given.file}: more than {DOCUMENT_BYTES_MAX} bytes: give a smaller file")
    digest = hashlib.sha256(data).hexdigest()
    suffix = given.file.suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", given.file.suffix) else ""
    folder = config.gateway.data / DOCUMENTS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    growing = folder / f"{digest}.{os.getpid()}.new"
    with growing.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    growing.rename(folder / f"{digest}{suffix}")
    return {member: digest}


def _refuse(lines: Sequence[str], status: int) -> int:
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return status
