"""Closed days become packs, once and whole; the ledger keeps everything."""

import builtins
import hashlib
import json
import shutil
import sys

import pytest
from authors import SITE
from databases import execute, set_back, tampered
from kept_ledger import DAY_NS, DAYS, ENTRIES, KEY, T0_NS, segments, write
from test_gateway_readings_table import NAMES, due

from contract import keys
from gateway import database, pack, pack_form
from gateway.errors import Corrupt
from gateway.kept_elsewhere import Packs
from gateway.ledger_rows import Database
from verifier.archive import read_entries

PACKS = ["2026-11-26.000000000000", "2026-11-27.000000000004", "2026-11-28.000000000008"]
FILES = [pack_form.ADMISSIONS, pack_form.ENTRIES, pack_form.INDEX, pack_form.READINGS, pack_form.REFUSALS]


@pytest.fixture
def packed(database_url, tmp_path, monkeypatch):
    """Packs as of a time; a few entries need no large window."""
    monkeypatch.setattr(pack_form, "WINDOW_LOG", 23)
    engine = database.engine(database_url)

    def run(at_ns: int, key=KEY):
        ledger = pack.Ledger(SITE, key.public_key(), Database(engine))
        return [path.name for path, _ in pack.pack(ledger, tmp_path / "packs", at_ns)]

    yield run
    engine.dispose()


def names(tmp_path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "packs").iterdir())


def test_a_day_is_packed_when_it_is_over_and_once(database_url, tmp_path, packed):
    entries = write(database_url)
    before = execute(database_url, 'SELECT * FROM entries ORDER BY "index"')
    assert packed(T0_NS + 2 * DAY_NS) == PACKS[:2]
    made = {path: path.read_bytes() for path in (tmp_path / "packs").rglob("*.*") if path.is_file()}
    assert packed(T0_NS + 2 * DAY_NS) == []
    assert packed(T0_NS + 3 * DAY_NS) == PACKS[2:]
    assert packed(T0_NS + 9 * DAY_NS) == []
    assert names(tmp_path) == PACKS
    assert {path: path.read_bytes() for path in made} == made
    assert execute(database_url, 'SELECT * FROM entries ORDER BY "index"') == before
    assert len(before) == len(entries) == ENTRIES


def test_the_day_that_is_under_way_is_left_alone(database_url, tmp_path, packed):
    write(database_url, last=DAYS[0])
    for at_ns in (T0_NS, T0_NS + DAY_NS - 1):
        assert packed(at_ns) == []
    assert names(tmp_path) == []
    assert packed(T0_NS + DAY_NS) == PACKS[:1]


def test_a_pack_holds_what_its_index_says(database_url, tmp_path, packed):
    entries = write(database_url)
    packed(T0_NS + 9 * DAY_NS)
    path = tmp_path / "packs" / PACKS[1]
    assert sorted(file.name for file in path.iterdir()) == sorted(FILES)
    told = json.loads((path / "pack.json").read_text())
    assert (told["form"], told["site"], told["day"]) == ("metertrail/pack/v1", SITE, DAYS[1])
    assert (told["first"], told["last"], told["readings"]) == (4, 7, 30)
    [(note,)] = execute(database_url, "SELECT note FROM checkpoints WHERE size = 8")
    assert told["checkpoint"] == note
    for name, about in told["files"].items():
        data = (path / name).read_bytes()
        assert about == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert sorted([*told["files"], "pack.json"]) == sorted(FILES)
    _, index = pack_form.read_index(path)
    with pack_form.opened(path, index, pack_form.ENTRIES) as stream:
        kept = read_entries(stream.read(1 << 24))
    assert [(one.index, one.signed, one.body) for one in kept] == [
        (number, entry.signed, entry.body) for number, entry in enumerate(entries[4:8], start=4)
    ]


def test_the_same_readings_stand_in_parquet(database_url, tmp_path, packed):
    parquet = pytest.importorskip("pyarrow.parquet")
    write(database_url)
    packed(T0_NS + 9 * DAY_NS)
    rows = []
    for name in PACKS:
        rows += parquet.read_table(tmp_path / "packs" / name / "readings.parquet").to_pylist()
    expected = [
        reading
        for day in range(3)
        for k in range(3)
        for reading in due("edge-1", 4 * day + 1 + k, segments(3 * day + k))
    ]
    assert sorted((tuple(row[name] for name in NAMES) for row in rows), key=repr) == sorted(expected, key=repr)


