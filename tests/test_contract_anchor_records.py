"""An anchor's record: what an outsider gave, verbatim."""

import pytest

from contract import records
from contract.anchor_records import TOKEN_BYTES_MAX, AnchorPart
from contract.errors import Malformed


@pytest.mark.parametrize("token", [None, b"token"])
def test_what_was_given_survives_writing_and_reading(token):
    part = AnchorPart(source="auditor.example/w1", note="note", token=token)
    data = records.write(part)
    assert records.kind_of(data) == "anchor"
    assert records.read(data, AnchorPart) == part


@pytest.mark.parametrize(
    "change", [{"note": ""}, {"token": b""}, {"token": bytes(TOKEN_BYTES_MAX + 1)}, {"source": ""}]
)
def test_empty_or_endless_words_are_malformed(change):
    part = AnchorPart(source="w", note="note", token=None).model_copy(update=change)
    with pytest.raises(Malformed):
        records.read(records.write(part), AnchorPart)
