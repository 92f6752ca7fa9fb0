"""Copies: each story ends as it must, and one that does not is told."""

import logging
from dataclasses import replace

import pytest

from gateway import receipts
from simulators.ordeal import restores
from simulators.ordeal.restores import STORIES, told
from simulators.ordeal.vfs import Unreachable, vfs
from simulators.ordeal.world import World


@pytest.fixture(autouse=True)
def _quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def outcome(story, folder):
    try:
        return told(story, World(folder, "copies"), vfs())
    except Unreachable as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", STORIES)
def test_it_is_named_and_nothing_is_lost_that_anyone_holds(name, tmp_path, monkeypatch):
    monkeypatch.setattr(receipts, "HEADS_MAX", 4)  # as few epochs show what many would
    monkeypatch.setattr(restores, "EPOCHS", 8)
    assert outcome(STORIES[name], tmp_path) == []


def test_a_story_that_is_not_named_or_does_more_than_it_may_is_told(tmp_path):
    story = replace(STORIES["the gateway is put back"], named="nothing of the kind", may=("verifier: FAIL history",))
    wrong = outcome(story, tmp_path)
    assert wrong[-1] == "no finding of the verifier says: nothing of the kind"
    assert any(line.startswith("receipted, and lost by the ledger") for line in wrong[:-1])
