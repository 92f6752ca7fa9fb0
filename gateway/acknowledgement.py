"""A person's word for what is odd in an agent's chain: from words as given to the record that the gateway seals.

In: a strict filing, and the ledger that shows what is odd. Out: the part of an `acknowledgement` entry. Raises
ValueError, one clear line, for an epoch that is not there or not odd, or a clone of which nobody says which one counts.
"""

from typing import Annotated, Literal

from annotated_types import Len
from pydantic import BaseModel, ConfigDict

from contract import records
from contract.acknowledgement_records import AcknowledgementPart
from contract.entry import Name
from contract.lineage import Odd
from contract.manual_records import EntryRef
from gateway import lineages
from gateway.ledger import Ledger
from gateway.manual_filing import TimeNs
from gateway.spool import Kind

FORM = "AUTHOR/EPOCH/SEQ"
EPOCH_DIGITS = 8  # of an epoch's name, as findings and pages show it


class AcknowledgementFiling(BaseModel):
    """Who answers for which entry, and why; `keeps` None: the branch it begins, unless it is a clone's."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    author: Name
    reason: Annotated[str, Len(1, 1000)]
    entered_ns: TimeNs
    entry: Annotated[str, Len(1, 200)]
    keeps: Literal["this", "other"] | None = None


def parts(says: AcknowledgementFiling, ledger: Ledger) -> list[bytes]:
    """The parts of its entry."""
    agent, odd = _named(says.entry, ledger)
    if says.keeps is None and odd.name == "clone":
        told = f"{odd.text}: say with keeps which one counts: `this`, or `other`, the one that was there before"
        raise ValueError(f"keeps: missing: {says.entry} is a clone, {told}")
    of = EntryRef(author=agent, epoch=odd.begun.epoch, seq=0, hash=odd.begun.hash)
    record = AcknowledgementPart(
        entry=of, keeps=says.keeps or "this", author=says.author, reason=says.reason, entered_ns=says.entered_ns
    )
    return [records.write(record)]


def named(agent: str, odd: Odd) -> str:
    """How an odd entry is named to be acknowledged."""
    return f"{agent}/{odd.begun.epoch.hex()[:EPOCH_DIGITS]}/{odd.begun.seq}"


def _named(text: str, ledger: Ledger) -> tuple[str, Odd]:
    agent, epoch, seq = [*text.split("/"), "", ""][:3]
    if text.count("/") != 2 or not agent or len(epoch) < EPOCH_DIGITS or not seq.isdigit():
        raise ValueError(f"entry: {text!r}: write {FORM}, such as edge-1/5f3a09c2/0")
    if int(seq):
        raise ValueError(f"entry: {text!r}: only an epoch's first entry can be odd: write {agent}/{epoch}/0")
    odd = lineages.odd(ledger, agent)
    found = [one for one in odd if one.begun.epoch.hex().startswith(epoch.lower())]
    if not found:
        others = ", ".join(named(agent, one) for one in odd) or f"nothing of {agent} is"
        raise ValueError(f"entry: {text!r}: nothing is odd about it that could be acknowledged: {others}")
    if len(found) > 1:
        raise ValueError(f"entry: {text!r}: several epochs begin so: give all 32 digits")
    return agent, found[0]


KIND: Kind[AcknowledgementFiling] = Kind(AcknowledgementFiling, "acknowledgement", parts)
