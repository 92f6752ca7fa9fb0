"""The explanation names every state and both labels."""

import pytest

from gateway.pages.tables import SEAL_SHAPES
from gateway.pages.trust import explanation
from gateway.words import LANGUAGES, say


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_is_explained(language):
    told = explanation(language)
    assert len(SEAL_SHAPES) == 4
    for seal, shape in SEAL_SHAPES.items():
        assert shape in told
        assert say(language, f"seal_{seal}") in told
    for key in ("trust_partial", "trust_provisional", "trust_signature"):
        assert say(language, key) in told.replace("&#x27;", "'")
