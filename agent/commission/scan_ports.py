"""Serial ports of this machine, by the name that stays.

In: the system's list of ports, and the links under /dev/serial/by-id. Out: one line a port. Never: opens one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

BY_ID = Path("/dev/serial/by-id")


@dataclass(frozen=True, slots=True)
class Port:
    """A serial port: its device file, what the system says of it, and its lasting name if it has one."""

    device: str
    what: str
    lasting: str | None


def ports(by_id: Path = BY_ID) -> Iterator[Port]:
    """The ports in the order of their device files."""
    lasting = {str(link.resolve()): str(link) for link in sorted(by_id.iterdir())} if by_id.is_dir() else {}
    for port in sorted(list_ports.comports(), key=lambda port: str(port.device)):
        what = "" if port.description in (None, "n/a") else str(port.description)
        yield Port(str(port.device), what, lasting.get(str(Path(port.device).resolve())))


def lines(found: list[Port]) -> list[str]:
    """What to show. A name by-id survives replugging; ttyUSB numbers do not."""
    if not found:
        return ["no serial port on this machine: plug in an adapter, or name an ENDPOINT such as tcp://192.0.2.10"]
    return [
        f"{port.lasting or port.device}" + (f"  ({port.device})" if port.lasting else "") + _what(port)
        for port in found
    ]


def _what(port: Port) -> str:
    return f"  {port.what}" if port.what else ""
