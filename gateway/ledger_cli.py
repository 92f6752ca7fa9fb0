"""`metertrail ledger COMMAND CONFIG`: what is done to a ledger while the gateway is stopped.

In: a gateway's configuration. Out: what was done, in a line. Exit status: 0 done, 1 the ledger does not allow it, 2
usage or configuration.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from contract import checkpoint
from contract.problems import Problems, one_line
from gateway import database
from gateway.checkpoint_copy import CheckpointCopy
from gateway.config import load
from gateway.custody import load_ledger_key, load_private
from gateway.errors import Stopped
from gateway.ledger import Ledger
from gateway.ledger_check import Given, check
from gateway.opening import software
from gateway.preflight import prepare
from gateway.recover import Decision, recover

FAILED, USAGE = 1, 2
AUTHOR_CHARACTERS_MAX, REASON_CHARACTERS_MAX = 200, 1000


def main(argv: Sequence[str]) -> int:
    """Run one of the sub-commands and return the exit status."""
    parser = argparse.ArgumentParser(prog="metertrail ledger", description="A ledger's upkeep.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("check", help="work out again all that follows from the entries' bytes, and compare")
    command.add_argument("config", metavar="CONFIG", type=Path, help="the gateway's configuration")
    command = commands.add_parser("recover", help="take a ledger up again that is not what its checkpoints know")
    command.add_argument("config", metavar="CONFIG", type=Path, help="the gateway's configuration")
    command.add_argument(
        "--author", metavar="NAME", required=True, type=_words(AUTHOR_CHARACTERS_MAX), help="who decides"
    )
    command.add_argument("--reason", metavar="TEXT", required=True, type=_words(REASON_CHARACTERS_MAX), help="why")
    try:
        given = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        return {"check": _check, "recover": _recover}[given.command](given)
    except Problems as found:
        sys.stderr.writelines(f"{line}\n" for line in found.lines)
        return USAGE
    except (Stopped, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return FAILED


def _check(given: argparse.Namespace) -> int:
    of = load(given.config).gateway
    keys = load_ledger_key(of.ledger_key).public_key(), load_private(of.key).public_key()
    engine = database.engine(of.database_url)
    try:
        held = True
        for checked in check(engine, Given(of.site, *keys, tuple(CheckpointCopy(of.checkpoint_file).notes()))):
            sys.stdout.write(f"{one_line(checked.line())}\n")
            held = held and checked.ok
    finally:
        engine.dispose()
    return 0 if held else FAILED


def _recover(given: argparse.Namespace) -> int:
    config = load(given.config)
    prepared = prepare(config)
    of = config.gateway
    ledger = Ledger.open(of.database_url, of.site, prepared.ledger_key, of.checkpoint_file, renew=True)
    try:
        decided = Decision(given.author, given.reason, time.time_ns(), given.config.read_bytes(), software())
        said = recover(ledger, prepared, decided)
    finally:
        ledger.close()
    known = checkpoint.parse(said.known).size if said.known else "an unknown number of"
    sys.stdout.write(
        f"{said.origin} replaces {said.replaces}: {known} entries were known of it, {said.size} are here. Start the "
        "gateway: agents send again what they still have\n"
    )
    return 0


def _words(most: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not text.strip() or len(text) > most or not text.isprintable():
            raise argparse.ArgumentTypeError(f"1 to {most} printable characters")
        return text.strip()

    return check
