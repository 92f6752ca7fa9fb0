"""`metertrail gateway acknowledge CONFIG`: what is odd in agents' chains, and a person's word for one of it.

In: words from the command line. Out: without --entry a list of what is odd; with it an entry of the gateway's chain, by
way of its spool. Exit status: 0 done, 1 refused or the ledger cannot be written, 2 usage or configuration.
"""

import argparse
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from contract.problems import Problems, explain, one_line
from gateway import lineages
from gateway.acknowledgement import FORM, AcknowledgementFiling, named
from gateway.config import Config, load
from gateway.errors import Stopped
from gateway.hand_in import hand_in
from gateway.ledger import Ledger
from gateway.preflight import prepare

FAILED, USAGE = 1, 2
COUNTS = {"this": "its author goes on with this branch", "other": "this branch is set aside"}


def main(argv: Sequence[str]) -> int:
    """Carry it out and return the exit status."""
    about = "What is odd in agents' chains; with --entry, a person's word for it, as a signed entry."
    parser = argparse.ArgumentParser(prog="metertrail gateway acknowledge", description=about)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="the gateway's configuration")
    parser.add_argument("--entry", metavar=FORM, help="the odd entry; without it: list what is odd")
    parser.add_argument(
        "--keeps",
        choices=("this", "other"),
        help="on which branch its author goes on: this, the one this entry begins (usual), or other; a clone needs it",
    )
    parser.add_argument("--author", metavar="NAME", help="who answers for it")
    parser.add_argument("--reason", metavar="TEXT", help="why, such as: restored from the backup of 1 March")
    try:
        given = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    return _acknowledge(given)


def _acknowledge(given: argparse.Namespace) -> int:
    try:
        config = load(given.config)
        if given.entry is None:
            sys.stdout.writelines(f"{one_line(line)}\n" for line in list(_odd(config)))
            return 0
        prepared = prepare(config)
        words = {
            name: word for name in ("entry", "keeps", "author", "reason") if (word := getattr(given, name)) is not None
        }
        filing = AcknowledgementFiling.model_validate({**words, "entered_ns": time.time_ns()})
    except Problems as found:
        return _refuse("\n".join(found.lines), USAGE)
    except ValidationError as error:
        return _refuse("\n".join(_in_options(line) for line in explain(error, AcknowledgementFiling)), USAGE)
    except Stopped as error:
        return _refuse(str(error), FAILED)
    try:
        told = hand_in(given.config, config, prepared, "acknowledgement", filing)
    except (Stopped, OSError, ValueError) as error:
        return _refuse(_in_options(str(error)), FAILED)
    sys.stdout.write(f"acknowledgement: {told}\n")
    return 0


def _odd(config: Config) -> Iterator[str]:
    """Everything odd, a line each, and who answers for it. Raises Stopped if there is no ledger."""
    ledger = Ledger.open(config.gateway.database_url, config.gateway.site)
    try:
        said = lineages.words(ledger)
        lines = 0
        for agent in sorted(lineages.lineages(ledger, ledger.size)):
            for one in lineages.odd(ledger, agent):
                word = said.get((agent, one.begun.epoch))
                answer = "nobody answers for it"
                if word is not None:
                    answer = f"acknowledged by {word.author}: {word.reason}; {COUNTS[word.keeps]}"
                lines += 1
                yield f"{named(agent, one)} {one.name}: {one.text}: {answer}"
        if not lines:
            yield "nothing is odd: every epoch follows the one before it"
    finally:
        ledger.close()


def _in_options(line: str) -> str:
    """What is said of a filing's members, with the options that gave them."""
    return re.sub(r"^(entry|keeps|author|reason): ", r"--\1: ", line)


def _refuse(text: str, status: int) -> int:
    sys.stderr.write(f"{text}\n")
    return status
