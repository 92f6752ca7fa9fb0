"""One request answered: judged against what was seen last, remembered, and only then co-signed.

In: the configuration, a request, the time. Out: the co-signature's line. Raises judge.Refused with the reason.
"""

from contract import checkpoint, cosignature
from contract.proof_text import Growth
from witness.config import Config
from witness.judge import UNKNOWN, Refused, judge
from witness.memory import Memory


def answer(config: Config, asked: Growth, at_s: int) -> str:
    """The line below the note. Raises Refused; ValueError or OSError if the memory cannot be kept."""
    origin = checkpoint.parse(asked.note).origin
    ledger = config.ledger(origin)
    if ledger is None:
        raise Refused(
            UNKNOWN,
            f"{origin[:80]!r} is no ledger that is watched here: if you know why, add it as [[ledger]]",
        )
    Memory(config.memory).advance(origin, lambda seen: judge(asked, ledger.key, seen))
    return cosignature.sign(asked.note, config.name, config.key, at_s)
