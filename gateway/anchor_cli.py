"""`metertrail anchor request|add|prove CONFIG ...`: co-signatures and proofs as files, for outsiders by mail.

In: a gateway's configuration. `request` prints what a witness needs to co-sign the last checkpoint; `add` takes the
note with its line into the ledger; `prove` prints that one entry is in the ledger (C2SP tlog-proof). The gateway may be
running. Exit status: 0 done, 1 the ledger cannot answer or refuses, 2 usage or configuration.
"""

import argparse
import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from contract import body, cbor, checkpoint, cosignature, keys, records
from contract import entry as entries
from contract.anchor_records import AnchorPart
from contract.errors import Inadmissible
from contract.key_records import RotationPart
from contract.problems import Problems
from contract.proof_text import Growth, Inclusion
from contract.records import EnrolmentPart
from gateway import proofs
from gateway.anchor_filing import AnchorFiling
from gateway.config import Config, load
from gateway.errors import Stopped
from gateway.hand_in import hand_in
from gateway.ledger import Ledger
from gateway.preflight import Prepared, prepare
from gateway.spool import ALL_TIME
from gateway.trust import GATEWAY, shown_parts

FAILED, USAGE = 1, 2


def main(argv: Sequence[str]) -> int:
    """Do one of the three and return the exit status."""
    try:
        given = _parser().parse_args(argv)
        if given.what == "add":
            note = given.file.read_bytes().decode().replace("\r\n", "\n")  # a mail program's line ends
        config = load(given.config)
        prepared = prepare(config)
    except SystemExit as stop:
        return int(stop.code or 0)
    except Problems as found:
        return _refuse(found.lines, USAGE)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        return _refuse([f"{given.file}: {reason}: name the note that the witness gave"], USAGE)
    try:
        if given.what == "add":
            told = f"anchor: {_add(given.config, config, prepared, note)}\n"
        else:
            told = _printed(given, config, prepared)
    except Inadmissible as error:
        return _refuse(
            [f"{getattr(given, 'file', given.config)}: {error}: give the whole note, as the witness gave it"], FAILED
        )
    except (Stopped, OSError, ValueError) as error:
        return _refuse(str(error).splitlines(), FAILED)
    sys.stdout.write(told)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="metertrail anchor", description="Co-signatures and proofs, as files.")
    commands = parser.add_subparsers(dest="what", required=True)
    for name, words in {
        "request": "print what a witness needs to co-sign the last checkpoint",
        "add": "take a note that a witness co-signed into the ledger",
        "prove": "print a proof that an entry is in the ledger",
    }.items():
        command = commands.add_parser(name, help=words)
        command.add_argument("config", metavar="CONFIG", type=Path, help="the gateway's configuration")
        if name == "request":
            command.add_argument("--since", metavar="SIZE", type=int, default=0, help="what the witness saw last")
        elif name == "add":
            command.add_argument("file", metavar="NOTE", type=Path, help="the co-signed note")
        else:
            command.add_argument("index", metavar="INDEX", type=int, help="the entry's place in the ledger")
    return parser


def _add(path: Path, config: Config, prepared: Prepared, note: str) -> str:
    """Hand a note in that a witness of the configuration co-signed. Raises Inadmissible, ValueError or Stopped."""
    known = prepared.outsiders.witness_keys
    signers = [name for name, key in known.items() if cosignature.times_s(note, name, key)]
    if not signers:
        raise ValueError(
            f"co-signed by none of [[witness]] ({', '.join(known) or 'there is none'}): add it there first"
        )
    return hand_in(path, config, prepared, "anchor", AnchorFiling(source=", ".join(signers)[:200], note=note))


def _printed(given: argparse.Namespace, config: Config, prepared: Prepared) -> str:
    ledger = Ledger.open(config.gateway.database_url, config.gateway.site)
    try:
        note = ledger.latest_checkpoint()
        if note is None:
            raise ValueError("the ledger is empty: there is nothing to show")
        size = checkpoint.parse(note).size
        if given.what == "request":
            if not 0 <= given.since <= size:
                raise ValueError(
                    f"--since {given.since}: the ledger has {size} entries: give the size the witness told"
                )
            return Growth(given.since, proofs.growth(ledger, given.since, size), note).text()
        if not 0 <= given.index < size:
            raise ValueError(f"entry {given.index}: the ledger has {size} entries, from 0 on")
        return _proof(ledger, prepared, given.index, _anchored(ledger, given.index) or note)
    finally:
        ledger.close()


def _anchored(ledger: Ledger, index: int) -> str | None:
    """The first co-signed note whose tree holds the entry: it proves more than a plain one."""
    for entry in ledger.select(["anchor"], *ALL_TIME, GATEWAY):
        for part in (records.read(data, AnchorPart) for data in shown_parts(body.unpack(entry.body))):
            if part.token is None and checkpoint.parse(part.note).size > index:
                return part.note
    return None


def _proof(ledger: Ledger, prepared: Prepared, index: int, note: str) -> str:
    (entry,) = ledger.entries(index, index)
    key_id = entries.read(entry.signed).container.key_id
    author_key = next((key for key in _author_keys(ledger) if keys.thumbprint(keys.from_cose_key(key)) == key_id), None)
    if author_key is None:
        raise ValueError(f"entry {index}: the key it is signed with is not in the ledger")
    extra = cbor.encode([keys.cose_key(prepared.ledger_key.public_key()), author_key, entry.signed])
    return Inclusion(index, proofs.inclusion(ledger, index, checkpoint.parse(note).size), note, extra).text()


def _author_keys(ledger: Ledger) -> Iterator[bytes]:
    """Every key that the ledger names, as a COSE_Key."""
    for entry in ledger.select(["enrolment", "rotation"], *ALL_TIME):
        for data in shown_parts(body.unpack(entry.body)):
            with contextlib.suppress(Inadmissible):
                if entry.type == "enrolment":
                    yield records.read(data, EnrolmentPart).key
                else:
                    yield records.read(data, RotationPart).key


def _refuse(lines: Sequence[str], status: int) -> int:
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return status
