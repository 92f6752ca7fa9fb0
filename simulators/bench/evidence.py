"""Signed entries as a plant's agent sends them, made fast: what admission, brokers and stores are measured with.

In: how many meters, scans and entries, and a seed. Out: one enrolled agent's chain as messages, and the same readings
as columns. Meters are read once a second; a counter of Wh that rises with a noisy power, and that power in W; times to
1 ms with the jitter of a bus.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract import keys, message, records, segment
from contract.entry import Clock
from contract.segment import TICK_NS, Block, Column, MeterSegment
from contract.writer import Circumstances, Span, Writer, write

SITE, AGENT = "bench", "edge-1"
NS, MS = 1_000_000_000, 1_000_000
T0_NS = 1_790_000_000 * NS
CLOCK = Clock(synchronised=True, error_ns=2_000_000, boot=bytes(16), monotonic_ns=0)


@dataclass(frozen=True, slots=True)
class Readings:
    """Columns of (meters, scans): ns UTC, Wh, W."""

    requested_ns: NDArray[np.int64]
    answered_ns: NDArray[np.int64]
    energy_wh: NDArray[np.int64]
    power_w: NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many readings: two a scan."""
        return 2 * self.energy_wh.size


def readings(meters: int, scans: int, seed: int) -> Readings:
    """A plant's readings at 1 Hz: power wanders by 1 % around its level, answers take 8 to 30 ms."""
    chance = np.random.default_rng(seed)
    level = chance.uniform(2_000, 80_000, (meters, 1))
    power = (level * chance.normal(1, 0.01, (meters, scans))).astype(np.int64)
    energy = chance.integers(0, 10**8, (meters, 1)) + (np.cumsum(power, axis=1) // 3600)
    slot = T0_NS + np.arange(scans, dtype=np.int64) * NS + (np.arange(meters, dtype=np.int64) * 7 * MS)[:, None]
    requested = slot + chance.integers(0, 3, (meters, scans)) * MS
    answered = requested + chance.integers(8, 12, (meters, scans)) * MS
    return Readings(requested, answered, energy, power)


def segments(read: Readings, first: int, last: int) -> list[MeterSegment]:
    """One part a meter, of the scans from `first` to before `last`."""
    good = (0,) * (last - first)
    made = []
    for number in range(read.energy_wh.shape[0]):
        cut = [column[number, first:last].tolist() for column in (read.energy_wh, read.power_w)]
        columns = (Column("energy_import", tuple(cut[0]), good), Column("power", tuple(cut[1]), good))
        requested, answered = (tuple(c[number, first:last].tolist()) for c in (read.requested_ns, read.answered_ns))
        made.append(MeterSegment(f"m{number:03}", TICK_NS, (Block(0, requested, answered, columns),)))
    return made


def messages(read: Readings, scans_an_entry: int, key: keys.PrivateKey) -> Iterator[bytes]:
    """The agent's chain: a manifest, then a segment for every so many scans."""
    writer = Writer(SITE, AGENT, key, bytes(range(16)))
    author = records.Author(
        parent=None, reason="first start", software="bench", config_hash=bytes(32), started_ns=T0_NS
    )
    parts, kind = [records.write(author)], "manifest"
    for number, first in enumerate([-1, *range(0, read.energy_wh.shape[1], scans_an_entry)]):
        at_ns = T0_NS + max(0, first) * NS
        if first >= 0:
            kind = "segment"
            parts = [segment.encode(one) for one in segments(read, first, first + scans_an_entry)]
        now = Circumstances(at_ns, CLOCK, None, hashlib.sha256(b"%d" % number).digest())
        writer, _, sealed = write(writer, kind, parts, Span(at_ns, at_ns + scans_an_entry * NS), now)
        yield message.pack(sealed.signed, sealed.body)
