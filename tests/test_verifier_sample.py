"""What is drawn can be drawn again by hand, comes from all that is shown, and is what the archive holds."""

import hashlib
import re
import subprocess
from collections import Counter
from pathlib import Path

import archive_maker as maker
import pytest
from archive_maker import AGENT, index_of
from hypothesis import given
from hypothesis import strategies as st

from contract import body, merkle
from verifier import archive, evidence, trail
from verifier.sample import Kind, Reading, Sample, Told, draw, sample

DIGEST = "00" * 32


def drawn(made: maker.Factory, kind: Kind, count: int, seed: str = "2026-12-01 Zhang Wei") -> Sample:
    data = made.pack()
    read, _ = trail.read(archive.read(data))
    return sample(read, evidence.read(read)[0], hashlib.sha256(data).hexdigest(), kind, seed, count)


def by_hand(archive_: str, kind: str, seed: str, population: int, tries: int) -> list[int]:
    """As the page says: sha256sum, and a division."""
    text = (Path(__file__).parent.parent / "docs/verifier.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^(printf 'metertrail sample.*)$", text, re.MULTILINE)
    found = []
    for k in range(1, tries + 1):
        line = command.replace("ARCHIVE", archive_).replace("readings", kind).replace("2026-12-01 Zhang Wei", seed)
        line = line.replace(" 1 |", f" {k} |")
        told = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=True).stdout
        found.append(int(told.split()[0], 16) % population)
    return found


def test_the_draw_can_be_done_by_hand():
    wanted = by_hand(DIGEST, "readings", "2026-12-01 Zhang Wei", 480, 5)
    assert draw(DIGEST, "readings", "2026-12-01 Zhang Wei", 480, 5) == wanted
    assert draw(DIGEST, "batches", "抽查 7", 480, 3) == by_hand(DIGEST, "batches", "抽查 7", 480, 3)


@given(st.text(min_size=1, max_size=20), st.integers(1, 40), st.integers(1, 40))
def test_numbers_are_below_the_population_and_none_comes_twice(seed: str, population: int, count: int):
    found = draw(DIGEST, "readings", seed, population, count)
    assert len(set(found)) == len(found) == min(count, population)
    assert set(found) <= set(range(population))
    assert draw(DIGEST, "readings", seed, population, count + 1)[:count] == found[:count]


def test_every_number_has_the_same_chance():
    """4,000 first draws over 8 numbers: 500 each; 5 standard deviations are 105."""
    counts = Counter(draw(DIGEST, "readings", str(seed), 8, 1)[0] for seed in range(4000))
    assert all(abs(counts[number] - 500) < 105 for number in range(8))


def test_another_archive_another_kind_or_another_seed_draws_others():
    draws = [
        tuple(draw(digest, kind, seed, 10**9, 3))
        for digest in (DIGEST, "11" * 32)
        for kind in ("readings", "batches")
        for seed in ("a", "b")
    ]
    assert len(set(draws)) == 8


def test_all_readings_are_the_population_each_as_it_was_read():
    found = drawn(maker.factory(), "readings", 1000)
    assert (found.population, len(found.drawn), found.withheld) == (4 * 120, 4 * 120, 0)
    seen = {}
    for one in found.drawn:
        assert isinstance(one.what, Reading)
        number = (one.what.requested_ns - maker.T0) // maker.STEP_NS
        shown = maker.SHOWN[one.what.meter](number)
        assert (one.what.value, int(one.what.raw, 16), one.what.status) == (str(shown), shown, 0)
        assert one.what.answered_ns == one.what.requested_ns + maker.TRIP_NS
        seen[one.what.meter, number] = one.number
    assert len(seen) == 480
    # entry by entry, then part by part, each with six scans
    assert [seen["line1", 0], seen["line1", 5], seen["scale1", 0], seen["line1", 6]] == [0, 5, 6, 24]


def test_canonical_units_and_the_profiles_words_come_along():
    one = next(one.what for one in drawn(maker.factory(), "readings", 480).drawn if one.what.meter == "scale1")
    assert isinstance(one, Reading)
    assert (one.canonical_unit, one.canonical) == ("g_milli", int(one.value) * 1_000_000)
    assert one.profile_line.startswith("id = good, quantity = mass, type = uint32, unit = kg, kind = counter")
    assert one.profile == f"test {hashlib.sha256(maker.SCALE).hexdigest()}"
    assert len(one.raw) == 8


def test_each_drawn_entry_is_proven_to_be_in_the_ledger():
    found = drawn(maker.factory(), "readings", 40)
    for one in found.drawn:
        leaf = merkle.leaf_hash(maker.factory().ledger[one.entry][0])
        proof = [bytes.fromhex(step) for step in one.proof]
        assert leaf.hex() == one.leaf
        assert merkle.root_from_inclusion(leaf, one.entry, found.size, proof).hex() == found.root


def test_a_batch_is_told_with_the_readings_around_it():
    found = drawn(maker.factory(), "batches", 9)
    assert (found.population, len(found.drawn)) == (2, 2)
    (one,) = [one.what for one in found.drawn if isinstance(one.what, Told) and one.what.batch == "L1-0001"]
    energy, _ = one.amounts
    assert (one.product, one.line, one.closed) == ("coil", "line1", "complete")
    assert (energy.signed, energy.recomputed, energy.fault) == (196000, 196000, None)
    assert energy.before is not None
    assert energy.after is not None
    # it began between the looks 3 s before readings 12 and 13, and ended between those before 40 and 41
    assert [energy.before.value, energy.after.value] == [str(5000 + 7 * 11), str(5000 + 7 * 41)]


def test_what_is_withheld_is_not_in_the_draw_and_is_counted():
    made = maker.factory()
    at = index_of(made, AGENT, "segment", 3)
    made.ledger[at][1] = body.redact(made.ledger[at][1], {0})
    made.ledger[index_of(made, AGENT, "segment", 4)][1] = None
    made.ledger[index_of(made, AGENT, "batch", 0)][1] = None
    readings, batches = drawn(made, "readings", 1000), drawn(made, "batches", 5)
    assert (readings.population, readings.withheld) == (480 - 18 - 24, 2)
    assert (batches.population, batches.withheld) == (1, 1)


@pytest.mark.parametrize("kind", ["readings", "batches"])
def test_nothing_shown_is_nothing_drawn(kind: Kind):
    made = maker.opened()
    assert drawn(made, kind, 3).drawn == ()
