"""`metertrail commission`: check a meter on site step by step, and sign what was found; or show a signed sheet.

In: the words of the command line. Out: a sheet signed with the agent's key, and the same in words beside it.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from contract.errors import BadSignature, Inadmissible
from contract.problems import Problems

if TYPE_CHECKING:
    from agent import check
    from agent.commission import sheet

FAILED, FAULTY = 1, 2


def main(argv: list[str]) -> int:
    """Exit status: 0 nothing failed, 1 a step failed or a signature does not hold, 2 something cannot be used."""
    parser = argparse.ArgumentParser(prog="metertrail commission")
    parser.add_argument("config", type=Path, nargs="?", metavar="AGENT.toml", help="the agent's configuration")
    parser.add_argument("meter", nargs="?", metavar="METER", help="the meter's name in it")
    parser.add_argument(
        "--out", type=Path, metavar="SHEET", help="where the signed sheet goes; SHEET.txt has the words"
    )
    parser.add_argument("--answers", type=Path, metavar="ANSWERS.toml", help="answers written beforehand")
    parser.add_argument("--show", type=Path, metavar="SHEET", help="verify a sheet and print it")
    parser.add_argument("--key", type=Path, metavar="AGENT.pub.pem", help="the agent's public key, for --show")
    asked = parser.parse_args(argv)
    if asked.show is not None:
        if asked.key is None or asked.config is not None:
            parser.error("--show needs --key and nothing else")
    elif asked.meter is None or asked.out is None:
        parser.error("give AGENT.toml, METER and --out, or --show and --key")
    try:
        return _show(asked.show, asked.key) if asked.show else _commission(asked)
    except Problems as problems:
        sys.stderr.write("\n".join(problems.lines) + "\n")
    except KeyboardInterrupt:
        sys.stderr.write("\ngiven up: no sheet was written\n")
    return FAULTY


def _commission(asked: argparse.Namespace) -> int:
    from agent import check, custody  # noqa: PLC0415 - drivers and kernels are imported only where a meter is read
    from agent.commission import sheet, sheet_text  # noqa: PLC0415

    config: Path = asked.config
    written, words = asked.out, asked.out.with_name(asked.out.name + ".txt")
    for path in (written, words):
        if path.exists():
            raise Problems([f"{path}: exists already: a sheet is never overwritten, choose another name"])
    plan = check.load(config, time.time_ns())
    try:
        key = custody.signing_key(plan.config.agent)
    except ValueError as error:
        raise Problems([f"{config}: agent.key: {error}"]) from None
    try:
        made = asyncio.run(_guided(plan, asked))
    except Problems as problems:
        of_answers = f"{asked.answers}: "
        lines = (line if line.startswith(of_answers) else f"{config}: {line}" for line in problems.lines)
        raise Problems([*lines]) from None
    data = sheet.write(made, key)
    text = sheet_text.render(made, sheet.sheet_hash(data), sheet.signed_by(data))
    try:
        written.write_bytes(data)
        words.write_text(text)
    except OSError as error:
        sys.stdout.write(text)
        raise Problems([f"{error.filename}: cannot be written: {error.strerror}: choose another place"]) from None
    sys.stdout.write(f"\n{text}\n{written}, {words}: {made.verdict}\n")
    return FAILED if made.verdict == "failed" else 0


async def _guided(plan: "check.Plan", asked: argparse.Namespace) -> "sheet.Sheet":
    from agent.commission import (  # noqa: PLC0415 - see above
        commission_answers,
        commission_ask,
        commission_bench,
        commission_guide,
    )

    asker: commission_ask.Asker = commission_ask.Terminal(commission_ask.Lines())
    if asked.answers is not None:
        asker = commission_answers.load(asked.answers, asyncio.sleep)
    bench = commission_bench.opened(plan, asked.meter, time.time_ns, asyncio.sleep)
    try:
        return await commission_guide.commission(plan, commission_guide.Visit(bench, asker, time.time_ns))
    finally:
        await bench.driver.close()


def _show(path: Path, key_file: Path) -> int:
    from agent import custody  # noqa: PLC0415 - see above
    from agent.commission import sheet, sheet_text  # noqa: PLC0415

    try:
        key = custody.load_public(key_file)
        data = path.read_bytes()
        shown = sheet.read(data, key)
    except OSError as error:
        raise Problems([f"{path}: {error.strerror}: name a signed sheet"]) from None
    except BadSignature as error:
        sys.stderr.write(f"{path}: {error}: not what this key signed, do not rely on it\n")
        return FAILED
    except Inadmissible as error:
        raise Problems(
            [f"{path}: not a commissioning sheet: {error}: name a file made by metertrail commission"]
        ) from None
    except ValueError as error:
        raise Problems([str(error)]) from None
    sys.stdout.write(sheet_text.render(shown, sheet.sheet_hash(data), sheet.signed_by(data)))
    return FAILED if shown.verdict == "failed" else 0
