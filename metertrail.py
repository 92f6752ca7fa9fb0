"""The `metertrail` command: picks a sub-command and only then imports the room that carries it out."""

import importlib
import sys

COMMANDS = {
    "agent": ("agent.cli", "check a configuration, or read meters and publish evidence"),
}


def main() -> int:
    """Run the named sub-command with the remaining arguments and return its exit status."""
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        lines = [f"  {name:<10} {words}" for name, (_, words) in COMMANDS.items()]
        asked = len(sys.argv) > 1 and sys.argv[1] in {"-h", "--help"}
        sys.stdout.write("usage: metertrail COMMAND ...\n" + "\n".join(lines) + "\n")
        return 0 if asked else 2
    module, _ = COMMANDS[sys.argv[1]]
    status = importlib.import_module(module).main(sys.argv[2:])
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
