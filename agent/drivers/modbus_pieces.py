"""The requests of one meter, and which of its registers it refuses.

In: planned blocks, and refusals as they come. Out: pieces to ask for, each with its index. Pure.
Never: a change of an index: a piece cut from another gets a new one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.drivers.blocks import Block

AGAIN_S = 600.0  # when a refused piece is asked for again, if no new connection comes before


@dataclass(slots=True)
class Piece:
    """One block as it is asked for now; `refused` is the exception code, 0 if it is not refused."""

    index: int
    block: Block
    refused: int = 0
    again_s: float = 0.0
    connection: int = 0

    def is_due(self, at_s: float, connection: int) -> bool:
        """Whether to ask for it."""
        return not self.refused or at_s >= self.again_s or connection != self.connection

    def refuse(self, exception: int, at_s: float, connection: int) -> None:
        """Ask no more for a while."""
        self.refused, self.again_s, self.connection = exception, at_s + AGAIN_S, connection


class Pieces:
    """Those of a meter's reading and those of its identity, indexed through."""

    def __init__(self, read: Sequence[Block], identify: Sequence[Block]) -> None:
        self.read = [Piece(index, block) for index, block in enumerate(read)]
        self.identify = [Piece(len(read) + index, block) for index, block in enumerate(identify)]
        self._next = len(read) + len(identify)

    def cut(self, piece: Piece, blocks: Iterable[Block]) -> list[Piece]:
        """Put pieces of its blocks in the place of one, from now on."""
        made = []
        for block in blocks:
            made.append(Piece(self._next, block))
            self._next += 1
        for row in (self.read, self.identify):
            if piece in row:
                at = row.index(piece)
                row[at : at + 1] = made
        return made
