"""Whoever runs a part and changes its key: another one before a start, and once that is in force, it alone.

In: keys to come, chance, and which key the part went on with. Out: the keys it is started with. Never: a key twice.
"""

from dataclasses import dataclass, field
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract import keys


@dataclass(slots=True)
class KeyHolder:
    """The holder of one part's keys. `spare` are those to come, `gone` those that were in force."""

    key: Ed25519PrivateKey
    luck: Random
    spare: list[Ed25519PrivateKey]
    next_key: Ed25519PrivateKey | None = None
    gone: list[Ed25519PrivateKey] = field(default_factory=list)

    @classmethod
    def of(cls, key: Ed25519PrivateKey, seed: str, count: int) -> "KeyHolder":
        """A holder who may change the key so often."""
        luck = Random(seed)
        return cls(key, luck, [Ed25519PrivateKey.from_private_bytes(luck.randbytes(32)) for _ in range(count)])

    @property
    def every(self) -> tuple[keys.PublicKey, ...]:
        """Each key that ever was or may yet be in force."""
        following = [] if self.next_key is None else [self.next_key]
        return tuple(key.public_key() for key in [*self.gone, self.key, *following, *self.spare])

    def before_start(self, in_force: bytes | None) -> None:
        """Decide on the keys of the next start; `in_force` is the thumbprint of the one it goes on with, if any."""
        if self.next_key is None:
            self.next_key = self.spare.pop(0) if self.spare else None
        elif keys.thumbprint(self.next_key.public_key()) == in_force and self.luck.random() < 0.5:
            self.gone.append(self.key)
            self.key, self.next_key = self.next_key, None
