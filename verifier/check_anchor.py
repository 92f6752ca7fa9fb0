"""What outsiders said of the ledger must be said of this very ledger; what they say of it bounds when it was written.

In: a trail, the outsiders the reader trusts, and checkpoints the reader kept. Out: `Outside`: anchors, and findings on
notes that are no state of this ledger, on false co-signatures, and on who is believed. A stranger's word is no fault:
it adds nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from contract import checkpoint, cosignature
from contract.anchor_records import AnchorPart
from contract.checkpoint import Checkpoint
from contract.errors import Inadmissible, Malformed
from contract.recover_records import left_of
from verifier.check_recover import recoveries
from verifier.finding import Finding, lacking
from verifier.trail import GATEWAY, Trail, records_of
from verifier.trust import Trust

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
S = 10**9


@dataclass(frozen=True, slots=True)
class Anchor:
    """A trusted outsider's word, given from `from_ns` to `by_ns`: the ledger's first `size` entries were there.

    `index` is the entry it stands in, if it stands in the ledger: what was written by someone who had seen that entry
    was written after `from_ns`.
    """

    size: int
    from_ns: int
    by_ns: int
    who: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Outside:
    """All that outsiders said and that holds, and what was found."""

    anchors: tuple[Anchor, ...]
    findings: tuple[Finding, ...]

    def covers(self, index: int) -> bool:
        """Whether a trusted outsider saw a tree that holds this entry."""
        return any(anchor.size > index for anchor in self.anchors)


@dataclass(frozen=True, slots=True)
class _Note:
    """A note to be judged, and where it was found; `check` names the finding on it."""

    check: str
    where: str
    text: str
    token: bytes | None = None
    index: int | None = None


def read(trail: Trail, trusted: Trust | None, kept: Sequence[str] = ()) -> Outside:
    """Judge every note. One that is no state of this ledger is a failure, whoever gave it."""
    notes, findings = _sealed(trail)
    notes += [_Note("kept", f"checkpoint {number}", text) for number, text in enumerate(kept, 1)]
    states, told = _states(trail, notes), [_parsed(note.text) for note in notes]
    anchors, strangers = list[Anchor](), 0
    for note, point in zip(notes, told, strict=True):
        try:
            if lacks := _check(trail, note, point, states):
                findings.append(lacking(note.check, f"{note.where}: {lacks}"))
                continue
            found = list(_anchors(note, trusted))
        except Inadmissible as error:
            findings.append(Finding(note.check, ok=False, text=f"{note.where}: {error}"))
            continue
        anchors += found
        strangers += note.check == "anchor" and not found
        if note.check == "kept":
            text = f"{note.where}: this ledger begins with its {checkpoint.parse(note.text).size} entries"
            findings.append(Finding("kept", ok=True, text=text))
    anchors += _anchors_of(_Note("anchor", "checkpoint.txt", trail.archive.note), trusted, findings)
    return Outside(tuple(anchors), (*findings, *_summary(anchors, strangers, trusted)))


def time_text(at_ns: int) -> str:
    """UTC, to the second: outsiders' clocks tell no more."""
    return f"{EPOCH + timedelta(seconds=at_ns // S):%Y-%m-%dT%H:%M:%SZ}"


def _sealed(trail: Trail) -> tuple[list[_Note], list[Finding]]:
    notes, findings = list[_Note](), list[Finding]()
    for item in trail.of("anchor", author=GATEWAY):
        where = f"{item.index} {item.where}"
        if item.whole() is None:
            findings.append(lacking("anchor", f"{where}: withheld: what an outsider said of this ledger"))
        try:
            parts = records_of(item, AnchorPart, "anchor")
        except Malformed as error:
            findings.append(Finding("anchor", ok=False, text=f"{where}: {error}"))
            continue
        notes += [_Note("anchor", where, part.note, part.token, item.index) for part in parts]
    return notes, findings


def _parsed(note: str) -> Checkpoint | None:
    try:
        return checkpoint.parse(note)
    except Inadmissible:
        return None


def _states(trail: Trail, notes: Iterable[_Note]) -> dict[int, bytes]:
    """The ledger's roots at the sizes that notes speak of."""
    return trail.states({point.size for note in notes if (point := _parsed(note.text))})


def _check(trail: Trail, note: _Note, point: Checkpoint | None, states: dict[int, bytes]) -> str | None:
    """Raise Inadmissible unless the note is the ledger's own word and a state it went through.

    What cannot be decided is returned: a ledger that replaced another has only the first of that one's entries.
    """
    point = checkpoint.verify(note.text, trail.archive.ledger_key) if point else checkpoint.parse(note.text)
    origin = checkpoint.parse(trail.archive.note).origin
    if point.origin != origin:
        left = left_of(point.origin, [one.said for one in recoveries(trail)])
        if left is None:
            raise Malformed(f"is of {point.origin}, not of {origin}")
        if point.size > left:
            here = f"{origin} has the first {left} of its {point.size} entries"
            return f"is of {point.origin}, which was replaced: {here}; the others cannot be shown"
    if note.index is not None and point.size > note.index:
        raise Malformed(f"speaks of {point.size} entries, more than there were")
    if point.size not in states:
        held = len(trail.archive.entries)
        raise Malformed(f"is of {point.size} entries, the archive has {held}: compare with a later archive")
    if states[point.size] != point.root:
        raise Malformed(f"signs another ledger of {point.size} entries: what it held was rewritten")
    return None


def _anchors_of(note: _Note, trusted: Trust | None, findings: list[Finding]) -> list[Anchor]:
    """The anchors of the archive's own note, whose words are checked elsewhere."""
    try:
        return list(_anchors(note, trusted))
    except Inadmissible as error:
        findings.append(Finding("anchor", ok=False, text=f"{note.where}: {error}"))
        return []


def _anchors(note: _Note, trusted: Trust | None) -> Iterator[Anchor]:
    """What trusted outsiders say in a note and its token. Raises Inadmissible at a false co-signature."""
    if trusted is None:
        return
    point = checkpoint.parse(note.text)
    for witness in trusted.witnesses:
        for at_s in cosignature.times_s(note.text, witness.name, witness.key)[:1]:
            yield Anchor(point.size, at_s * S, at_s * S + S - 1, witness.name, note.index)  # whole seconds are told
    if note.token is None or not trusted.authorities:
        return
    from contract import timestamp  # noqa: PLC0415 - without authorities its library is not needed

    for authority in trusted.authorities:
        try:
            stamp = timestamp.verify(note.token, point.text().encode(), authority.certificate)
        except Inadmissible:
            continue  # another's, or nobody's
        yield Anchor(point.size, stamp.from_ns, stamp.by_ns, authority.name, note.index)
        return


def _summary(anchors: Sequence[Anchor], strangers: int, trusted: Trust | None) -> Iterator[Finding]:
    for who in dict.fromkeys(anchor.who for anchor in anchors):
        mine = sorted((anchor for anchor in anchors if anchor.who == who), key=lambda one: (one.size, one.by_ns))
        first, last = mine[0], mine[-1]
        since = "" if len(mine) == 1 else f", the first of {first.size} entries by {time_text(first.by_ns)}"
        text = f"{who}: {last.size} entries were there by {time_text(last.by_ns)}{since}"
        yield Finding("anchor", ok=True, text=text)
    if strangers:
        nobody = (
            "nobody says whose they are: give --trust FILE" if trusted is None else "of nobody the trust file names"
        )
        yield Finding(
            "anchor", ok=True, text=f"{strangers} co-signed or stamped checkpoints, {nobody}; they add nothing"
        )
