"""`metertrail agent`: check a configuration, run it, or look into its journal. Also `metertrail keygen`."""

import argparse
import asyncio
import logging
import sqlite3
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from contract.keys import EDDSA, ES256
from contract.problems import Problems

if TYPE_CHECKING:
    from agent import check

FAILED, FAULTY = 1, 2


def main(argv: list[str]) -> int:
    """Exit status: 0 done, 1 the journal cannot be kept, 2 the configuration or a file it names cannot be used."""
    parser = argparse.ArgumentParser(prog="metertrail agent")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (
        ("check", "say what is wrong with a configuration"),
        ("run", "read, record and publish"),
        ("journal", "what the journal holds, what is not delivered yet, what is free"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("config", type=Path, metavar="FILE", help="the agent's configuration")
    asked = parser.parse_args(argv)
    from agent import check  # noqa: PLC0415 - drivers and kernels are imported only when a configuration is read

    try:
        plan = check.load(asked.config, time.time_ns(), certified=asked.command == "check")
    except Problems as problems:
        return _faulty(problems.lines)
    if asked.command == "check":
        sys.stdout.write(f"{asked.config}: {len(plan.meters)} meters on {len(plan.buses)} buses: in order\n")
        sys.stdout.writelines(f"{asked.config}: {remark}\n" for remark in _remarks(plan))
        return 0
    return _journal(asked.config, plan) if asked.command == "journal" else _run(asked.config, plan)


def _journal(path: Path, plan: "check.Plan") -> int:
    from agent import journal_report  # noqa: PLC0415 - one sub-command imports no more than it needs
    from agent.room import Room  # noqa: PLC0415

    agent = plan.config.agent
    try:
        told = journal_report.lines(agent.data, Room(agent.data, agent.journal_bytes_max), agent.retention_days)
    except ValueError as error:
        return _faulty([f"{path}: agent.data: {error}"])
    sys.stdout.writelines(f"{line}\n" for line in told)
    return 0


def _run(path: Path, plan: "check.Plan") -> int:
    from agent import app, check, custody, files  # noqa: PLC0415 - opens sockets: only for `run`

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("asyncua").setLevel(logging.WARNING)  # it tells each connection's buffer sizes
    data = plan.config.agent.data
    for remark in [*_uncertified(path), *_remarks(plan)]:
        logging.getLogger("metertrail.agent").warning("%s", remark)
    try:
        again = partial(check.load, path, certified=False)
        asyncio.run(app.run(plan, custody.load(plan.config), lambda: again(time.time_ns())))
    except Problems as problems:
        return _faulty([f"{path}: {line}" for line in problems.lines])
    except files.InUse as error:
        return _faulty([f"{path}: agent.data: {error}: stop it, or give this one a folder of its own"])
    except (sqlite3.Error, PermissionError, NotADirectoryError, FileExistsError) as error:
        sys.stderr.write(f"{data}: the journal cannot be kept: {error}: check the disk and who may write to it\n")
        return FAILED
    return 0


def _uncertified(path: Path) -> list[str]:
    """Meters without a certificate that is valid today: they are read, and the verifier says what that is worth."""
    from agent import check  # noqa: PLC0415 - as above

    try:
        check.load(path, time.time_ns())
    except Problems as problems:
        return [*problems.lines]
    return []


def _remarks(plan: "check.Plan") -> list[str]:
    """What is no fault yet, or none of the configuration's."""
    from agent import tls  # noqa: PLC0415 - one sub-command imports no more than it needs

    try:
        found = tls.remark(plan.config.mqtt.cert_file, time.time_ns())
    except ValueError as error:
        found = f"mqtt.cert_file: {error}"
    return [] if found is None else [found]


def _faulty(lines: Sequence[str]) -> int:
    sys.stderr.write("\n".join(lines) + "\n")
    return FAULTY


def keygen(argv: list[str]) -> int:
    """Make a key pair, in files or in a token."""
    parser = argparse.ArgumentParser(prog="metertrail keygen")
    parser.add_argument("name", type=Path, help="writes NAME.pem, readable by you alone, and NAME.pub.pem to hand out")
    parser.add_argument("--es256", action="store_true", help="ECDSA P-256 instead of Ed25519")
    parser.add_argument(
        "--token",
        type=Path,
        metavar="FILE",
        help="an agent's configuration: make the key in its token instead, the next one if it names one",
    )
    asked = parser.parse_args(argv)
    from agent import custody  # noqa: PLC0415 - one sub-command imports no more than it needs

    algorithm = ES256 if asked.es256 else EDDSA
    try:
        if asked.token is not None:
            thumbprint, made = _keygen_in_token(asked.token, asked.name, algorithm), f"{asked.name}.pub.pem"
        else:
            thumbprint, made = custody.create(asked.name, algorithm), f"{asked.name}.pem, {asked.name}.pub.pem"
    except Problems as problems:
        return _faulty(problems.lines)
    except ValueError as error:
        return _faulty([str(error)])
    sys.stdout.write(f"{made}: key {thumbprint.hex()}\n")
    return 0


def _keygen_in_token(path: Path, name: Path, algorithm: int) -> bytes:
    from agent import check, custody, token  # noqa: PLC0415 - one sub-command imports no more than it needs

    agent = check.load(path, time.time_ns()).config.agent
    told = agent.next_token or agent.token
    if told is None:
        raise ValueError(f"{path}: agent.token: missing: say which token, and which key in it")
    return custody.hand_out(name, token.create(told, algorithm))
