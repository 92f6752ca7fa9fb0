"""Lies told with a small archive, each with the keys that it takes and the line by which it must be found.

A case is an archive and the beginning of the line that is due for it, or of none where nothing in an archive can show
it. Unless a name says otherwise the ledger's own key signs the altered ledger anew: whoever keeps the ledger may be the
one who alters it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import altered_maker as maker
import archive_maker
from altered_maker import METERS, untouched
from archive_maker import AGENT, SITE, Factory, index_of

from contract import body, cose, entry, records

TRUE = untouched()
ENTRIES = range(len(TRUE.ledger))
HEADERS = [entry.read(signed).header for signed, _ in TRUE.ledger]
AGENTS_FIRST = min(n for n in ENTRIES if HEADERS[n].author == AGENT)
AGENTS_LAST = max(n for n in ENTRIES if HEADERS[n].author == AGENT)
RUN = ENTRIES[-1]
FIGURE, BENT = b'"energy_wh_milli":196000', b'"energy_wh_milli":195000'

Case = tuple[bytes, str | None]

NOBODY, LEDGER, OTHER = "nobody's", "the ledger's", "another agent's"
AGENTS, GATEWAYS = "the agent's", "the gateway's and the ledger's"
ALL, FRESH = "the agent's, the gateway's and the ledger's", "fresh ones for all three"
CHECKPOINT = "nothing in it, but a checkpoint kept elsewhere"
ON_THE_SPOT = "nothing in it, but a look on the spot, the incomer's balance, a bill"


@dataclass(frozen=True, slots=True)
class Attack:
    """`otherwise` is what finds it where no line does."""

    name: str
    keys: str
    cases: Callable[[], Iterator[Case]]
    otherwise: str = ""


def where(index: int) -> str:
    header = HEADERS[index]
    return f"{header.author} {header.epoch.hex()[:8]}/{header.seq} ({header.type})"


def after(at: int) -> int | None:
    """The same author's next entry."""
    return next((n for n in ENTRIES[at + 1 :] if HEADERS[n].author == HEADERS[at].author), None)


def removed() -> Iterator[Case]:
    for at in ENTRIES:
        made = untouched()
        del made.ledger[at]
        later = after(at)
        last = {AGENTS_LAST: f"FAIL receipt {AGENT} ", RUN: "FAIL run no run entry"}
        yield made.pack(), last[at] if later is None else f"FAIL chain {later - 1} {where(later)}: "


def removed_under_the_true_checkpoint() -> Iterator[Case]:
    for at in ENTRIES:
        made = untouched()
        del made.ledger[at]
        yield made.pack_with_note(TRUE.note()), f"FAIL ledger {RUN} entries; the checkpoint signs {RUN + 1}"


def doubled() -> Iterator[Case]:
    for at in ENTRIES:
        made = untouched()
        made.ledger.insert(at, list(made.ledger[at]))
        yield made.pack(), f"FAIL identity {at + 1} {where(at)}: stands at index {at} too"


def swapped() -> Iterator[Case]:
    for at in ENTRIES[:-1]:
        made = untouched()
        made.ledger[at], made.ledger[at + 1] = made.ledger[at + 1], made.ledger[at]
        same = HEADERS[at].author == HEADERS[at + 1].author
        yield made.pack(), f"FAIL chain {at} {where(at + 1)}: " if same else f"FAIL history {at} {where(at + 1)}: "


def signed_by_another() -> Iterator[Case]:
    for at in ENTRIES:
        made = untouched()
        payload = cose.parse(made.ledger[at][0]).payload
        made.ledger[at][0] = cose.sign(payload, made.private["edge-2"], "entry", SITE)
        yield made.pack(), f"FAIL signature {at} {where(at)}: signed by the key of edge-2, not by "


