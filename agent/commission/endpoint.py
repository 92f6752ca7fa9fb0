"""Where to look for meters, as a person types it.

In: an ENDPOINT of the command line. Out: the lines it names, each with the settings to try. Pure: nothing is resolved.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

PORT = 502  # Modbus TCP (Messaging on TCP/IP V1.0b, 4.3.1.3)
KINDS = {"tcp": ("tcp",), "rtu+tcp": ("rtu_over_tcp",), "": ("tcp", "rtu_over_tcp")}
HOSTS_MAX = 256
FORMS = "tcp://HOST[:PORT], rtu+tcp://HOST:PORT, HOST[:PORT], 192.0.2.10-20, 192.0.2.0/24, /dev/ttyUSB0, opc.tcp://HOST:PORT"

Settings = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Wire:
    """One connection: a host's port or a serial port. `attempts` are the bus settings under which to try it."""

    name: str
    attempts: tuple[Settings, ...]
    every: bool = False  # also after one attempt found something: units of one serial line may be set differently
    ranged: bool = False  # one of many hosts: that nobody is there is no news

    @property
    def server(self) -> str | None:
        """URL of an OPC UA server, if it is one."""
        return str(self.attempts[0]["url"]) if "url" in self.attempts[0] else None


def wires(text: str, bauds: Sequence[int], parities: Sequence[str]) -> tuple[Wire, ...]:
    """Read an ENDPOINT. Raises ValueError, one line: what is wrong and what to write."""
    if text.startswith("opc.tcp://"):
        _port(text, text.removeprefix("opc.tcp://").partition("/")[0])
        return (Wire(text, ({"url": text},)),)
    if text.startswith("/"):
        serial = [_serial(text, baud, parity) for baud in bauds for parity in parities]
        return (Wire(text, tuple(serial), every=True),)
    scheme, separator, rest = text.rpartition("://")
    if scheme not in KINDS or (separator and not scheme):
        raise ValueError(f"{text}: {scheme}:// is not known: use one of {FORMS}")
    host, port = _port(text, rest)
    if scheme == "rtu+tcp" and port is None:
        raise ValueError(f"{text}: has no port: a serial server has none of its own, write rtu+tcp://HOST:PORT")
    hosts = _hosts(text, host)
    return tuple(
        Wire(
            f"{_bracketed(each)}:{port or PORT}",
            tuple({"kind": kind, "host": each, "port": port or PORT} for kind in KINDS[scheme]),
            ranged=len(hosts) > 1,
        )
        for each in hosts
    )


def merged(found: Sequence[Wire]) -> list[Wire]:
    """The same with each connection once, so that nothing asks twice at a time; its attempts follow each other."""
    by_name: dict[str, Wire] = {}
    for wire in found:
        before = by_name.setdefault(wire.name, wire)
        more = tuple(settings for settings in wire.attempts if settings not in before.attempts)
        by_name[wire.name] = replace(before, attempts=before.attempts + more)
    return list(by_name.values())


def units(text: str) -> tuple[int, ...]:
    """Read unit ids such as `1-247` or `1,3,10-20`. Raises ValueError."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,3})\s*(?:-\s*(\d{1,3})\s*)?", part)
        if match is None:
            raise ValueError(f"--units {text}: {part!r} is no unit id: write them as 1-247 or 1,3,10-20")
        first = int(match[1])
        last = int(match[2] or first)
        if not 0 <= first <= last <= 255:
            raise ValueError(f"--units {text}: {part.strip()} is not within 0..255, the lower first")
        found += range(first, last + 1)
    return tuple(dict.fromkeys(found))


def _serial(device: str, baud: int, parity: str) -> Settings:
    return {"kind": "rtu", "device": device, "baud": baud, "parity": parity}


def _port(text: str, rest: str) -> tuple[str, int | None]:
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+))(?::(\d{1,5}))?", rest)
    if match is None:
        raise ValueError(f"{text}: names no host: use one of {FORMS}")
    port = None if match[3] is None else int(match[3])
    if port is not None and not 1 <= port <= 65535:
        raise ValueError(f"{text}: port {port} does not exist: use 1..65535, Modbus TCP is {PORT}")
    return match[1] or match[2], port


def _hosts(text: str, host: str) -> list[str]:
    if "/" in host:
        try:
            network = ipaddress.ip_network(host, strict=False)
        except ValueError:
            raise ValueError(f"{text}: {host} is no address range: write it as 192.0.2.0/24") from None
        if network.num_addresses > HOSTS_MAX:
            raise ValueError(
                f"{text}: {network.num_addresses} addresses: scan at most {HOSTS_MAX} at once, such as /24"
            )
        return [str(address) for address in network.hosts()]
    match = re.fullmatch(r"(\d+\.\d+\.\d+\.)(\d+)-(\d+)", host)
    if match is None:
        return [host]
    first, last = int(match[2]), int(match[3])
    try:
        ipaddress.ip_address(f"{match[1]}{first}")
        ipaddress.ip_address(f"{match[1]}{last}")
    except ValueError:
        raise ValueError(f"{text}: {host} is no address range: write it as 192.0.2.10-20") from None
    if last < first:
        raise ValueError(f"{text}: {host} runs backwards: write the lower address first")
    return [f"{match[1]}{number}" for number in range(first, last + 1)]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
