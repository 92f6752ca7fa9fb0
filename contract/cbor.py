"""Deterministic CBOR (RFC 8949, section 4.2.1) in the small dialect that evidence is written in.

In: integers of 64 bits and sign, byte strings, text, booleans, null, arrays, and maps whose keys are integers or text.
Out: the one byte string that stands for them. Anything else is refused in both directions: floats, tags, undefined,
indefinite lengths, lengths or integers not in their shortest form, unsorted or repeated keys, trailing bytes.
"""

from typing import Any, NoReturn

import cbor2

from contract import heads
from contract.errors import Malformed

DEPTH_MAX = 16
ITEMS_MAX = 1 << 17  # an empty array takes 1 byte here and 150 in memory; an agent divides a segment that has more
INT_MIN, INT_MAX = -(2**64), 2**64 - 1


class _NoTags(dict[int, Any]):
    """Refuses every tag before its content is interpreted: tags can build cycles, patterns and huge integers."""

    def get(self, _tag: int, _default: object = None) -> Any:  # noqa: ANN401 - the library's own signature
        return _refuse_tag

    def __missing__(self, _tag: int) -> Any:  # noqa: ANN401 - the library's own signature
        return _refuse_tag


def _refuse_tag(*_: object) -> NoReturn:
    raise Malformed("CBOR: tags are not part of the contract")


def encode(value: object) -> bytes:
    """Write a value in its one form. Raises Malformed for anything outside the dialect."""
    try:
        written = bytes(cbor2.dumps(_sorted(value, 0)))
    except UnicodeEncodeError:
        raise Malformed("CBOR: text with half a surrogate pair is not UTF-8") from None
    _check_count(written)
    return written


def decode(data: bytes) -> Any:  # noqa: ANN401 - what the bytes say is checked by whoever asked for them
    """Read a value. Raises Malformed unless `data` is exactly what `encode` would write for it."""
    _check_count(data)
    try:
        value = cbor2.loads(
            data, semantic_decoders=_NoTags(), max_depth=DEPTH_MAX, allow_indefinite=False, allow_duplicate_keys=False
        )
    except Exception as error:  # the decoder raises several kinds; all mean the same here
        raise Malformed(f"CBOR: {error}") from error
    if encode(value) != data:
        raise Malformed("CBOR: not in deterministic form")
    return value


def _check_count(data: bytes) -> None:
    if len(data) > ITEMS_MAX:  # an item takes a byte at least
        heads.check_count(data, ITEMS_MAX)


def _sorted(value: object, depth: int) -> object:
    if depth > DEPTH_MAX:
        raise Malformed(f"CBOR: nested deeper than {DEPTH_MAX}")
    if value is None or type(value) in (bool, bytes, str):
        return value
    if type(value) is int:
        if not INT_MIN <= value <= INT_MAX:
            raise Malformed("CBOR: integer beyond 64 bits")
        return value
    if isinstance(value, list | tuple):
        return [_sorted(item, depth + 1) for item in value]
    if isinstance(value, dict):
        if any(type(key) not in (int, str) for key in value):
            raise Malformed("CBOR: a map key must be an integer or text")
        return {key: _sorted(value[key], depth + 1) for key in sorted(value, key=cbor2.dumps)}
    raise Malformed(f"CBOR: {type(value).__name__} is not part of the contract")
