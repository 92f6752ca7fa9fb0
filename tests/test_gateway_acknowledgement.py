"""A word about an odd epoch becomes a record that names it by hash; about anything else it is refused in one line."""

import pytest
from lineage_plant import Line, begun
from pydantic import ValidationError

from contract import records
from contract.acknowledgement_records import AcknowledgementPart
from gateway import acknowledgement, lineages
from gateway.acknowledgement import AcknowledgementFiling


@pytest.fixture
def plant(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 20).deliver()
    old = line.site.copy(tmp_path / "backup")
    line.run(20, 30).deliver()
    line.stop()
    again = Line(old, gateway).start(31).run(32, 40).deliver()
    again.stop()
    yield gateway, again
    gateway.ledger.close()


def says(name: str, keeps: str | None = None) -> AcknowledgementFiling:
    return AcknowledgementFiling(author="chen wei", reason="restored", entered_ns=7, entry=name, keeps=keeps)


def test_a_word_names_the_entry_by_its_hash(plant):
    gateway, again = plant
    (part,) = acknowledgement.parts(says(f"edge-1/{again.epoch}/0"), gateway.ledger)
    said = records.read(part, AcknowledgementPart)
    (odd,) = lineages.odd(gateway.ledger, "edge-1")
    assert gateway.ledger.hash_at(("edge-1", said.entry.epoch, 0)) == said.entry.hash == odd.begun.hash
    assert (said.keeps, said.author, said.reason, said.entered_ns) == ("this", "chen wei", "restored", 7)
    assert records.read(acknowledgement.parts(says(f"edge-1/{again.epoch}/0", "other"), gateway.ledger)[0],
                        AcknowledgementPart).keeps == "other"  # fmt: skip


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("edge-1", "write AUTHOR/EPOCH/SEQ"),
        ("edge-1/12/0", "write AUTHOR/EPOCH/SEQ"),
        ("edge-1/EPOCH/7", "only an epoch's first entry can be odd: write edge-1/EPOCH/0"),
        ("edge-1/00000000/0", "nothing is odd about it that could be acknowledged: edge-1/EPOCH/0"),
        ("edge-9/EPOCH/0", "nothing is odd about it that could be acknowledged: nothing of edge-9 is"),
    ],
)
def test_what_is_not_odd_is_refused(plant, name, why):
    gateway, again = plant
    with pytest.raises(ValueError, match="entry: ") as raised:
        acknowledgement.parts(says(name.replace("EPOCH", again.epoch)), gateway.ledger)
    assert why in str(raised.value).replace(again.epoch, "EPOCH")


def test_a_word_without_a_reason_is_none():
    with pytest.raises(ValidationError, match="reason"):
        AcknowledgementFiling(author="chen wei", reason="", entered_ns=7, entry="edge-1/00000000/0", keeps=None)
