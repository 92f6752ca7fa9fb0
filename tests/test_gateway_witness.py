"""A real witness is asked over HTTP: it learns what the gateway holds, and a gateway put back is told."""

import threading
from contextlib import contextmanager

import archive_maker as maker
import pytest
import witnesses
from ledger_on_disk import Kept
from web_stub import Answer, serving
from witness_folder import witness_toml

from contract import checkpoint, cosignature
from contract.errors import BadSignature, Malformed
from gateway.witness import Witness
from witness.config import load
from witness.server import make_server

AT_S = 1_700_002_000


@contextmanager
def witnessing(folder, key, site="works"):
    """A witness's server; its address."""
    server = make_server(load(witness_toml(folder, key, f"metertrail/{site}")), lambda: AT_S)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def asking(url: str, key=witnesses.KEY) -> Witness:
    return Witness(witnesses.NAME, url, key.public_key(), 1)


@pytest.fixture
def kept(tmp_path):
    made = maker.opened()
    opened = Kept(tmp_path, made)
    yield opened
    opened.ledger.close()


def test_a_ledger_that_grows_is_co_signed_each_time_also_after_a_restart(kept, tmp_path):
    with witnessing(tmp_path, kept.made.ledger_key.public_key()) as url:
        witness = asking(url)
        for grow in (lambda: None, lambda: maker.produced(kept.made), lambda: maker.stated(kept.made)):
            grow()
            kept.append()
            part = witness.ask(kept.ledger.latest_checkpoint(), kept.ledger)
            assert cosignature.times_s(part.note, witnesses.NAME, witnesses.KEY.public_key()) == [AT_S]
            assert checkpoint.parse(part.note) == kept.ledger.head()
            assert part.token is None
        forgetful = asking(url)  # a gateway that was started anew knows nothing of what was seen
        assert forgetful.ask(kept.ledger.latest_checkpoint(), kept.ledger).note == part.note


def test_a_ledger_that_was_put_back_is_told(kept, tmp_path):
    old = kept.ledger.latest_checkpoint()
    with witnessing(tmp_path, kept.made.ledger_key.public_key()) as url:
        maker.produced(kept.made)
        kept.append()
        asking(url).ask(kept.ledger.latest_checkpoint(), kept.ledger)
        with pytest.raises(Malformed, match="it co-signed 32 entries, here are 6: was the ledger put back?"):
            asking(url).ask(old, kept.ledger)


def test_a_ledger_that_was_rewritten_gets_no_co_signature(kept, tmp_path):
    """The same keys and as many entries: the witness saw other ones."""
    true = maker.opened(maker.Factory(kept.made.private, kept.made.ledger_key))
    maker.produced(true)
    (tmp_path / "true").mkdir()
    other = Kept(tmp_path / "true", true)
    maker.produced(kept.made, batches=("L1-0001",))
    kept.made.add(maker.AGENT, "event", [], maker.T0, maker.T0)
    kept.append()
    with witnessing(tmp_path, kept.made.ledger_key.public_key()) as url:
        asking(url).ask(other.ledger.latest_checkpoint(), other.ledger)
        with pytest.raises(Malformed, match="it co-signed another ledger of 32 entries"):
            asking(url).ask(kept.ledger.latest_checkpoint(), kept.ledger)
        kept.made.add(maker.AGENT, "event", [], maker.T0, maker.T0)
        kept.append()
        with pytest.raises(Malformed, match="status 422: it saw another ledger before"):
            asking(url).ask(kept.ledger.latest_checkpoint(), kept.ledger)
    other.ledger.close()


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (Answer(404, b""), Malformed, "status 404: it does not watch this ledger"),
        (Answer(200, b""), BadSignature, "answers without a co-signature of auditor.example/w1's key"),
        (Answer(200, b"\xff"), Malformed, "not UTF-8"),
        (Answer(409, b"junk"), Malformed, "a conflict without the size"),
        (Answer(409, b"99"), Malformed, "it co-signed 99 entries, here are 6"),
        (Answer(500, b""), Malformed, "status 500: no co-signature"),
    ],
)
def test_any_other_answer_is_told(kept, answer, error, words):
    with serving(lambda _: answer) as stub, pytest.raises(error, match=words):
        asking(stub.url).ask(kept.ledger.latest_checkpoint(), kept.ledger)


def test_a_stranger_s_line_is_left_out(kept):
    note = kept.ledger.latest_checkpoint()
    own = cosignature.sign(note, witnesses.NAME, witnesses.KEY, AT_S)
    other = cosignature.sign(note, "other.example", maker.Factory().ledger_key, AT_S)
    with serving(lambda _: Answer(200, (other + own).encode())) as stub:
        assert asking(stub.url).ask(note, kept.ledger).note == note + own
