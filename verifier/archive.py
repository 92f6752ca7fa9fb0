"""The archive: one file that holds all a statement rests on, in one canonical form.

In: bytes. Out: an `Archive`, or a named refusal. Nothing is believed here: signatures, roots and numbers are for the
checks.
"""

import io
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contract import checkpoint, heads, keys, message, receipt
from contract.archive import MEMBERS, pack
from contract.errors import Inadmissible, Malformed, TooLarge

ARCHIVE_BYTES_MAX = 1 << 30
SMALL_BYTES_MAX = {
    "checkpoint.txt": checkpoint.CHECKPOINT_BYTES_MAX,
    "ledger.pem": 1 << 12,
    "statement.json": 1 << 24,
}
_LOCAL_HEADER = 30  # bytes before a member's name; the lengths of name and extra field are its last two words
_ARRAY_OF_3, _NULL = 0x83, b"\xf6"


@dataclass(frozen=True, slots=True)
class Kept:
    """One ledger entry as the archive carries it; `body` is None where it was withheld whole."""

    index: int
    signed: bytes
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive taken apart. `canonical` says whether its members lead back to the very same file."""

    site: str
    note: str
    ledger_key: Ed25519PublicKey
    entries: tuple[Kept, ...]
    receipts: tuple[bytes, ...]
    statement: bytes
    canonical: bool


def read(data: bytes) -> Archive:
    """Take an archive apart. Raises TooLarge or Malformed where no sense can be made of it."""
    if len(data) > ARCHIVE_BYTES_MAX:
        raise TooLarge(f"archive: {len(data)} bytes; at most {ARCHIVE_BYTES_MAX}")
    members = _members(data)
    for name, bytes_max in SMALL_BYTES_MAX.items():
        if len(members[name]) > bytes_max:
            raise TooLarge(f"{name}: {len(members[name])} bytes; at most {bytes_max}")
    note = _text(members["checkpoint.txt"])
    site, _ = checkpoint.read_origin(checkpoint.parse(note).origin)
    return Archive(
        site,
        note,
        _ledger_key(members["ledger.pem"]),
        tuple(_entries(members["entries.cborseq"])),
        tuple(_receipts(members["receipts.cborseq"])),
        members["statement.json"],
        pack(members) == data,
    )


def read_entries(data: bytes) -> tuple[Kept, ...]:
    """Entries alone, in the form of the member `entries.cborseq`. Raises TooLarge or Malformed."""
    if len(data) > ARCHIVE_BYTES_MAX:
        raise TooLarge(f"entries: {len(data)} bytes; at most {ARCHIVE_BYTES_MAX}")
    return tuple(_entries(data))


def _members(data: bytes) -> dict[str, bytes]:
    """Every member's bytes as they stand. Checksums are left to the comparison, which sees more than they do."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            infos = file.infolist()
    except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError, OverflowError) as error:
        raise Malformed(f"archive: not a ZIP: {error}") from None
    names = sorted(info.filename for info in infos)
    if names != sorted(MEMBERS):
        raise Malformed(f"archive: its members are {', '.join(names)[:200] or 'none'}; due are {', '.join(MEMBERS)}")
    members = {}
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise Malformed(f"{info.filename}: must be stored, not compressed")
        lengths = data[info.header_offset + _LOCAL_HEADER - 4 : info.header_offset + _LOCAL_HEADER]
        if len(lengths) != 4:
            raise Malformed(f"{info.filename}: lies outside the file")
        start = info.header_offset + _LOCAL_HEADER + sum(struct.unpack("<HH", lengths))
        members[info.filename] = data[start : start + info.file_size]
        if len(members[info.filename]) != info.file_size:
            raise Malformed(f"{info.filename}: lies outside the file")
    if sum(map(len, members.values())) > len(data):
        raise Malformed("archive: members overlap")
    return members


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Malformed("checkpoint.txt: not UTF-8") from None


def _ledger_key(pem: bytes) -> Ed25519PublicKey:
    try:
        key = keys.public_from_pem(pem)
    except ValueError as error:
        raise Malformed(f"ledger.pem: {str(error)[:200]}") from None
    if not isinstance(key, Ed25519PublicKey) or keys.public_to_pem(key) != pem:
        raise Malformed("ledger.pem: must be one Ed25519 public key and nothing else")
    return key


def _entries(data: bytes) -> Iterator[Kept]:
    at = count = 0
    while at < len(data):
        try:
            index, signed, body, at = _entry(data, at)
        except Inadmissible as error:
            raise type(error)(f"entries.cborseq: item {count}: {error}") from None
        yield Kept(index, signed, body)
        count += 1


def _entry(data: bytes, at: int) -> tuple[int, bytes, bytes | None, int]:
    if data[at] != _ARRAY_OF_3:
        raise Malformed("must be [index, signed header, body or null]")
    index, at = heads.head(data, at + 1, heads.UNSIGNED)
    signed, at = _bytes(data, at, message.PLAIN_BYTES_MAX)
    if data[at : at + 1] == _NULL:
        return index, signed, None, at + 1
    body, at = _bytes(data, at, message.PLAIN_BYTES_MAX)
    return index, signed, body, at


def _receipts(data: bytes) -> Iterator[bytes]:
    at = count = 0
    while at < len(data):
        try:
            item, at = _bytes(data, at, receipt.RECEIPT_BYTES_MAX)
        except Inadmissible as error:
            raise type(error)(f"receipts.cborseq: item {count}: {error}") from None
        yield item
        count += 1


def _bytes(data: bytes, at: int, bytes_max: int) -> tuple[bytes, int]:
    length, _ = heads.head(data, at, heads.BYTES)
    if length > bytes_max:
        raise TooLarge(f"{length} bytes; at most {bytes_max}")
    return heads.string(data, at)
