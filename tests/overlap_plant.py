"""The press told by messages, holding several batches at once; and a gateway's ledger of what its agent sealed.

The press takes 7 Wh a round. A runs from round 10 to 30, B from 20 to 50, C from 40 to 60, D alone from 70 to 80.
"""

from pathlib import Path

import archive_maker as maker
from archive_maker import AGENT, T0, S
from message_plant import MESSAGED, TOLERANCE, lots, message, works
from plant_in_memory import KEY, meter_scan
from test_gateway_export import Sealer

from contract import records
from gateway.export import Asked

STEP_WH_MILLI = 7000
RUNS = {"A": (10, 30, 4), "B": (20, 50, 12), "C": (40, 60, 4), "D": (70, 80, 5)}  # first and last round, good kg
ROUNDS = 120
ASKED = Asked(None, T0, T0 + 100 * S, provisional=False)
SITE_TOML = maker.SITE_TOML[: maker.SITE_TOML.index(b"[[utility]]")].replace(b'id = "line1"', b'id = "press"')


def config(key: str) -> str:
    """The press with this key; `refuse` is what is usual."""
    return MESSAGED.replace(TOLERANCE, f'{TOLERANCE}\noverlap = "{key}"')


def telling(runs: dict[str, tuple[int, int, int]]) -> dict[int, list]:
    """The messages of runs, by the round they come in; ends before starts."""
    told: dict[int, list] = {}
    for name, (_, last, good) in runs.items():
        told.setdefault(last, []).append(message("ended", name, last, outputs=lots(good, "good")))
    for name, (first, _, _) in runs.items():
        told.setdefault(first, []).append(message("started", name, first))
    return told


def factory(folder: Path, key: str, runs: dict[str, tuple[int, int, int]] | None = None) -> maker.Factory:
    """A ledger of an agent that ran through the messages."""
    site, told = works(folder, config(key)), telling(RUNS if runs is None else runs)
    site.start(0)
    for k in range(1, ROUNDS):
        site.take(k, [meter_scan(k), *told.get(k, [])])
    made = maker.Factory()
    made.private[AGENT] = KEY
    maker.opened(made)
    made.add("gateway", "site", [records.write(records.SitePart(toml=SITE_TOML))], T0, T0)
    made.ledger += [[stored.sealed.signed, stored.sealed.body] for stored in site.entries()]
    made.writers[AGENT] = site.recorder._writer
    site.stop()
    return made


def sealer(folder: Path, key: str, runs: dict[str, tuple[int, int, int]] | None = None) -> Sealer:
    """The same behind a gateway."""
    return Sealer(factory(folder / "agent", key, runs), folder)
