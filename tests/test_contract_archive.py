"""The canonical file is held against one written by hand."""

import struct
import zlib

from contract.archive import pack


def stored(name: bytes, data: bytes) -> bytes:
    """A ZIP of one stored member after the format's specification (APPNOTE 6.3), field by field."""
    # version 2.0, no flags, stored, 00:00:00, 1980-01-01 (day 1, month 1 << 5), CRC-32, sizes, name length, no extra
    common = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0)
    local = b"PK\3\4" + common + name + data
    # made by version 2.0 on Unix (3); then comment length, disk, internal and external attributes, offset
    central = b"PK\1\2" + struct.pack("<BB", 20, 3) + common + struct.pack("<HHHII", 0, 0, 0, 0o600 << 16, 0) + name
    return local + central + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)


def test_the_one_form_is_the_one_written_by_hand():
    assert pack({"a.txt": b"words"}) == stored(b"a.txt", b"words")
