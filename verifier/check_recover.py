"""A ledger that replaced another must say so, with what was known of the old one; what cannot be shown is named.

In: a trail. Out: a finding per recovery, and where tree heads of a ledger that was replaced may be named. Silent where
the ledger is a site's first and says nothing of another.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from contract import checkpoint, merkle
from contract.checkpoint import Checkpoint
from contract.entry import TreeHead
from contract.errors import Inadmissible, Malformed
from contract.recover_records import RecoverPart
from verifier.finding import Finding, lacking
from verifier.trail import GATEWAY, Item, Trail, records_of, withheld


@dataclass(frozen=True, slots=True)
class Recovery:
    """A record, and the entry that carries it."""

    item: Item
    said: RecoverPart


def recoveries(trail: Trail) -> list[Recovery]:
    """Every record that can be read, in order of the ledger."""
    found = []
    for item in trail.of("acknowledgement", author=GATEWAY):
        try:
            found += [Recovery(item, said) for said in records_of(item, RecoverPart, "recover")]
        except Malformed:
            continue
    return found


def recovered(trail: Trail) -> Iterator[Finding]:
    """Each recovery's words hold, and the last one opened this ledger."""
    try:
        origin = checkpoint.parse(trail.archive.note).origin
        _, number = checkpoint.read_origin(origin)
    except Inadmissible:
        return  # the checkpoint's own check says why
    told = recoveries(trail)
    before = 0
    for one in told:
        faults = list(_faults(one, before, trail))
        before = max(before, _number(one.said.origin))
        where = f"{one.item.index} {one.item.where}"
        yield from (Finding("recover", ok=False, text=f"{where}: {fault}") for fault in faults)
        if not faults:
            yield Finding("recover", ok=True, text=_text(one, trail))
    last = told[-1].said.origin if told else checkpoint.origin(trail.archive.site)
    if last == origin:
        return
    if number > 1 and (hidden := withheld(trail, "acknowledgement")):
        yield lacking("recover", f"{origin}: why it replaces another ledger is not shown{hidden}")
    else:
        yield Finding("recover", ok=False, text=f"the ledger is called {origin}, but its entries make it {last}")


def of_another(head: TreeHead, index: int, told: list[Recovery]) -> bool:
    """Whether an entry at `index` may name this head of a ledger that was replaced before: it is then unknown here."""
    return any(
        one.item.index < index
        and head.size > one.said.size
        and not any(known.size == head.size and known.root != head.root for known in _known(one.said))
        for one in told
    )


def _faults(one: Recovery, before: int, trail: Trail) -> Iterator[str]:
    said, entries = one.said, trail.archive.entries
    for name in (said.origin, said.replaces):
        if _number(name) == 0 or checkpoint.read_origin(name)[0] != trail.archive.site:
            yield f"{name[:80]!r} is no ledger of {trail.archive.site}"
            return
    if _number(said.origin) <= max(before, _number(said.replaces)):
        yield f"{said.origin} cannot come after {said.replaces} and those before it"
    if said.size != one.item.index - one.item.header.seq:
        yield f"it was written at size {one.item.index - one.item.header.seq}, but says {said.size}"
        return
    if _root(trail, said.size) != said.root:
        yield f"the first {said.size} entries are not those it was written after"
    if not said.known:
        return
    try:
        known = checkpoint.verify(said.known, trail.archive.ledger_key)
    except Inadmissible as error:
        yield f"the last checkpoint known of {said.replaces}: {error}"
        return
    if known.origin != said.replaces:
        yield f"the last checkpoint known of {said.replaces} is of {known.origin}"
    elif known.size <= min(said.size, len(entries)) and _root(trail, known.size) != known.root:
        yield f"the first {known.size} entries are not those that {said.replaces} signed: it was rewritten"


def _text(one: Recovery, trail: Trail) -> str:
    said = one.said
    text = f"{said.origin} replaces {said.replaces} from entry {said.size} on ({said.author}: {said.reason}): "
    known = next(iter(_known(said)), None)
    if known is None:
        return f"{text}no checkpoint of it was known, what it held beyond that cannot be shown"
    if known.size <= said.size:
        return f"{text}the {known.size} entries known of it are these"
    again = sum(_sent_again(item, said) for item in trail.items if item.index > one.item.index)
    lost = known.size - said.size
    return (
        f"{text}of {known.size} entries known of it the first {said.size} are these; that the other {lost} are here "
        f"cannot be shown: {again} entries that agents sealed before came after it"
    )


def _sent_again(item: Item, said: RecoverPart) -> bool:
    return item.header.author != GATEWAY and item.header.sealed_ns < said.at_ns


def _known(said: RecoverPart) -> Iterator[Checkpoint]:
    """The last checkpoint known, if any is."""
    try:
        yield checkpoint.parse(said.known)
    except Inadmissible:
        return


def _number(origin: str) -> int:
    try:
        return checkpoint.read_origin(origin)[1]
    except Malformed:
        return 0


def _root(trail: Trail, size: int) -> bytes:
    return merkle.root([merkle.leaf_hash(kept.signed) for kept in trail.archive.entries[:size]])
