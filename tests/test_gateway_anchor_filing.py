"""A co-signed note is taken up only if it is one that this ledger gave."""

import archive_maker as maker
import pytest
import witnesses
from ledger_on_disk import Kept

from contract import records
from contract.anchor_records import AnchorPart
from gateway.anchor_filing import AnchorFiling, parts


@pytest.fixture
def kept(tmp_path):
    opened = Kept(tmp_path, maker.factory())
    yield opened
    opened.ledger.close()


def test_the_ledgers_own_note_with_a_line_is_its_part(kept):
    note = witnesses.cosigned(kept.ledger.latest_checkpoint(), 9)
    (part,) = parts(AnchorFiling(source="w", note=note), kept.ledger)
    assert records.read(part, AnchorPart) == AnchorPart(source="w", note=note, token=None)


@pytest.mark.parametrize(
    "bend", [lambda note: note.replace("\n33\n", "\n32\n"), lambda note: note.replace("works", "w")]
)
def test_another_note_is_refused(kept, bend):
    note = bend(witnesses.cosigned(kept.ledger.latest_checkpoint(), 9))
    with pytest.raises(ValueError, match="are no checkpoint that this ledger signed"):
        parts(AnchorFiling(source="w", note=note), kept.ledger)
