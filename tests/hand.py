"""What people said of the small factory of archive_maker, as records the gateway seals."""

import archive_maker as maker

from contract import amount_text, entry, records
from contract.cose import parse
from contract.manual_records import (
    AmendmentPart,
    CounterPlace,
    EntryRef,
    InvoicePart,
    QuantityPart,
    ReadingPart,
)

SAID = {"author": "Li Wei", "reason": "scale 2 was off", "entered_ns": maker.TO_NS}
GOOD = 2  # the part of a batch's entry with its good output: batch, energy, good


def ref(made, index):
    """An entry of the factory's ledger as records name it."""
    signed = made.ledger[index][0]
    header = entry.read(signed).header
    digest = parse(signed).digest("entry", maker.SITE)
    return EntryRef(author=header.author, epoch=header.epoch, seq=header.seq, hash=digest)


def batch_ref(made, nth=0):
    return ref(made, maker.index_of(made, maker.AGENT, "batch", nth))


def amendment(of, old, text, number=GOOD, **changes):
    written = None if text == "unknown" else amount_text.parse(text)
    said = {
        "entry": of, "number": number, "text": text, "old": old,
        "unit": "g_milli" if written is None else written.unit, "new": None if written is None else written.amount,
    }  # fmt: skip
    return AmendmentPart.model_validate({**said, **SAID, **changes})


def quantity(of, text="90 t", role="good", **changes):
    written = amount_text.parse(text)
    said = {
        "batch": of, "role": role, "text": text, "amount": written.amount, "step": written.step, "unit": written.unit,
        "method": "reported", "instrument": None, "evidence": None,
    }  # fmt: skip
    return QuantityPart.model_validate({**said, **SAID, **changes})


def reading(text, at_ns, meter="line1", within_ns=0, multiplier=1, **changes):
    written = amount_text.parse(text, multiplier)
    said = {
        "counter": CounterPlace(agent=maker.AGENT, meter=meter, point=maker.POINTS.get(meter, "energy_import")),
        "text": text, "multiplier": multiplier, "value": written.amount, "step": written.step, "unit": written.unit,
        "earliest_ns": at_ns, "latest_ns": at_ns + within_ns, "picture": None,
    }  # fmt: skip
    return ReadingPart.model_validate({**said, **SAID, **changes})


def invoice(text, from_ns=maker.FROM_NS, to_ns=maker.TO_NS, meters=("line1", "comp1"), **changes):
    written = amount_text.parse(text)
    said = {
        "supplier": "Grid", "number": "2023-11", "carrier": "electricity", "text": text, "amount": written.amount,
        "step": written.step, "unit": written.unit, "from_ns": from_ns, "to_ns": to_ns, "document": None,
        "counters": [CounterPlace(agent=maker.AGENT, meter=one, point=maker.POINTS[one]) for one in meters],
    }  # fmt: skip
    return InvoicePart.model_validate({**said, **SAID, **changes})


def say(made, kind, *said):
    """Have the factory's gateway seal them; returns the entry's ledger index."""
    made.add(maker.GATEWAY, kind, [records.write(one) for one in said], maker.TO_NS, maker.TO_NS)
    return len(made.ledger) - 1
