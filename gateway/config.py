"""The gateway's configuration: strict, and read whole before any socket opens.

In: a TOML file. Out: a frozen `Config` whose paths are absolute. Whatever is unknown, missing or contradictory is told
at once, as `file: key.path: problem: hint`. What the named files hold is checked by preflight.py.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le, Len
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from contract import cosignature
from contract.problems import Problems, parse_toml
from contract.topics import check_host, check_name
from gateway import database
from gateway.trust import GATEWAY

STRICT = ConfigDict(frozen=True, extra="forbid")


def _beside(path: Path, info: ValidationInfo) -> Path:
    """Paths are relative to the configuration's own folder."""
    return Path(info.context or ".") / path.expanduser()


def _thumbprint(given: str) -> str:
    if len(given) != 64 or set(given) - set("0123456789abcdef"):
        raise ValueError("write the 64 hexadecimal digits that `metertrail keygen` printed")
    return given


Name = Annotated[str, AfterValidator(check_name)]
Host = Annotated[str, AfterValidator(check_host)]
Port = Annotated[int, Ge(1), Le(65535)]
Hours = Annotated[int, Ge(1), Le(24 * 366)]
File = Annotated[Path, AfterValidator(_beside)]
Thumbprint = Annotated[str, AfterValidator(_thumbprint)]


def _database(url: str, info: ValidationInfo) -> str:
    parsed = database.parse(url)
    if parsed.drivername == "sqlite":
        return database.sqlite_url(_beside(Path(parsed.database or ""), info))
    return url


Database = Annotated[str, AfterValidator(_database)]  # may hold a password


class Gateway(BaseModel):
    """Whose evidence this is, where it is kept, and with which keys: `next_key` takes over from `key`.

    `database` overrides the SQLite file in `data`.
    """

    model_config = STRICT
    site: Name
    data: File
    key: File
    next_key: File | None = None
    ledger_key: File
    database: Database | None = Field(default=None, repr=False)
    checkpoints: File | None = None

    @property
    def database_url(self) -> str:
        """SQLAlchemy's URL of the ledger."""
        return self.database or database.sqlite_url(self.data / "ledger.sqlite")

    @property
    def checkpoint_file(self) -> Path:
        """Where checkpoints are copied; better on another disk than the database."""
        return self.checkpoints or self.data / "checkpoints.txt"


class Mqtt(BaseModel):
    """The broker to listen at. Encrypted, and authenticated by password, certificate or both, unless told otherwise."""

    model_config = STRICT
    host: Host = "127.0.0.1"
    port: Port = 8883
    username: Annotated[str, Len(1)] = GATEWAY
    password_file: File | None = None
    tls: bool = True
    ca_file: File | None = None
    cert_file: File | None = None
    key_file: File | None = None


class Broker(BaseModel):
    """The broker that comes with the gateway, at mqtt.port. `password_file` holds lines of name:hash."""

    model_config = STRICT
    embedded: bool = False
    bind: str = "127.0.0.1"
    password_file: File | None = None
    cert_file: File | None = None
    key_file: File | None = None


class Web(BaseModel):
    """The pages. Beyond this machine only with a password. Programs with the token in `token_file` may tell batches."""

    model_config = STRICT
    host: str = "127.0.0.1"
    port: Port = 8080
    password_file: File | None = None
    token_file: File | None = None


class Mirror(BaseModel):
    """A bucket for dashboards, on InfluxDB 2 or what speaks its write API. It is written to and never read."""

    model_config = STRICT
    url: Annotated[str, Field(pattern=r"^https?://")]
    org: str
    bucket: Annotated[str, Len(1)]
    token_file: File


class Witness(BaseModel):
    """Who co-signs checkpoints: asked at `url`, or by `metertrail anchor` where there is none."""

    model_config = STRICT
    name: Annotated[str, AfterValidator(cosignature.check_name)]
    key: File
    url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    every_hours: Hours = 1


class Timestamp(BaseModel):
    """A time-stamp authority (RFC 3161), and the certificate that its answers must lead to."""

    model_config = STRICT
    name: Annotated[str, Len(1, 200)]
    url: Annotated[str, Field(pattern=r"^https?://")]
    certificate: File
    every_hours: Hours = 24


class Agent(BaseModel):
    """An edge whose evidence is admitted, known by its public key; `fingerprint` is that key's thumbprint."""

    model_config = STRICT
    name: Name
    key: File
    fingerprint: Thumbprint | None = None


class Config(BaseModel):
    """The whole file. `site` and `factors` name the files that become evidence with the entries."""

    model_config = STRICT
    site: File
    factors: tuple[File, ...] = ()
    gateway: Gateway
    mqtt: Mqtt
    broker: Broker = Broker()
    web: Web = Web()
    mirror: Mirror | None = None
    witness: tuple[Witness, ...] = ()
    timestamp: tuple[Timestamp, ...] = ()
    agent: tuple[Agent, ...] = ()


def load(path: Path) -> Config:
    """Read a configuration. Raises Problems."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Problems([f"{path}: {error.strerror}: name a gateway's configuration file"]) from None
    try:
        config = parse_toml(data, Config, path.absolute().parent)
    except Problems as found:
        raise Problems([f"{path}: {line}" for line in found.lines]) from None
    if lines := [f"{path}: {line}" for line in _contradictions(config)]:
        raise Problems(lines)
    return config


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host by this name."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _contradictions(config: Config) -> Iterator[str]:
    """Faults that one key alone does not show."""
    names = [agent.name for agent in config.agent]
    for name in sorted(set(names)):
        if names.count(name) > 1:
            yield f"agent.{name}.name: used twice: give every agent its own name"
    if GATEWAY in names:
        yield f"agent.{GATEWAY}.name: is the gateway's own name: choose another"
    if config.web.password_file is None and not is_loopback(config.web.host):
        yield f"web.password_file: missing: pages beyond this machine ({config.web.host}) need a password"
    yield from _of_mqtt(config.mqtt, embedded=config.broker.embedded)
    if not config.broker.embedded and config.broker.password_file is None:
        return
    if config.broker.password_file is None:
        yield "broker.password_file: missing: make its lines with `metertrail gateway password NAME`"
    if config.mqtt.username in names:
        yield f"mqtt.username: {config.mqtt.username!r} is an agent's name: the broker tells them apart by it"
    if config.mqtt.tls and not (config.broker.cert_file and config.broker.key_file):
        yield "broker.cert_file: missing, or broker.key_file is: give both, or set mqtt.tls = false"


def _of_mqtt(mqtt: Mqtt, *, embedded: bool) -> Iterator[str]:
    if (mqtt.cert_file is None) != (mqtt.key_file is None):
        missing, other = ("key_file", "cert_file") if mqtt.key_file is None else ("cert_file", "key_file")
        yield f"mqtt.{missing}: missing: {other} is of no use without it"
    if mqtt.cert_file is not None and not mqtt.tls:
        yield "mqtt.cert_file: is shown in encrypted connections only: delete tls = false, or this line"
    if mqtt.password_file is None and (mqtt.cert_file is None or embedded):
        certificate = "the embedded broker asks for no certificates" if embedded else "or give cert_file and key_file"
        yield f"mqtt.password_file: missing: the broker must know who speaks; {certificate}"
