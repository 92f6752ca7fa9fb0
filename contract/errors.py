"""What can be wrong with bytes that came from elsewhere.

Inadmissible            the world sent something the contract refuses; record the reason and carry on
├── Malformed           not of the one form the contract allows
├── UnsupportedVersion  a major version this software does not speak
├── TooLarge            above a stated limit; refused before it was parsed
└── BadSignature        not signed by the key it names, or signed for another purpose or site
"""


class Inadmissible(ValueError):
    """Bytes the contract refuses. The message is one line fit for an operator."""


class Malformed(Inadmissible):
    """Not of the one form the contract allows."""


class TooManyItems(Malformed):
    """More items in one CBOR value than the contract allows: whoever writes it divides it."""


class UnsupportedVersion(Inadmissible):
    """A major version this software does not speak."""


class TooLarge(Inadmissible):
    """Above a stated limit."""


class BadSignature(Inadmissible):
    """Not signed by the key it names for this purpose and site."""
