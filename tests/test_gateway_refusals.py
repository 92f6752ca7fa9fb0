"""Refusals are counted in bounded space; the proof of a fork is kept for good."""

import pytest
from sqlalchemy import func, select

from contract import receipt
from gateway import database, refusals
from gateway.refusals import REASON_CHARACTERS_MAX, RefusedMessage
from gateway.schema import METADATA, REFUSALS


@pytest.fixture
def engine(database_url):
    engine = database.engine(database_url)
    METADATA.create_all(engine)
    return engine


def refused(number: int, verdict: str = "malformed", reason: str = "no", **more) -> RefusedMessage:
    return RefusedMessage("edge-1", verdict, reason, number.to_bytes(32, "big"), number, **more)


FORK = receipt.Refusal(epoch=bytes(16), seq=3, hash=bytes(32), verdict="fork", reason="two")


def test_the_same_message_again_is_counted_not_kept_twice(engine):
    with engine.begin() as connection:
        refusals.record(connection, [refused(1), refused(1), refused(1, "wrong_topic"), refused(2)])
    with engine.connect() as connection:
        rows = connection.execute(select(REFUSALS.c.verdict, REFUSALS.c.count).order_by(REFUSALS.c.id)).all()
    assert [tuple(row) for row in rows] == [("malformed", 2), ("wrong_topic", 1), ("malformed", 1)]


def test_a_senders_words_are_cut_and_made_printable(engine):
    with engine.begin() as connection:
        refusals.record(connection, [refused(1, reason="a\x00b\n" + "x" * 500)])
        reason = connection.execute(select(REFUSALS.c.reason)).scalar_one()
    assert reason == "a?b?" + "x" * (REASON_CHARACTERS_MAX - 4)


def test_old_ones_make_room_but_not_those_an_author_signed(engine, monkeypatch):
    monkeypatch.setattr(refusals, "KEPT", 50)
    with engine.begin() as connection:
        refusals.record(connection, [refused(0, "fork", "two", refusal=FORK, signed=b"header")])
        refusals.record(connection, [refused(number) for number in range(1, 63)])
        blameless = select(func.count()).select_from(REFUSALS).where(REFUSALS.c.signed.is_(None))
        assert connection.execute(blameless).scalar_one() == 50
        assert list(refusals.signed(connection)) == [("edge-1", FORK)]
