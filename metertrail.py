"""The `metertrail` command: picks a sub-command and only then imports the room that carries it out."""

import importlib
import sys

# sub-command -> module, function, what it is for
COMMANDS = {
    "demo": ("simulators.demo", "main", "a simulated plant with agent, gateway and page, in one command"),
    "agent": ("agent.cli", "main", "on a plant gateway: check a configuration, or read and publish evidence"),
    "gateway": (
        "gateway.cli",
        "main",
        "on the plant's server: check a configuration, or admit, keep and show evidence",
    ),
    "broker": ("gateway.broker", "main", "the embedded MQTT broker in a process of its own"),
    "export": ("gateway.export_cli", "main", "a product's statement with all its evidence, as one archive"),
    "verify": ("verifier.cli", "main", "recompute an archive offline"),
    "keygen": ("agent.cli", "keygen", "make a key pair"),
    "simulate": ("simulators.cli", "main", "the simulated plant alone"),
}


def main() -> int:
    """Run the named sub-command with the remaining arguments and return its exit status."""
    asked = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if asked not in COMMANDS:
        lines = [f"  {name:<10} {words}" for name, (_, _, words) in COMMANDS.items()]
        sys.stdout.write("usage: metertrail COMMAND ...\n" + "\n".join(lines) + "\n")
        return 0 if asked in {"-h", "--help"} else 2
    module, function, _ = COMMANDS[asked]
    status: int = getattr(importlib.import_module(module), function)(sys.argv[2:])
    return status


if __name__ == "__main__":
    sys.exit(main())
