"""The statement's claims, its run entry, and what it is recomputed from."""

import json
from fractions import Fraction

import archive_maker as maker
import pytest
from archive_maker import GATEWAY, failures

from contract import records
from contract.errors import Malformed
from gateway.cross_check import remarks
from verifier.check_statement import claim


def test_what_has_to_be_recomputed_is_read_from_the_statement():
    said = claim(maker.factory().statement)
    assert (said.period.from_ns, said.period.to_ns) == (maker.FROM_NS, maker.TO_NS)
    assert (said.provisional, said.products) == (False, ("coil", "plate"))


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"\xff", b'{"from_ns":1}', b"[" * 100_000]
    + [
        json.dumps({"from_ns": a, "to_ns": b, "provisional": False, "products": []}).encode()
        for a, b in [(2, 1), (0, 2**70)]
    ],
)
def test_a_statement_that_claims_nothing_sensible_is_refused(text: bytes):
    with pytest.raises(Malformed):
        claim(text)


def restated(made: maker.Factory, **changes: object) -> maker.Factory:
    """Record a bent statement properly: the gateway itself lies."""
    made.statement = json.dumps(
        {**json.loads(made.statement), **changes}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
    part = records.RunPart(ledger_size=len(made.ledger), statement=made.statement)
    made.add(GATEWAY, "run", [records.write(part)], maker.T0, maker.T0)
    return made


def test_a_gateway_that_records_a_lie_is_contradicted():
    assert failures(restated(maker.factory(), label="complete")) == [
        'FAIL statement label: states "complete", recomputed "partial: gate-to-gate energy"'
    ]


# Good output as a controller counts it: pieces in a register of 16 bits, which wraps between readings 28 and 29.
PIECES = maker.counter("good", "pieces", "piece", 0).replace("uint32", "uint16") + 'limit = "65536"\n'


def in_pieces(monkeypatch: pytest.MonkeyPatch, coil: str, plate: str) -> maker.Factory:
    """The factory with a counter of pieces in the scale's place, its products declared per these units."""
    monkeypatch.setitem(maker.METERS, "scale1", maker.profile("counter of pieces", PIECES))
    monkeypatch.setitem(maker.SHOWN, "scale1", lambda k: (65_450 + 3 * k) % 65_536)
    first, second, third = maker.SITE_TOML.split(b'unit = "t"')
    site = first + f'unit = "{coil}"'.encode() + second + f'unit = "{plate}"'.encode() + third
    monkeypatch.setattr(maker, "SITE_TOML", site)
    made = maker.opened()
    maker.produced(made)
    maker.stated(made)
    return made


def test_products_by_the_piece_are_recomputed(monkeypatch: pytest.MonkeyPatch):
    made = in_pieces(monkeypatch, "piece", "1000 pieces")
    coil, plate = json.loads(made.statement)["products"]
    # 28 and 38 steps of 3 pieces; 28 and 38 steps of 7 Wh
    assert (coil["good_one_milli"], coil["direct_wh_milli"]) == (84_000, 196_000)
    assert (plate["good_one_milli"], plate["direct_wh_milli"]) == (114_000, 266_000)
    assert coil["wh_milli_per_unit"] == round(Fraction(coil["energy_wh_milli"], 84))
    assert plate["wh_milli_per_unit"] == round(Fraction(plate["energy_wh_milli"] * 1000, 114))
    assert plate["co2e_g_micro_per_unit"] == round(Fraction(plate["energy_wh_milli"] * 500 * 1000, 114))
    assert failures(made) == []
    more = [{**coil, "good_one_milli": 85_000}, plate]
    assert failures(restated(made, products=more)) == [
        "FAIL statement products[0].good_one_milli: states 85000, recomputed 84000"
    ]


def test_a_batch_that_counts_other_pieces_than_were_read_is_contradicted(monkeypatch: pytest.MonkeyPatch):
    plain = maker.batch_parts

    def more(name: str) -> list[bytes]:
        *others, good = plain(name)
        counted = records.read(good, records.AmountPart)
        return [*others, records.write(counted.model_copy(update={"amount": counted.amount + 1000}))]

    monkeypatch.setattr(maker, "batch_parts", more)
    told = failures(in_pieces(monkeypatch, "piece", "piece"))
    assert any("L1-0001 scale1/good: signed 85000 thousandths of a piece, recomputed 84000" in line for line in told)


def test_pieces_of_a_product_declared_by_mass_are_told_in_one_line(monkeypatch: pytest.MonkeyPatch):
    made = in_pieces(monkeypatch, "t", "piece")
    assert failures(made) == []
    (told,) = remarks(made.statement)
    assert told == (
        "product.coil.unit: good output is in pieces, the product is declared by mass: edge-1/line1/L1-0001 left out:"
        ' declare it per "piece" or "1000 pieces"'
    )


def test_a_product_left_out_is_no_lie_but_one_that_does_not_exist_is():
    made = maker.factory()
    one = json.loads(made.statement)["products"][:1]
    assert failures(restated(maker.factory(), products=one)) == []
    assert failures(restated(maker.factory(), products=[{**one[0], "product": "rod"}])) != []


def test_a_run_of_a_larger_ledger_than_it_stood_in_is_named():
    made = maker.factory()
    part = records.RunPart(ledger_size=99, statement=made.statement)
    del made.ledger[-1]
    made.writers[GATEWAY] = maker.factory().writers[GATEWAY]
    made.add(GATEWAY, "run", [records.write(part)], maker.T0, maker.T0)
    assert any("larger than it stood in" in line for line in failures(made))


def test_a_site_model_or_a_factor_that_is_withheld_is_named():
    made = maker.factory()
    made.ledger[4][1] = None
    hidden = "the site model in force is not shown; withheld: 4 gateway 00000000/4 (site)"
    assert f"LACK statement not recomputable: {hidden}" in failures(made)
    made = maker.factory()
    made.ledger[5][1] = None
    assert any(line.endswith("; withheld: 5 gateway 00000000/5 (factor)") for line in failures(made))


def test_a_later_site_model_withheld_never_brings_an_older_one_back():
    made = maker.opened()
    made.add(GATEWAY, "site", [records.write(records.SitePart(toml=maker.SITE_TOML))], maker.T0, maker.T0)
    maker.produced(made)
    maker.stated(made)
    assert failures(made) == []
    made.ledger[maker.index_of(made, GATEWAY, "site", 1)][1] = None
    assert any("the site model in force is not shown; withheld: 6 gateway" in line for line in failures(made))


def test_an_agents_site_model_counts_for_nothing():
    made = maker.opened()
    maker.produced(made)
    other = maker.SITE_TOML.replace(b"3.36", b"9.99").replace(b'zh = "\xe5\xb7\xa5', b'zh = "x')
    made.add(maker.AGENT, "site", [records.write(records.SitePart(toml=other))], maker.T0, maker.T0)
    maker.stated(made)
    assert failures(made) == []


def test_a_final_statement_of_a_ledger_its_agent_had_not_filled_is_named():
    made = maker.factory()
    cut = maker.index_of(made, maker.AGENT, "batch") + 1
    part = records.RunPart(ledger_size=cut, statement=made.statement)
    made.add(GATEWAY, "run", [records.write(part)], maker.T0, maker.T0)
    assert any("final, though edge-1 had sealed nothing since" in line for line in failures(made))


@pytest.mark.parametrize("nth", [0, 7, 19], ids=["first", "middle", "last"])
def test_a_batch_left_out_stands_out_whatever_readings_are_withheld(nth: int):
    """What follows from the batches' records needs no readings."""
    made = maker.opened()
    maker.produced(made)
    maker.stated(made, ("L1-0001",))
    made.ledger[maker.index_of(made, maker.AGENT, "segment", nth)][1] = None
    found = failures(made)
    assert any(line.startswith("FAIL statement products") and ".batches: " in line for line in found), found


def test_a_true_statement_is_merely_undecided_where_readings_are_withheld():
    made = maker.factory()
    made.ledger[maker.index_of(made, maker.AGENT, "segment", 7)][1] = None
    found = failures(made)
    assert found
    assert all(line.startswith("LACK ") for line in found)


@pytest.mark.parametrize("odd", [b'{"excluded":7', b'{"excluded":["x",null]'], ids=["number", "words"])
def test_a_statement_of_another_form_beside_withheld_readings_is_contradicted(odd: bytes):
    made = maker.opened()
    maker.produced(made)
    made.issue(maker.AGENT)
    period = b'"from_ns":%d,"products":["x"],"provisional":false,"to_ns":%d' % (maker.FROM_NS, maker.TO_NS)
    made.statement = odd + b"," + period + b"}"
    part = records.RunPart(ledger_size=len(made.ledger), statement=made.statement)
    made.add(GATEWAY, "run", [records.write(part)], maker.FROM_NS, maker.TO_NS)
    made.ledger[maker.index_of(made, maker.AGENT, "segment", 7)][1] = None
    assert any(line.startswith("FAIL statement ") for line in failures(made))
