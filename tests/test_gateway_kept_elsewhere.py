"""Entries in packs and archives are read only where the files are those that were written."""

import io
import json
import shutil
import zipfile

import pytest
from authors import SITE
from kept_ledger import DAY_NS, ENTRIES, KEY, T0_NS, write

from contract import archive, cbor
from gateway import database, pack, pack_form
from gateway.database import sqlite_url
from gateway.errors import Corrupt
from gateway.export import whole_ledger
from gateway.kept_elsewhere import Packs, WholeLedger
from gateway.ledger import Ledger
from gateway.ledger_rows import Database, Extent, Unreadable


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A ledger's packs and its archive, and what was admitted."""
    folder = tmp_path_factory.mktemp("kept")
    url = sqlite_url(folder / "ledger.sqlite")
    entries = write(url)
    engine = database.engine(url)
    list(pack.pack(pack.Ledger(SITE, KEY.public_key(), Database(engine)), folder / "packs", T0_NS + 9 * DAY_NS))
    engine.dispose()
    reader = Ledger.open(url, SITE)
    (folder / "whole.zip").write_bytes(whole_ledger(reader, KEY.public_key()))
    reader.close()
    return folder, entries


@pytest.fixture
def copy(kept, tmp_path):
    """Packs to be changed."""
    shutil.copytree(kept[0] / "packs", tmp_path / "packs")
    return tmp_path / "packs"


def test_both_hold_every_entry_in_order(kept):
    folder, entries = kept
    for source in (Packs(folder / "packs", SITE), WholeLedger(folder / "whole.zip")):
        assert source.extent() == Extent(ENTRIES, ENTRIES)
        assert [(row.index, row.signed) for row in source.rows(3, 9)] == [(n, entries[n].signed) for n in range(3, 9)]
        assert source.receipts() == []
        assert list(source.points(ENTRIES)) == list(source.points(ENTRIES + 1))[:-1]
    assert [row.admitted_ns for row in Packs(folder / "packs", SITE).rows(0, 99)] == [e.admitted_ns for e in entries]
    assert len(Packs(folder / "packs", SITE).refusals()) == 3
    assert [row["id"] for row in Packs(folder / "packs", SITE).refusals(after=1)] == [2, 3]


def test_a_folder_without_packs_or_of_another_site_is_told(kept, tmp_path):
    with pytest.raises(Corrupt, match="holds no packs of"):
        Packs(tmp_path, SITE)
    with pytest.raises(Corrupt, match=f"is of {SITE}, not of other"):
        Packs(kept[0] / "packs", "other")


@pytest.mark.parametrize("name", [pack_form.ENTRIES, pack_form.ADMISSIONS])
@pytest.mark.parametrize("at", [0, 20, -1])
def test_a_file_that_was_changed_is_told(copy, name, at):
    path = sorted(copy.iterdir())[1] / name
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(Corrupt, match=f"{name}: is not the file that pack.json names"):
        list(Packs(copy, SITE).rows(0, ENTRIES))


def test_a_file_that_is_gone_is_told(copy):
    (sorted(copy.iterdir())[1] / pack_form.ENTRIES).unlink()
    with pytest.raises(Corrupt, match="entries.cborseq.zst: is missing"):
        list(Packs(copy, SITE).rows(0, ENTRIES))


def test_files_that_do_not_belong_together_are_told(copy):
    """Even where the index was made to fit."""
    one, two = sorted(copy.iterdir())[:2]
    shutil.copy(one / pack_form.ADMISSIONS, two / pack_form.ADMISSIONS)
    told = json.loads((two / "pack.json").read_text())
    told["files"][pack_form.ADMISSIONS] = pack_form.described(one / pack_form.ADMISSIONS).model_dump()
    (two / "pack.json").write_text(json.dumps(told))
    with pytest.raises(Corrupt, match="entry 4 and the admission of 0 where 4 is due"):
        list(Packs(copy, SITE).rows(0, ENTRIES))


def test_a_body_that_is_withheld_is_not_there(kept, tmp_path):
    with zipfile.ZipFile(kept[0] / "whole.zip") as whole:
        members = {name: whole.read(name) for name in archive.MEMBERS}
    items = [cbor.encode([n, entry.signed, None if n == 5 else entry.body]) for n, entry in enumerate(kept[1])]
    (tmp_path / "redacted.zip").write_bytes(archive.pack({**members, "entries.cborseq": b"".join(items)}))
    rows = list(WholeLedger(tmp_path / "redacted.zip").rows(0, ENTRIES))
    assert rows[5] == Unreadable(5, "its body is withheld")
    assert len(rows) == ENTRIES


@pytest.mark.parametrize("members", [None, {}, {"checkpoint.txt": b"noise"}, {"checkpoint.txt": b"\xff"}], ids=range(4))
def test_what_is_no_archive_is_told(tmp_path, members):
    data = io.BytesIO(b"noise" if members is None else b"")
    if members is not None:
        with zipfile.ZipFile(data, "w") as file:
            for name, content in members.items():
                file.writestr(name, content)
    (tmp_path / "x.zip").write_bytes(data.getvalue())
    with pytest.raises(Corrupt):
        WholeLedger(tmp_path / "x.zip")
