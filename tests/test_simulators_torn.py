"""Torn counters: high words of one instant, low words of another."""

import pytest

from agent.drivers import profile
from simulators.torn import Torn, highs

HEAD = 'make = "M"\nmodel = "X"\nmedium = "electricity"\ngrade = "bronze"\nsources = ["s"]\n'
KEYS = 'table = "holding"\nquantity = "active_energy_import"\nunit = "Wh"\nkind = "counter"\n'


def of(*points):
    text = "".join(f'[[point]]\nid = "p{i}"\n{KEYS}{point}\n' for i, point in enumerate(points))
    return profile.parse((HEAD + text).encode())


class Counting:
    """A 32-bit counter at 10, high word first; one a second, from just below a carry."""

    def words(self, _table, address, count, at_ns):
        if (address, count) != (10, 2):
            return None
        value = 0x0001FFFF + at_ns // 10**9
        return [value >> 16, value & 0xFFFF]


def test_across_a_carry_the_value_is_one_that_never_was():
    torn = Torn(Counting(), frozenset({("holding", 10)}), 2 * 10**9)
    assert torn.words("holding", 10, 2, 2 * 10**9) == [0x0001, 0x0001]  # 0x20001 now; 0x1FFFF two seconds ago
    assert torn.words("holding", 10, 2, 9 * 10**9) == [0x0002, 0x0008]  # no carry since: right by luck
    assert torn.words("holding", 11, 2, 0) is None


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ('type = "uint32"\naddress = 10', {10}),
        ('type = "uint32"\naddress = 10\nwords = "low_first"', {11}),
        ('type = "uint64"\naddress = 10', {10, 11}),
        ('type = "uint64"\naddress = 10\nwords = "low_pair_first"', {12, 13}),
        ('type = "uint16"\naddress = 10', set()),
    ],
)
def test_where_the_high_words_are(point, expected):
    assert highs(of(point), 100) == {("holding", 100 + address) for address in expected}


def test_gauges_have_none():
    text = HEAD + '[[point]]\nid = "u"\n' + KEYS.replace("counter", "gauge") + 'type = "uint32"\naddress = 1\n'
    assert highs(profile.parse(text.encode())) == frozenset()
