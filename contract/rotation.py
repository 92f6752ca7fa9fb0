"""Going on with another key: the old key signs the entry, the new one signs that it is held.

In: the two keys, whose they are, and where. Out: a `rotation` part, and back again the new key, if both hold. The proof
names author and old key under its signature and the site beside it: it fits no other author, site or step.
"""

from contract import cbor, cose, keys, records
from contract.errors import Malformed
from contract.key_records import RotationPart

VERSION = 1


def state(old_id: bytes, new: keys.PrivateKey, author: str, site: str) -> bytes:
    """The part by which `author` goes on from the key with thumbprint `old_id` to `new`."""
    public = new.public_key()
    proof = cose.sign(_claim(old_id, author), new, "rotation", site)
    return records.write(RotationPart(key=keys.cose_key(public), key_id=keys.thumbprint(public), proof=proof))


def check(part: RotationPart, old_id: bytes, author: str, site: str) -> keys.PublicKey:
    """The new key. Raises Malformed or BadSignature unless it signed for this author, site and old key."""
    new = keys.from_cose_key(part.key)
    if keys.thumbprint(new) != part.key_id:
        raise Malformed("rotation: the key is not the one it is named by")
    if part.key_id == old_id:
        raise Malformed("rotation: to the same key")
    proof = cose.parse(part.proof)
    cose.verify(proof, new, "rotation", site)
    if proof.payload != _claim(old_id, author):
        raise Malformed("rotation: the new key signed for another author or another old key")
    return new


def _claim(old_id: bytes, author: str) -> bytes:
    return cbor.encode({"v": VERSION, "author": author, "old": old_id})
