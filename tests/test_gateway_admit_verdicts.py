"""Every verdict and every flag is brought about by one message, and the contract's tables have them all and no more."""

import re
from pathlib import Path

import pytest
from authors import Author, event_part, nonce, wire
from test_gateway_admit import Gate, resigned

from contract import cbor, cose, message, topics
from contract.chain import Head
from gateway.admit import Name

README = (Path(__file__).parent.parent / "contract/README.md").read_text(encoding="utf-8")
SECTION = README.partition("\n## 18. ")[2].partition("\n## ")[0]


def names(heading: str) -> set[str]:
    """The first column of a table."""
    table = SECTION[SECTION.index(heading) :].partition("\n\n")[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


class World:
    """An author of which two entries are admitted, and a copy of it from before the second."""

    def __init__(self) -> None:
        self.edge = Author("edge-1")
        self.gate = Gate(self.edge)
        self.first = self.edge.begin()
        self.behind, self.twin = self.edge.head, self.edge.copy()
        self.second = self.edge.say()
        self.gate.admit(self.edge, self.first, self.second)

    def forged(self) -> bytes:
        """A true header under another's signature that names the author's key."""
        true, false = cose.parse(self.edge.say().signed), cose.parse(Author("edge-1").begin().signed)
        signed = bytes([cose.TAG_SIGN1]) + cbor.encode([true.protected, {}, true.payload, false.signature])
        return message.pack(signed, self.first.body)

    def fork(self) -> bytes:
        return wire(self.twin.say("event", [event_part(7)]))

    def stop(self) -> bytes:
        self.gate.trust.stop("edge-1", nonce("first"))
        return wire(self.edge.say())

    def hold(self) -> bytes:
        self.edge.say()
        return wire(self.edge.say())

    def revoke(self) -> bytes:
        self.gate.trust.revoked.add("edge-1")
        return wire(self.edge.say())

    def clone(self) -> bytes:
        self.gate.admit(self.edge, self.edge.begin("second", self.edge.head))
        return wire(self.twin.begin("third", Head(nonce("first"), 1, self.second.hash)))


CASES = {
    "admitted": lambda w: wire(w.edge.say()),
    "duplicate": lambda w: wire(w.second),
    "held": World.hold,
    "fork": World.fork,
    "stopped": World.stop,
    "bad_signature": World.forged,
    "unknown_key": lambda _: wire(Author("edge-1").begin()),
    "revoked": World.revoke,
    "unsupported_version": lambda w: wire(resigned(w.edge, w.first, v=2)),
    "too_large": lambda _: bytes(message.MESSAGE_BYTES_MAX + 1),
    "malformed": lambda _: b"noise",
    "wrong_topic": lambda w: wire(w.second),
    "wrong_author": lambda _: wire(Author("edge-2").begin()),
}
FLAGS = {
    "clone": World.clone,
    "rollback": lambda w: wire(w.twin.begin("second", w.behind)),
    "unlinked": lambda w: wire(w.twin.begin("second", Head(nonce("lost"), 4, bytes(32)))),
}


@pytest.mark.parametrize("name", CASES)
def test_every_verdict_is_brought_about_by_one_message(name):
    world = World()
    data = CASES[name](world)
    topic = topics.Topic("elsewhere", "edge-1", "entries") if name == "wrong_topic" else world.edge.topic
    verdict = world.gate.judge_bytes(topic, data)
    assert (verdict.name, verdict.entry is not None) == (name, name == "admitted")
    assert bool(verdict.reason) == (name not in {"admitted", "duplicate"})


@pytest.mark.parametrize("flag", FLAGS)
def test_every_flag_is_brought_about_by_one_message(flag):
    world = World()
    verdict = world.gate.judge_bytes(world.edge.topic, FLAGS[flag](world))
    assert (verdict.name, verdict.entry.flags) == ("admitted", (flag,))


def test_the_contract_names_them_all_and_no_more():
    assert names("| verdict |") == set(CASES) == set(Name.__args__)
    assert names("| flag |") == set(FLAGS)
