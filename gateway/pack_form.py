"""A pack: a folder that holds a stretch of a ledger for good, in files that are never changed.

In: a pack's folder. Out: what its index says, or its files' content, each held against its SHA-256. Raises Corrupt.
    pack.json              the index: which entries, the checkpoint that covers exactly up to them, sizes and hashes
    entries.cborseq.zst    the entries, as an archive has them
    admissions.txt.zst     a line for each: index, admitted_ns, flags
    refusals.jsonl.zst     what authors signed and was refused, such as the proof of a fork
    readings.parquet       the same readings for any engine; absent without the extra `parquet`, and never read here
"""

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Literal

import zstandard
from annotated_types import Len
from pydantic import BaseModel, ConfigDict, ValidationError

from contract.entry import Count, Integer
from gateway.errors import Corrupt

INDEX, ENTRIES, ADMISSIONS = "pack.json", "entries.cborseq.zst", "admissions.txt.zst"
REFUSALS, READINGS = "refusals.jsonl.zst", "readings.parquet"
WINDOW_LOG = (
    27  # what zstd's own program takes without being asked: 128 MiB, so that all entries of a day help each other
)
READ_BYTES = 1 << 20


class File(BaseModel):
    """One file of a pack."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    bytes: Count
    sha256: Annotated[str, Len(64, 64)]


class Index(BaseModel):
    """What a pack is. `refusals_to` is the last refusal's number in the database, as of this pack."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    form: Literal["metertrail/pack/v1"] = "metertrail/pack/v1"
    site: str
    day: str
    first: Count
    last: Count
    checkpoint: str
    checkpoint_at_ns: Integer
    readings: Count
    refusals_to: Count
    files: dict[str, File]


def packs(folder: Path, site: str) -> list[tuple[Path, Index]]:
    """Every finished pack of a folder, in order: one after another without a hole. Raises Corrupt."""
    found = sorted((read_index(path.parent) for path in folder.glob(f"*/{INDEX}")), key=lambda one: one[1].first)
    due = 0
    for path, index in found:
        if index.site != site:
            raise Corrupt(f"{path}: is of {index.site}, not of {site}")
        if index.first != due:
            raise Corrupt(f"{path}: begins with entry {index.first} where {due} is due: a pack is missing or doubled")
        due = index.last + 1
    return found


def read_index(path: Path) -> tuple[Path, Index]:
    """A pack's index, with its folder."""
    try:
        return path, Index.model_validate_json((path / INDEX).read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise Corrupt(f"{path / INDEX}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def write_index(path: Path, index: Index) -> None:
    """Write a pack's index."""
    text = json.dumps(index.model_dump(), ensure_ascii=False, indent=1, sort_keys=True)
    (path / INDEX).write_text(text + "\n", encoding="utf-8")


def described(path: Path) -> File:
    """A file's size and hash."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while data := file.read(READ_BYTES):
            digest.update(data)
            size += len(data)
    return File(bytes=size, sha256=digest.hexdigest())


@contextmanager
def opened(path: Path, index: Index, name: str) -> Iterator[IO[bytes]]:
    """A compressed file's content, after the file was held against its hash. Raises Corrupt."""
    file = path / name
    if name not in index.files or not file.exists():
        raise Corrupt(f"{file}: is missing")
    if described(file) != index.files[name]:
        raise Corrupt(f"{file}: is not the file that {INDEX} names: restore it from another copy")
    unpacker = zstandard.ZstdDecompressor(max_window_size=1 << WINDOW_LOG)
    with file.open("rb") as packed, unpacker.stream_reader(packed, read_across_frames=True) as stream:
        try:
            yield stream
        except zstandard.ZstdError as error:
            raise Corrupt(f"{file}: {error}") from None


def lines(stream: IO[bytes]) -> Iterator[str]:
    """The lines of a text."""
    for line in io.TextIOWrapper(stream, encoding="utf-8"):
        yield line.rstrip("\n")