def sealed_anew() -> Iterator[Case]:
    """The same parts under another seed, so another root: whatever its author wanted to change, the header changes."""
    for at in ENTRIES:
        made = untouched()
        parts = [part for part in body.unpack(made.ledger[at][1]).parts if part is not None]
        sealed = entry.seal(HEADERS[at], parts, bytes(32), made.private[HEADERS[at].author], SITE)
        made.ledger[at] = [sealed.signed, sealed.body]
        later = after(at)
        last = {AGENTS_LAST: f"FAIL receipt {AGENT} ", RUN: None}
        yield made.pack(), last[at] if later is None else f"FAIL chain {later} {where(later)}: "


def cut() -> Iterator[Case]:
    for at in ENTRIES:
        made = untouched()
        del made.ledger[at:]
        yield made.pack(), "FAIL run no run entry"


def cut_under_the_true_checkpoint() -> Iterator[Case]:
    for at in ENTRIES:
        made = untouched()
        del made.ledger[at:]
        yield made.pack_with_note(TRUE.note()), f"FAIL ledger {at} entries; the checkpoint signs {RUN + 1}"


def cut_without_statement() -> Iterator[Case]:
    """Receipts remember the agent's last entry."""
    for at in ENTRIES[1:]:
        made = untouched()
        del made.ledger[at:]
        made.statement = b""
        yield made.pack(), f"FAIL receipt {'number 0' if at < 2 else AGENT}" if at <= AGENTS_LAST else None


def cut_without_statement_and_receipts() -> Iterator[Case]:
    for at in ENTRIES[2:]:
        made = untouched()
        del made.ledger[at:]
        made.statement, made.receipts = b"", []
        yield made.pack(), None if at > AGENTS_FIRST else f"FAIL trust {AGENT}: is in the trust file, but has no entry"


def batch_withheld() -> Iterator[Case]:
    made = untouched()
    at = index_of(made, AGENT, "batch")
    made.ledger[at][1] = None
    yield made.pack(), f"LACK batch {at} {where(at)}: withheld, though it touches the statement's period"


def batch_not_recorded() -> Iterator[Case]:
    at = index_of(TRUE, AGENT, "event")
    yield (
        maker.small(without_batch=True, made=true_keys()).pack(),
        f"FAIL event {at} {where(at)}: batch {maker.BATCH} of",
    )


def batch_never_told() -> Iterator[Case]:
    yield maker.small(without_batch=True, without_event=True, made=true_keys()).pack(), None


def meter_not_sealed() -> Iterator[Case]:
    for meter in METERS:
        place = f"{meter}/{archive_maker.POINTS[meter]}"
        made = maker.small(without_meter=meter, made=true_keys())
        yield made.pack(), f"FAIL batch {maker.BATCH} {place}: signed "


def meter_withheld() -> Iterator[Case]:
    for meter in METERS:
        made = untouched()
        for nth in range(len(maker.SEGMENTS)):
            at = index_of(made, AGENT, "segment", nth)
            made.ledger[at][1] = body.redact(made.ledger[at][1], {METERS.index(one) for one in METERS if one != meter})
        first = index_of(made, AGENT, "segment")
        yield made.pack(), f"LACK batch {maker.BATCH}: not recomputable: segment {first} {where(first)} is withheld"


def meter_never_declared() -> Iterator[Case]:
    yield maker.small(undeclared="scale1", made=true_keys()).pack(), None


def amount_bent() -> Iterator[Case]:
    honest = maker.batch_parts()
    for number in range(1, len(honest)):
        amount = records.read(honest[number], records.AmountPart)
        bent = list(honest)
        bent[number] = records.write(amount.model_copy(update={"amount": (amount.amount or 0) - 1}))
        made = maker.small(batch=bent, made=true_keys())
        yield made.pack(), f"FAIL batch {maker.BATCH} {amount.meter}/{amount.point}: signed "


def readings_bent() -> Iterator[Case]:
    """After the batch was computed from the true ones."""
    for meter in METERS:
        made = maker.small(bent=meter, made=true_keys())
        yield made.pack(), f"FAIL batch {maker.BATCH} {meter}/{archive_maker.POINTS[meter]}: signed "


def receipts_removed() -> Iterator[Case]:
    made = untouched()
    made.receipts = []
    yield made.pack(), f"LACK receipt {AGENT}: no receipt is shown"


