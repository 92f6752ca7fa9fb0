"""A database restored from a backup, taken up again under a new name: what agents still have comes again."""

import json

import pytest
from authors import wire
from databases import execute, set_back
from gateway_folder import SITE, Folder

from contract import body, checkpoint, entry, keys, receipt, records
from contract.recover_records import RecoverPart
from gateway import ledger_cli
from gateway.config import load
from gateway.errors import Corrupt
from gateway.export import whole_ledger
from gateway.ledger import Ledger
from gateway.opening import open_sequencer
from gateway.preflight import prepare
from gateway.sequencer import Message
from verifier import archive
from verifier.verify import verify

STATED = 5  # the gateway's own entries of a first start


class Plant:
    """A gateway's folder, its database, and the agent that sends to it."""

    def __init__(self, folder: Folder, url: str) -> None:
        self.folder, self.url, self.edge = folder, url, folder.edge
        self.copy = folder.folder / "data" / "checkpoints.txt"
        self.told: receipt.Receipt | None = None

    def start(self):
        """Start the gateway."""
        config = load(self.folder.path)
        self.ledger, self.sequencer = open_sequencer(
            self.folder.path, config, prepare(config), lambda: 7, lambda *_: None
        )

    def send(self, *sealed: entry.Sealed) -> dict[tuple[str, str], int]:
        """Send entries, and hear what became of them."""
        outcome = self.sequencer.admit([Message(self.edge.topic, wire(one)) for one in sealed])
        self.told = receipt.verify(outcome.receipts["edge-1"], self.folder.gateway_key.public_key(), SITE)
        self.edge.seen = self.told.checkpoint
        return dict(outcome.verdicts)

    def stop(self):
        """Stop the gateway."""
        self.ledger.close()

    def recover(self, *words: str) -> int:
        """Take the ledger up again."""
        return ledger_cli.main(
            ["recover", str(self.folder.path), "--author", "Li Wei", "--reason", "disk failed", *words]
        )

    def verified(self):
        """What the verifier says of the whole ledger."""
        key = prepare(load(self.folder.path)).ledger_key.public_key()
        reader = Ledger.open(self.url, SITE)
        report = verify(archive.read(whole_ledger(reader, key)))
        reader.close()
        return report, [finding.line() for finding in report.findings if finding.check in {"recover", "history"}]


@pytest.fixture
def plant(tmp_path, database_url):
    return Plant(Folder(tmp_path).keep_in(database_url), database_url)


@pytest.fixture
def lost(plant):
    """A plant whose database is older than what it told its agent; `plant.sent` are the agent's lost entries."""
    plant.start()
    plant.send(plant.edge.begin(), plant.edge.say())
    plant.sent = [plant.edge.say()]
    plant.send(*plant.sent)
    plant.sent += [plant.edge.say(), plant.edge.say()]
    plant.send(*plant.sent[1:])
    plant.stop()
    set_back(plant.url, STATED + 2)
    return plant


def test_a_restored_database_is_taken_up_again_and_filled_by_its_agents(lost, capsys):
    with pytest.raises(Corrupt, match="7 entries, but the copy .* knows of 10: .*see `metertrail ledger recover`"):
        lost.start()
    assert lost.recover() == 0
    said = (
        "metertrail/demo/2 replaces metertrail/demo: 10 entries were known of it, 7 are here. Start the gateway: agents"
    )
    assert capsys.readouterr().out.startswith(said)
    lost.start()
    assert lost.ledger.head().origin == "metertrail/demo/2"
    told = receipt.verify(lost.sequencer.receipts()["edge-1"], lost.folder.gateway_key.public_key(), SITE)
    assert [head.seq for head in told.heads] == [1]  # fallen back, so that the agent sends again
    assert lost.send(*lost.sent) == {("edge-1", "admitted"): 3}
    assert lost.send(lost.edge.say()) == {("edge-1", "admitted"): 1}
    lost.stop()
    report, lines = lost.verified()
    assert report.verdict == "self-consistent"
    assert lines[0] == (
        "ok   recover metertrail/demo/2 replaces metertrail/demo from entry 7 on (Li Wei: disk failed): of 10 entries "
        "known of it the first 7 are these; that the other 3 are here cannot be shown: 4 entries that agents sealed "
        "before came after it"
    )
    assert lines[1] == (
        "ok   history 12 older tree heads named: 10 states of this ledger, 2 of one it replaced, not shown"
    )


def test_what_is_said_is_the_gateways_next_word_under_the_new_name(lost):
    known = lost.copy.read_text().splitlines()[-1]
    assert lost.recover() == 0
    ledger = Ledger.open(lost.url, SITE)
    manifest, said = list(ledger.entries(7))
    assert [(one.author, one.type, entry.read(one.signed).header.seq) for one in (manifest, said)] == [
        ("gateway", "manifest", 0), ("gateway", "acknowledgement", 1),
    ]  # fmt: skip
    opening = records.read(body.unpack(manifest.body).parts[0], records.Author)
    assert (opening.reason, opening.parent.seq) == ("recover", 4)
    part = records.read(body.unpack(said.body).parts[0], RecoverPart)
    assert (part.origin, part.replaces, part.size) == ("metertrail/demo/2", "metertrail/demo", 7)
    assert (part.author, part.reason) == ("Li Wei", "disk failed")
    assert part.known == json.loads(known)
    [(root,)] = execute(lost.url, "SELECT root FROM checkpoints WHERE size = 7")
    assert part.root == root
    notes = [
        checkpoint.parse(note).origin for (note,) in execute(lost.url, "SELECT note FROM checkpoints ORDER BY size")
    ]
    assert set(notes[:-1]) == {"metertrail/demo"}
    assert notes[-1] == "metertrail/demo/2"
    ledger.close()


