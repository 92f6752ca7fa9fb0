"""A complete gateway in a folder: configuration, keys, passwords, site model; one agent, an embedded broker."""

import socket
from functools import cache
from pathlib import Path

from authors import Author

from contract import keys
from gateway import config, manual_cli, opening, preflight
from gateway.broker import hash_password

CONFIGS = Path(__file__).parent.parent / "configs"
SITE = "demo"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@cache
def hashed(password: str) -> str:
    """Once for all folders: it is meant to take long."""
    return hash_password(password)


class Folder:
    """The files; `toml` is the configuration's text, `path` where it is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "gateway.toml"
        self.edge = Author("edge-1", site=SITE)
        self.gateway_key = keys.generate()
        self.mqtt_port, self.web_port = free_port(), free_port()
        self.write("site.toml", (CONFIGS / "demo" / "site.toml").read_bytes())
        self.write("factors.toml", (CONFIGS / "factors" / "cn-electricity-footprint-2024.toml").read_bytes())
        self.write("gateway.pem", keys.private_to_pem(self.gateway_key), 0o600)
        self.write("ledger.pem", keys.private_to_pem(keys.generate()), 0o600)
        self.write("edge-1.pub.pem", keys.public_to_pem(self.edge.public))
        self.write("gateway.password", b"gateway's\n", 0o600)
        users = {"gateway": "gateway's", "edge-1": "edge's", "edge-2": "other's"}
        self.write("broker.passwords", "".join(f"{n}:{hashed(p)}\n" for n, p in users.items()).encode())
        self.toml = f"""
site = "site.toml"
factors = ["factors.toml"]
[gateway]
site = "{SITE}"
data = "data"
key = "gateway.pem"
ledger_key = "ledger.pem"
[mqtt]
port = {self.mqtt_port}
password_file = "gateway.password"
tls = false
[broker]
embedded = true
password_file = "broker.passwords"
[web]
port = {self.web_port}
[[agent]]
name = "edge-1"
key = "edge-1.pub.pem"
"""
        self.save()

    def keep_in(self, url: str) -> "Folder":
        """Keep the ledger in this database."""
        self.save(('data = "data"\n', f'data = "data"\ndatabase = "{url}"\n'))
        return self

    def write(self, name: str, data: bytes, mode: int = 0o644) -> Path:
        """Make one file."""
        path = self.folder / name
        path.write_bytes(data)
        path.chmod(mode)
        return path

    def save(self, *changes: tuple[str, str]) -> Path:
        """Write the configuration with words replaced."""
        for old, new in changes:
            assert old in self.toml, old
            self.toml = self.toml.replace(old, new)
        self.path.write_text(self.toml)
        return self.path


def manual(folder: Path) -> None:
    """What `metertrail manual` says to quantities that cannot be kept."""
    made = Folder(folder)
    loaded = config.load(made.path)
    opening.open_sequencer(made.path, loaded, preflight.prepare(loaded), lambda: 0, lambda *_: None)[0].close()
    words = ["quantity", "--batch", "edge-1/line1/L1-0004", "--author", "Li Wei", "--reason", "scale out of order"]
    for amount in ("7.82 t", "7.82"):
        manual_cli.main([made.path.name, *words, "--amount", amount])
