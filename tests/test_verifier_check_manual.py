"""What a gateway says by hand is held against its own words and the entries it names; the statement is recomputed."""

import json

import archive_maker as maker
import hand
import pytest
from archive_maker import failures
from test_gateway_export import ASKED, Sealer

from contract import body
from gateway.export import export
from verifier import archive
from verifier.verify import verify

METERED = 84_000_000


@pytest.fixture
def made():
    return maker.factory()


def faults(made):
    """Findings on manual records alone: the factory's statement stands before them in the ledger."""
    made.statement = b""
    return failures(made)


def test_what_fits_is_one_good_finding(made):
    of = hand.batch_ref(made)
    hand.say(made, "quantity", hand.quantity(of, "90 kg"))
    hand.say(made, "amendment", hand.amendment(of, METERED, "80 kg"))
    hand.say(made, "manual", hand.reading("5091 Wh", maker.T0 + 130 * maker.S), hand.invoice("0.9 kWh"))
    made.statement = b""
    report = verify(archive.read(made.pack()))
    assert failures(made) == []
    assert [f.text for f in report.findings if f.check == "manual"] == [
        "4 records by hand mean what was written and speak of entries that are here"
    ]


def test_no_record_is_no_finding(made):
    assert "manual" not in {finding.check for finding in verify(archive.read(made.pack())).findings}


@pytest.mark.parametrize(
    ("kind", "bend", "words"),
    [
        ("quantity", lambda of: hand.quantity(of, "90 kg", amount=91_000_000), "'90 kg' is 90000000 g_milli"),
        ("quantity", lambda of: hand.quantity(of, "90 kg", step=1), "in steps of 1000000"),
        ("quantity", lambda of: hand.quantity(of.model_copy(update={"hash": bytes(32)})), "which is not in the ledger"),
        ("quantity", lambda of: hand.quantity(of.model_copy(update={"seq": 1})), "names another place"),
        ("amendment", lambda of: hand.amendment(of, 1, "80 kg"), "states 1 g_milli as the old value"),
        ("amendment", lambda of: hand.amendment(of, METERED, "80 kg", new=1), "'80 kg' is not 1 g_milli"),
        ("amendment", lambda of: hand.amendment(of, 196_000, "1 Wh", number=1), "energy is not amendable"),
        ("amendment", lambda of: hand.amendment(of, METERED, "80 kg", number=9), "names part 9 of 3"),
        ("manual", lambda _: hand.reading("5 kWh", 9, value=6), "'5 kWh' is 5000000 wh_milli"),
        ("manual", lambda _: hand.reading("5 kWh", 9, within_ns=-2), "ends before it starts"),
        ("manual", lambda _: hand.invoice("5 kWh", from_ns=9, to_ns=9), "its period ends before it starts"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(made, kind, bend, words):
    index = hand.say(made, kind, bend(hand.batch_ref(made)))
    (line,) = faults(made)
    assert line.startswith(f"FAIL manual {index} gateway")
    assert words in line


def test_a_quantity_speaks_of_a_batch(made):
    hand.say(made, "quantity", hand.quantity(hand.ref(made, 0)))
    assert "no batch" in faults(made)[0]


def test_a_withheld_record_is_a_fault(made):
    index = hand.say(made, "quantity", hand.quantity(hand.batch_ref(made)))
    made.ledger[index][1] = body.redact(made.ledger[index][1], set())
    assert any("withheld" in line for line in faults(made))


# ---- statements ------------------------------------------------------------------------------------------------------


@pytest.fixture
def sealer(tmp_path):
    made = maker.opened()
    maker.produced(made)
    opened = Sealer(made, tmp_path)
    yield opened
    opened.ledger.close()


def exported(sealer):
    data = sealer.export()
    assert failures(data) == []
    return json.loads(archive.read(data).statement)


def test_an_amended_quantity_is_in_the_statement_and_the_verifier_agrees(sealer):
    before = exported(sealer)
    assert "by_hand" not in before
    index = hand.say(sealer.made, "amendment", hand.amendment(hand.batch_ref(sealer.made), METERED, "80 kg"))
    sealer.append()
    after = exported(sealer)
    coil, plate = after["products"]
    assert coil["good_g_milli"] == 80_000_000
    # direct 196,000 mWh and 28/66 of the compressor's 208,000: 88,242; (196,000 + 88,242) / 0.08 t
    assert coil["wh_milli_per_unit"] == 3_553_025
    assert plate == before["products"][1]
    assert after["by_hand"] == [
        {
            "entry": index, "agent": "edge-1", "line": "line1", "batch": "L1-0001", "role": "good", "how": "amendment",
            "unit": "g_milli", "recorded": METERED, "amount": 80_000_000, "unused": None,
            "author": "Li Wei", "reason": "scale 2 was off",
        }
    ]  # fmt: skip


def test_pieces_told_by_hand_are_in_the_statement_of_a_product_by_the_piece(tmp_path, monkeypatch):
    monkeypatch.setattr(maker, "SITE_TOML", maker.SITE_TOML.replace(b'unit = "t"', b'unit = "piece"', 1))
    made = maker.opened()
    maker.produced(made)
    hand.say(made, "quantity", hand.quantity(hand.batch_ref(made), "480 piece"))
    sealer = Sealer(made, tmp_path)
    said = exported(sealer)
    sealer.ledger.close()
    coil, plate = said["products"]
    assert (coil["good_one_milli"], plate["good_g_milli"]) == (480_000, 114_000_000)
    assert coil["wh_milli_per_unit"] == 592  # (196,000 + 88,242) mWh / 480
    assert [(row["unit"], row["recorded"], row["amount"]) for row in said["by_hand"]] == [("one_milli", None, 480_000)]


def test_a_statement_takes_only_what_was_admitted_before_it(sealer):
    """The archive of an earlier statement still verifies after an amendment."""

    def late(run):
        hand.say(sealer.made, "amendment", hand.amendment(hand.batch_ref(sealer.made), METERED, "80 kg"))
        sealer.append()
        sealer.seal(run)

    data = export(sealer.ledger, sealer.made.ledger_key.public_key(), ASKED, late)
    assert failures(data) == []
    assert json.loads(archive.read(data).statement)["products"][0]["good_g_milli"] == METERED


def test_a_gateway_that_leaves_an_amendment_out_is_contradicted():
    made = maker.opened()
    maker.produced(made)
    hand.say(made, "amendment", hand.amendment(hand.batch_ref(made), METERED, "80 kg"))
    maker.stated(made)  # computes without it
    assert any("good_g_milli: states 84000000, recomputed 80000000" in line for line in failures(made))
