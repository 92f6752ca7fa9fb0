"""The ear: of all that may be heard, only the answer to what was asked. Frames are built here, bytes split anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modbus_plant import crc16, registers

from agent.drivers.modbus_ear import Ear


def rtu(body):
    return body + crc16(body)


def request(unit=1, address=100, count=1, function=3):
    return rtu(bytes([unit, function]) + address.to_bytes(2, "big") + count.to_bytes(2, "big"))


def answer(value=100, count=1, unit=1, function=3):
    return rtu(bytes([unit]) + registers(function, value, count))


def exception(code=2, unit=1, function=3):
    return rtu(bytes([unit, function | 0x80, code]))


def tcp(transaction, body, unit=1):
    return transaction.to_bytes(2, "big") + bytes(2) + (len(body) + 1).to_bytes(2, "big") + bytes([unit]) + body


def tcp_request(transaction, address=100, count=1):
    return tcp(transaction, bytes([3]) + address.to_bytes(2, "big") + count.to_bytes(2, "big"))


@given(st.lists(st.integers(1, 10), max_size=12))
def test_an_answer_is_heard_whatever_pieces_it_comes_in(cuts):
    ear, left = Ear(True, 1.0), answer(7, 3)
    ear.sent(request(count=3), 0.0)
    heard = []
    for cut in cuts:
        heard.append(ear.heard(left[:cut], 0.1))
        left = left[cut:]
    heard.append(ear.heard(left, 0.1))
    assert b"".join(heard) == answer(7, 3)


@given(st.lists(st.sampled_from([0x00, 0xF8, 0xFC, 0xFE, 0xFF]), min_size=1, max_size=4), st.booleans())
def test_bytes_that_a_turning_line_makes_before_an_answer_do_not_spoil_it(made, apart):
    ear = Ear(True, 1.0)
    ear.sent(request(count=3), 0.0)
    pieces = [bytes(made), answer(7, 3)] if apart else [bytes(made) + answer(7, 3)]
    assert [ear.heard(piece, 0.1) for piece in pieces][-1] == answer(7, 3)
    assert not ear.stray


@given(st.integers(0, 71), st.booleans())
def test_no_single_flipped_bit_passes_in_rtu(bit, whole):
    ear, spoilt = Ear(True, 1.0), bytearray(answer(7, 2))
    spoilt[bit // 8] ^= 1 << bit % 8
    ear.sent(request(count=2), 0.0)
    heard = ear.heard(bytes(spoilt), 0.1) if whole else ear.heard(bytes(spoilt[:3]), 0.1) + ear.heard(spoilt[3:], 0.1)
    assert heard == b""
    assert ear.give_up(1.0) == b""


@given(st.binary(max_size=300))
def test_noise_is_no_answer(noise):
    for framing in (True, False):
        ear = Ear(framing, 1.0)
        ear.sent(request() if framing else tcp_request(5), 0.0)
        assert ear.heard(noise, 0.1) == b""


FOREIGN = {
    "another unit": answer(unit=2),
    "another function": answer(function=4),
    "another length": answer(count=2),
    "an exception of another unit": exception(unit=2),
    "an exception to another function": exception(function=4),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_frame_is_passed_over_and_the_answer_after_it_heard(name):
    ear = Ear(True, 1.0)
    ear.sent(request(), 0.0)
    assert ear.heard(FOREIGN[name], 0.1) == b""
    assert ear.heard(answer(), 0.2) == answer()


def test_an_exception_to_the_request_is_its_answer():
    ear = Ear(True, 1.0)
    ear.sent(request(), 0.0)
    assert ear.heard(exception(), 0.1) == exception()


def test_an_answer_that_was_not_waited_for_is_owed_until_it_is_heard():
    ear = Ear(True, 1.0)
    ear.sent(request(), 0.0)
    assert ear.give_up(0.5) == b""
    assert (ear.owes(1), ear.owes(2)) == (True, False)
    assert (ear.owed_s(1, 3, 2), ear.owed_s(1, 3, 4), ear.owed_s(1, 4, 2)) == (0.5, None, None)
    assert ear.heard(answer(), 0.7) == b""
    assert not ear.owes(1)
    assert [(one.address, took) for one, took in ear.late] == [(100, 0.7)]


def test_an_exception_while_another_answer_is_owed_is_not_believed():
    ear = Ear(True, 1.0)
    ear.sent(request(), 0.0)
    ear.give_up(0.5)
    ear.sent(request(count=2), 0.6)
    assert ear.heard(exception(), 0.7) == b""
    assert ear.heard(answer(8, 2), 0.8) == answer(8, 2)


def test_a_doubtful_answer_is_believed_when_it_stays_alone():
    ear = Ear(True, 1.0)
    ear.sent(request(), 0.0)
    ear.give_up(0.5)
    ear.forgive(1, 3, 2)
    ear.sent(request(), 1.0)
    assert ear.heard(answer(), 1.1) == b""
    assert ear.give_up(1.5) == answer()


def test_of_two_answers_neither_is_believed():
    ear = Ear(True, 1.0)
    ear.sent(request(), 0.0)
    ear.give_up(0.5)
    ear.forgive(1, 3, 2)
    ear.sent(request(), 1.0)
    assert ear.heard(answer(4711), 1.1) + ear.heard(answer(), 1.2) + ear.heard(answer(), 1.3) == b""
    assert ear.give_up(1.5) == b""
    assert ear.damaged


def test_a_copy_of_the_answer_before_is_doubted_for_another_address_only():
    ear = Ear(True, 1.0)
    ear.sent(request(), 0.0)
    assert ear.heard(answer(), 0.1) == answer()
    ear.sent(request(), 1.0)
    assert ear.heard(answer(), 1.1) == answer()
    ear.sent(request(address=500), 1.2)
    assert ear.heard(answer(), 1.3) == b""


@pytest.mark.parametrize("rest", [answer()[:4], b"\x01\x00"])
def test_an_answer_with_a_piece_of_another_behind_it_is_not_believed_and_the_line_suspect_until_quiet(rest):
    ear = Ear(True, 1.0)
    ear.sent(request(), 0.0)
    assert ear.heard(answer() + rest, 0.1) == b""
    assert ear.give_up(1.0) == b""
    assert ear.owes(1)
    assert ear.stray
    ear.silenced()
    assert not ear.stray


MISFITS = {
    "another length": registers(3, 1, 2),
    "another function": registers(4, 1, 1),
    "byte count and length differ": bytes([3, 2, 0]),
    "an exception to another function": bytes([0x84, 2]),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_tcp_answer_with_our_transaction_id_that_does_not_fit_is_none(name):
    ear = Ear(False, 1.0)
    ear.sent(tcp_request(5), 0.0)
    assert ear.heard(tcp(5, MISFITS[name]), 0.1) == b""
    assert ear.damaged


def test_transaction_ids_tell_late_tcp_answers_apart():
    ear = Ear(False, 1.0)
    ear.sent(tcp_request(5), 0.0)
    ear.give_up(0.2)
    assert ear.owed_s(1, 3, 2) is None
    ear.sent(tcp_request(6), 0.3)
    late, now = tcp(5, registers(3, 4711, 1)), tcp(6, registers(3, 100, 1))
    assert ear.heard(late + now, 0.4) == now
    assert [took for _, took in ear.late] == [0.4]


def test_transaction_id_0_is_no_answer_to_another():
    ear = Ear(False, 1.0)
    ear.sent(tcp_request(5), 0.0)
    assert ear.heard(tcp(0, registers(3, 100, 1)), 0.1) == b""
    assert ear.is_zero


def test_a_unit_without_transactions_is_asked_with_0_and_owes_as_in_rtu():
    ear = Ear(False, 1.0)
    ear.untagged.add(1)
    assert ear.sent(tcp_request(5), 0.0) == tcp_request(0)
    ear.give_up(0.5)
    assert ear.owed_s(1, 3, 2) == 0.5
    ear.sent(tcp_request(6, count=2), 0.6)
    assert ear.heard(tcp(0, registers(3, 4711, 1)), 0.7) == b""
    assert ear.heard(tcp(0, registers(3, 100, 2)), 0.8) == tcp(0, registers(3, 100, 2))


def test_what_is_no_modbus_breaks_a_tcp_connection():
    ear = Ear(False, 1.0)
    ear.sent(tcp_request(5), 0.0)
    assert ear.heard(b"HTTP/1.1 400 Bad Request\r\n", 0.1) == b""
    assert ear.broken
    ear.connected()
    assert not ear.broken


def test_a_tcp_frame_completed_by_the_next_one_is_no_answer():
    ear = Ear(False, 1.0)
    ear.sent(tcp_request(5, count=4), 0.0)
    cut = tcp(5, registers(3, 100, 4))[:-3]
    assert ear.heard(cut, 0.1) + ear.heard(tcp(4, registers(3, 4711, 1)), 0.2) == b""
    assert ear.damaged
    assert ear.broken
