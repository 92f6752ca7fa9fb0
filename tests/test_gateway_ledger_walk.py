"""One pass over the rows: how far they are whole, and what the tree was where somebody asks."""

import pytest
from authors import SITE, Author, admitted, void_part
from databases import tampered

from contract import keys, merkle
from gateway import database
from gateway.ledger import Ledger
from gateway.ledger_rows import Database
from gateway.ledger_walk import NAMED_MAX, Asked, Tally, walk

KEY = keys.generate()


@pytest.fixture
def entries(database_url):
    """Ten entries in commits of two."""
    edge = Author()
    made = [admitted(edge.begin()), *(admitted(edge.say()) for _ in range(9))]
    ledger = Ledger.open(database_url, SITE, KEY)
    for first in range(0, 10, 2):
        ledger.append(made[first : first + 2], at_ns=first)
    ledger.close()
    return made


def walked(url: str, **asked):
    engine = database.engine(url)
    try:
        return walk(Database(engine), Asked(SITE, KEY.public_key(), **asked))
    finally:
        engine.dispose()


def test_a_whole_ledger_is_proven_to_its_end(database_url, entries):
    places = [(entries[3].author, entries[3].epoch, 3), (entries[3].author, entries[3].epoch, 99)]
    found = walked(database_url, sizes=[3, 10], places=places)
    leaves = [merkle.leaf_hash(one.signed) for one in entries]
    assert (found.size, found.proven, found.broken_at, found.spoilt_at) == (10, 10, None, None)
    assert found.roots == {size: merkle.root(leaves[:size]) for size in (0, 3, 10)}
    assert found.hashes == {places[0]: entries[3].hash}
    assert (found.rows.count, found.columns.count, found.points.count) == (10, 10, 5)
    assert found.rows.wrong + found.columns.wrong + found.points.wrong == 0


@pytest.mark.parametrize(
    ("statement", "proven", "broken", "spoilt"),
    [
        ('DELETE FROM entries WHERE "index" = 5', 4, 5, None),
        ('DELETE FROM entries WHERE "index" = 9', 8, None, None),
        ('DELETE FROM entries WHERE "index" = 0', 0, 0, None),
        ('UPDATE entries SET message = hash WHERE "index" = 6', 6, None, 6),
        ('UPDATE entries SET signed = hash WHERE "index" = 6', 6, None, 6),
        ("DELETE FROM checkpoints WHERE size > 6", 6, None, None),
        ("DELETE FROM checkpoints WHERE size = 6", 10, None, None),
        ("DELETE FROM checkpoints", 0, None, None),
    ],
    ids=["gap", "tail", "head", "body", "header", "last points", "one point", "no point"],
)
@pytest.mark.usefixtures("entries")
def test_it_is_proven_as_far_as_a_checkpoint_fits_whole_entries(database_url, statement, proven, broken, spoilt):
    tampered(database_url, statement)
    found = walked(database_url)
    assert (found.proven, found.broken_at, found.spoilt_at) == (proven, broken, spoilt)


@pytest.mark.usefixtures("entries")
def test_an_entry_declared_lost_is_known_by_what_its_author_says(database_url):
    edge = Author("edge-2")
    ledger = Ledger.open(database_url, SITE, KEY)
    ledger.append([admitted(edge.begin())], at_ns=20)
    part = void_part("first", 1, 4, bytes([7]) * 32)
    ledger.append([admitted(edge.begin("second", edge.head)), admitted(edge.say("void", [part]))], at_ns=21)
    ledger.close()
    found = walked(database_url)
    assert list(found.lost.values()) == [bytes([7]) * 32]
    assert [place[0] + str(place[2]) for place in found.lost] == ["edge-24"]


def test_a_tally_names_the_first_few():
    tally = Tally()
    for number in range(9):
        tally.add(*([f"fault {number}"] * (number % 2)))
    assert (tally.count, tally.wrong, tally.named) == (9, 4, ["fault 1", "fault 3", "fault 5"])
    assert NAMED_MAX == 3
