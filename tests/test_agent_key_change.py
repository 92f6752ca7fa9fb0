"""A key takes over at a start: whatever crashes on the way, the gateway admits all of it, and the verifier follows."""

import pytest
from plant_in_memory import SITE, T0, S, Site, at_ns, round_of
from test_agent_recorder_crash import Crashes

from agent import files, key_change
from agent.key_change import Choice, Said
from contract import entry, keys, message, records
from contract.problems import Problems
from contract.topics import Topic
from gateway.database import sqlite_url
from gateway.ledger import Ledger
from gateway.own_chain import begin
from gateway.sequencer import Message, Sequencer
from gateway.trust import GATEWAY
from verifier import archive, keyring, trail

OLD, NEW, OTHER = keys.generate(), keys.generate(keys.ES256), keys.generate()
ID = {key: keys.thumbprint(private.public_key()) for key, private in (("old", OLD), ("new", NEW), ("other", OTHER))}


def said(due: str | None, *gone: str) -> Said:
    return Said(None if due is None else ID[due], frozenset(ID[key] for key in gone))


@pytest.mark.parametrize(
    ("known", "next_key", "expected"),
    [
        (said(None), None, Choice(OLD, None, is_strange=False)),
        (said(None), NEW, Choice(OLD, NEW, is_strange=False)),
        (said("old"), None, Choice(OLD, None, is_strange=False)),
        (said("old"), NEW, Choice(OLD, NEW, is_strange=False)),
        (said("new", "old"), NEW, Choice(NEW, None, is_strange=False)),
        (said("other"), None, Choice(OLD, None, is_strange=True)),
        (said("other"), NEW, Choice(OLD, NEW, is_strange=True)),
    ],
)  # fmt: skip
def test_the_journal_tells_which_key_is_due(known, next_key, expected):
    assert key_change.choose(known, OLD, next_key) == expected


@pytest.mark.parametrize(
    ("known", "next_key", "words"),
    [
        (said("old"), OLD, "agent.next_key: is the key in force"),
        (said("new", "old"), None, f"agent.key: was rotated to key {ID['new'].hex()}: name that one"),
        (said("new", "old"), OTHER, "agent.key: was rotated to key "),
        (said("old", "new"), NEW, "agent.next_key: was this agent's key before"),
        (said(None, "old"), None, "agent.key: was rotated to key another"),
    ],
)  # fmt: skip
def test_a_key_that_is_past_is_refused_before_anything_is_signed(known, next_key, words):
    with pytest.raises(Problems) as caught:
        key_change.choose(known, OLD, next_key)
    assert caught.value.lines[0].startswith(words)


def begun(folder) -> Site:
    site = Site.at(folder)
    site.key = OLD
    site.start(0)
    site.read_rounds({k: "A" if 3 <= k < 8 else None for k in range(1, 12)})
    return site


def restarted(site: Site, k: int, next_key: keys.PrivateKey | None = NEW) -> Choice:
    """As the agent starts."""
    site.key = OLD
    files_only = site.start  # the journal is opened anew
    journal = key_change.Journal(site.folder)
    chosen = key_change.choose(key_change.said(journal), OLD, next_key)
    journal.close()
    site.key = chosen.key
    files_only(k)
    if chosen.rotate_to is not None:
        site.recorder.rotate(chosen.rotate_to, at_ns(k))
    key_change.remember(site.journal, at_ns(k))
    return chosen


def signers(site: Site) -> list[tuple[str, str]]:
    names = {key_id: name for name, key_id in ID.items()}
    return [(one.type, names[entry.read(one.sealed.signed).container.key_id]) for one in site.entries()]


def test_a_rotation_ends_its_epoch_and_the_new_key_begins_the_next(tmp_path):
    site = begun(tmp_path)
    site.stop()
    assert restarted(site, 12) == Choice(OLD, NEW, is_strange=False)
    by_key = signers(site)
    at = by_key.index(("rotation", "old"))
    assert {name for _, name in by_key[: at + 1]} == {"old"}
    assert by_key[at + 1 :] == [("manifest", "new")]
    entries = site.entries()
    author = records.read(
        entry.check_body(entry.read(entries[-1].sealed.signed).header, entries[-1].sealed.body).parts[0], records.Author
    )
    assert (author.reason, author.parent.hash, author.custody) == ("key rotated", entries[-2].sealed.hash, "file")
    site.stop()
    assert restarted(site, 13) == Choice(NEW, None, is_strange=False)
    site.stop()


def test_another_key_without_a_rotation_is_noticed(tmp_path):
    site = begun(tmp_path)
    journal = site.journal
    assert key_change.said(journal) == said("old")
    assert key_change.choose(key_change.said(journal), OTHER, None).is_strange
    site.stop()


