"""What the gateway itself has to put into the ledger at a start: that it starts, who it believes, by which files.

In: the configuration's files and the ledger. Out: the gateway's own entries, sealed only where they say something new.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence

from contract import body, keys, records
from contract.chain import Head
from gateway import factors
from gateway.errors import Unfit
from gateway.ledger import Ledger
from gateway.preflight import Prepared
from gateway.trust import GATEWAY, Trust, shown_parts

ALL_TIME = -(2**63), 2**63 - 1

Seal = Callable[[str, Sequence[bytes]], object]


def begin(seal: Seal, parent: Head | None, config: bytes, software: str, at_ns: int) -> None:
    """Open the gateway's epoch."""
    named = None if parent is None else records.Parent(epoch=parent.epoch, seq=parent.seq, hash=parent.hash)
    author = records.Author(
        parent=named,
        reason="start",
        software=software,
        config_hash=hashlib.sha256(config).digest(),
        started_ns=at_ns,
    )
    seal("manifest", [records.write(author)])


def check_key(trust: Trust, prepared: Prepared) -> None:
    """Raise Unfit unless this is the key that the ledger's gateway has always signed with."""
    known = trust.standing(GATEWAY).key
    if known is not None and keys.thumbprint(known) != keys.thumbprint(prepared.key.public_key()):
        raise Unfit("gateway.key: is not the key this ledger was begun with: give that one back, or begin a new ledger")


def state_files(seal: Seal, ledger: Ledger, trust: Trust, prepared: Prepared) -> None:
    """Seal enrolments, the site model and factors that the ledger does not say already."""
    for author, key in [(GATEWAY, prepared.key.public_key()), *prepared.agent_keys.items()]:
        known = trust.standing(author).key
        if known is None or keys.thumbprint(known) != keys.thumbprint(key):
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
