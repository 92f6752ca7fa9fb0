"""An authority is asked for the note's own words, and only what a verifier will believe is kept."""

import archive_maker as maker
import pytest
from test_gateway_proofs import InMemory
from time_stamper import TimeStamper
from web_stub import Answer, serving

from contract import checkpoint, timestamp
from contract.errors import BadSignature, Malformed
from gateway.timestamp import Authority

NOTE = maker.factory().note()
WORDS = checkpoint.parse(NOTE).text().encode()


@pytest.fixture(scope="module")
def stamper(need, tmp_path_factory):
    need("openssl")
    return TimeStamper(tmp_path_factory.mktemp("tsa"))


def ask(stamper, answer):
    with serving(answer) as stub:
        return Authority("stamps", stub.url, [stamper.root], 1).ask(NOTE, InMemory()), stub


def test_the_answer_is_kept_verbatim_and_is_of_the_note(stamper):
    part, stub = ask(stamper, stamper.web_answer)
    assert (part.source, part.note) == ("stamps", NOTE)
    assert timestamp.verify(part.token, WORDS, [stamper.root]).at_ns > 1_700_000_000 * 10**9
    assert stamper.verifies(part.token, WORDS)
    ((_, kind, _),) = stub.asked
    assert kind == "application/timestamp-query"


def test_an_answer_to_another_request_is_refused(stamper):
    """Such as one that was recorded before: right words, right signer, another nonce."""
    old = stamper.stamp(WORDS)
    with pytest.raises(BadSignature, match="answers another request"):
        ask(stamper, lambda _: Answer(200, old))


def test_an_answer_of_a_strangers_is_refused(stamper, tmp_path):
    other = TimeStamper(tmp_path)
    with pytest.raises(BadSignature, match="^time stamp: "):
        ask(stamper, other.web_answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [(Answer(503, b"busy"), "answers with status 503"), (Answer(200, b"junk"), "not an RFC 3161 answer")],
)
def test_no_answer_is_told(stamper, answer, words):
    with pytest.raises(Malformed, match=words):
        ask(stamper, lambda _: answer)
