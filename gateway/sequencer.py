"""The one place where entries enter the ledger: judged, made durable, and only then told.

In: messages from agents, and what the gateway itself has to say. Out: entries in the ledger, and signed receipts to
send. One group at a time, whoever asks; a group is one transaction. Never sends anything itself.
"""

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from threading import Lock

from contract import body, keys, message, receipt, records, rotation, writer
from contract.chain import Head
from contract.entry import Clock, TreeHead
from contract.errors import Malformed
from contract.key_records import RotationPart
from contract.topics import Topic
from gateway import trust as trusts
from gateway.admit import Verdict, admit
from gateway.errors import Corrupt, Stopped
from gateway.ledger import Ledger, LedgerEntry
from gateway.recall import Recall
from gateway.receipts import Board
from gateway.refusals import RefusedMessage
from gateway.trust import GATEWAY, Admitted

log = logging.getLogger("metertrail.sequencer")

UNKNOWN_CLOCK = Clock(synchronised=None, error_ns=None, boot=None, monotonic_ns=None)
UNRECORDED = ("admitted", "duplicate", "held")  # what honest resending brings about is counted, not recorded

OnAdmitted = Callable[[Sequence[LedgerEntry], int], None]


@dataclass(frozen=True, slots=True)
class Message:
    """What came on an agent's `entries` topic."""

    topic: Topic
    data: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a group: how many by (agent, verdict), and the receipts to send now that it is durable."""

    verdicts: Mapping[tuple[str, str], int]
    receipts: Mapping[str, bytes]


class Sequencer:
    """One per ledger. `on_admitted` is told of entries in ledger order, after their commit, with the time."""

    def __init__(
        self, ledger: Ledger, key: keys.PrivateKey, now_ns: Callable[[], int], on_admitted: OnAdmitted
    ) -> None:
        """Raises Corrupt if the ledger's own entries cannot be what was admitted."""
        self._ledger, self._now_ns, self._on_admitted = ledger, now_ns, on_admitted
        self._lock = Lock()
        self._board = Board()
        refused = ledger.refusals()
        stopped = [(author, refusal.epoch) for author, refusal in refused if refusal.verdict == "fork"]
        try:
            self.trust = trusts.rebuild(ledger.site, ledger.chain(), stopped, Recall(ledger.hash_at))
        except Malformed as error:
            raise Corrupt(f"the ledger holds an entry that was never admitted: {error}") from None
        for author, refusal in refused:
            self._board.refuse(author, refusal)
        self.sign_with(key)

    def sign_with(self, key: keys.PrivateKey) -> None:
        """Go on under this key, in an epoch of its own."""
        self._key, self._writer = key, writer.Writer(self._ledger.site, GATEWAY, key, os.urandom(16))

    @property
    def parent(self) -> Head | None:
        """The gateway's last entry before this start."""
        return self.trust.standing(GATEWAY).latest

    def admit(self, messages: Sequence[Message]) -> Outcome:
        """Judge a group of messages, in order, and commit it. Raises Corrupt if the ledger takes no more."""
        with self._lock:
            at_ns = self._now_ns()
            counts: Counter[tuple[str, str]] = Counter()
            entries: list[Admitted] = []
            refused: list[RefusedMessage] = []
            heard: dict[str, None] = {}
            for one in messages:
                author, verdict = one.topic.agent, self._judge(one, at_ns)
                counts[author, verdict.name] += 1
                if verdict.entry:
                    entries.append(verdict.entry)
                    if verdict.entry.type == "rotation":  # in the same commit: no start finds one without the other
                        entries.append(self._own("enrolment", [_followed(verdict.entry)], None, at_ns))
                if verdict.name not in UNRECORDED:
                    refused.append(_refused(one, verdict, at_ns))
                if verdict.refusal or verdict.name in (*UNRECORDED, "stopped"):
                    heard[author] = None  # its key signed this: it is told where it stands
            after = self._append(entries, at_ns, refused)
            receipts = {author: self._receipt(author, after, at_ns) for author in heard}
            self._ledger.keep_receipts(receipts, at_ns)
            return Outcome(counts, receipts)

    def seal(self, kind: str, parts: Sequence[bytes], span: writer.Span | None = None) -> LedgerEntry:
        """Write the gateway's own next entry and commit it. Raises Corrupt if the ledger takes no more.

        `span` is the time that the parts speak of; None: now.
        """
        with self._lock:
            at_ns, size = self._now_ns(), self._ledger.size
            entry = self._own(kind, parts, span, at_ns)
            self._append([entry], at_ns, [])
            return _placed(entry, size)

    def rotate(self, key: keys.PrivateKey) -> None:
        """Let the gateway go on under another key: its rotation and its enrolment, in one commit, under the old one."""
        with self._lock:
            at_ns = self._now_ns()
            old_id = keys.thumbprint(self._key.public_key())
            stated = self._own("rotation", [rotation.state(old_id, key, GATEWAY, self._ledger.site)], None, at_ns)
            self._append([stated, self._own("enrolment", [_followed(stated)], None, at_ns)], at_ns, [])
            self.sign_with(key)

    def receipts(self) -> dict[str, bytes]:
        """A receipt for every enrolled agent, as things stand: what a broker that lost its memory must be given."""
        with self._lock:
            at_ns, head = self._now_ns(), self._ledger.head()
            after = TreeHead(size=head.size, root=head.root)
            agents = [name for name, known in self.trust.standings.items() if known.keys.is_known and name != GATEWAY]
            receipts = {author: self._receipt(author, after, at_ns) for author in agents}
            self._ledger.keep_receipts(receipts, at_ns)
            return receipts

    def _own(self, kind: str, parts: Sequence[bytes], span: writer.Span | None, at_ns: int) -> Admitted:
        """The gateway's own next entry, to be committed by the caller."""
        head = self._ledger.head()
        known = TreeHead(size=head.size, root=head.root) if head.size else None
        now = writer.Circumstances(at_ns, UNKNOWN_CLOCK, known, os.urandom(32))
        span = span or writer.Span(at_ns, at_ns)
        self._writer, header, sealed = writer.write(self._writer, kind, parts, span, now)
        place = GATEWAY, header.epoch, header.seq, sealed.hash
        entry = Admitted(*place, kind, header.from_ns, header.to_ns, at_ns, (), sealed.signed, sealed.body)
        self.trust.accept(entry)
        return entry

    def _judge(self, one: Message, at_ns: int) -> Verdict:
        try:
            verdict = admit(self.trust, one.topic, one.data, at_ns)
        except Stopped:
            raise
        except Exception:  # a fault of ours must not let one message stop all others
            log.exception("message could not be judged agent=%s bytes=%d", one.topic.agent, len(one.data))
            return Verdict("malformed", "could not be judged")
        if verdict.entry:
            self.trust.accept(verdict.entry)
        if verdict.name == "fork" and verdict.refusal:
            self.trust.stop(one.topic.agent, verdict.refusal.epoch)
        self._board.note(one.topic.agent, verdict)
        return verdict

    def _append(self, entries: Sequence[Admitted], at_ns: int, refused: Sequence[RefusedMessage]) -> TreeHead:
        first = self._ledger.size
        after = self._ledger.append(entries, at_ns, refused)
        if entries:
            self._on_admitted([_placed(entry, first + i) for i, entry in enumerate(entries)], at_ns)
        return TreeHead(size=after.size, root=after.root)

    def _receipt(self, author: str, after: TreeHead, at_ns: int) -> bytes:
        return receipt.sign(self._board.receipt(self.trust, author, after, at_ns), self._key, self._ledger.site)


def _followed(stated: Admitted) -> bytes:
    """The enrolment of the key that an admitted rotation names."""
    part = records.read(trusts.shown_parts(body.unpack(stated.body))[0], RotationPart)
    place = records.Parent(epoch=stated.epoch, seq=stated.seq, hash=stated.hash)
    return records.write(records.EnrolmentPart(author=stated.author, key=part.key, key_id=part.key_id, rotation=place))


def _placed(entry: Admitted, index: int) -> LedgerEntry:
    return LedgerEntry(**{field.name: getattr(entry, field.name) for field in fields(Admitted)}, index=index)


def _refused(one: Message, verdict: Verdict, at_ns: int) -> RefusedMessage:
    """The record of a refusal; the signed header is kept where it is the author's own."""
    signed = message.unpack(one.data)[0] if verdict.refusal else None
    digest = hashlib.sha256(one.data).digest()
    return RefusedMessage(one.topic.agent, verdict.name, verdict.reason, digest, at_ns, verdict.refusal, signed)
