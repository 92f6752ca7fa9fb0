"""What each agent is told of its own chain: durable heads, ranges that are wanted, words that were refused.

In: verdicts, and the state of trust. Out: receipts. Never sends one; whoever does, does so after the commit.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from contract.entry import TreeHead
from contract.receipt import EpochHead, Receipt, Refusal, Wanted
from gateway.admit import Verdict
from gateway.trust import Standing, Trust

HEADS_MAX = 32  # epochs, those admitted to last
AGAIN_MAX = 8  # and those that came again last: an agent that lost its receipts begins with its oldest
WANTED_MAX = 8
REFUSED_MAX = 16

VERSION: Literal[1] = 1


@dataclass(slots=True)
class Notice:
    """What one author lacks and what was refused of it, beyond its heads.

    `wanted_last` may be lost in a restart: what was held then is sent again. A parent would not be, so that those which
    are missing are read from the ledger's epochs each time.
    """

    wanted_last: dict[bytes, int] = field(default_factory=dict)
    again: dict[bytes, None] = field(default_factory=dict)
    refused: deque[Refusal] = field(default_factory=lambda: deque(maxlen=REFUSED_MAX))

    def wanted(self, standing: Standing) -> list[Wanted]:
        """What is still missing now, up to the parents that epochs name and to what was held; the last of these.

        Nothing that its author declared lost: no more of an epoch than what comes before that.
        """
        lasts = dict(standing.missing)
        for epoch, last in self.wanted_last.items():
            lasts[epoch] = max(last, lasts.pop(epoch, 0))
        ranges: list[Wanted] = []
        for epoch, last in reversed(lasts.items()):
            if len(ranges) == WANTED_MAX:
                break
            head = standing.epochs.get(epoch)
            first = 0 if head is None else head.seq + 1
            lost = [one.first for one in standing.lost.get(epoch, ()) if one.last >= first or one.hash is None]
            until = min([last, *(at - 1 for at in lost)])
            if first <= until and epoch not in standing.stopped:
                ranges.append(Wanted(epoch=epoch, first=first, last=until))
        return ranges[::-1]


@dataclass(slots=True)
class Board:
    """The notices of all authors."""

    notices: dict[str, Notice] = field(default_factory=dict)

    def note(self, author: str, verdict: Verdict) -> None:
        """Remember what the author must be told of a verdict."""
        if verdict.refusal:
            self.refuse(author, verdict.refusal)
        if verdict.again:
            again = self.notices.setdefault(author, Notice()).again
            again.pop(verdict.again, None)
            again[verdict.again] = None
            while len(again) > AGAIN_MAX:
                del again[next(iter(again))]
        if verdict.wanted:
            wanted = self.notices.setdefault(author, Notice()).wanted_last
            last = max(verdict.wanted.last, wanted.pop(verdict.wanted.epoch, 0))
            wanted[verdict.wanted.epoch] = last
            while len(wanted) > WANTED_MAX:
                del wanted[next(iter(wanted))]

    def refuse(self, author: str, refusal: Refusal) -> None:
        """Remember a refusal, once."""
        refused = self.notices.setdefault(author, Notice()).refused
        if refusal not in refused:
            refused.append(refusal)

    def receipt(self, trust: Trust, author: str, checkpoint: TreeHead, at_ns: int) -> Receipt:
        """The receipt of an author's chain as it stands in a ledger of this checkpoint."""
        standing = trust.standings.get(author, Standing())
        notice = self.notices.get(author, Notice())
        latest = dict(list(standing.epochs.items())[-HEADS_MAX:])
        heads = [standing.epochs[epoch] for epoch in notice.again if epoch not in latest] + list(latest.values())
        return Receipt(
            v=VERSION,
            agent=author,
            at_ns=at_ns,
            heads=[EpochHead(epoch=head.epoch, seq=head.seq, hash=head.hash) for head in heads],
            wanted=notice.wanted(standing),
            refused=list(notice.refused),
            checkpoint=checkpoint,
        )
