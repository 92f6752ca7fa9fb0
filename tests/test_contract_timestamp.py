"""Time stamps: OpenSSL's are believed to the second, and nothing that was changed, refused or signed by a stranger."""

import random
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from rfc3161_client import decode_timestamp_response
from time_stamper import TimeStamper

from contract import timestamp
from contract.errors import BadSignature, Inadmissible, Malformed, TooLarge

WORDS = b"metertrail/plant-1\n7\nAAAA\n"


@pytest.fixture(scope="module")
def authority(need, tmp_path_factory):
    need("openssl")
    return TimeStamper(tmp_path_factory.mktemp("tsa"))


@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_the_time_is_the_one_openssl_reads(authority, digest):
    answer = authority.stamp(WORDS, digest=digest)
    told = timestamp.verify(answer, WORDS, [authority.root])
    assert told.at_ns == (authority.told_at(answer) - timestamp.EPOCH) // timedelta(seconds=1) * 10**9
    assert (told.accuracy_ns, told.by_ns - told.at_ns) == (1_500_000_000, 1_500_000_000)


def test_certificates_in_any_order_are_read(authority):
    """Of the two orders one is not DER's, and the library alone refuses it: it is the one OpenSSL may leave."""
    answer = authority.stamp(WORDS, chain=True)
    pair = [one.public_bytes(Encoding.DER) for one in (authority.root, authority.signer)]
    at = min(answer.index(one) for one in pair)
    rest = answer[at + sum(map(len, pair)) :]
    refused = 0
    for first, second in (pair, pair[::-1]):
        ordered = answer[:at] + first + second + rest
        assert timestamp.verify(ordered, WORDS, [authority.root]).at_ns > 0
        try:
            decode_timestamp_response(ordered)
        except ValueError:
            refused += 1
    assert refused == 1


def test_other_words_or_another_root_are_refused(authority, tmp_path):
    answer = authority.stamp(WORDS)
    with pytest.raises(BadSignature, match="time stamp: Mismatch between messages"):
        timestamp.verify(answer, WORDS + b" ", [authority.root])
    with pytest.raises(BadSignature):
        timestamp.verify(answer, WORDS, [TimeStamper(tmp_path).root])
    with pytest.raises(BadSignature):
        timestamp.verify(answer, WORDS, [])


def test_no_changed_byte_gives_another_time(authority):
    """A few bytes are under no signature, such as the name of the serial number's owner: there the time stays."""
    answer, chance = authority.stamp(WORDS), random.Random(3)
    true = timestamp.verify(answer, WORDS, [authority.root])
    believed = 0
    for at in range(0, len(answer), 2):
        changed = answer[:at] + bytes([answer[at] ^ chance.randrange(1, 256)]) + answer[at + 1 :]
        try:
            assert timestamp.verify(changed, WORDS, [authority.root]) == true
            believed += 1
        except Inadmissible as error:
            assert "\n" not in str(error)  # noqa: PT017 - nearly every change is refused
    assert believed < len(answer) // 50


def test_a_refusal_is_told_with_its_reason():
    # TimeStampResp of status 2 (rejection) with one line of free text, after RFC 3161, section 2.4.2
    text = b"\x0c\x04no!!"
    status = b"\x02\x01\x02" + b"\x30" + bytes([len(text)]) + text
    answer = b"\x30" + bytes([len(status) + 2]) + b"\x30" + bytes([len(status)]) + status
    with pytest.raises(Malformed, match=r"time stamp: not (granted: status 2|an RFC 3161 answer)"):
        timestamp.read(answer)


def test_too_long_an_answer_is_refused_unread():
    with pytest.raises(TooLarge):
        timestamp.read(bytes(timestamp.TOKEN_BYTES_MAX + 1))


@given(st.binary(max_size=400))
@settings(max_examples=200)
def test_any_bytes_are_refused(data):
    with pytest.raises(Inadmissible):
        timestamp.verify(data, WORDS, [])
