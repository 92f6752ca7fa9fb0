"""Every key that speaks: whose, from where to where, how it came to be, and what may be another's under it.

In: a trail, its keyring, and the statement's period. Out: one finding per key, and one per revocation, which fails
where a statement rests on entries that somebody else may have signed. Where a key is kept is its author's word.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from contract import records
from contract.errors import Malformed
from verifier.check_batches import Batch, Period
from verifier.finding import Finding
from verifier.keyring import Enrolment, Keyring, Revocation
from verifier.trail import GATEWAY, Item, Trail

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BEFORE_NS = 86_400_000_000_000  # readings of a day around shape the figures at a period's ends
BATCHES = ("batch", "late_batch")


def keys(trail: Trail, ring: Keyring) -> Iterator[Finding]:
    """One line per key, in the order of their enrolment."""
    custody = dict(_custody(trail))
    for one in ring.enrolments:
        name = f"{one.author} {one.thumbprint.hex()}"
        kept = custody.get((one.author, one.thumbprint))
        stated = "" if kept is None else f"; custody declared: {kept}"
        yield Finding("key", ok=True, text=f"{name}: {_from_to(one, ring)}: {_came(one)}{stated}")


def revocations(trail: Trail, ring: Keyring) -> Iterator[Finding]:
    """Per revocation, what lies in its compromise window; it fails only where the gateway's own words contradict it."""
    for one in ring.revocations:
        fault = _window_fault(trail, one)
        found = in_window(trail, ring, one)
        batches = sum(item.header.type in BATCHES for item in found)
        said = one.said
        text = (
            f"{said.author}: entry {one.index} revokes key {said.key_id.hex()[:16]}, perhaps in other hands since "
            f"{_time(said.since_ns)} ({said.by}: {said.reason}): {len(found)} entries signed since, {batches} of them "
            "batches; nobody can tell who signed them"
        )
        yield Finding("revoked", ok=fault is None, text=text if fault is None else f"{text}; {fault}")


def resting(trail: Trail, ring: Keyring, period: Period, batches: Sequence[Batch]) -> Iterator[Finding]:
    """A statement must not rest on entries in a compromise window: none may lie in its period or a day around it.

    `trail` is the ledger as it stood when the statement was computed.
    """
    mine = [one.head for one in batches if period.touches(one.head.start.earliest_ns, one.head.end.latest_ns)]
    first_ns = min([period.from_ns, *(head.start.earliest_ns for head in mine)]) - BEFORE_NS
    last_ns = max([period.to_ns, *(head.end.latest_ns for head in mine)]) + BEFORE_NS
    for one in ring.revocations:
        found = [i for i in in_window(trail, ring, one) if i.header.from_ns <= last_ns and i.header.to_ns >= first_ns]
        if found:
            text = (
                f"the statement's period, and a day around it, has {len(found)} entries that somebody else may have "
                f"signed with a key of {one.said.author}: the first is {found[0].index} {found[0].where}"
            )
            yield Finding("revoked", ok=False, text=text)


def in_window(trail: Trail, ring: Keyring, one: Revocation) -> list[Item]:
    """The entries before a revocation that its key may have signed in other hands, or a key that came from it then."""
    said = one.said
    of = [item for item in trail.items if item.header.author == said.author]
    doubted = {
        item.index
        for item in of
        if item.container.container.key_id == said.key_id
        and item.index < one.index
        and (item.index >= said.first_index or max(item.header.to_ns, item.header.sealed_ns) >= said.since_ns)
    }
    heirs = set[bytes]()
    for enrolment in (e for e in ring.enrolments if e.author == said.author and e.how == "rotation"):
        before = ring.before(enrolment)
        if enrolment.by in doubted or (before is not None and before.thumbprint in heirs):
            heirs.add(enrolment.thumbprint)
    return [item for item in of if item.index in doubted or item.container.container.key_id in heirs]


def _window_fault(trail: Trail, one: Revocation) -> str | None:
    """Whether the gateway's own entries show that its window begins too late."""
    said = one.said
    if said.first_index > one.index:
        return f"its window is said to begin with entry {said.first_index}, after it"
    for item in trail.items[: said.first_index]:
        if item.header.author == GATEWAY and item.index < said.first_index and item.header.sealed_ns >= said.since_ns:
            return f"its window is said to begin with entry {said.first_index}, but {item.index} was sealed in it"
    return None


def _from_to(one: Enrolment, ring: Keyring) -> str:
    first = 0 if one.author == GATEWAY and ring.before(one) is None else one.index + 1
    later, revocation = ring.after(one), ring.revocation_of(one)
    ends = [found.index for found in (later, revocation) if found is not None]
    return f"from entry {first} on" if not ends else f"from entry {first} to {min(ends)}"


def _came(one: Enrolment) -> str:
    return {
        "first": "first enrolment, the gateway's word",
        "rotation": f"rotation, signed by both keys in entry {one.by}",
        "reenrolment": f"re-enrolment, the gateway's word: {one.why}",
        "unexplained": "nobody says why",
    }[one.how]


def _custody(trail: Trail) -> Iterator[tuple[tuple[str, bytes], str]]:
    """What manifests say of where their author's key is kept; of each key the latest word."""
    for item in trail.items:
        if item.header.type != "manifest" or not item.parts or item.parts[0] is None:
            continue
        try:
            said = records.read(item.parts[0], records.Author).custody
        except Malformed:
            continue  # a finding of the chain's own
        if said is not None:
            yield (item.header.author, item.container.container.key_id), said


def _time(at_ns: int) -> str:
    try:
        return f"{EPOCH + timedelta(microseconds=at_ns // 1000):%Y-%m-%dT%H:%M:%SZ}"
    except OverflowError:
        return f"{at_ns} ns"
