"""Segments must fit their manifest, their header and each other."""

from dataclasses import replace

import archive_maker as maker
import pytest
from archive_maker import AGENT, T0

from contract import records, segment
from verifier import archive, evidence, trail


def faults(made: maker.Factory) -> list[str]:
    seen, _ = trail.read(archive.read(made.pack()))
    return [finding.line() for finding in evidence.read(seen)[1] if not finding.ok]


def with_segment(part: segment.MeterSegment, at_ns: int = T0 + 1200 * maker.S) -> list[str]:
    made = maker.factory()
    made.add(AGENT, "segment", [segment.encode(part)], at_ns, at_ns + 200 * maker.S)
    return faults(made)


LATER = maker.meter_segment("line1", 120, 126)


def test_a_segment_that_fits_is_no_fault():
    assert with_segment(LATER) == []


def bent(**changes: object) -> segment.MeterSegment:
    return replace(LATER, blocks=(replace(LATER.blocks[0], **changes),))


COLUMN = LATER.blocks[0].columns[0]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (replace(LATER, meter="line9"), "line9: the manifest in force has no such meter"),
        (bent(columns=(replace(COLUMN, point="power"),)), "point power is not in the meter's profile"),
        (bent(columns=(replace(COLUMN, raws=(1 << 32, 1, 1, 1, 1, 1)),)), "a value wider than 32 bits"),
        (bent(answered_ns=LATER.blocks[0].requested_ns[::-1]), "an answer before its request"),
        (maker.meter_segment("line1", 150, 152), "outside the time the header signs"),
    ],
)
def test_a_segment_that_does_not_fit_is_named(part: segment.MeterSegment, words: str):
    (line,) = with_segment(part)
    assert line.startswith("FAIL segment 33 edge-1 ")
    assert words in line


def test_readings_sealed_after_later_ones_are_named():
    (line,) = with_segment(maker.meter_segment("line1", 110, 114), T0 + 1100 * maker.S)
    assert "begins before the segment sealed earlier ends" in line


def test_a_profile_that_is_not_the_one_its_meter_names_is_found():
    parts = maker.manifest_parts()
    number = next(i for i, part in enumerate(parts) if records.kind_of(part) == "profile")
    toml = records.read(parts[number], records.ProfilePart).toml
    for other in (toml + b"# another\n", b"not a profile"):
        parts[number] = records.write(records.ProfilePart(name="test", toml=other))
        made = maker.opened()
        maker.produced(made, parts=parts)
        assert any(line.startswith("FAIL profile ") for line in faults(made))


def test_a_batch_may_rest_on_what_was_sealed_before_it_only():
    made = maker.factory()
    seen, _ = trail.read(archive.read(made.pack()))
    known, _ = evidence.read(seen)
    first, second = seen.of("batch")
    counter = known.manifests[first.index].counters["line1", "energy_import"]
    assert len(known.sealed_before(first, counter).raws) == 48
    assert len(known.sealed_before(second, counter).raws) == 90  # over the restart: the configuration is the same
    assert len(known.all_of(AGENT, counter).raws) == 120


def test_another_ratio_makes_another_counter():
    parts = maker.manifest_parts()
    number = next(i for i, part in enumerate(parts) if records.kind_of(part) == "meter")
    meter = records.read(parts[number], records.MeterPart)
    ct = records.Transformer(primary=100, secondary=5, accuracy_class=None)
    changed = [*parts]
    changed[number] = records.write(meter.model_copy(update={"ct": ct}))
    made = maker.factory()
    made.epoch(AGENT, changed, maker.TO_NS)
    made.add(AGENT, "segment", [segment.encode(LATER)], T0 + 1200 * maker.S, T0 + 1300 * maker.S)
    seen, _ = trail.read(archive.read(made.pack()))
    known, findings = evidence.read(seen)
    latest = known.latest(AGENT, "line1", "energy_import")
    assert findings[0].ok
    assert latest.ratio == 20
    assert len(known.all_of(AGENT, latest).raws) == 6
    assert known.latest(AGENT, "line9", "energy_import") is None


@pytest.mark.parametrize(
    ("changes", "kept"),
    [({"power_max_w": 77_000}, 126), ({"installation": "elsewhere"}, 6), ({"serial": "another"}, 6), (None, 6)],
)
def test_readings_are_not_joined_over_a_time_in_which_the_meter_may_have_counted_elsewhere(changes, kept):
    parts = maker.manifest_parts()
    number = next(i for i, part in enumerate(parts) if records.kind_of(part) == "meter")
    meter = records.read(parts[number], records.MeterPart)
    assert meter.meter == "line1"
    between = [*parts]
    between[number : number + 1] = [] if changes is None else [records.write(meter.model_copy(update=changes))]
    made = maker.factory()
    made.epoch(AGENT, between, maker.TO_NS)
    made.epoch(AGENT, parts, maker.TO_NS)
    made.add(AGENT, "segment", [segment.encode(LATER)], T0 + 1200 * maker.S, T0 + 1300 * maker.S)
    seen, _ = trail.read(archive.read(made.pack()))
    known, _ = evidence.read(seen)
    latest = known.latest(AGENT, "line1", "energy_import")
    assert len(known.all_of(AGENT, latest).raws) == kept
    last = max(known.manifests)
    item = next(item for item in seen.of("segment") if item.index == last)
    assert len(known.sealed_before(item, latest).raws) == kept - 6
    first, second = seen.of("batch")
    assert [len(known.sealed_before(one, latest).raws) for one in (first, second)] == [48, 90]
