"""DL/T 645 frames against published telegrams, and against what a broken line makes of them.

The telegrams of meter 000000000161 are a collection quoted in many places, with their meaning (among them
hwhale.com/article/138066); those of 123456789012 and of the wildcard address are test vectors of another
implementation (Dlt645.Core.Tests, FrameCodecTests).
"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers import (
    BAD_DECODING_ERROR,
    BAD_DEVICE_FAILURE,
    BAD_NO_DATA,
    BAD_OUT_OF_RANGE,
    GOOD,
    profile,
    registers,
)
from agent.drivers.dlt645_frame import Answer, Frame, answer, encoded, reading, request, scan
from agent.drivers.point import Point

METER = "000000000161"
ENERGY = "68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16"
VOLTAGE = "68 61 01 00 00 00 00 68 91 06 33 34 34 35 34 43 10 16"
REFUSAL = "68 12 90 78 56 34 12 68 D1 01 35 8D 16"


def point(type_, **keys):
    what = {"id": "p", "quantity": "q", "unit": "1", "kind": "gauge", "di": "00010000", "type": type_}
    return Point.model_validate(what | keys)


@pytest.mark.parametrize(
    ("address", "di", "wake", "telegram"),
    [
        (METER, "00010000", 0, "68 61 01 00 00 00 00 68 11 04 33 33 34 33 14 16"),
        (METER, "00020000", 0, "68 61 01 00 00 00 00 68 11 04 33 33 35 33 15 16"),
        (METER, "02010100", 4, "FE FE FE FE 68 61 01 00 00 00 00 68 11 04 33 34 34 35 17 16"),
        (METER, "02020100", 0, "68 61 01 00 00 00 00 68 11 04 33 34 35 35 18 16"),
        (METER, "02060000", 0, "68 61 01 00 00 00 00 68 11 04 33 33 39 35 1B 16"),
        ("123456789012", "00010000", 0, "68 12 90 78 56 34 12 68 11 04 33 33 34 33 68 16"),
        ("aaaaaaaaaaaa", "00010000", 4, "FE FE FE FE 68 AA AA AA AA AA AA 68 11 04 33 33 34 33 AE 16"),
    ],
)
def test_requests_are_the_published_ones(address, di, wake, telegram):
    assert request(address, di, wake) == bytes.fromhex(telegram)


@pytest.mark.parametrize(
    ("telegram", "di", "data"),
    [
        (ENERGY, "00010000", "00000026"),  # 0.26 kWh
        ("68 61 01 00 00 00 00 68 91 08 33 33 35 33 59 34 33 33 8C 16", "00020000", "00000126"),  # 1.26 kWh
        ("68 61 01 00 00 00 00 68 91 08 33 33 36 33 59 33 34 33 8D 16", "00030000", "00010026"),  # 100.26 kvarh
        (VOLTAGE, "02010100", "1001"),  # 100.1 V
        ("68 61 01 00 00 00 00 68 91 07 33 34 35 35 CC 7C 33 16 16", "02020100", "004999"),  # 4.999 A
        ("68 61 01 00 00 00 00 68 91 07 33 33 36 35 45 58 33 6B 16", "02030000", "002512"),  # 0.2512 kW
        ("68 61 01 00 00 00 00 68 91 06 33 33 39 35 34 38 09 16", "02060000", "0501"),  # 0.501
    ],
)
def test_answers_are_read_as_published(telegram, di, data):
    frames, rest = scan(bytes.fromhex("FE FE FE FE" + telegram))
    assert rest == b""
    assert [answer(frame, METER, di) for frame in frames] == [Answer(bytes.fromhex(data))]


def test_an_answer_to_something_else_is_none():
    (frame,), _ = scan(bytes.fromhex(ENERGY))
    assert answer(frame, METER, "00010000") is not None
    assert answer(frame, METER, "00010100") is None, "another item"
    assert answer(frame, "000000000162", "00010000") is None, "another meter"
    (echo,), _ = scan(request(METER, "00010000", 4))
    assert answer(echo, METER, "00010000") is None, "our own request, heard on a two-wire line"
    address_read = Frame(METER, 0x93, frame.data)
    assert answer(address_read, METER, "00010000") is None, "another function"


@pytest.mark.parametrize(
    ("error", "status"),
    [(0x01, BAD_DEVICE_FAILURE), (0x02, BAD_OUT_OF_RANGE), (0x04, BAD_OUT_OF_RANGE), (0x00, BAD_DEVICE_FAILURE)],
)
def test_refusals_become_statuses(error, status):
    assert answer(Frame(METER, 0xD1, bytes([error])), METER, "00010000") == Answer(b"", status)


def test_a_published_refusal():
    (frame,), _ = scan(bytes.fromhex(REFUSAL))
    assert answer(frame, "123456789012", "00010000") == Answer(b"", BAD_OUT_OF_RANGE)
    assert answer(frame, METER, "00010000") is None


def test_more_frames_are_not_followed():
    frame = Frame(METER, 0xB1, bytes.fromhex("00 00 01 00 26 00"))
    assert answer(frame, METER, "00010000") == Answer(b"", BAD_DECODING_ERROR)


def test_a_frame_that_is_cut_waits_for_the_rest():
    whole = bytes.fromhex("FE FE" + ENERGY)
    for cut in range(len(whole)):
        frames, rest = scan(whole[:cut])
        assert frames == []
        assert scan(rest + whole[cut:])[0] == scan(whole)[0]


@given(st.integers(0, 19), st.integers(0, 7))
def test_a_flipped_bit_never_passes(at, bit):
    spoilt = bytearray(bytes.fromhex(ENERGY))
    spoilt[at] ^= 1 << bit
    assert scan(bytes(spoilt))[0] == []


@given(st.binary(max_size=12).filter(lambda noise: 0x68 not in noise), st.integers(1, 3))
def test_noise_around_frames_costs_none(noise, count):
    frames, rest = scan((noise + bytes.fromhex(VOLTAGE)) * count + noise)
    assert len(frames) == count
    assert rest == b""


def test_a_false_start_inside_noise_is_passed_over():
    assert len(scan(bytes.fromhex("68 68 00 11 68" + VOLTAGE + VOLTAGE))[0]) == 2


def test_an_impossible_length_is_not_waited_for():
    assert scan(bytes.fromhex("68 61 01 00 00 00 00 68 91 C9") + bytes(40)) == ([], b"")


@given(st.text("0123456789", min_size=12, max_size=12), st.integers(0, 255), st.binary(max_size=200), st.integers(0, 4))
def test_frames_come_back(address, control, data, wake):
    frame = Frame(address, control, data)
    assert scan(encoded(frame, wake)) == ([frame], b"")


@pytest.mark.parametrize("frame", [Frame("0161", 0x11, b""), Frame(METER, 0x11, bytes(201))])
def test_what_fits_no_frame_is_refused(frame):
    with pytest.raises(ValueError, match="do not fit a frame"):
        encoded(frame)


@given(st.integers(-799_999, 799_999))
def test_signed_digits_mean_what_they_show(number):
    raw = int(f"{abs(number):06d}", 16) | (0x800000 if number < 0 else 0)
    current = point("bcd24_signed", unit="A", scale=-3)
    assert registers.status_of(current, raw) == GOOD
    assert registers.scaled(current, raw, Fraction(1)) == number
    assert registers.scaled_column(current, [raw, raw], Fraction(1)).tolist() == [number, number]


def test_an_energy_is_replayed_with_its_step_and_its_limit():
    keys = {"quantity": "active_energy_import", "unit": "kWh", "kind": "counter", "scale": -2}
    energy = point("bcd32", **keys, step="0.01", limit="1000000")
    assert registers.scaled(energy, 0x12345678, Fraction(40)) == 123_456_780_000 * 40
    assert registers.limit_of(energy, Fraction(40)) == 10**12 * 40
    assert registers.slack(energy, 0x12345678, Fraction(40)) == (0, 10_000 * 40)


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"di": "0001"}, "point.p.di: '0001' is no data identifier: write its eight hexadecimal digits, DI3 first"),
        ({"di": "0001FF00"}, "point.p.di: 0001FF00 is a block of data items: name one item, without FF"),
        ({"address": 1}, "point.p.di: given beside another place: keep di alone"),
        ({"type": "uint32"}, "point.p.type: uint32 is no data item: use text, or bcd16 to bcd64 by its length"),
        ({"words": "low_first"}, "point.p.words: only registers have it: remove it"),
        ({"di": None, "table": "holding", "address": 1}, "point.p.type: bcd24 is only a data item of DL/T 645"),
    ],
)
def test_a_fault_in_a_profile_is_named(keys, line):
    written = {"id": "p", "quantity": "q", "unit": "1", "kind": "gauge", "di": "00010000", "type": "bcd24"} | keys
    text = 'make = "M"\nmodel = "X"\nmedium = "electricity"\ngrade = "bronze"\nsources = ["s"]\n[[point]]\n'
    text += "".join(f"{key} = {value!r}\n" for key, value in written.items() if value is not None)
    with pytest.raises(ValueError) as caught:
        profile.parse(text.encode())
    assert any(found.startswith(line) for found in str(caught.value).splitlines()), str(caught.value)


@pytest.mark.parametrize(
    ("kind", "data", "found"),
    [
        ("bcd32", "00000026", (0x26, GOOD, None)),
        ("bcd24_signed", "801250", (0x801250, GOOD, None)),
        ("bcd32", "0000002a", (None, BAD_DECODING_ERROR, None)),
        ("bcd24_signed", "ffffff", (None, BAD_NO_DATA, None)),
        ("bcd32", "ffffffff", (None, BAD_NO_DATA, None)),
        ("bcd32", "000026", (None, BAD_DECODING_ERROR, None)),
        ("bcd32", "", (None, BAD_DECODING_ERROR, None)),
        ("text", "000000000161", (None, GOOD, "000000000161")),
        ("text", "00000000016a", (None, BAD_DECODING_ERROR, None)),
        ("text", "000161", (None, BAD_DECODING_ERROR, None)),
    ],
)
def test_data_become_readings(kind, data, found):
    made = reading(point(kind, **({"length": 6} if kind == "text" else {})), Answer(bytes.fromhex(data)))
    assert (made.raw, made.status, made.text) == found


def test_a_refused_point_has_no_value():
    made = reading(point("bcd32"), Answer(b"", BAD_OUT_OF_RANGE))
    assert (made.raw, made.status) == (None, BAD_OUT_OF_RANGE)
