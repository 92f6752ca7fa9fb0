"""Pieces of a meter: indexes stay, what is refused is left alone for its time."""

from modbus_plant import meter_profile

from agent.drivers.blocks import plan
from agent.drivers.modbus_pieces import AGAIN_S, Pieces


def blocks(*addresses):
    return plan(meter_profile(*addresses).points, 125, 0)


def test_identity_comes_after_the_readings():
    pieces = Pieces(blocks(1, 10), blocks(100))
    assert [piece.index for piece in pieces.read] == [0, 1]
    assert [piece.index for piece in pieces.identify] == [2]


def test_cut_pieces_get_new_indexes_and_the_place_of_the_old():
    pieces = Pieces(blocks(1, 10, 20), blocks(100))
    made = pieces.cut(pieces.read[1], blocks(10, 12))
    assert [piece.index for piece in made] == [4, 5]
    assert [(piece.index, piece.block.address) for piece in pieces.read] == [(0, 1), (4, 10), (5, 12), (2, 20)]
    again = pieces.cut(pieces.identify[0], blocks(100, 102))
    assert [piece.index for piece in again] == [6, 7]
    assert pieces.identify == again


def test_a_refused_piece_is_due_after_ten_minutes_or_on_a_new_connection():
    (piece,) = Pieces(blocks(1), ()).read
    assert piece.is_due(0.0, 1)
    piece.refuse(2, 100.0, 1)
    assert not piece.is_due(100.0 + AGAIN_S - 0.1, 1)
    assert piece.is_due(100.0 + AGAIN_S, 1)
    assert piece.is_due(101.0, 2)
    assert AGAIN_S == 600
