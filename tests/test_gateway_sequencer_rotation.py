"""A rotation and the enrolment that follows it are one commit; a restart knows what a run without one knows."""

import pytest
from authors import SITE, Author, author_part
from test_gateway_sequencer import GATEWAY_KEY, Desk

from contract import body, entry, keys, receipt, records
from contract.errors import BadSignature
from gateway.database import sqlite_url
from gateway.sequencer import Sequencer
from gateway.trust import GATEWAY


@pytest.fixture
def edge():
    return Author("edge-1")


@pytest.fixture
def desk(tmp_path, edge):
    return Desk(sqlite_url(tmp_path / "ledger.sqlite"), edge)


def restart(desk: Desk) -> None:
    """As a start does: the gateway's manifest comes first."""
    desk.reopen()
    desk.sequencer.seal("manifest", [author_part(desk.sequencer.parent)])


def enrolments(desk: Desk) -> list[records.EnrolmentPart]:
    found = desk.ledger.select(["enrolment"], -(2**63), 2**63 - 1)
    return [records.read(body.unpack(one.body).parts[0], records.EnrolmentPart) for one in found]


def test_one_group_may_hold_the_rotation_and_what_comes_after(desk, edge):
    sent = [edge.begin(), edge.rotate(keys.generate(keys.ES256)), edge.begin("second", parent=edge.head)]
    outcome = desk.send(edge, *sent)
    assert outcome.verdicts == {("edge-1", "admitted"): 3}
    assert [one[1:] for one in desk.told[2:]] == [
        ("edge-1", "manifest"), ("edge-1", "rotation"), ("gateway", "enrolment"), ("edge-1", "manifest"),
    ]  # fmt: skip
    said = enrolments(desk)[-1]
    assert (said.author, said.key, said.reenrolled) == ("edge-1", keys.cose_key(edge.public), None)
    assert (said.rotation.seq, said.rotation.hash) == (1, sent[1].hash)
    assert desk.receipt(outcome).checkpoint.size == desk.ledger.size == 6


@pytest.mark.parametrize("at", range(4))
def test_a_restart_at_any_step_goes_on_where_it_was(desk, edge, at):
    sent = [edge.begin(), edge.rotate(keys.generate()), edge.begin("second", parent=edge.head), edge.say()]
    for number, one in enumerate(sent):
        if number == at:
            restart(desk)
        desk.send(edge, one)
    restart(desk)
    assert desk.send(edge, *sent).verdicts == {("edge-1", "duplicate"): 4}
    assert desk.send(edge, edge.say()).verdicts == {("edge-1", "admitted"): 1}
    assert len(enrolments(desk)) == 2


def test_whoever_resends_after_a_lost_receipt_gets_another(desk, edge):
    sent = [edge.begin(), edge.rotate(keys.generate())]
    desk.send(edge, *sent)
    told = desk.receipt(desk.send(edge, sent[0]))
    assert [(head.epoch, head.seq) for head in told.heads] == [(edge.writer.epoch, 1)]


def test_what_a_gone_key_signs_is_refused_in_the_receipt(desk, edge):
    desk.send(edge, edge.begin())
    thief = edge.copy()
    desk.send(edge, edge.rotate(keys.generate()), edge.begin("second", parent=edge.head))
    late = thief.begin("third", parent=edge.head)
    for _ in range(2):
        told = desk.receipt(desk.send(thief, late))
        assert [(one.hash, one.verdict) for one in told.refused] == [(late.hash, "revoked")]
        desk.reopen()


def test_the_gateway_goes_on_under_another_key_in_an_epoch_of_its_own(desk, edge):
    new = keys.generate(keys.ES256)
    desk.sequencer.rotate(new)
    desk.sequencer.seal("manifest", [author_part(desk.sequencer.parent)])
    last = list(desk.ledger.entries())[-3:]
    assert [one.type for one in last] == ["rotation", "enrolment", "manifest"]
    signers = [entry.read(one.signed).container.key_id for one in last]
    assert signers == [keys.thumbprint(key.public_key()) for key in (GATEWAY_KEY, GATEWAY_KEY, new)]
    assert last[2].epoch != last[1].epoch
    told = desk.send(edge, edge.begin()).receipts["edge-1"]
    assert receipt.verify(told, new.public_key(), SITE).agent == "edge-1"
    with pytest.raises(BadSignature):
        receipt.verify(told, GATEWAY_KEY.public_key(), SITE)
    desk.ledger.close()
    desk.open()
    again = Sequencer(desk.ledger, new, lambda: 7, desk.tell)
    assert again.trust.standing(GATEWAY).keys.current_id == keys.thumbprint(new.public_key())
