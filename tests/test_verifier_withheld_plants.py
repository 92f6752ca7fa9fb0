"""Copies that withhold anything at all, of plants of every kind: nothing that is shown is ever said to contradict."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import archive_maker as maker
import lot_plant
import message_plant
import overlap_plant
import pytest
import told_lines
from agent_archive import factory_of, made_of
from archive_maker import AGENT
from late_plant import silent, take, told
from plant_in_memory import meter_scan
from test_verifier_check_messages import MESSAGES
from test_verifier_check_states import PACKML, number
from test_verifier_check_void import TAIL, headers, lost, plain
from test_verifier_lineages import acknowledge, odd

from contract import body
from verifier import archive
from verifier.archive import Archive, Kept
from verifier.verify import verify

ROUNDS = 25


def lots(folder: Path) -> bytes:
    site = lot_plant.works(folder)
    site.start(0)
    for k in range(1, 40):
        batch = "A" if 5 <= k < 15 or 20 <= k < 30 else None
        site.take(k, [meter_scan(k), lot_plant.lot_scan(k, batch, packs=40 if batch else 0)])
    return factory_of(made_of(site)).pack()


def messages(folder: Path) -> bytes:
    site = message_plant.works(folder)
    site.start(0)
    for k in range(1, 50):
        site.take(k, [meter_scan(k), *MESSAGES.get(k, [])])
    return factory_of(made_of(site)).pack()


def states(folder: Path) -> bytes:
    site = told_lines.site(folder, 'source = "press-plc"', PACKML)
    run = told_lines.run(site, range(60), lambda k: {"state": number(k), "batch_id": "B1", "product": "coil"})
    return told_lines.ledger(run).pack()


def at_once(folder: Path) -> bytes:
    sealer = overlap_plant.sealer(folder, "equal")
    data = sealer.export()
    sealer.ledger.close()
    return data


def told_late(folder: Path) -> bytes:
    sealer = silent(folder)
    take(sealer, told())
    data = sealer.export()
    sealer.ledger.close()
    return data


def declared_lost(_: Path) -> bytes:
    last = max(header.seq for header in headers(plain()) if header.author == AGENT)
    made = lost(plain(), 3, last - 1, TAIL)
    made.statement, made.receipts = b"", []
    return made.pack()


def acknowledged(_: Path) -> bytes:
    made, ref = odd()
    acknowledge(made, ref, "other")
    made.statement, made.receipts = b"", []
    return made.pack()


def utilities(_: Path) -> bytes:
    return maker.factory().pack()


PLANTS = [lots, messages, states, at_once, told_late, declared_lost, acknowledged, utilities]


def failed(read: Archive) -> set[str]:
    return {finding.line() for finding in verify(read).findings if finding.standing == "failed"}


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_what_is_withheld_is_lacking_and_never_a_contradiction(plant: Callable[[Path], bytes], tmp_path: Path):
    """Each body by itself, then parts and bodies at random."""
    read, chance = archive.read(plant(tmp_path)), random.Random(20261130)
    before = failed(read)
    assert before == set() or plant is declared_lost
    for at, kept in enumerate(read.entries):
        entries = [*read.entries]
        entries[at] = Kept(kept.index, kept.signed, None)
        assert failed(replace(read, entries=tuple(entries))) <= before, at
    for _ in range(ROUNDS):
        often = chance.choice([0.05, 0.2, 0.5, 0.9])
        entries = [one if chance.random() > often else redacted(one, chance) for one in read.entries]
        assert failed(replace(read, entries=tuple(entries))) <= before


def redacted(one: Kept, chance: random.Random) -> Kept:
    if one.body is None:
        return one
    keep = {number for number in range(len(body.unpack(one.body).parts)) if chance.random() < 0.5}
    return Kept(one.index, one.signed, body.redact(one.body, keep) if keep else None)
