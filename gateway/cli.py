"""`metertrail gateway`: check a configuration, run it, or make a line of the broker's password file."""

import argparse
import getpass
import logging
import sys
from pathlib import Path

from contract.problems import Problems

FAULTY = 2


def main(argv: list[str]) -> int:
    """Exit status: 0 done, 1 stopped by a failure, 2 the configuration or a file it names cannot be used."""
    parser = argparse.ArgumentParser(prog="metertrail gateway")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (("run", "admit, keep and show evidence"), ("check", "say what is wrong with a configuration")):
        command = commands.add_parser(name, help=words)
        command.add_argument("config", type=Path, metavar="CONFIG")
    command = commands.add_parser("password", help="print a line for the embedded broker's password file")
    command.add_argument("name", help="the agent's name, or the gateway's mqtt.username")
    asked = parser.parse_args(argv)
    return (
        _password(asked.name) if asked.command == "password" else _with_config(asked.config, run=asked.command == "run")
    )


def _with_config(path: Path, *, run: bool) -> int:
    from gateway import config, preflight  # noqa: PLC0415 - `password` needs none of it

    try:
        loaded = config.load(path)
        prepared = preflight.prepare(loaded)
    except Problems as found:
        sys.stderr.write("".join(f"{line}\n" for line in found.lines))
        return FAULTY
    if not run:
        agents = ", ".join(agent.name for agent in loaded.agent) or "none"
        sys.stdout.write(f"{path}: site {loaded.gateway.site}, agents {agents}: in order\n")
        sys.stdout.writelines(f"{loaded.site}: {line}\n" for line in preflight.strangers(loaded, prepared.site))
        return 0
    from gateway import app  # noqa: PLC0415 - pages and numeric kernels take a second to import: only for `run`

    logging.basicConfig(level=logging.INFO, format="%(asctime)s level=%(levelname)s room=%(name)s %(message)s")
    for noisy in ("uvicorn", "nicegui", "httpx", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return app.run(path, loaded, prepared)


def _password(name: str) -> int:
    from gateway import broker  # noqa: PLC0415 - as above

    given = getpass.getpass(f"password of {name}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if not given or ":" in name:
        sys.stderr.write("password: give a password that is not empty, and a name without a colon\n")
        return FAULTY
    sys.stdout.write(f"{name}:{broker.hash_password(given)}\n")
    return 0
