"""What can be wrong with a commissioning sheet that a meter names.

In: a meter and the sheet's bytes. Out: `problem: hint` lines. Pure. Who signed it is the verifier's question: an agent
that trusts its own sheets proves nothing.
"""

from collections.abc import Iterator

from agent import config
from agent.commission import sheet
from contract.errors import Inadmissible


def faults(meter: config.Meter, data: bytes) -> Iterator[str]:
    """Everything that speaks against the sheet being this meter's, and a good one."""
    try:
        told = sheet.claimed(data)
    except Inadmissible as error:
        yield f"{error}: name a file that `metertrail commission` wrote"
        return
    if told.meter != meter.name:
        yield f"it is of meter {told.meter!r}: name this meter's own"
    if meter.serial and told.serial and told.serial != meter.serial:
        yield f"it is of serial number {told.serial!r}: remove this key, and commission the meter that is there now"
    for step in told.steps:
        if step.verdict == "failed":
            yield f"step {step.step} failed: mend it, remove this key, and commission the meter again"