def test_without_the_extra_there_is_no_parquet_and_all_else(database_url, tmp_path, packed, monkeypatch):
    write(database_url)
    true = builtins.__import__

    def absent(name, *more, **named):
        if name.startswith("pyarrow"):
            raise ModuleNotFoundError(name)
        return true(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", absent)
    for name in [name for name in sys.modules if name.startswith("pyarrow")]:
        monkeypatch.delitem(sys.modules, name)
    assert packed(T0_NS + 9 * DAY_NS) == PACKS
    files = {path.name for path in (tmp_path / "packs" / PACKS[0]).iterdir()}
    assert files == set(FILES) - {pack_form.READINGS}


def test_a_run_that_was_cut_short_leaves_nothing_that_looks_whole(database_url, tmp_path, packed, monkeypatch):
    write(database_url)
    with monkeypatch.context() as cut:
        cut.setattr(pack_form, "write_index", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            packed(T0_NS + 9 * DAY_NS)
    assert names(tmp_path) == [f".{PACKS[0]}.part"]
    assert packed(T0_NS + 9 * DAY_NS) == PACKS
    assert names(tmp_path) == PACKS


def test_a_clock_that_stepped_back_makes_one_more_pack(database_url, tmp_path, packed):
    write(database_url)
    tampered(database_url, f'UPDATE entries SET admitted_ns = {T0_NS} WHERE "index" IN (6, 7)')
    assert packed(T0_NS + 9 * DAY_NS) == [PACKS[0], PACKS[1], "2026-11-26.000000000006", PACKS[2]]
    found = list(Packs(tmp_path / "packs", SITE).rows(0, ENTRIES))
    assert [one.index for one in found] == list(range(ENTRIES))


def test_packs_end_where_a_checkpoint_does(database_url, packed, tmp_path):
    write(database_url)
    tampered(database_url, f'UPDATE entries SET admitted_ns = {T0_NS + DAY_NS} WHERE "index" = 3')
    assert packed(T0_NS + 9 * DAY_NS) == PACKS
    assert pack_form.read_index(tmp_path / "packs" / PACKS[0])[1].last == 3


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ('DELETE FROM entries WHERE "index" = 5', "entry 5 is missing: see `metertrail ledger check`"),
        ('UPDATE entries SET signed = hash WHERE "index" = 5', "checkpoint at 8: the ledger's first 8 entries are not"),
        ('UPDATE entries SET message = hash WHERE "index" = 5', "entry 5: zstd: "),
        (
            "UPDATE checkpoints SET note = replace(note, 'demo', 'other') WHERE size = 8",
            "checkpoint at 8: checkpoint: not",
        ),
    ],
    ids=["gap", "header", "body", "note"],
)
def test_what_is_no_ledger_is_not_packed(database_url, packed, statement, words):
    write(database_url)
    tampered(database_url, statement)
    with pytest.raises(Corrupt, match=words):
        packed(T0_NS + 9 * DAY_NS)


def test_packs_of_another_ledger_are_not_added_to(database_url, tmp_path, packed):
    write(database_url)
    packed(T0_NS + 2 * DAY_NS)
    with pytest.raises(Corrupt, match=r"2026-11-26.000000000000: is of another ledger: .*: checkpoint: not signed"):
        packed(T0_NS + 3 * DAY_NS, keys.generate())
    shutil.rmtree(tmp_path / "packs" / PACKS[0])
    with pytest.raises(Corrupt, match="begins with entry 4 where 0 is due: a pack is missing or doubled"):
        packed(T0_NS + 3 * DAY_NS)


def test_a_ledger_that_was_put_back_is_packed_elsewhere(database_url, packed):
    """What the packs hold beyond it may be all that is left of it."""
    write(database_url)
    packed(T0_NS + 9 * DAY_NS)
    set_back(database_url, 6)
    with pytest.raises(
        Corrupt, match="2026-11-27.000000000004: is of another ledger: choose another folder: the ledger"
    ):
        packed(T0_NS + 9 * DAY_NS)