def test_a_crash_before_the_copy_was_written_is_no_other_loss(lost):
    before = lost.copy.read_bytes()
    assert lost.recover() == 0
    lost.copy.write_bytes(before)
    lost.start()
    lost.stop()
    assert '"metertrail/demo/2' in lost.copy.read_text().splitlines()[-1]


def test_a_gateway_that_goes_on_with_the_old_ledger_is_not_explained(lost):
    assert lost.recover() == 0
    key = prepare(load(lost.folder.path)).ledger_key
    note = checkpoint.sign(checkpoint.Checkpoint("metertrail/demo", 11, bytes(32)), key)
    with lost.copy.open("a") as file:
        file.write(json.dumps(note) + "\n")
    with pytest.raises(Corrupt, match="the copy of its checkpoints is of metertrail/demo, not of metertrail/demo/2"):
        lost.start()


def test_a_second_loss_takes_a_third_name(lost):
    assert lost.recover() == 0
    lost.start()
    lost.send(*lost.sent)
    lost.stop()
    set_back(lost.url, STATED)
    with pytest.raises(Corrupt, match="the copy of its checkpoints is of metertrail/demo/2, not of metertrail/demo: "):
        lost.start()
    assert lost.recover() == 0
    lost.start()
    assert lost.send(lost.edge.say()) == {("edge-1", "held"): 1}
    assert [(one.first, one.last) for one in lost.told.wanted] == [(0, 4)]
    lost.stop()
    report, lines = lost.verified()
    assert report.verdict == "self-consistent"
    assert "metertrail/demo/3 replaces metertrail/demo/2 from entry 5 on" in lines[0]


def test_a_ledger_that_is_gone_leaves_its_checkpoints_known(lost, capsys):
    names = ("entries", "checkpoints", "refusals", "receipts")
    execute(lost.url, *(f"DROP TABLE {name}" for name in names))
    with pytest.raises(Corrupt, match="0 entries, but the copy of its checkpoints knows of 10"):
        lost.start()
    assert lost.recover() == 0
    assert "10 entries were known of it, 0 are here" in capsys.readouterr().out
    lost.start()
    lost.stop()
    report, _ = lost.verified()
    assert report.verdict == "self-consistent"


def test_a_ledger_that_is_in_order_is_not_recovered(plant, capsys):
    plant.start()
    plant.stop()
    before = execute(plant.url, "SELECT * FROM checkpoints")
    assert plant.recover() == 1
    assert capsys.readouterr().err == (
        "metertrail/demo is the ledger that its checkpoints know: there is nothing to recover\n"
    )
    assert execute(plant.url, "SELECT * FROM checkpoints") == before


def test_a_ledger_that_contradicts_itself_must_be_rebuilt_first(lost, capsys):
    execute(lost.url, 'DELETE FROM entries WHERE "index" = 6')
    assert lost.recover() == 1
    assert "6 entries where the last checkpoint signs 7" in (told := capsys.readouterr().err)
    assert "run `metertrail ledger rebuild` first" in told


def test_neither_another_key_nor_a_running_gateway_recovers(lost, capsys):
    held = Ledger.open(lost.url, SITE, prepare(load(lost.folder.path)).ledger_key, None)
    assert lost.recover() == 1
    assert "another gateway writes this ledger: stop it first" in capsys.readouterr().err
    held.close()
    lost.folder.write("gateway.pem", keys.private_to_pem(keys.generate()), 0o600)
    assert lost.recover() == 1
    assert "is not the key this ledger's gateway signs with" in capsys.readouterr().err
    assert execute(lost.url, "SELECT max(size) FROM checkpoints") == [(7,)]


@pytest.mark.parametrize("words", ["", " ", "two\nlines", "x" * 2000], ids=["none", "space", "lines", "long"])
def test_a_reason_is_words_on_one_line(lost, words, capsys):
    assert lost.recover("--reason", words) == 2
    assert "printable characters" in capsys.readouterr().err


def test_a_ledger_that_was_rewritten_is_told_before_anybody_verifies_it(lost, capsys):
    """A state that is no earlier one of what was known can be gone on with, and never passes for it."""
    key = prepare(load(lost.folder.path)).ledger_key
    note = checkpoint.sign(checkpoint.Checkpoint("metertrail/demo", 6, bytes(32)), key)
    lost.copy.write_text(json.dumps(note) + "\n")
    assert lost.recover() == 0
    assert "are not those that metertrail/demo signed: this is no earlier state of it" in capsys.readouterr().out
    report, lines = lost.verified()
    assert report.verdict == "failed"
    assert lines[0].endswith("the first 6 entries are not those that metertrail/demo signed: it was rewritten")
