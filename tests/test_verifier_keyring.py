"""Keys hold from their enrolment on, and only the gateway enrols."""

import archive_maker as maker
from archive_maker import AGENT, GATEWAY, index_of

from contract import keys, records
from verifier import archive, keyring, trail


def ring(made: maker.Factory):
    seen, _ = trail.read(archive.read(made.pack()))
    return seen, *keyring.read(seen)


def test_a_key_holds_from_its_enrolment_on_and_the_gateways_from_the_start():
    made = maker.factory()
    _, known, findings = ring(made)
    at = index_of(made, GATEWAY, "enrolment", 1)
    assert findings == []
    assert known.key_of(AGENT, at - 1) is None
    assert known.key_of(AGENT, at).thumbprint == keys.thumbprint(made.private[AGENT].public_key())
    assert known.key_of(GATEWAY, 0).thumbprint == keys.thumbprint(made.private[GATEWAY].public_key())


def test_a_later_enrolment_takes_over():
    made = maker.factory()
    new = keys.generate(keys.ES256)
    made.add(GATEWAY, "enrolment", [maker.enrolment(AGENT, new)], maker.T0, maker.T0)
    _, known, _ = ring(made)
    last = len(made.ledger) - 1
    assert known.key_of(AGENT, last).thumbprint == keys.thumbprint(new.public_key())
    assert known.key_of(AGENT, last - 1).thumbprint != keys.thumbprint(new.public_key())


def test_an_enrolment_under_another_name_is_a_finding():
    made = maker.factory()
    right = records.read(maker.enrolment(AGENT, keys.generate()), records.EnrolmentPart)
    for wrong in ({"key_id": bytes(32)}, {"key": b"\xa0"}, {"key": b"\xa3\x01\x02\x20\x01\x21\x00"}):
        made.add(GATEWAY, "enrolment", [records.write(right.model_copy(update=wrong))], maker.T0, maker.T0)
    _, known, findings = ring(made)
    assert [finding.ok for finding in findings] == [False] * 3
    assert len(known.enrolments) == 3


def test_signatures_name_the_signer():
    made = maker.factory()
    seen, known, _ = ring(made)
    assert [finding.ok for finding in keyring.signatures(seen, known)] == [True]
    none = keyring.Keyring(())
    assert all("no key is enrolled" in finding.text for finding in keyring.signatures(seen, none))
