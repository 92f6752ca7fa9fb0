"""Which keys each author has, had, and lost: what the gateway's `enrolment` entries say, one after another.

In: the parts of those entries, in ledger order. Out: per author the key in force, those it was rotated from, and those
nothing is admitted under any more. Nothing else changes a key, so whoever has the ledger knows what admission knows.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from contract import keys, records
from contract.errors import Malformed
from contract.key_records import RevocationPart


@dataclass(slots=True)
class Keys:
    """One author's keys by thumbprint. `current` is None before the first, and after it was revoked."""

    current: keys.PublicKey | None = None
    current_id: bytes | None = None
    retired: dict[bytes, keys.PublicKey] = field(default_factory=dict)
    revoked: dict[bytes, keys.PublicKey] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether the author ever had a key."""
        return self.current is not None or bool(self.revoked)

    @property
    def every(self) -> list[bytes]:
        """The thumbprint of each key that the author has or had."""
        return [*self.retired, *self.revoked, *([] if self.current_id is None else [self.current_id])]

    def find(self, key_id: bytes) -> keys.PublicKey | None:
        """Any key the author ever had, by its thumbprint."""
        return self.current if key_id == self.current_id else self.retired.get(key_id) or self.revoked.get(key_id)

    def enrol(self, key: keys.PublicKey, *, rotated: bool) -> None:
        """Let a key be in force. Those before it are retired by a rotation, and revoked by anything else."""
        key_id = keys.thumbprint(key)
        if key_id == self.current_id:
            return
        before = self.retired | ({self.current_id: self.current} if self.current and self.current_id else {})
        if rotated:
            self.retired = before
        else:
            self.retired, self.revoked = {}, self.revoked | before
        self.revoked.pop(key_id, None)  # a gateway of before took keys back; this one does not
        self.current, self.current_id = key, key_id

    def revoke(self, key_id: bytes) -> None:
        """Let nothing more be admitted under a key. Raises Malformed for one the author never had."""
        key = self.find(key_id)
        if key is None:
            raise Malformed(f"revocation: key {key_id.hex()[:16]} was never enrolled for this author")
        self.retired.pop(key_id, None)
        if key_id == self.current_id:
            self.current = self.current_id = None
        self.revoked[key_id] = key


def take(keys_of: Callable[[str], Keys], part: bytes) -> str:
    """Let one part of an `enrolment` entry change the keys of its author, who is returned. Raises Malformed."""
    if records.kind_of(part) == "revocation":
        revocation = records.read(part, RevocationPart)
        keys_of(revocation.author).revoke(revocation.key_id)
        return revocation.author
    enrolment = records.read(part, records.EnrolmentPart)
    key = enrolled_key(enrolment)
    keys_of(enrolment.author).enrol(key, rotated=enrolment.rotation is not None)
    return enrolment.author


def after(parts: Iterable[bytes]) -> dict[str, Keys]:
    """Every author's keys after these parts of `enrolment` entries. Raises Malformed."""
    ring: defaultdict[str, Keys] = defaultdict(Keys)
    for part in parts:
        take(ring.__getitem__, part)
    return dict(ring)


def owners(ring: Mapping[str, Keys]) -> dict[bytes, str]:
    """Whose each key is or was."""
    return {key_id: author for author, known in ring.items() for key_id in known.every}


def enrolled_key(enrolment: records.EnrolmentPart) -> keys.PublicKey:
    """The key an enrolment names. Raises Malformed."""
    try:
        key = keys.from_cose_key(enrolment.key)
    except Malformed as error:
        raise Malformed(f"enrolment: {error}") from None
    if keys.thumbprint(key) != enrolment.key_id:
        raise Malformed("enrolment: the key is not the one it is named by")
    return key
