"""A pack's index is strict, and its files are what it says."""

import json

import pytest
import zstandard

from gateway import pack_form
from gateway.errors import Corrupt
from gateway.pack_form import File, Index


def index(first: int = 0, last: int = 3, **changes) -> Index:
    fields = {
        "site": "demo", "day": "2026-11-26", "first": first, "last": last, "checkpoint": "note\n",
        "checkpoint_at_ns": 7, "readings": 0, "refusals_to": 0, "files": {},
    }  # fmt: skip
    return Index(**(fields | changes))


def made(folder, name: str, what: Index):
    (folder / name).mkdir(parents=True)
    pack_form.write_index(folder / name, what)
    return folder / name


def test_an_index_is_read_as_it_was_written(tmp_path):
    what = index(files={"x": File(bytes=3, sha256="0" * 64)})
    path = made(tmp_path, "one", what)
    assert pack_form.read_index(path) == (path, what)
    assert (path / "pack.json").read_text().startswith('{\n "checkpoint": "note\\n",\n')


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"form": "metertrail/pack/v2"}, "form: "),
        ({"first": -1}, "first: "),
        ({"more": 1}, "more: "),
        ({"files": {"x": {"bytes": 1, "sha256": "0"}}}, "files.x.sha256: "),
    ],
    ids=["form", "first", "more", "hash"],
)
def test_another_form_is_told(tmp_path, changes, words):
    path = made(tmp_path, "one", index())
    told = json.loads((path / "pack.json").read_text()) | changes
    (path / "pack.json").write_text(json.dumps(told))
    with pytest.raises(Corrupt, match=f"one/pack.json: {words}"):
        pack_form.read_index(path)


def test_packs_follow_one_another(tmp_path):
    paths = [made(tmp_path, name, index(*span)) for name, span in (("b", (4, 5)), ("a", (0, 3)), ("c", (6, 6)))]
    (tmp_path / ".d.part").mkdir()
    assert [path for path, _ in pack_form.packs(tmp_path, "demo")] == [paths[1], paths[0], paths[2]]
    made(tmp_path, "again", index(4, 5))
    with pytest.raises(Corrupt, match="a pack is missing or doubled"):
        pack_form.packs(tmp_path, "demo")
    assert pack_form.packs(tmp_path / "none", "demo") == []


def test_a_file_that_cannot_be_unpacked_though_its_hash_fits_is_told(tmp_path):
    path = made(tmp_path, "one", index())
    (path / "x").write_bytes(b"no frame of zstd")
    what = index(files={"x": pack_form.described(path / "x")})
    with pytest.raises(Corrupt, match="x: "), pack_form.opened(path, what, "x") as stream:
        stream.read(1 << 20)


def test_lines_are_those_of_the_text(tmp_path):
    path = made(tmp_path, "one", index())
    (path / "x").write_bytes(zstandard.compress("one\n二\n\nfour\n".encode()))
    what = index(files={"x": pack_form.described(path / "x")})
    with pack_form.opened(path, what, "x") as stream:
        assert list(pack_form.lines(stream)) == ["one", "二", "", "four"]
