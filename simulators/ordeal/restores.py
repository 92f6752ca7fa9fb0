"""Stories of copies: an agent's disk runs twice, an agent's or the gateway's comes back from a backup.

In: a `World`. Out: what happens in it, and what the verifier must then say. The world judges: nothing may be lost that
any party still holds, and nothing be there that was not read; what a story cannot but bring about is in its `MAY`.
"""

import shutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from gateway import config, preflight
from gateway.ledger import Ledger
from gateway.recover import Decision, recover
from simulators.ordeal.disk import Disk
from simulators.ordeal.edge import Edge
from simulators.ordeal.hall import Hall
from simulators.ordeal.plant import S
from simulators.ordeal.vfs import Vfs
from simulators.ordeal.world import World

ROUNDS = 40
EPOCHS = 40
BRANCHES = "verifier: ", "doubled: (", "batch told twice: "  # both tell the truth, of the same readings
FORGOTTEN = ("receipted, and lost by the ledger: ",)  # by the copy that was put back; the agents have it


@dataclass(frozen=True, slots=True)
class Story:
    """What happens, what a finding must say of it, and how breaches begin that follow from it alone."""

    play: Callable[[World], Coroutine[object, object, None]]
    named: str
    may: tuple[str, ...]


def told(story: Story, world: World, vfs: Vfs) -> list[str]:
    """Let a story happen: what is wrong with how it ended. Raises Breach as a world does."""
    judged = world.play(story.play(world), vfs)
    wrong = [breach for breach in judged.breaches if not breach.startswith(story.may)]
    if not any(story.named in line for line in judged.findings):
        wrong.append(f"no finding of the verifier says: {story.named}")
    return wrong


async def agent_cloned(world: World) -> None:
    """A copy of an agent's disk is started beside it, with the same name and key, and both go on."""
    await _pass(world)
    edge = world.edges[0]
    image = _copied(world, edge, "twin")
    disk = Disk(image, Random(f"{world.seed}/twin"))
    luck = Random(f"{world.seed}/twin/luck")
    world.edges.append(replace(edge, disk=disk, luck=luck, link_name="twin", _journal=None))
    await _pass(world)


async def agent_restored(world: World) -> None:
    """An agent's disk is put back as it was some time ago."""
    await _restored(world, world.edges[0])


async def gateway_restored(world: World) -> None:
    """The gateway's whole disk is put back as it was some time ago, the copy of its checkpoints with it."""
    await _restored(world, world.hall)


async def gateway_recovered(world: World) -> None:
    """The gateway's database is put back, the copy of its checkpoints knows better: it is recovered by hand."""
    hall = world.hall
    await _pass(world)
    image = _copied(world, hall, "image")
    await _pass(world)
    hall.die(world.now_ns)
    data = hall.disk.folder / "data"
    known = (data / "checkpoints.txt").read_bytes()
    _put_back(hall, image)
    (data / "checkpoints.txt").write_bytes(known)
    path = hall.folder / "gateway.toml"
    loaded = config.load(path)
    prepared = preflight.prepare(loaded)
    of = loaded.gateway
    ledger = Ledger.open(of.database_url, of.site, prepared.ledger_key, of.checkpoint_file, renew=True)
    recover(ledger, prepared, Decision("Wang Fang", "disk replaced", world.now_ns, path.read_bytes(), "ordeal"))
    ledger.close()
    await _pass(world)


async def receipts_lost(world: World) -> None:
    """An agent of many epochs loses the file that says what was delivered, and has to ask after all of them."""
    edge = world.edges[0]
    for _ in range(EPOCHS):
        await world.round(S)
        edge.die(world.now_ns)
    await world.round(S)
    await world.deliver()
    edge.die(world.now_ns)
    for path in edge.data.glob("open.db*"):
        path.unlink()
    await _pass(world)


async def _restored(world: World, part: Edge | Hall) -> None:
    await _pass(world)
    image = _copied(world, part, "image")
    await _pass(world)
    await world.deliver()  # what the disk alone holds is lost with it, and nobody can know
    part.die(world.now_ns)
    _put_back(part, image)
    await _pass(world)


async def _pass(world: World) -> None:
    for _ in range(ROUNDS):
        await world.round(S)


def _copied(world: World, part: Edge | Hall, name: str) -> Path:
    """A copy of a part's disk, as a stopped machine's is made."""
    part.die(world.now_ns)
    folder = world.folder / name / "disk"
    shutil.copytree(part.disk.folder, folder)
    return folder


def _put_back(part: Edge | Hall, image: Path) -> None:
    part.disk.is_bare = True
    shutil.rmtree(part.disk.folder)
    shutil.copytree(image, part.disk.folder)
    part.disk.is_bare = False
    part.disk.restored()


STORIES = {
    "an agent loses what receipts said": Story(receipts_lost, "no gap", ()),
    "an agent's disk runs twice": Story(agent_cloned, "clone: another epoch already follows", BRANCHES),
    "an agent is put back": Story(agent_restored, "clone: another epoch already follows", BRANCHES),
    "the gateway is put back": Story(
        gateway_restored, "the ledger was rewritten", (*FORGOTTEN, "verifier: FAIL history")
    ),
    "the gateway is put back and recovered": Story(
        gateway_recovered, "replaces metertrail/works from entry", FORGOTTEN
    ),
}
