"""When the run and the batches were written, as far as outsiders tell: not before, and not after.

In: a trail and the anchors in it. Out: a line for the run entry and for each batch's entry shown. A bracket is about
the entry, not about what it tells of: whoever owned all keys could have written everything just before an anchor.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from contract.errors import Malformed
from contract.records import BatchPart, RunPart
from verifier.check_anchor import Anchor, Outside, time_text
from verifier.finding import Finding
from verifier.trail import GATEWAY, Item, Trail, records_of


@dataclass(frozen=True, slots=True)
class Bracket:
    """The anchors that bound when an entry was written; None: no outsider tells."""

    not_before: Anchor | None
    not_after: Anchor | None


def bracket(item: Item, outside: Outside, states: Mapping[int, bytes]) -> Bracket:
    """After the last outsider's word in the tree its author had seen, and by the first word of a tree that holds it.

    `states` are the ledger's roots: a head of a ledger that this one replaced says nothing of what stands here.
    """
    head = item.header.checkpoint
    seen = head.size if head and states.get(head.size) == head.root else 0
    below = [one for one in outside.anchors if one.index is not None and one.index < seen]
    above = [one for one in outside.anchors if one.size > item.index]
    return Bracket(
        max(below, key=lambda one: one.from_ns, default=None), min(above, key=lambda one: one.by_ns, default=None)
    )


def run_index(trail: Trail) -> int | None:
    """Where the run entry of the archive's statement stands."""
    for item in reversed(list(trail.of("run", author=GATEWAY))):
        try:
            runs = records_of(item, RunPart, "run")
        except Malformed:
            continue  # a finding of the statement's own
        if any(part.statement == trail.archive.statement for part in runs):
            return item.index
    return None


def last_index(trail: Trail) -> int | None:
    """The entry that has to be covered for all to be anchored: the statement's run, or a whole ledger's last."""
    return run_index(trail) if trail.archive.statement else len(trail.archive.entries) - 1


def times(trail: Trail, outside: Outside) -> Iterator[Finding]:
    """The brackets; nothing where no outsider is trusted."""
    if not outside.anchors:
        return
    run = run_index(trail)
    mine = [item for item in trail.items if item.index == run or item.header.type in {"batch", "late_batch"}]
    states = trail.states({item.header.checkpoint.size for item in mine if item.header.checkpoint})
    for item in mine:
        name = "run" if item.index == run else _name(item)
        if name:
            yield _told(item, name, bracket(item, outside, states))
    last = last_index(trail)
    if last is not None and not outside.covers(last):
        what = "the statement's run" if trail.archive.statement else "the last entry"
        yield Finding("anchor", ok=True, text=f"{what}, {last}, is in no tree that an outsider of the trust file saw")


def _name(item: Item) -> str | None:
    try:
        return next((part.batch for part in records_of(item, BatchPart, "batch")), None)
    except Malformed:
        return None


def _told(item: Item, what: str, within: Bracket) -> Finding:
    before, after = within.not_before, within.not_after
    words = [
        f"{item.index} {what}:",
        "not before" + (f" {time_text(before.from_ns)} ({before.who})" if before else ": no outsider tells") + ",",
        "not after" + (f" {time_text(after.by_ns)} ({after.who})" if after else ": no outsider tells") + ";",
        f"its author's clock {time_text(item.header.sealed_ns)}" + _outside(item, within),
    ]
    told = {
        "index": item.index,
        "hash": item.hash.hex(),
        "sealed_ns": item.header.sealed_ns,
        "not_before_ns": before and before.from_ns,
        "not_before_by": before and before.who,
        "not_after_ns": after and after.by_ns,
        "not_after_by": after and after.who,
    }
    return Finding("time", ok=True, text=" ".join(words), told=told)


def _outside(item: Item, within: Bracket) -> str:
    before, after = within.not_before, within.not_after
    early = before is not None and item.header.sealed_ns < before.from_ns
    late = after is not None and item.header.sealed_ns > after.by_ns
    return ", outside of that" if early or late else ""
