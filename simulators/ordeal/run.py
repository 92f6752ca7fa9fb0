"""`python -m simulators.ordeal.run --kills 1000 --seed 1`: kills by the thousand, and what came of them.

In: how many kills, a seed. Out: figures, and exit status 1 with a line for every breach. The kills are spread over
worlds of their own, each judged at its end; `--world 7` runs that one again.
"""

import argparse
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from simulators.ordeal.restores import STORIES, told
from simulators.ordeal.vfs import Unreachable, vfs
from simulators.ordeal.world import Breach, World, totals

KILLS_PER_WORLD = 40
MEMORY = Path("/dev/shm")  # noqa: S108 # a disk that costs no time: what it would lose is worked out, not waited for


def ordeal(kills: int, seed: str, worlds: Sequence[int], *, rotating: bool = False) -> tuple[Counter[str], list[str]]:
    """Run these worlds, of so many kills each: (figures, breaches). Raises Unreachable."""
    figures: Counter[str] = Counter()
    breaches: list[str] = []
    for number in worlds:
        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
            world = World(Path(folder), f"{seed}/{number}", rotating=rotating)
            try:
                judged = world.run(kills, vfs())
            except Breach as breach:
                breaches.append(f"{breach}")
            else:
                figures.update({"readings": judged.readings, "lost": judged.lost, "doubled": judged.doubled})
                figures.update({"batches": judged.batches, f"verdict {judged.verdict}": 1})
                breaches += [f"{world.where()}: {breach}" for breach in judged.breaches]
            figures.update(totals([world]))
    return figures, breaches


def stories(seed: str) -> list[str]:
    """Let every story of copies happen: what is wrong with how they ended. Raises Unreachable."""
    wrong: list[str] = []
    for name, story in STORIES.items():
        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
            world = World(Path(folder), f"{seed}/{name}")
            try:
                wrong += [f"{world.where()}: {fault}" for fault in told(story, world, vfs())]
            except Breach as breach:
                wrong.append(f"{breach}")
    return wrong


def main(argv: list[str]) -> int:
    """Print figures and breaches; 0 if every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m simulators.ordeal.run", description="A plant under every fault.")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--world", type=int, help="only this one")
    parser.add_argument("--rotate", action="store_true", help="keys of agents and gateway change at starts")
    given = parser.parse_args(argv)
    logging.disable(logging.CRITICAL)  # thousands of lines on what is done to them on purpose
    count = max(1, round(given.kills / KILLS_PER_WORLD))
    try:
        chosen = range(count) if given.world is None else [given.world]
        kills = min(given.kills, KILLS_PER_WORLD)
        figures, breaches = ordeal(kills, given.seed, chosen, rotating=given.rotate)
        if given.world is None:
            breaches += stories(given.seed)
            figures["disks run twice or put back"] = len(STORIES)
    except Unreachable as error:
        sys.stderr.write(f"{error}: use a Python whose sqlite3 is linked to the system's library\n")
        return 1
    killed = sum(times for name, times in figures.items() if name.startswith("killed"))
    sys.stdout.write(f"{'kills':<34}{killed:>9}\n")
    sys.stdout.writelines(f"{name:<34}{figures[name]:>9}\n" for name in sorted(figures))
    sys.stdout.writelines(f"{breach}\n" for breach in breaches)
    sys.stdout.write("A PROMISE WAS BROKEN\n" if breaches else "every promise was kept\n")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
