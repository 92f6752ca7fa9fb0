"""What was not admitted: counted, with its reason, in bounded space.

In: refused messages. Out: rows, and what a restart must know of them. Where an author's own signed words were refused
the signed header is kept for good: two of them for one place are the proof of a fork.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from contract import receipt
from contract.problems import one_line
from gateway.schema import REFUSALS

KEPT = 10_000  # rows that blame nobody; older ones make room
REASON_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class RefusedMessage:
    """One message. `author` is the topic's agent, or empty; `refusal` and `signed` are set where it signed it."""

    author: str
    verdict: str
    reason: str
    message_hash: bytes
    at_ns: int
    refusal: receipt.Refusal | None = None
    signed: bytes | None = None


def record(connection: Connection, refused: Iterable[RefusedMessage]) -> None:
    """Count each message under its author and verdict, within the caller's transaction."""
    for one in refused:
        same = (
            (REFUSALS.c.author == one.author)
            & (REFUSALS.c.verdict == one.verdict)
            & (REFUSALS.c.message_hash == one.message_hash)
        )
        again = update(REFUSALS).where(same).values(count=REFUSALS.c.count + 1, last_ns=one.at_ns)
        if connection.execute(again).rowcount == 0:
            connection.execute(insert(REFUSALS).values(_row(one)))
    newest = connection.execute(select(func.max(REFUSALS.c.id))).scalar_one()
    if newest is not None and newest > KEPT:
        old = (REFUSALS.c.id <= newest - KEPT) & REFUSALS.c.signed.is_(None)
        connection.execute(delete(REFUSALS).where(old))


def signed(connection: Connection) -> Iterator[tuple[str, receipt.Refusal]]:
    """Every refusal of an author's own signed words, oldest first."""
    for row in connection.execute(select(REFUSALS).where(REFUSALS.c.signed.is_not(None)).order_by(REFUSALS.c.id)):
        yield (
            row.author,
            receipt.Refusal(epoch=row.epoch, seq=row.seq, hash=row.hash, verdict=row.verdict, reason=row.reason),
        )


def _row(one: RefusedMessage) -> dict[str, object]:
    of = one.refusal
    return {
        "author": one.author,
        "verdict": one.verdict,
        "message_hash": one.message_hash,
        "reason": one_line(one.reason[:REASON_CHARACTERS_MAX]),
        "first_ns": one.at_ns,
        "last_ns": one.at_ns,
        "count": 1,
        "epoch": of and of.epoch,
        "seq": of and of.seq,
        "hash": of and of.hash,
        "signed": one.signed,
    }
