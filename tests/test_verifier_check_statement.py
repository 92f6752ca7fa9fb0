"""The statement's claims, its run entry, and what it is recomputed from."""

import json

import archive_maker as maker
import pytest
from archive_maker import GATEWAY, failures

from contract import records
from contract.errors import Malformed
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


def test_a_ledger_without_a_site_model_cannot_be_recomputed():
    made = maker.factory()
    made.ledger[maker.index_of(made, GATEWAY, "site")][1] = None
    assert "FAIL statement not recomputable: no site model is in the ledger" in failures(made)


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
