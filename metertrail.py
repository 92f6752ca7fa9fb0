"""The `metertrail` command: picks a sub-command and only then imports the room that carries it out."""

import importlib
import os
import sys
import tempfile
from pathlib import Path

SERVICES = ("agent", "gateway", "broker", "demo", "witness")
PIPE_CLOSED = 141  # as a shell reports a program that SIGPIPE ended

# sub-command -> module, function, what it is for
COMMANDS = {
    "demo": ("simulators.demo", "main", "a simulated plant with agent, gateway and page, in one command"),
    "agent": (
        "agent.cli",
        "main",
        "on an edge machine: check a configuration, read and publish evidence, or look into the journal",
    ),
    "gateway": (
        "gateway.cli",
        "main",
        "on the plant's server: check, admit, keep and show; agents' keys; odd chains; the broker's passwords",
    ),
    "broker": ("gateway.broker", "main", "the embedded MQTT broker in a process of its own"),
    "manual": ("gateway.manual_cli", "main", "hand readings, invoices, quantities and amendments, as signed entries"),
    "batch": ("gateway.late_cli", "main", "batches that no controller told, one or a list, from the readings of then"),
    "export": ("gateway.export_cli", "main", "a product's statement with all its evidence, as one archive"),
    "ledger": (
        "gateway.ledger_cli",
        "main",
        "the ledger's upkeep on the plant's server: check, pack, rebuild, recover, readmit",
    ),
    "anchor": ("gateway.anchor_cli", "main", "co-signatures of outsiders, and proofs for them, as files"),
    "verify": ("metertrail", "verify", "recompute an archive, or a gateway's whole ledger, offline"),
    "witness": ("witness.cli", "main", "co-sign a ledger's checkpoints, as an outsider: from a file, or over HTTP"),
    "replay": ("metertrail", "replay", "a period's batch records again from raw readings, signed beside recomputed"),
    "redact": ("verifier.redact_cli", "main", "a copy of an archive that withholds parts and still verifies"),
    "sample": ("verifier.sample_cli", "main", "draw readings or batches of an archive to check on the spot"),
    "import": ("agent.commission.import_cli", "main", "a list of meters from Excel or CSV into agent.toml"),
    "commission": ("agent.commission.commission_cli", "main", "check a meter on site, and sign what was found"),
    "scan": ("agent.commission.scan", "main", "which meters are there: find them, and draft a configuration"),
    "probe": ("agent.commission.probe", "main", "one meter as it is now, and what else its registers could mean"),
    "dump": ("agent.commission.dump", "main", "what a meter's registers hold, for the simulator"),
    "keygen": ("agent.cli", "keygen", "make a key pair"),
    "simulate": ("simulators.cli", "main", "the simulated plant alone"),
}


def verify(argv: list[str]) -> int:
    """Verify an archive; for a gateway's configuration, pack its whole ledger into one first.

    The verifier knows of archives alone: it opens no database, so this is arranged here.
    """
    words = zip(["", *argv], argv, strict=False)
    files = [word for before, word in words if before not in {"--trust", "--sheet", "--checkpoint"}]
    config = next((word for word in files if word.endswith(".toml")), None)
    return _packed_first("verifier.cli", argv, config)


def replay(argv: list[str]) -> int:
    """Recompute a period from an archive; a gateway's ledger or an agent's journal is packed into a file first."""
    words = [word for before, word in zip(["", *argv], argv, strict=False) if before not in {"--from", "--to"}]
    source = next((word for word in words if word.endswith(".toml") or Path(word).is_dir()), None)
    return _packed_first("verifier.replay_cli", argv, source)


def _packed_first(module: str, argv: list[str], source: str | None) -> int:
    """Run a command of the verifier on what is packed from `source`; None: on its arguments as they are."""
    check = importlib.import_module(module).main
    if source is None:
        return int(check(argv))
    try:
        packed = _pack(Path(source))
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="metertrail-") as folder:
        copy = Path(folder) / "packed"
        copy.write_bytes(packed)
        return int(check([str(copy) if word == source else word for word in argv]))


def _pack(source: Path) -> bytes:
    """A gateway's ledger as an archive, or a journal's entries. Raises ValueError, one clear line each, or OSError."""
    if not source.is_dir():
        return bytes(importlib.import_module("gateway.export_cli").pack_ledger(source))
    packed, damaged = importlib.import_module("agent.journal_copy").pack(source)
    if damaged:
        sys.stderr.write(f"{source}: {damaged} damaged entries are left out: what rests on them will differ\n")
    return bytes(packed)


def main() -> int:
    """Run the named sub-command with the remaining arguments and return its exit status."""
    asked = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if asked not in COMMANDS:
        lines = [f"  {name:<10} {words}" for name, (_, _, words) in COMMANDS.items()]
        sys.stdout.write("usage: metertrail COMMAND ...\n" + "\n".join(lines) + "\n")
        if asked in {"-h", "--help"}:
            return 0
        sys.stderr.write(f"metertrail {asked}: no such command: use one of those above\n")
        return 2
    module, function, _ = COMMANDS[asked]
    try:
        status: int = getattr(importlib.import_module(module), function)(sys.argv[2:])
        sys.stdout.flush()
    except BrokenPipeError:
        if asked in SERVICES:
            raise  # a connection's, and a fault
        # whoever read the output, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter's own flush fails as well
        return PIPE_CLOSED
    return status


if __name__ == "__main__":
    sys.exit(main())
