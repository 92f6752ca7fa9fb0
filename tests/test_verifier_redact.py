"""A redacted copy verifies for what it shows: nothing in it ever fails, and what it withholds is really gone."""

import altered_maker as small
import archive_maker as maker
import pytest
from archive_maker import AGENT, GATEWAY, Factory, index_of
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import body, manual_records, records
from contract.errors import Malformed
from verifier import archive, trail
from verifier.redact import Redacted, Tier, Wish, redact
from verifier.verify import verify


def redacted(made: Factory, **wish: object) -> Redacted:
    return redact(archive.read(made.pack()), Wish(**wish))


def judged(data: bytes) -> tuple[str, dict[str, set[str]]]:
    """The verdict, and the checks that failed or lack something."""
    report = verify(archive.read(data))
    standings = ("failed", "withheld")
    return report.verdict, {s: {f.check for f in report.findings if f.standing == s} for s in standings}


def shown(data: bytes) -> dict[tuple[str, str], int]:
    """How many parts are shown, by author and type of entry."""
    found: dict[tuple[str, str], int] = {}
    for item in trail.read(archive.read(data))[0].items:
        key = ("gateway" if item.header.author == GATEWAY else "agent", item.header.type)
        found[key] = found.get(key, 0) + len(item.shown())
    return found


def test_nothing_wished_for_is_the_very_same_file():
    data = maker.factory().pack()
    assert redact(archive.read(data), Wish()) == Redacted(data, 0, 0)


@pytest.mark.parametrize(
    ("tier", "gone", "lacking"),
    [
        ("public", {"segment", "batch", "event"}, {"profile", "batch", "event", "statement"}),
        ("controlled", {"segment"}, {"batch", "partition", "statement"}),
    ],
)
def test_a_tier_withholds_and_the_verifier_says_what_it_lacks(tier: Tier, gone: set[str], lacking: set[str]):
    made = redacted(maker.factory(), tier=tier)
    assert judged(made.data) == ("incomplete", {"failed": set(), "withheld": lacking})
    left = shown(made.data)
    assert {kind for (author, kind), count in left.items() if author == "agent" and not count} == gone
    assert left["agent", "manifest"] == 2 * (1 if tier == "public" else 1 + 3 + 4 + 1)
    assert b"L1-0001" not in made.data or tier == "controlled"
    assert (left["gateway", "site"], left["gateway", "run"], left["gateway", "enrolment"]) == (1, 1, 3)


def test_a_factor_above_the_tier_is_withheld(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(maker, "FACTOR_TOML", maker.FACTOR_TOML.replace(b'tier = "public"', b'tier = "controlled"'))
    made = maker.opened()
    maker.produced(made)
    maker.stated(made)
    assert shown(redacted(made, tier="public").data)["gateway", "factor"] == 0
    assert shown(redacted(made, tier="controlled").data)["gateway", "factor"] == 1


def test_a_meter_withheld_says_nothing_any_more():
    made = redacted(maker.factory(), meters=("comp1",))
    assert (made.bodies, made.parts) == (0, 20)  # one part in each segment
    assert judged(made.data) == ("incomplete", {"failed": set(), "withheld": {"statement"}})
    for item in trail.read(archive.read(made.data))[0].of("segment"):
        assert item.parts is not None
        assert [part is None for part in item.parts] == [meter == "comp1" for meter in maker.METERS]
    line = redacted(maker.factory(), meters=("line1",))
    assert line.parts == 20 + 2  # its amount of each batch too
    assert judged(line.data)[1]["failed"] == set()


def test_a_product_kept_withholds_the_others_batch_and_keeps_what_its_own_rests_on():
    made = maker.opened()
    maker.produced(made)
    (_, plate) = trail.read(archive.read(made.pack()))[0].of("batch")
    quantity = manual_records.QuantityPart(
        batch=manual_records.EntryRef(author=AGENT, epoch=plate.header.epoch, seq=plate.header.seq, hash=plate.hash),
        role="good", text="1 kg",
        amount=1_000_000, step=1, unit="g_milli", method="reported", instrument=None, author="Li", reason="r",
        evidence=None, entered_ns=0,
    )  # fmt: skip
    made.add(GATEWAY, "quantity", [records.write(quantity)], 0, 0)
    copy = redacted(made, products=("coil",))
    verdict, found = judged(copy.data)
    assert (verdict, found["failed"]) == ("incomplete", set())
    assert found["withheld"] == {"batch", "event", "manual"}  # whether another batch of the time is whole is not shown
    assert b"L1-0002" not in copy.data
    assert b"plate" not in copy.data.replace(maker.SITE_TOML, b"")
    left = shown(copy.data)
    assert left["gateway", "quantity"] == 0
    assert (left["agent", "batch"], left["agent", "event"]) == (3, 1)
    # no utility is counted without a statement, so only the line's own meters speak: two of four
    assert left["agent", "segment"] == 20 * 2


def test_a_statement_that_shows_another_product_is_not_redacted_into_a_lie():
    with pytest.raises(ValueError, match="the statement shows 'plate' as well"):
        redacted(maker.factory(), products=("coil",))
    kept = redacted(maker.factory(), products=("coil", "plate"))
    assert judged(kept.data) == ("self-consistent", {"failed": set(), "withheld": set()})


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"meters": ("line9",)}, "'line9' is no meter of this archive: use one of air1, comp1, line1, scale1"),
        ({"products": ("tin",)}, "no batch of 'tin' is shown in this archive: use one of coil, plate"),
    ],
)
def test_a_wish_that_means_nothing_here_is_refused(wish: dict[str, object], told: str):
    made = maker.factory()
    made.statement = b""
    with pytest.raises(ValueError, match=told):
        redacted(made, **wish)


def test_an_archive_that_does_not_hold_is_not_made_to_look_redacted():
    made = maker.factory()
    at = index_of(made, AGENT, "segment", 3)
    made.ledger[at][1] = made.ledger[at][1][:-1] + b"\x00"
    with pytest.raises(Malformed, match=f"body {at} edge-1 .*only an archive that holds can be redacted"):
        redacted(made, tier="public")


def test_a_copy_may_be_redacted_again():
    once = redacted(maker.factory(), meters=("comp1",)).data
    twice = redact(archive.read(once), Wish(meters=("air1",)))
    both = redacted(maker.factory(), meters=("comp1", "air1"))
    assert (twice.data, twice.parts, both.parts) == (both.data, 20, 40)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_withheld_nothing_is_said_to_be_altered(data: st.DataObject):
    made = small.untouched()
    for at in data.draw(st.sets(st.integers(0, len(made.ledger) - 1), max_size=6)):
        count = len(body.unpack(made.ledger[at][1]).parts)
        keep = data.draw(st.sets(st.integers(0, count - 1), max_size=count))
        made.ledger[at][1] = body.redact(made.ledger[at][1], keep) if keep else None
    verdict, found = judged(made.pack())
    assert found["failed"] == set()
    assert verdict == ("incomplete" if found["withheld"] else "self-consistent")
