"""What the gateway itself has to put into the ledger at a start: that it starts, who it believes, by which files.

In: the configuration's files and the ledger. Out: the gateway's own entries, sealed only where they say something new.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence

from contract import body, keys, records
from contract.chain import Head
from gateway import factors
from gateway.enrolments import owners
from gateway.errors import Unfit
from gateway.ledger import Ledger
from gateway.preflight import Prepared
from gateway.trust import GATEWAY, Trust, shown_parts

ALL_TIME = -(2**63), 2**63 - 1

Seal = Callable[[str, Sequence[bytes]], object]


def begin(seal: Seal, parent: Head | None, config: bytes, software: str, at_ns: int, reason: str = "start") -> None:
    """Open the gateway's epoch."""
    named = None if parent is None else records.Parent(epoch=parent.epoch, seq=parent.seq, hash=parent.hash)
    author = records.Author(
        parent=named,
        reason=reason,
        software=software,
        config_hash=hashlib.sha256(config).digest(),
        started_ns=at_ns,
        custody="file",
    )
    seal("manifest", [records.write(author)])


def signing_key(trust: Trust, prepared: Prepared) -> keys.PrivateKey:
    """The key that the ledger's gateway signs with now. Raises Unfit if it was not given."""
    known = trust.standing(GATEWAY).keys
    given = [key for key in (prepared.key, prepared.next_key) if key is not None]
    if known.current_id is None:
        return prepared.key
    for key in given:
        if keys.thumbprint(key.public_key()) == known.current_id:
            return key
    hint = f"give the one with thumbprint {known.current_id.hex()} back, or begin a new ledger"
    raise Unfit(f"gateway.key: is not the key this ledger's gateway signs with: {hint}")


def next_key(trust: Trust, prepared: Prepared) -> keys.PrivateKey | None:
    """The key to rotate to, if one was given that is not in force yet. Raises Unfit for one that ever was."""
    if prepared.next_key is None:
        return None
    key_id = keys.thumbprint(prepared.next_key.public_key())
    if key_id == trust.standing(GATEWAY).keys.current_id:
        return None
    if owner := owners(trust.rings()).get(key_id):
        raise Unfit(f"gateway.next_key: is or was {owner}'s key: make a new one with `metertrail keygen`")
    return prepared.next_key


def check_agents(trust: Trust, prepared: Prepared, changing: str | None = None) -> None:
    """Raise Unfit for an agent whose key here is not one the ledger has of it, other than the one now `changing`.

    One that the ledger knows and has left behind is no fault: the ledger says which is in force.
    """
    faults, known_keys = [], owners(trust.rings())
    for name, key in prepared.agent_keys.items():
        known, key_id = trust.standing(name).keys, keys.thumbprint(key)
        if known.find(key_id) is not None or name == changing:
            continue
        if owner := known_keys.get(key_id):
            faults.append(f"agent.{name}.key: is or was {owner}'s key: make one for each agent")
        elif known.is_known:
            hint = f"let the agent rotate (its next_key), or run `metertrail gateway reenrol CONFIG {name}`"
            found = f"{key_id.hex()[:16]} is not the key this ledger has of {name}"
            faults.append(f"agent.{name}.key: {found}: {hint}")
    if faults:
        raise Unfit("; ".join(faults))


def unbelieved(trust: Trust, prepared: Prepared) -> list[str]:
    """Agents of the configuration of which nothing is admitted, because their key is revoked."""
    return [name for name in prepared.agent_keys if trust.standing(name).keys.current is None]


def state_files(seal: Seal, ledger: Ledger, trust: Trust, prepared: Prepared) -> None:
    """Seal first enrolments, the site model and factors that the ledger does not say already."""
    for author, key in [(GATEWAY, prepared.key.public_key()), *prepared.agent_keys.items()]:
        if not trust.standing(author).keys.is_known:
            part = records.EnrolmentPart(author=author, key=keys.cose_key(key), key_id=keys.thumbprint(key))
            seal("enrolment", [records.write(part)])
    if prepared.site != _last_site(ledger):
        seal("site", [records.write(records.SitePart(toml=prepared.site))])
    stated = _last_factors(ledger)
    for data in prepared.factors:
        if stated.get(_ids(data)) != data:
            seal("factor", [records.write(records.FactorPart(toml=data))])


def _last_site(ledger: Ledger) -> bytes | None:
    last = None
    for part in _parts(ledger, "site"):
        last = records.read(part, records.SitePart).toml
    return last


def _last_factors(ledger: Ledger) -> dict[tuple[str, ...], bytes]:
    """The last file that stated each set of factors."""
    files = [records.read(part, records.FactorPart).toml for part in _parts(ledger, "factor")]
    return {_ids(data): data for data in files}


def _ids(data: bytes) -> tuple[str, ...]:
    """What tells a file of factors from another, though its words may change."""
    try:
        return tuple(factor.id for factor in factors.parse(data))
    except ValueError:  # written by another version of this software: still not the same as any other
        return (hashlib.sha256(data).hexdigest(),)


def _parts(ledger: Ledger, kind: str) -> Iterator[bytes]:
    for entry in ledger.select([kind], *ALL_TIME, author=GATEWAY):
        yield from shown_parts(body.unpack(entry.body))
