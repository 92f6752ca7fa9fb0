"""`metertrail witness sign|serve CONFIG`: co-sign a ledger's checkpoints, from a file or for gateways over HTTP.

In: `sign` takes an archive, or the request that `metertrail anchor request` writes. Out: the checkpoint with this
witness's line, on standard output. Exit status: 0 signed, 1 refused (the ledger shrank, forked or is not known),
2 usage or configuration.
"""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from contract import checkpoint, cosignature, merkle
from contract.errors import Inadmissible
from contract.problems import Problems
from contract.proof_text import Growth, parse_growth
from verifier import archive
from witness.config import Config, load
from witness.judge import Refused
from witness.memory import Memory
from witness.signing import answer

REFUSED, USAGE = 1, 2
ZIP = b"PK"


def main(argv: Sequence[str]) -> int:
    """Sign or serve, and return the exit status."""
    parser = argparse.ArgumentParser(prog="metertrail witness", description="Co-sign a ledger that only grows.")
    commands = parser.add_subparsers(dest="command", required=True)
    sign = commands.add_parser("sign", help="co-sign the checkpoint of a file: an archive, or a request")
    sign.add_argument("config", metavar="CONFIG", type=Path, help="the witness's configuration")
    sign.add_argument("file", metavar="FILE", type=Path, help="an archive, or what `metertrail anchor request` wrote")
    serve = commands.add_parser("serve", help="co-sign for gateways, over HTTP")
    serve.add_argument("config", metavar="CONFIG", type=Path, help="the witness's configuration")
    try:
        given = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        config = load(given.config)
        if given.command == "serve":
            return _serve(config)
        asked = _asked(config, given.file.read_bytes())
        note = cosignature.with_lines(asked.note, answer(config, asked, int(time.time())))
    except Problems as found:
        return _refuse("\n".join(found.lines), USAGE)
    except Refused as refused:
        return _refuse(f"{given.file}: refused: {refused}", REFUSED)
    except OSError as error:
        return _refuse(f"{error.filename or given.config}: {error.strerror}: name a file that can be used", USAGE)
    except ValueError as error:
        return _refuse(f"{given.file}: {error}", USAGE)
    sys.stdout.write(note)
    return 0


def _asked(config: Config, data: bytes) -> Growth:
    """The request in a file; for an archive it is made from the archive's own entries. Raises Inadmissible."""
    if not data.startswith(ZIP):
        try:
            return parse_growth(data.decode().replace("\r\n", "\n"))  # a mail program's line ends
        except UnicodeDecodeError:
            raise Inadmissible("neither an archive nor a request: not UTF-8") from None
    read = archive.read(data)
    point = checkpoint.parse(read.note)
    leaves = [merkle.leaf_hash(kept.signed) for kept in read.entries]
    if (len(leaves), merkle.root(leaves)) != (point.size, point.root):
        raise Inadmissible("its entries do not lead to its checkpoint: `metertrail verify` says more")
    seen = Memory(config.memory).seen(point.origin)
    old_size = min(seen.size if seen else 0, point.size)
    return Growth(old_size, tuple(merkle.consistency_proof(leaves, old_size)) if old_size else (), read.note)


def _serve(config: Config) -> int:
    from witness.server import make_server  # noqa: PLC0415 - `sign` opens no socket

    logging.basicConfig(level=logging.INFO, format="%(asctime)s level=%(levelname)s room=%(name)s %(message)s")
    Memory(config.memory).seen("")  # a memory that cannot be read is told before anyone asks
    server = make_server(config)
    logging.getLogger("metertrail.witness").info("listening at=http://%s:%d/", *server.server_address[:2])
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0
    finally:
        server.server_close()
    return 0


def _refuse(words: str, status: int) -> int:
    sys.stderr.write(f"{words}\n")
    return status