def receipt_forged() -> Iterator[Case]:
    made = untouched()
    payload = cose.parse(made.receipts[0]).payload
    made.receipts = [cose.sign(payload, made.private["edge-2"], "receipt", SITE)]
    yield made.pack(), "FAIL receipt number 0: "


def statement_altered() -> Iterator[Case]:
    made = untouched()
    assert FIGURE in made.statement
    made.statement = made.statement.replace(FIGURE, BENT)
    yield made.pack(), "FAIL run no run entry of the gateway carries this statement"


def statement_altered_and_recorded() -> Iterator[Case]:
    made = untouched()
    made.statement = made.statement.replace(FIGURE, BENT)
    del made.ledger[RUN]
    maker.recorded(made)
    yield made.pack(), "FAIL statement products[0].energy_wh_milli: states 195000, recomputed 196000"


def two_statements() -> Iterator[Case]:
    """Of the same time: one was shown to somebody else. Both hold, for both are what the ledger gave."""
    made = untouched()
    del made.ledger[RUN]
    maker.recorded(made, provisional=True)
    maker.recorded(made)
    yield made.pack(), f"ok   run entry {RUN + 1} carries this statement, computed at ledger size {RUN + 1}; 1 other"


def agent_impersonated() -> Iterator[Case]:
    """The gateway enrols a key of its own for the agent, and seals what it likes."""
    made = true_keys()
    made.private = {**made.private, AGENT: archive_maker.new_keys()[AGENT]}
    yield maker.small(made=made).pack(), f"FAIL trust {AGENT}: the key "


def all_fresh() -> Iterator[Case]:
    yield maker.small().pack(), f"FAIL trust {AGENT}: the key "


def all_rewritten() -> Iterator[Case]:
    """Other readings, and a batch and a statement that follow from them, under the true keys."""
    yield maker.small(made=true_keys(), rewritten=True).pack(), None


def true_keys() -> Factory:
    return Factory(dict(TRUE.private), TRUE.ledger_key)


ATTACKS = (
    Attack("an entry removed", LEDGER, removed),
    Attack("an entry removed, under the true checkpoint", NOBODY, removed_under_the_true_checkpoint),
    Attack("an entry doubled", LEDGER, doubled),
    Attack("two neighbours swapped", LEDGER, swapped),
    Attack("an entry signed by another agent that is enrolled", f"{OTHER} and {LEDGER}", signed_by_another),
    Attack("an entry sealed anew by its author", ALL, sealed_anew, CHECKPOINT),
    Attack("the tail cut", LEDGER, cut),
    Attack("the tail cut, under the true checkpoint", NOBODY, cut_under_the_true_checkpoint),
    Attack("the tail cut, and no statement", LEDGER, cut_without_statement, CHECKPOINT),
    Attack("the tail cut, no statement and no receipts", LEDGER, cut_without_statement_and_receipts, CHECKPOINT),
    Attack("a batch withheld", NOBODY, batch_withheld),
    Attack("a batch told by its end but not recorded", AGENTS, batch_not_recorded),
    Attack("a batch neither told nor recorded", AGENTS, batch_never_told, ON_THE_SPOT),
    Attack("a meter left out of every segment", AGENTS, meter_not_sealed),
    Attack("a meter withheld", NOBODY, meter_withheld),
    Attack("a meter never declared", AGENTS, meter_never_declared, ON_THE_SPOT),
    Attack("an amount of a batch bent", AGENTS, amount_bent),
    Attack("readings bent after their batch was computed", AGENTS, readings_bent),
    Attack("receipts removed", NOBODY, receipts_removed),
    Attack("a receipt forged", OTHER, receipt_forged),
    Attack("the statement altered", NOBODY, statement_altered),
    Attack("the statement altered and recorded anew", GATEWAYS, statement_altered_and_recorded),
    Attack("a second statement of the same time", GATEWAYS, two_statements),
    Attack("another key enrolled for an agent, everything of it forged", GATEWAYS, agent_impersonated),
    Attack("everything signed with fresh keys", FRESH, all_fresh),
    Attack("everything made anew with the true keys", ALL, all_rewritten, CHECKPOINT),
)
