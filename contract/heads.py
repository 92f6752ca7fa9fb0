"""CBOR read by its heads (RFC 8949, section 3), so that what is too much is refused before any of it is built.

In: bytes, and where in them to look. Out: counts, lengths and byte strings. Values are for cbor.py; here stand only
the forms whose size must be known first: flat arrays of byte strings, and how many items there are at all.
"""

from contract.errors import Malformed, TooManyItems

UNSIGNED, BYTES, ARRAY, MAP = 0, 2, 4, 5  # major types
_TEXT, _TAG = 3, 6
_LENGTH_1, _LENGTH_2 = 0x58, 0x59  # a byte string whose length follows in one byte, or in two


def head(data: bytes, at: int, major: int) -> tuple[int, int]:
    """The argument of the head at `at`, and where its content begins.

    Raises Malformed unless it is of this major type and in its shortest form.
    """
    if at >= len(data) or data[at] >> 5 != major:
        raise Malformed(f"CBOR: not of the form that is due at byte {at}")
    return _argument(data, at)


def string(data: bytes, at: int) -> tuple[bytes, int]:
    """The byte string at `at`, and where the next item begins. Raises Malformed."""
    length, at = head(data, at, BYTES)
    end = at + length
    if end > len(data):
        raise Malformed("CBOR: a byte string is cut short")
    return data[at:end], end


def strings(data: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    """So many byte strings one after another, and where the next item begins. Raises Malformed.

    Lengths of one and two bytes are read in place: admission spends a fifth of its time here.
    """
    found: list[bytes] = []
    size = len(data)
    for _ in range(count):
        lead = data[at] if at + 2 < size else 0
        if lead == _LENGTH_1 and data[at + 1] >= 24:
            start = at + 2
            end = start + data[at + 1]
        elif lead == _LENGTH_2 and data[at + 1]:
            start = at + 3
            end = start + (data[at + 1] << 8 | data[at + 2])
        else:
            one, at = string(data, at)
            found.append(one)
            continue
        if end > size:
            raise Malformed("CBOR: a byte string is cut short")
        found.append(data[start:end])
        at = end
    return found, at


def end(data: bytes, at: int) -> None:
    """Raise Malformed if anything follows."""
    if at != len(data):
        raise Malformed(f"CBOR: {len(data) - at} bytes too many")


def check_count(data: bytes, items_max: int) -> None:
    """Raise Malformed if a value has more than `items_max` items, declared or there; stops at the first too many."""
    at, items = 0, 1  # what has been announced so far
    done = 0
    while done < items:
        if at >= len(data):
            raise Malformed("CBOR: is cut short")
        major = data[at] >> 5
        argument, at = _argument(data, at)
        done += 1
        if major in (BYTES, _TEXT):
            at += argument
        elif major == ARRAY:
            items += argument
        elif major == MAP:
            items += 2 * argument
        elif major == _TAG:
            items += 1
        if items > items_max:
            raise TooManyItems(f"CBOR: more than {items_max} items")


def _argument(data: bytes, at: int) -> tuple[int, int]:
    short = data[at] & 0x1F
    if short < 24:
        return short, at + 1
    if short > 27:
        raise Malformed("CBOR: indefinite or reserved length")
    width = 1 << (short - 24)
    after = at + 1 + width
    if after > len(data):
        raise Malformed("CBOR: is cut short")
    argument = int.from_bytes(data[at + 1 : after], "big")
    if argument < 24 or (width > 1 and argument < 1 << 4 * width):
        raise Malformed("CBOR: not in deterministic form")
    return argument, after
