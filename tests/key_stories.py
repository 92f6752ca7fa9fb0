"""An archive in which a key changes while the plant runs: between the agent's two epochs, by one way or another."""

from collections.abc import Callable

import archive_maker as maker
from archive_maker import AGENT, GATEWAY, Factory

from contract import keys, records, rotation
from contract.key_records import Reenrolled, RevocationPart

AT_NS = maker.T0 + maker.RESTART * maker.PER_SEGMENT * maker.STEP_NS
NEW = keys.generate(keys.ES256)


def story(between: Callable[[Factory], None], after: Callable[[Factory], None] = lambda _: None) -> Factory:
    """The usual plant, with something happening in its middle, and something else before the statement."""
    made = maker.opened(Factory())
    maker.produced(made, between=between)
    after(made)
    maker.stated(made)
    return made


def thumb(key: keys.PrivateKey) -> bytes:
    return keys.thumbprint(key.public_key())


def state(made: Factory, author: str = AGENT, new: keys.PrivateKey = NEW, part: bytes | None = None) -> records.Parent:
    """The author's own entry under its old key; where it stands."""
    old_id = thumb(made.private[author])
    made.add(author, "rotation", [part or rotation.state(old_id, new, author, maker.SITE)], AT_NS, AT_NS)
    head = made.writers[author].head
    assert head is not None
    return records.Parent(epoch=head.epoch, seq=head.seq, hash=head.hash)


def enrol(made: Factory, author: str = AGENT, new: keys.PrivateKey = NEW, **why: object) -> None:
    """The gateway's entry, and from then on the author's new key."""
    part = records.read(maker.enrolment(author, new), records.EnrolmentPart).model_copy(update=why)
    made.add(GATEWAY, "enrolment", [records.write(part)], AT_NS, AT_NS)
    made.private[author] = new


def rotate(made: Factory, author: str = AGENT, new: keys.PrivateKey = NEW) -> None:
    enrol(made, author, new, rotation=state(made, author, new))


def reenrol(made: Factory, new: keys.PrivateKey = NEW) -> None:
    enrol(made, new=new, reenrolled=Reenrolled(by="Li Wei", reason="disk died", entered_ns=AT_NS))


def revoke(made: Factory, key_id: bytes, since_ns: int, first: int, at_ns: int = AT_NS) -> None:
    part = RevocationPart(
        author=AGENT, key_id=key_id, since_ns=since_ns, first_index=first, by="Li Wei", reason="stolen",
        entered_ns=at_ns,
    )  # fmt: skip
    made.add(GATEWAY, "enrolment", [records.write(part)], at_ns, at_ns)


def trusting(made: Factory, *agent_keys: keys.PrivateKey, gateway: keys.PrivateKey | None = None) -> bytes:
    """A trust file with the gateway's key and these of the agent."""
    lines = [f'ledger = ["{"00" * 32}", "{thumb(made.ledger_key).hex()}"]']
    for author, key in [(GATEWAY, gateway or made.private[GATEWAY]), *((AGENT, key) for key in agent_keys)]:
        lines += ["[[key]]", f'author = "{author}"', f'thumbprint = "{thumb(key).hex()}"']
    return "\n".join(lines).encode()
