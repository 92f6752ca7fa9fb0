"""Everything a start needs from the files a configuration names, read before anything is opened or sent.

In: a `Config`. Out: `Prepared`, or Problems with every file's fault at once. Writes nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract import keys
from contract.problems import Problems
from gateway import custody, factors, outsiders, site_model
from gateway.attribution import check_factors
from gateway.config import Config
from gateway.outsiders import Outsiders

T = TypeVar("T")

TOKEN_CHARACTERS_MIN = 32


@dataclass(frozen=True, slots=True)
class Prepared:
    """Keys and passwords, and the files that become evidence, verbatim. `web_password` is `name:password`."""

    key: keys.PrivateKey
    next_key: keys.PrivateKey | None
    ledger_key: Ed25519PrivateKey
    agent_keys: Mapping[str, keys.PublicKey]
    mqtt_password: str | None
    web_password: str | None
    mirror_token: str | None
    site: bytes
    factors: tuple[bytes, ...]
    web_token: str | None
    outsiders: Outsiders = field(default_factory=Outsiders)


def prepare(config: Config) -> Prepared:
    """Read and check every file. Raises Problems."""
    lines: list[str] = []

    def of(load: Callable[[Path], T], path: Path) -> T | None:
        try:
            return load(path)
        except ValueError as error:
            lines.extend(str(error).splitlines())
            return None

    key = of(custody.load_private, config.gateway.key)
    next_key = of(custody.load_private, config.gateway.next_key) if config.gateway.next_key else None
    ledger_key = of(custody.load_ledger_key, config.gateway.ledger_key)
    password = of(custody.load_password, config.mqtt.password_file) if config.mqtt.password_file else None
    web_password = of(_web_password, config.web.password_file) if config.web.password_file else None
    web_token = of(_web_token, config.web.token_file) if config.web.token_file else None
    mirror_token = of(custody.load_password, config.mirror.token_file) if config.mirror else None
    agents = {agent.name: of(custody.load_public, agent.key) for agent in config.agent}
    site = of(lambda path: _site(path, config.gateway.site), config.site)
    factor_files = tuple(of(_factors, path) for path in config.factors)
    lines.extend(custody.client_faults(config.mqtt.cert_file, config.mqtt.key_file))
    others = (config.mqtt.ca_file, config.broker.cert_file, config.broker.key_file, config.broker.password_file)
    for path in others:
        if path:
            of(lambda path: custody.read(path, "name a file that exists"), path)
    lines.extend(_shared(agents))
    lines.extend(_mismatched(config, agents))
    others_known = of(lambda _: outsiders.load(config), config.gateway.data)
    if not lines and site is not None:
        lines.extend(_factor(config.site, site, [data for data in factor_files if data is not None]))
    if lines or key is None or ledger_key is None or site is None or others_known is None:
        raise Problems(list(dict.fromkeys(lines)))
    known = {name: public for name, public in agents.items() if public is not None}
    stated = tuple(data for data in factor_files if data is not None)
    passwords = password, web_password, mirror_token
    return Prepared(key, next_key, ledger_key, known, *passwords, site, stated, web_token, others_known)


def strangers(config: Config, site: bytes) -> Iterator[str]:
    """Agents of the site's lines that have no key here: no fault, for one may have gone, but mostly a slip."""
    keyed = [agent.name for agent in config.agent]
    for line in site_model.parse(site).lines:
        if line.agent not in keyed:
            hint = "correct the name, or leave it if that agent is gone"
            yield f"line.{line.id}.agent: {line.agent!r} is no [[agent]] of the gateway: {hint}"


def _shared(agents: Mapping[str, keys.PublicKey | None]) -> Iterator[str]:
    """Two agents with one key could speak for each other."""
    owners: dict[bytes, str] = {}
    for name, public in agents.items():
        if public is None:
            continue
        owner = owners.setdefault(keys.thumbprint(public), name)
        if owner != name:
            yield f"agent.{name}.key: is {owner}'s key as well: make a key for each agent"


def _mismatched(config: Config, agents: Mapping[str, keys.PublicKey | None]) -> Iterator[str]:
    """Keys that are not the ones whose thumbprints were told by another way."""
    for agent in config.agent:
        public = agents[agent.name]
        found = None if public is None else keys.thumbprint(public).hex()
        if agent.fingerprint is not None and found not in (None, agent.fingerprint):
            hint = "ask whoever runs the agent for its thumbprint, and do not go on before both are the same"
            yield f"agent.{agent.name}.fingerprint: {agent.key} holds another key, {found}: {hint}"


def _web_password(path: Path) -> str:
    words = custody.load_password(path)
    if not all(words.partition(":")):
        raise ValueError(f"{path}: must be one line of name:password: correct it")
    return words


def _web_token(path: Path) -> str:
    token = custody.load_password(path)
    if len(token) < TOKEN_CHARACTERS_MIN or not token.isascii():
        raise ValueError(
            f"{path}: fewer than {TOKEN_CHARACTERS_MIN} letters and digits: make one with `openssl rand -hex 32`"
        )
    return token


def _site(path: Path, site: str) -> bytes:
    data = custody.read(path, "name the site's file")
    try:
        model = site_model.parse(data)
    except ValueError as error:
        raise ValueError(_named(path, error)) from None
    if model.site != site:
        raise ValueError(f"{path}: site: {model.site!r} where the gateway is of {site!r}: make them the same")
    return data


def _factors(path: Path) -> bytes:
    data = custody.read(path, "name a file of factors")
    try:
        factors.parse(data)
    except ValueError as error:
        raise ValueError(_named(path, error)) from None
    return data


def _factor(path: Path, site: bytes, files: Sequence[bytes]) -> Iterator[str]:
    """Whether the factor that the site model names is here and of the kind a product needs."""
    try:
        yield from (f"{path}: {line}" for line in check_factors(site_model.parse(site), factors.library(files)))
    except ValueError as error:
        yield from str(error).splitlines()


def _named(path: Path, error: ValueError) -> str:
    return "\n".join(f"{path}: {line}" for line in str(error).splitlines())
