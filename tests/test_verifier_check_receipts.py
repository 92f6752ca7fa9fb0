"""What was receipted must be there, under the gateway's own signature."""

import archive_maker as maker
from archive_maker import AGENT, GATEWAY, failures

from contract import receipt


def receipted(**changes: object) -> maker.Factory:
    made = maker.factory()
    said = receipt.verify(made.receipts[0], made.private[GATEWAY].public_key(), maker.SITE)
    head = said.heads[0].model_copy(update=changes)
    made.receipts = [receipt.sign(said.model_copy(update={"heads": [head]}), made.private[GATEWAY], maker.SITE)]
    return made


def test_a_head_that_is_missing_or_another_is_named():
    assert failures(receipted(seq=99))[0].endswith("/99: receipted, but is not in the ledger")
    assert failures(receipted(hash=bytes(32)))[0].endswith("receipted, but stands in the ledger with another hash")


def test_a_receipt_signed_by_an_agent_is_refused():
    made = maker.factory()
    said = receipt.verify(made.receipts[0], made.private[GATEWAY].public_key(), maker.SITE)
    made.receipts = [receipt.sign(said, made.private[AGENT], maker.SITE)]
    assert [line.split()[1] for line in failures(made)] == ["receipt"]


def test_a_receipt_of_another_site_is_refused():
    made = maker.factory()
    said = receipt.verify(made.receipts[0], made.private[GATEWAY].public_key(), maker.SITE)
    made.receipts = [receipt.sign(said, made.private[GATEWAY], "elsewhere")]
    assert [line.split()[1] for line in failures(made)] == ["receipt"]
