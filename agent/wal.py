"""A write-ahead log as SQLite writes it: whether commits in it can no longer be read.

In: the log's bytes. Out: a yes or no. Pure. SQLite reads a log up to the first frame whose checksum is wrong and passes
over the rest without a word; a transaction that a kill cut short is part of the rest as well, but has no commit.
Source: https://www.sqlite.org/fileformat2.html#walformat
"""

import struct

HEADER, FRAME = 32, 24
BIG_ENDIAN, LITTLE_ENDIAN = 0x377F0683, 0x377F0682
WORD = 0xFFFFFFFF


def has_lost(wal: bytes) -> bool:
    """Whether there are commits in it that SQLite will not read."""
    if len(wal) <= HEADER:
        return False
    magic, _, page, _ = struct.unpack(">4I", wal[:16])
    order = {BIG_ENDIAN: ">", LITTLE_ENDIAN: "<"}.get(magic)
    if order is None or _sum(order, wal[:24], (0, 0)) != struct.unpack(">2I", wal[24:HEADER]):
        return True
    page = 65536 if page == 1 else page
    frames = range(HEADER, len(wal) - FRAME + 1, FRAME + page)  # of the last one a part may be missing
    running = struct.unpack(">2I", wal[24:HEADER])
    for start in frames:
        head, body = wal[start : start + FRAME], wal[start + FRAME : start + FRAME + page]
        running = _sum(order, body, _sum(order, head[:8], running)) if len(body) == page else (0, 0)
        if head[8:16] != wal[16:24] or running != struct.unpack(">2I", head[16:]):
            return any(_is_commit(wal, later) for later in frames if later >= start)
    return False


def _is_commit(wal: bytes, start: int) -> bool:
    """Whether a frame is of the log's present generation, and the last of a transaction."""
    return wal[start + 8 : start + 16] == wal[16:24] and wal[start + 4 : start + 8] != bytes(4)


def _sum(order: str, data: bytes, begun: tuple[int, int]) -> tuple[int, int]:
    one, two = begun
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = (one + even + two) & WORD
        two = (two + odd + one) & WORD
    return one, two
