"""A commissioning sheet for tests, with every member filled in."""

from agent.commission.sheet import Answer, Look, Seen, Sheet, Step
from contract.records import Transformer

T0 = 1_700_000_000_123_456_789
STEPS = (
    ("identity", "passed", "as configured"),
    ("display", "skipped", "no display"),
    ("load", "failed", "too little"),
)


def made(**members) -> Sheet:
    given = {
        "site": "works", "agent": "edge-1", "meter": "press", "installation": "cabinet 3", "address": "hall unit 1",
        "serial": "20431177", "profile": "./rig.toml", "profile_hash": bytes(range(32)),
        "ct": Transformer(primary=400, secondary=5, accuracy_class="0.5"), "pt": None, "software": "metertrail 0.1.0",
        "person": "李伟", "started_ns": T0, "ended_ns": T0 + 60 * 10**9,
        "looks": [
            Look(look="phases", seen=[
                Seen(point="power", raw=2**64 - 1, text=None, status=0, requested_ns=T0, answered_ns=T0 + 4_000_000),
                Seen(point="serial", raw=None, text="A-7", status=0, requested_ns=T0, answered_ns=T0),
                Seen(point="current_l1", raw=None, text=None, status=0x809B0000, requested_ns=T0, answered_ns=T0),
            ]),
        ],
        "answers": [Answer(key="display.first", text="1234.56", at_ns=T0 + 10**9)],
        "steps": [Step(step=step, verdict=verdict, line=line) for step, verdict, line in STEPS],
    }  # fmt: skip
    return Sheet(**given | members)
