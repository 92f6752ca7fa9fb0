"""What a recovery says is held against the tree and the old checkpoint; what nobody can show is named."""

import archive_maker as maker
import pytest
from archive_maker import AGENT, GATEWAY, SITE, T0, failures

from contract import checkpoint, keys, records
from contract.entry import TreeHead
from contract.recover_records import RecoverPart
from verifier import archive, trust
from verifier.verify import verify

OLD, NEW = f"metertrail/{SITE}", f"metertrail/{SITE}/2"
BEYOND = 3  # entries that the old ledger had and this one not


class Recovered:
    """A factory whose ledger was taken up again after its `size` entries, under any words."""

    def __init__(self, **changes) -> None:
        self.made = maker.opened()
        maker.produced(self.made)
        head = self.made.head()
        self.size = head.size
        known = self.known(*changes.pop("point", (head.size + BEYOND,)))
        said = RecoverPart(
            origin=NEW, replaces=OLD, known=known, size=head.size, root=head.root, author="Li Wei", reason="disk",
            at_ns=T0 + 10**15,
        )  # fmt: skip
        self.made.epoch(GATEWAY, [], T0)
        self.made.add(GATEWAY, "acknowledgement", [records.write(said.model_copy(update=changes))], T0, T0)
        self.name = changes.get("origin", NEW)

    def known(self, size: int, root: bytes = bytes(32), origin: str = OLD, key=None) -> str:
        """A checkpoint of the old ledger."""
        return checkpoint.sign(checkpoint.Checkpoint(origin, size, root), key or self.made.ledger_key)

    def lines(self, trusted: bytes | None = None, name: str | None = None) -> list[str]:
        """What the verifier says of recoveries, history and trust."""
        head = self.made.head()
        note = checkpoint.sign(checkpoint.Checkpoint(name or self.name, head.size, head.root), self.made.ledger_key)
        read = archive.read(self.made.pack_with_note(note))
        report = verify(read, None if trusted is None else trust.parse(trusted))
        return [one.line() for one in report.findings if one.check in {"recover", "history", "trust", "checkpoint"}]

    def saw(self, size: int, root: bytes, *, epoch: bool = False) -> None:
        """Have the agent name a tree head in its next entry."""
        head, self.made.head = self.made.head, lambda: TreeHead(size=size, root=root)
        if epoch:
            self.made.epoch(AGENT, [], T0)
        else:
            self.made.add(AGENT, "event", [], T0, T0)
        self.made.head = head


def test_a_recovery_says_what_was_known_and_how_much_is_missing():
    one = Recovered()
    opened, told = one.lines()[:2]
    assert opened == f"ok   checkpoint {NEW}: signed by the ledger's key at size {one.size + 2}"
    assert told == (
        f"ok   recover {NEW} replaces {OLD} from entry {one.size} on (Li Wei: disk): of {one.size + BEYOND} entries "
        f"known of it the first {one.size} are these; that the other 3 are here cannot be shown: 0 entries that agents "
        "sealed before came after it"
    )
    one.made.add(AGENT, "event", [], T0, T0)
    assert "1 entries that agents sealed before came after it" in one.lines()[1]


def test_without_a_checkpoint_of_the_old_ledger_that_is_said():
    assert "no checkpoint of it was known" in Recovered(known="").lines()[1]


def test_heads_of_the_old_ledger_are_unknown_beyond_what_was_left_and_checked_within():
    one = Recovered()
    one.saw(one.size + 1, bytes(32))
    one.saw(one.size + 40, b"\1" * 32)  # the copy may be older than what agents were told
    assert next(line for line in one.lines() if "history" in line).endswith(", 2 of one it replaced, not shown")
    one.saw(one.size, bytes(32))
    assert any(f"another root at size {one.size}: the ledger was rewritten" in line for line in one.lines())


def test_a_head_that_is_not_the_known_one_is_no_state_of_either():
    one = Recovered()
    one.saw(one.size + BEYOND, b"\1" * 32)
    assert [line for line in one.lines() if line.startswith("FAIL history")]


def test_before_the_recovery_nothing_is_explained():
    made = maker.opened()
    maker.produced(made)
    assert not [line for line in failures(made) if "history" in line]
    one = Recovered()
    at = one.size - 1
    one.saw(one.size + 1, bytes(32))
    moved = one.made.ledger.pop()
    one.made.ledger.insert(at, moved)
    assert [line for line in one.lines() if line.startswith(f"FAIL history {at} ")]


def test_an_epoch_that_knew_the_new_ledger_knows_no_older_one_again():
    one = Recovered()
    head = one.made.head()
    one.saw(head.size, head.root)
    one.saw(one.size + 30, bytes(32))
    assert [line for line in one.lines() if line.startswith("FAIL history") and "the tail is cut off" in line]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"root": bytes(32)}, "entries are not those it was written after"),
        ({"size": 1}, "but says 1"),
        ({"origin": OLD}, f"{OLD} cannot come after {OLD} and those before it"),
        ({"origin": "metertrail/other/2"}, "'metertrail/other/2' is no ledger of works"),
        ({"replaces": "elsewhere"}, "'elsewhere' is no ledger of works"),
        ({"replaces": f"{NEW}0", "origin": f"{NEW}1"}, f"the last checkpoint known of {NEW}0 is of {OLD}"),
        ({"known": "noise"}, "the last checkpoint known of metertrail/works: checkpoint: must be origin"),
    ],
    ids=["root", "size", "same", "site", "name", "another", "noise"],
)
def test_words_that_do_not_hold_are_named(changes, words):
    assert [line for line in Recovered(**changes).lines(name=NEW) if line.startswith("FAIL recover") and words in line]


def test_a_checkpoint_of_another_key_or_of_a_rewritten_ledger_is_named():
    foreign = Recovered(point=(99, bytes(32), OLD, keys.generate()))
    assert any("not signed by the ledger's key" in line for line in foreign.lines())
    rewritten = Recovered(point=(2,))
    assert any(f"the first 2 entries are not those that {OLD} signed: it was rewritten" in x for x in rewritten.lines())


def test_a_name_needs_its_reason_and_a_reason_its_name():
    one = Recovered()
    assert any(
        f"FAIL recover the ledger is called {OLD}, but its entries make it {NEW}" in x for x in one.lines(name=OLD)
    )
    untold = maker.factory()
    head = untold.head()
    note = checkpoint.sign(checkpoint.Checkpoint(NEW, head.size, head.root), untold.ledger_key)
    assert f"FAIL recover the ledger is called {NEW}, but its entries make it {OLD}" in failures(
        untold.pack_with_note(note)
    )


def test_a_reason_that_is_withheld_is_told_apart():
    one = Recovered()
    one.made.ledger[-1][1] = None
    told = [line for line in one.lines() if "recover" in line and "checkpoint" not in line]
    assert [line.partition(" recover ")[0] for line in told] == ["LACK"]


def test_a_trust_file_may_know_the_ledgers_name():
    one = Recovered()
    for known, wrong in ((NEW, []), (OLD, [f"FAIL trust ledger: it is called {NEW}; the trust file knows {OLD}"])):
        told = one.lines(f'origin = "{known}"\n'.encode() + one.made.trust())
        assert [line for line in told if line.startswith("FAIL")] == wrong
