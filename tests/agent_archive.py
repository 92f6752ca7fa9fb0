"""What a recorder sealed in memory, as an archive that the verifier reads."""

import archive_maker as maker
from archive_maker import AGENT
from plant_in_memory import KEY

from verifier import archive, check_batches, evidence, trail


def made_of(site):
    """A stopped agent's entries, as an archive's rows."""
    entries = [[stored.sealed.signed, stored.sealed.body] for stored in site.entries()]
    site.stop()
    return entries


def factory_of(entries):
    """An archive in the making whose agent wrote these."""
    factory = maker.Factory()
    factory.private[AGENT] = KEY
    maker.opened(factory)
    factory.ledger += [list(pair) for pair in entries]
    return factory


def read(made):
    """(trail, evidence, batches) of an archive in the making."""
    seen, _ = trail.read(archive.read(made.pack()))
    known, _ = evidence.read(seen)
    return seen, known, check_batches.read(seen, None)[0]


def first_changed(batches, changes):
    """The batches, the first one's head changed."""
    first, *others = batches
    return [check_batches.Batch(first.item, first.head.model_copy(update=changes), first.amounts), *others]
