"""A witness over HTTP says what C2SP tlog-witness has it say."""

import http.client
import threading
from contextlib import contextmanager

import archive_maker as maker
import pytest
import witnesses
from witness_folder import witness_toml

from contract import cosignature, merkle
from contract.proof_text import TEXT_CHARACTERS_MAX, Growth
from witness.config import load
from witness.server import make_server

AT_S = 1_700_002_000


@contextmanager
def serving(tmp_path, key):
    server = make_server(load(witness_toml(tmp_path, key)), lambda: AT_S + 0.7)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def posted(port: int, data: bytes, path: str = "/add-checkpoint") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", path, data)
    answer = connection.getresponse()
    told = answer.status, answer.headers["Content-Type"], answer.read().decode()
    connection.close()
    return told


def test_a_ledger_that_grows_is_signed_each_time(tmp_path):
    made = maker.opened()
    first, size = made.note(), len(made.ledger)
    maker.produced(made)
    leaves = [merkle.leaf_hash(signed) for signed, _ in made.ledger]
    growth = Growth(size, tuple(merkle.consistency_proof(leaves, size)), made.note())
    with serving(tmp_path, made.ledger_key.public_key()) as port:
        for asked in (Growth(0, (), first), growth, Growth(len(leaves), (), made.note())):
            status, _, line = posted(port, asked.text().encode())
            assert status == 200
            times = cosignature.times_s(asked.note + line, witnesses.NAME, witnesses.KEY.public_key())
            assert times == [AT_S]
        # what it signed last, as the protocol tells a client that does not know
        assert posted(port, Growth(0, (), first).text().encode()) == (409, "text/x.tlog.size", f"{len(leaves)}\n")


@pytest.mark.parametrize(
    ("data", "path", "status"),
    [
        (b"words", "/add-checkpoint", 400),
        (b"\xff", "/add-checkpoint", 400),
        (b"x" * (TEXT_CHARACTERS_MAX + 1), "/add-checkpoint", 413),
        (b"words", "/elsewhere", 404),
    ],
)
def test_what_is_no_request_is_refused(tmp_path, data, path, status):
    with serving(tmp_path, maker.factory().ledger_key.public_key()) as port:
        assert posted(port, data, path)[0] == status


def test_a_strangers_note_is_forbidden(tmp_path):
    with serving(tmp_path, witnesses.KEY.public_key()) as port:
        assert posted(port, Growth(0, (), maker.factory().note()).text().encode())[0] == 403


def test_a_memory_that_is_broken_signs_nothing(tmp_path):
    made = maker.factory()
    with serving(tmp_path, made.ledger_key.public_key()) as port:
        (tmp_path / "seen.json").write_text("junk")
        status, _, words = posted(port, Growth(0, (), made.note()).text().encode())
    assert (status, words) == (500, "the witness cannot remember: nothing is signed\n")
