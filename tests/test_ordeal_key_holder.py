"""A holder names a next key, waits until it is in force, and takes no key twice."""

from contract import keys
from simulators.ordeal.key_holder import KeyHolder


def thumb(key):
    return keys.thumbprint(key.public_key())


def test_a_next_key_is_named_until_it_is_in_force_and_then_alone():
    holder = KeyHolder.of(keys.generate(), "seed", 3)
    every, named = [keys.thumbprint(key) for key in holder.every], []
    in_force = thumb(holder.key)
    for _ in range(60):
        holder.before_start(in_force)
        assert [keys.thumbprint(key) for key in holder.every] == every
        if holder.next_key is not None and thumb(holder.next_key) != in_force:
            named.append(thumb(holder.next_key))
            for _ in range(5):  # a part that dies before it says so is given the same keys again
                holder.before_start(in_force)
                assert thumb(holder.next_key) == named[-1]
            in_force = named[-1]
    assert named == every[1:]
    assert (thumb(holder.key), holder.next_key, holder.spare) == (every[-1], None, [])
