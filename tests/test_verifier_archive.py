"""Bytes that are no archive are refused by name; the canonical form is held against one written by hand."""

import zipfile
from io import BytesIO

import archive_maker as maker
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.archive import pack
from contract.errors import Inadmissible, Malformed, TooLarge
from verifier import archive


def test_what_was_written_is_read():
    made = maker.factory()
    read = archive.read(made.pack())
    assert (read.site, read.canonical, read.statement) == (maker.SITE, True, made.statement)
    assert [[kept.signed, kept.body] for kept in read.entries] == made.ledger
    assert list(read.receipts) == made.receipts


def test_the_same_members_in_another_file_are_readable_but_not_canonical():
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in reversed(maker.factory().members().items()):
            file.writestr(name, data)
    assert archive.read(out.getvalue()).canonical is False
    assert archive.read(maker.factory().pack()[:-2] + b"\1\0x").canonical is False  # a comment at the end


def test_compression_is_refused():
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in maker.factory().members().items():
            file.writestr(name, data)
    with pytest.raises(Malformed, match="stored, not compressed"):
        archive.read(out.getvalue())


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("checkpoint.txt", b"elsewhere/works\n0\n" + b"A" * 43 + b"=\n\n", "is not metertrail/SITE"),
        ("checkpoint.txt", b"\xff", "not UTF-8"),
        ("checkpoint.txt", b"x" * (1 << 15), "at most"),
        ("ledger.pem", b"no key", "ledger.pem"),
        ("entries.cborseq", b"\x83\x00\x41", "is cut short"),
        ("entries.cborseq", b"\x82\x00\x41a", "must be \\[index"),
        ("entries.cborseq", b"\x83\x18\x00\x41a\xf6", "not in deterministic form"),
        ("entries.cborseq", b"\x83\x00\x5b" + b"\xff" * 8, "at most"),
        ("receipts.cborseq", b"\x1a", "not of the form"),
    ],
)
def test_a_member_of_no_sense_is_named(name: str, data: bytes, reason: str):
    with pytest.raises(Inadmissible, match=reason):
        archive.read(pack({**maker.factory().members(), name: data}))


def test_missing_and_foreign_members_are_named():
    members = maker.factory().members()
    del members["ledger.pem"]
    with pytest.raises(Malformed, match="due are checkpoint"):
        archive.read(pack(members))
    with pytest.raises(Malformed, match="its members are"):
        archive.read(pack({**maker.factory().members(), "more": b""}))


def test_a_file_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archive, "ARCHIVE_BYTES_MAX", 10)
    with pytest.raises(TooLarge):
        archive.read(b"x" * 11)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_by_name(data: bytes):
    with pytest.raises(Inadmissible):
        archive.read(data)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 255), st.booleans())
def test_a_changed_or_cut_file_is_refused_or_no_longer_canonical(at: int, value: int, cut: bool):
    data = maker.factory().pack()
    at %= len(data)
    changed = data[:at] if cut else data[:at] + bytes([value]) + data[at + 1 :]
    try:
        assert archive.read(changed).canonical is (changed == data)
    except Inadmissible:
        assert changed != data
