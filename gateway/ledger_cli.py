"""`metertrail ledger COMMAND CONFIG`: what is done to a ledger while the gateway is stopped.

In: a gateway's configuration. Out: what was done, in a line. Exit status: 0 done, 1 the ledger does not allow it, 2
usage or configuration.
"""

import argparse
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zipfile import is_zipfile

from contract import checkpoint
from contract.problems import Problems, one_line
from gateway import database
from gateway import pack as packing
from gateway.checkpoint_copy import CheckpointCopy
from gateway.config import load
from gateway.custody import load_ledger_key, load_private
from gateway.errors import Stopped
from gateway.kept_elsewhere import Packs, WholeLedger
from gateway.ledger import Ledger
from gateway.ledger_check import Given, check
from gateway.ledger_rebuild import rebuild
from gateway.ledger_rows import Database, Source
from gateway.ledger_walk import Asked
from gateway.opening import open_sequencer, software
from gateway.pack_form import READINGS, Index
from gateway.preflight import prepare
from gateway.readmit import readmit
from gateway.recover import Decision, recover
from gateway.recoveries import newer

FAILED, USAGE = 1, 2
AUTHOR_CHARACTERS_MAX, REASON_CHARACTERS_MAX = 200, 1000


def main(argv: Sequence[str]) -> int:
    """Run one of the sub-commands and return the exit status."""
    parser = argparse.ArgumentParser(prog="metertrail ledger", description="A ledger's upkeep.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("check", help="work out again all that follows from the entries' bytes, and compare")
    command.add_argument("config", metavar="CONFIG", type=Path, help="the gateway's configuration")
    command = commands.add_parser("rebuild", help="a new database from the entries' bytes")
    command.add_argument("config", metavar="CONFIG", type=Path, help="the gateway's configuration")
    command.add_argument("--to", metavar="URL|FILE", required=True, help="the new database, which must be empty")
    command.add_argument(
        "--from", dest="source", metavar="URL|FILE|FOLDER",
        help="another database, an archive of a whole ledger, or a folder of packs; without it the configured database",
    )  # fmt: skip
    command = commands.add_parser("pack", help="closed days into packs, and their readings into Parquet")
    command.add_argument("config", metavar="CONFIG", type=Path, help="the gateway's configuration")
    command.add_argument("--to", metavar="FOLDER", type=Path, required=True, help="where packs are kept")
    command = commands.add_parser("readmit", help="agents' entries that are kept elsewhere, by the rules of any other")
    command.add_argument("config", metavar="CONFIG", type=Path, help="the gateway's configuration")
    command.add_argument(
        "--from", dest="source", metavar="URL|FILE|FOLDER", required=True,
        help="the old database, an archive of a whole ledger, or a folder of packs",
    )  # fmt: skip
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
        return {"check": _check, "pack": _pack, "readmit": _readmit, "rebuild": _rebuild, "recover": _recover}[
            given.command
        ](given)
    except Problems as found:
        sys.stderr.writelines(f"{line}\n" for line in found.lines)
        return USAGE
    except BrokenPipeError:
        raise  # whoever read the output has had enough: metertrail.py
    except (Stopped, OSError, ValueError) as error:
        sys.stderr.write(f"{_fault(error)}\n")
        return FAILED


def _fault(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}: name another place"
    return str(error)


def _check(given: argparse.Namespace) -> int:
    of = load(given.config).gateway
    keys = load_ledger_key(of.ledger_key).public_key(), load_private(of.key).public_key()
    engine = database.engine(of.database_url)
    try:
        held = True
        for checked in check(engine, Given(of.site, *keys, CheckpointCopy(of.checkpoint_file).notes())):
            sys.stdout.write(f"{one_line(checked.line())}\n")
            held = held and checked.ok
    finally:
        engine.dispose()
    return 0 if held else FAILED


def _rebuild(given: argparse.Namespace) -> int:
    of = load(given.config).gateway
    key = load_ledger_key(of.ledger_key).public_key()
    target = _url(given.to)
    with _source(given.source or of.database_url, of.site) as source:
        done = rebuild(source, target, Asked(of.site, key))
    name, root = database.named(database.engine(target)), b64encode(done.root).decode()
    sys.stdout.writelines(f"set right: {one_line(words)}\n" for words in done.differed)
    sys.stdout.writelines(f"left out: {one_line(words)}\n" for words in done.faults)
    sys.stdout.write(f"{name}: {done.size} entries of {done.found}, root {root}\n")
    if done.whole:
        return 0
    copied = CheckpointCopy(of.checkpoint_file)
    known = copied.last(key)
    if done.known and (known is None or newer(checkpoint.parse(done.known), checkpoint.parse(known))):
        copied.keep(done.known)  # or the shorter ledger would pass for the whole one
    sys.stdout.write("Not all is there: name it in gateway.database and take it up with `metertrail ledger recover`\n")
    return FAILED


def _pack(given: argparse.Namespace) -> int:
    of = load(given.config).gateway
    key = load_ledger_key(of.ledger_key).public_key()
    engine = database.engine(of.database_url)
    database.require(engine)
    try:
        packed = 0
        for path, index in packing.pack(packing.Ledger(of.site, key, Database(engine)), given.to, time.time_ns()):
            sys.stdout.write(f"{path}: {_packed(index)}\n")
            packed += 1
        if not packed:
            sys.stdout.write(f"{given.to}: nothing to pack: no UTC day is over that is not packed\n")
    finally:
        engine.dispose()
    return 0


def _packed(index: Index) -> str:
    text = f"entries {index.first} to {index.last}"
    if READINGS not in index.files:
        return f"{text}; no Parquet: run `pip install 'metertrail[parquet]'` first"
    text = f"{text}, {index.readings} readings"
    if not index.readings:
        return text
    table = index.files[READINGS].bytes
    whole = sum(file.bytes for file in index.files.values()) - table
    return f"{text}: {whole / index.readings:.2f} bytes a reading, {table / index.readings:.2f} as Parquet"


def _url(given: str) -> str:
    """A URL, or a SQLite file's. Raises ValueError."""
    url = given if "://" in given else database.sqlite_url(Path(given).absolute())
    database.parse(url)
    return url


@contextmanager
def _source(given: str, site: str) -> Iterator[Source]:
    path = Path(given)
    if "://" not in given and path.is_dir():
        yield Packs(path, site)
    elif "://" not in given and is_zipfile(path):
        yield WholeLedger(path)
    else:
        engine = database.engine(_url(given))
        database.require(engine)
        try:
            yield Database(engine)
        finally:
            engine.dispose()


def _readmit(given: argparse.Namespace) -> int:
    config = load(given.config)
    prepared = prepare(config)
    with _source(given.source, config.gateway.site) as source:
        ledger, sequencer = open_sequencer(given.config, config, prepared, time.time_ns, lambda _entries, _at_ns: None)
        try:
            done = readmit(source, sequencer.admit, config.gateway.site)
        finally:
            ledger.close()
    counted = ", ".join(f"{count} {verdict}" for verdict, count in sorted(done.verdicts.items())) or "none"
    sys.stdout.writelines(f"cannot be read: {one_line(words)}\n" for words in done.unread)
    sys.stdout.write(f"{given.source if '://' not in given.source else 'the database'}: entries of agents: {counted}\n")
    return 0


def _recover(given: argparse.Namespace) -> int:
    config = load(given.config)
    prepared = prepare(config)
    of = config.gateway
    ledger = Ledger.open(of.database_url, of.site, prepared.ledger_key, of.checkpoint_file, renew=True)
    try:
        decided = Decision(given.author, given.reason, time.time_ns(), given.config.read_bytes(), software())
        said = recover(ledger, prepared, decided)
        rewritten = ledger.replaced is not None and ledger.replaced.rewritten
    finally:
        ledger.close()
    known = checkpoint.parse(said.known).size if said.known else "an unknown number of"
    sys.stdout.write(
        f"{said.origin} replaces {said.replaces}: {known} entries were known of it, {said.size} are here. Start the "
        "gateway: agents send again what they still have\n"
    )
    if rewritten:
        sys.stdout.write(
            f"The entries here are not those that {said.replaces} signed: this is no earlier state of it, and every "
            "verifier will say that it was rewritten\n"
        )
    return 0


def _words(most: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not text.strip() or len(text) > most or not text.isprintable():
            raise argparse.ArgumentTypeError(f"1 to {most} printable characters")
        return text.strip()

    return check
