"""The witness's configuration: who it is, where it remembers, and which ledgers it watches.

In: a TOML file. Out: a frozen `Config` with keys read. Whatever is wrong is told at once, as `file: key.path: problem:
hint`.
"""

import stat
from collections import Counter
from pathlib import Path
from typing import Annotated, Self

from annotated_types import Ge, Le, Len
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from contract import cosignature, keys
from contract.problems import Problems, parse_toml

STRICT = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


def _path(given: object, info: ValidationInfo) -> Path:
    if not isinstance(given, str):
        raise ValueError("name a file, in quotes")  # noqa: TRY004 - pydantic takes ValueErrors
    return Path(info.context or ".") / Path(given).expanduser()


def _data(given: object, info: ValidationInfo) -> tuple[Path, bytes]:
    path = _path(given, info)
    try:
        return path, path.read_bytes()
    except OSError as error:
        raise ValueError(f"{error.strerror}: name a file that can be read") from None


def _private(given: object, info: ValidationInfo) -> Ed25519PrivateKey:
    path, data = _data(given, info)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ValueError(f"others can read this: run `chmod 600 {path}`")
    key = keys.private_from_pem(data)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("no Ed25519 key: make one with `metertrail keygen`")  # noqa: TRY004 - as above
    return key


def _public(given: object, info: ValidationInfo) -> Ed25519PublicKey:
    key = keys.public_from_pem(_data(given, info)[1])
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("no Ed25519 key: ask the plant for its ledger's")  # noqa: TRY004 - as above
    return key


class WatchedLedger(BaseModel):
    """A ledger by its origin, and the file of its public key."""

    model_config = STRICT
    origin: Annotated[str, Len(1, 200)]
    key: Annotated[Ed25519PublicKey, BeforeValidator(_public)]


class Config(BaseModel):
    """The whole file. `host` and `port` are where `serve` listens."""

    model_config = STRICT
    name: Annotated[str, AfterValidator(cosignature.check_name)]
    key: Annotated[Ed25519PrivateKey, BeforeValidator(_private)]
    memory: Annotated[Path, BeforeValidator(_path)]
    host: str = "127.0.0.1"
    port: Annotated[int, Ge(0), Le(65535)] = 8181
    ledgers: tuple[WatchedLedger, ...] = Field(alias="ledger", min_length=1)

    @model_validator(mode="after")
    def _each_origin_once(self) -> Self:
        twice = [origin for origin, count in Counter(one.origin for one in self.ledgers).items() if count > 1]
        if twice:
            raise ValueError(f"ledger: {twice[0]!r} stands twice: a ledger has one key")
        return self

    def ledger(self, origin: str) -> WatchedLedger | None:
        """The ledger of this origin, if it is watched."""
        return next((one for one in self.ledgers if one.origin == origin), None)


def load(path: Path) -> Config:
    """Read a configuration. Raises Problems."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Problems([f"{path}: {error.strerror}: name a witness's configuration file"]) from None
    try:
        return parse_toml(data, Config, path.absolute().parent)
    except Problems as found:
        raise Problems([f"{path}: {line}" for line in found.lines]) from None
