"""Readings as a Parquet file, for any engine: one row a reading, integers only.

In: entries. Out: a file with the columns agent, meter, point, requested_ns, answered_ns, raw (the register words, null
where the status is Bad), status, source_ns (null where none was given), entry (the ledger index that holds it). Rows
are grouped by agent, meter and point, and within these in the order of the ledger. Needs the extra `parquet`.
"""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from contract import body, segment
from contract.errors import Inadmissible
from contract.segment import Block, Column
from gateway.trust import shown_parts

ROWS_AT_ONCE = 1 << 20  # a row group: about 60 MB in memory
LEVEL = 9  # of zstd: a fifth fewer bytes than 1 on differences of times, at half the speed, which is 4 M readings/s
NAMES = ("agent", "meter", "point")
Place = tuple[str, str, str]


class ReadingsTable:
    """The file; `count` readings are in it, `unread` parts were no segment."""

    def __init__(self, path: Path) -> None:
        """Raises ModuleNotFoundError without the extra."""
        import pyarrow as pa  # noqa: PLC0415 - an extra that only this needs
        import pyarrow.parquet as pq  # noqa: PLC0415

        self._arrow = pa
        self.count = self.unread = 0
        self._waiting: dict[Place, list[dict[str, Any]]] = {}
        self._rows = 0
        int64 = pa.int64()
        fields = [(name, pa.dictionary(pa.int32(), pa.string())) for name in NAMES]
        fields += [("requested_ns", int64), ("answered_ns", int64), ("raw", pa.uint64())]
        fields += [("status", pa.uint32()), ("source_ns", int64), ("entry", int64)]
        self._schema = pa.schema(fields)
        integers = [name for name in self._schema.names if name not in NAMES]
        self._writer = pq.ParquetWriter(
            path,
            self._schema,
            compression="zstd",
            compression_level=LEVEL,
            use_dictionary=list(NAMES),
            column_encoding=dict.fromkeys(integers, "DELTA_BINARY_PACKED"),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._write()
        self._writer.close()

    def add(self, agent: str, index: int, data: bytes) -> None:
        """Add the readings in a segment's body."""
        for part in shown_parts(body.unpack(data)):
            try:
                told = segment.decode(part)
            except Inadmissible:  # an agent's garbage keeps no other's readings back; the verifier names it
                self.unread += 1
                continue
            for block in told.blocks:
                for column in block.columns:
                    place = (agent, told.meter, column.point)
                    self._waiting.setdefault(place, []).append(_columns(block, column, index))
                    self._rows += len(column.raws)
        if self._rows >= ROWS_AT_ONCE:
            self._write()

    def _write(self) -> None:
        if not self._rows:
            return
        places = sorted(self._waiting)
        pieces = [piece for place in places for piece in self._waiting[place]]
        rows = [sum(len(piece["entry"]) for piece in self._waiting[place]) for place in places]
        columns = [self._words([place[number] for place in places], rows) for number in range(len(NAMES))]
        columns += [
            self._integers(name, [piece[name] for piece in pieces]) for name in self._schema.names[len(NAMES) :]
        ]
        table = self._arrow.Table.from_arrays(columns, schema=self._schema)
        self._writer.write_table(table, row_group_size=ROWS_AT_ONCE)
        self.count += self._rows
        self._waiting, self._rows = {}, 0

    def _words(self, words: list[str], rows: list[int]) -> Any:  # noqa: ANN401 - pyarrow's
        """A word for so many rows each."""
        known = {word: number for number, word in enumerate(sorted(set(words)))}
        numbers = np.repeat(np.array([known[word] for word in words], np.int32), rows)
        return self._arrow.DictionaryArray.from_arrays(numbers, list(known))

    def _integers(self, name: str, pieces: list[Any]) -> Any:  # noqa: ANN401 - pyarrow's
        whole = np.ma.concatenate(pieces)  # type: ignore[no-untyped-call]
        return self._arrow.array(whole.data, type=self._schema.field(name).type, mask=np.ma.getmaskarray(whole))


def _columns(block: Block, column: Column, index: int) -> dict[str, Any]:
    count = len(column.raws)
    sources = column.sources_ns or (None,) * count
    return {
        "requested_ns": np.array(block.requested_ns, np.int64),
        "answered_ns": np.array(block.answered_ns, np.int64),
        "raw": _masked(column.raws, np.uint64),
        "status": np.array(column.statuses, np.uint32),
        "source_ns": _masked(sources, np.int64),
        "entry": np.full(count, index, np.int64),
    }


def _masked(values: tuple[int | None, ...], kind: type[np.integer[Any]]) -> Any:  # noqa: ANN401 - numpy's masked arrays
    given = np.array([0 if value is None else value for value in values], kind)
    return np.ma.array(given, mask=[value is None for value in values])
