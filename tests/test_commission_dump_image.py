"""Finding the registers that exist, and the file they are written to."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.commission.dump_image import Image, document, of_profile, of_range, summary
from agent.commission.spans import Reply, Span
from agent.drivers import BAD_OUT_OF_RANGE, BAD_TIMEOUT, profiles
from agent.drivers import profile as profile_form


def taken(held, spans):
    """Read a device that refuses any request with a register it does not have; the image, and the requests."""
    image, todo, asked = Image(), list(spans), []
    while todo:
        span = todo.pop(0)
        asked.append(span)
        places = range(span.address, span.address + span.count)
        whole = all(at in held for at in places)
        reply = Reply(tuple(held[at] for at in places)) if whole else Reply((None,) * span.count, BAD_OUT_OF_RANGE)
        todo += image.take(span, reply)
    return image, asked


@given(held=st.sets(st.integers(0, 300)), first=st.integers(0, 300), length=st.integers(1, 200))
def test_halving_finds_exactly_the_registers_that_exist(held, first, length):
    words = {at: at * 7 & 0xFFFF for at in held}
    image, asked = taken(words, of_range("holding", first, first + length - 1))
    wanted = range(first, first + length)
    assert image.tables["holding"] == {at: words[at] for at in wanted if at in held}
    assert {span.address + i for span in image.refused for i in range(span.count)} == set(wanted) - held
    assert len(asked) <= 2 * length + 2
    assert max(span.count for span in asked) <= 125


def test_pairs_stay_whole_as_long_as_they_can():
    _, asked = taken({}, [Span("holding", 0, 10)])
    assert all(span.address % 2 == 0 for span in asked if span.count >= 2)


def test_what_a_driver_went_around_is_not_asked_for_again():
    image = Image()
    assert image.take(Span("input", 4, 3), Reply((7, None, 9), BAD_OUT_OF_RANGE, pieces=3)) == ()
    assert image.tables == {"input": {4: 7, 6: 9}}
    assert image.refused == [Span("input", 5, 1)]


def test_silence_is_no_hole_and_is_not_cut():
    image = Image()
    assert image.take(Span("input", 4, 3), Reply((), 0, "no answer")) == ()
    assert image.take(Span("input", 8, 2), Reply((None, None), BAD_TIMEOUT)) == ()
    assert image.refused == []
    assert summary(image) == ["0 registers read", "input 0x0004..0x0006, input 0x0008..0x0009: no answer, left out"]


@pytest.mark.parametrize("name", ["eastron-sdm630", "abb-b23", "orno-we514"])
def test_a_profiles_registers_are_all_asked_for(name):
    profile = profile_form.parse(profiles.load(name))
    spans = of_profile(profile, 100)
    for point in profile.points:
        places = {(point.table, 100 + at) for at in range(point.address, point.address + point.length)}
        assert places <= {(span.table, span.address + i) for span in spans for i in range(span.count)}
    assert max(span.count for span in spans) <= profile.registers_max


def test_the_file():
    image = Image({"input": {}, "holding": {3000: 1234, 4: 1}})
    read = json.loads(document(image, None, 3, 17))
    assert read == {"profile": None, "unit": 3, "tables": {"holding": {"4": 1, "3000": 1234}}, "taken_ns": 17}


def test_neighbouring_holes_are_told_as_one():
    image, _ = taken({3: 0}, of_range("holding", 0, 6))
    assert summary(image) == ["1 registers read", "holding 0x0000..0x0002, holding 0x0004..0x0006: refused, left out"]
