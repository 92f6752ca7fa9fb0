"""A rotation holds for one author, one site and one old key, and only with the new key's own signature."""

import pytest

from contract import cbor, cose, keys, records, rotation
from contract.errors import BadSignature, Inadmissible, Malformed
from contract.key_records import RotationPart

OLD, NEW, OTHER = keys.generate(), keys.generate(keys.ES256), keys.generate()
OLD_ID = keys.thumbprint(OLD.public_key())


def part(new: keys.PrivateKey = NEW, old_id: bytes = OLD_ID, author: str = "edge-1", site: str = "works"):
    return records.read(rotation.state(old_id, new, author, site), RotationPart)


@pytest.mark.parametrize("algorithm", [keys.EDDSA, keys.ES256])
def test_the_new_key_is_found(algorithm):
    new = keys.generate(algorithm)
    found = rotation.check(part(new), OLD_ID, "edge-1", "works")
    assert keys.cose_key(found) == keys.cose_key(new.public_key())


@pytest.mark.parametrize(
    ("made", "error"),
    [
        ({"author": "edge-2"}, Malformed),
        ({"old_id": keys.thumbprint(OTHER.public_key())}, Malformed),
        ({"site": "elsewhere"}, BadSignature),
        ({"new": OLD}, Malformed),
    ],
    ids=["another author", "another old key", "another site", "the same key"],
)
def test_a_proof_fits_nowhere_else(made, error):
    with pytest.raises(error):
        rotation.check(part(**made), OLD_ID, "edge-1", "works")


def test_a_proof_by_another_key_or_for_another_purpose():
    good, foreign = part(), part(OTHER)
    for proof in (
        foreign.proof,
        cose.sign(cose.parse(good.proof).payload, NEW, "entry", "works"),
        cose.sign(cbor.encode({"v": 2, "author": "edge-1", "old": OLD_ID}), NEW, "rotation", "works"),
        b"",
    ):
        with pytest.raises(Inadmissible):
            rotation.check(good.model_copy(update={"proof": proof}), OLD_ID, "edge-1", "works")
    with pytest.raises(Malformed):
        rotation.check(good.model_copy(update={"key_id": foreign.key_id}), OLD_ID, "edge-1", "works")


def test_every_byte_of_a_rotation_counts():
    whole = rotation.state(OLD_ID, NEW, "edge-1", "works")
    for at in range(len(whole)):
        bent = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        with pytest.raises(Inadmissible):
            rotation.check(records.read(bent, RotationPart), OLD_ID, "edge-1", "works")