class Desk:
    """A gateway that enrolled the old key."""

    def __init__(self, folder) -> None:
        self.ledger = Ledger.open(sqlite_url(folder / "ledger.sqlite"), SITE, keys.generate())
        own = keys.generate()
        self.sequencer = Sequencer(self.ledger, own, lambda: T0, lambda *_: None)
        begin(self.sequencer.seal, None, b"", "test", T0)
        for author, key in ((GATEWAY, own), ("edge-1", OLD)):
            public = key.public_key()
            part = records.EnrolmentPart(author=author, key=keys.cose_key(public), key_id=keys.thumbprint(public))
            self.sequencer.seal("enrolment", [records.write(part)])

    def admit(self, site: Site) -> set[str]:
        """Give it everything that an agent has sealed; the verdicts."""
        topic = Topic(SITE, "edge-1", "entries")
        sent = [Message(topic, message.pack(one.sealed.signed, one.sealed.body)) for one in site.entries()]
        return {verdict for _, verdict in self.sequencer.admit(sent).verdicts}

    def faults(self) -> list[str]:
        """What the verifier says of keys and signatures."""
        kept = tuple(archive.Kept(one.index, one.signed, one.body) for one in self.ledger.entries())
        seen = trail.Trail(
            archive.Archive(SITE, "", None, kept, (), b"", canonical=True), trail.taken_apart(kept, SITE)[0]
        )
        ring, found = keyring.read(seen)
        return [one.text for one in [*found, *keyring.signatures(seen, ring)] if not one.ok]


def test_a_crash_at_any_commit_of_a_rotation_is_gone_over_at_the_next_start(tmp_path, monkeypatch):
    site = begun(tmp_path / "plant")
    site.stop()
    crashes = Crashes(tmp_path, site)
    opened = files.opened

    def watched(path, schema):
        connection, aside = opened(path, schema)
        return crashes.watch(connection), aside

    monkeypatch.setattr(files, "opened", watched)
    restarted(site, 12)
    site.stop()
    monkeypatch.setattr(files, "opened", opened)
    assert len(crashes.images) >= 4
    rotations = []
    for number, (image, _, _) in enumerate(crashes.images):
        restarted(image, 13)
        image.take(14, round_of(14, None))
        image.recorder.seal(at_ns(14) + S)
        rotations.append([kind for kind, _ in signers(image)].count("rotation"))
        assert signers(image)[-1][1] == "new"
        folder = tmp_path / f"gateway-{number}"
        folder.mkdir()
        desk = Desk(folder)
        assert desk.admit(image) == {"admitted"}
        assert desk.sequencer.trust.standing("edge-1").keys.current_id == ID["new"]
        assert desk.faults() == []
        desk.ledger.close()
        image.stop()
    assert set(rotations) == {1}


@pytest.mark.parametrize("harmed", ["damaged", "gone"])
def test_a_day_that_is_lost_takes_no_delivered_rotation_back(tmp_path, harmed):
    """Else the agent would sign under a key that the gateway takes nothing of any more, and its void with it."""
    site = rotated(tmp_path, delivered=True)
    lose_day(site, harmed)
    assert restarted(site, 13) == Choice(NEW, None, is_strange=False)
    assert {key for _, key in signers(site)} == {"new"}
    site.stop()
    with pytest.raises(Problems, match="was rotated to key"):
        restarted(site, 14, None)


@pytest.mark.parametrize("harmed", ["damaged", "gone"])
def test_a_rotation_that_was_lost_undelivered_is_said_again(tmp_path, harmed):
    """The gateway knows the key before it, and no other."""
    site = rotated(tmp_path, delivered=False)
    lose_day(site, harmed)
    assert restarted(site, 13) == Choice(OLD, NEW, is_strange=False)
    site.stop()


def rotated(folder, *, delivered: bool) -> Site:
    """Stopped after a rotation that the gateway has, or has not."""
    site = begun(folder)
    site.stop()
    restarted(site, 12)
    if delivered:
        site.journal.confirm({one.epoch: one.seq for one in site.entries()})
    site.stop()
    return site


def lose_day(site: Site, harmed: str) -> None:
    (day,) = site.folder.glob("2023-*.db")
    if harmed == "damaged":
        day.write_bytes(b"no database")
    else:
        day.unlink()


def test_the_last_word_of_entries_goes_before_what_was_kept_beside_them(tmp_path):
    site = begun(tmp_path)
    key_change.remember(site.journal, at_ns(12))
    assert key_change.STATE not in site.journal.left().state  # nothing was rotated yet
    site.recorder.rotate(NEW, at_ns(12))
    key_change.remember(site.journal, at_ns(12))
    site.journal.confirm({one.epoch: one.seq for one in site.entries()})
    site.recorder.rotate(OTHER, at_ns(13))  # and a crash before it is kept
    assert key_change.said(site.journal) == said("other", "old", "new")
    site.stop()
