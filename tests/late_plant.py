"""A factory whose controller was silent for a while: what a person tells of it later, through a real ledger."""

from archive_maker import GATEWAY, T0, Factory, S, opened, produced
from test_gateway_export import Sealer

from gateway import late_batch
from gateway.late_batch import LateBatch

NOW_NS = T0 + 86_400 * S
READING_NS = 10 * S


def told(**changes):
    """A batch from reading 85 to reading 105, each edge give or take 2 s: 20 steps of 7 Wh and of 3 kg."""
    given = {
        "line": "line1", "batch": "L1-0003", "product": "coil", "start_ns": T0 + 850 * S, "end_ns": T0 + 1050 * S,
        "edge_ns": 2 * S, "author": "Li", "reason": "the controller was off", "way": "command", "told_ns": NOW_NS,
    }  # fmt: skip
    return LateBatch(**given | changes)


def silent(folder, batches=("L1-0001", "L1-0002"), made: Factory | None = None, parts=None) -> Sealer:
    """A ledger in which the agent told only these batches."""
    made = opened() if made is None else made
    produced(made, batches, parts)
    return Sealer(made, folder)


def take(sealer: Sealer, said: LateBatch, parts=None) -> list[bytes]:
    """What the gateway seals for it; other parts if given."""
    made = list(late_batch.parts(said, sealer.ledger)) if parts is None else parts
    span = late_batch.span(said)
    sealer.made.add(GATEWAY, "late_batch", made, span.from_ns, span.to_ns)
    sealer.append()
    return made
