"""`metertrail gateway`: check a configuration, run it, answer for its agents and their keys, make a password's line."""

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
        command.add_argument("config", type=Path, metavar="CONFIG", help="the gateway's configuration")
    command = commands.add_parser("password", help="print a line for the embedded broker's password file")
    command.add_argument("name", help="the agent's name, or the gateway's mqtt.username")
    _add_key_commands(commands)
    commands.add_parser("acknowledge", help="answer for what is odd in an agent's chain", add_help=False)
    if argv[:1] == ["acknowledge"]:
        from gateway import acknowledge_cli  # noqa: PLC0415 - `password` needs none of it

        return acknowledge_cli.main(argv[1:])
    asked = parser.parse_args(argv)
    if asked.command == "password":
        return _password(asked.name)
    if asked.command in {"revoke", "reenrol"}:
        from gateway import key_cli  # noqa: PLC0415 - `password` needs none of it

        return key_cli.run(asked)
    return _with_config(asked.config, run=asked.command == "run")


def _add_key_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    revoke = commands.add_parser("revoke", help="an agent's key may be in other hands: believe it no longer")
    reenrol = commands.add_parser("reenrol", help="an agent has lost its key: take the new one in its key file instead")
    for command in (revoke, reenrol):
        command.add_argument("config", type=Path, metavar="CONFIG", help="the gateway's configuration")
        command.add_argument("agent", metavar="AGENT", help="the agent's name")
        command.add_argument("--author", metavar="NAME", required=True, help="who says so")
        command.add_argument("--reason", metavar="TEXT", required=True, help="what happened")
    revoke.add_argument(
        "--key", metavar="THUMBPRINT", required=True, help="of the key: the 64 digits that keygen printed"
    )
    revoke.add_argument("--since", metavar="ISO", required=True, help="since when, such as 2026-03-01T08:00")


def _with_config(path: Path, *, run: bool) -> int:
    from contract.keys import thumbprint  # noqa: PLC0415 - `password` needs none of it
    from gateway import config, preflight  # noqa: PLC0415 - as above

    try:
        loaded = config.load(path)
        prepared = preflight.prepare(loaded)
    except Problems as found:
        sys.stderr.write("".join(f"{line}\n" for line in found.lines))
        return FAULTY
    if not run:
        agents = ", ".join(agent.name for agent in loaded.agent) or "none"
        sys.stdout.write(f"{path}: site {loaded.gateway.site}, agents {agents}: in order\n")
        for name, key in prepared.agent_keys.items():
            sys.stdout.write(f"agent.{name}: key {thumbprint(key).hex()}\n")
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
