"""Lines told in other ways than by three tags, in the plant in memory, and their trails before the verifier.

Round k is read at T0 + k seconds, which is 2023-11-14 22:13:20 UTC and k seconds.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import archive_maker as maker
from archive_maker import AGENT, GATEWAY
from plant_in_memory import CONFIG, KEY, PLC_PROFILE, S, Site, at_ns, meter_scan, write_plant

from agent import check
from agent.drivers import Reading, Scan
from contract import keys
from verifier import archive
from verifier.finding import Finding
from verifier.verify import verify

STATE = """[[point]]
id = "state"
quantity = "state"
node = "ns=1;s=state"
type = "uint16"
unit = "1"
kind = "gauge"
"""
NUMBER = STATE.replace("state", "number")
SHIFTS = """
[calendar]
zone = "UTC"
[[calendar.shift]]
name = "one"
start = "22:14"
end = "22:15"
[[calendar.shift]]
name = "two"
start = "22:15"
end = "22:16"
"""


def site(folder: Path, old: str, new: str, extra: str = "") -> Site:
    """The plant with its one line told otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    assert old in CONFIG
    path = write_plant(folder, CONFIG.replace(old, new) + extra)
    (folder / "plc.toml").write_text(PLC_PROFILE + STATE + NUMBER)
    return Site(folder / "data", check.load(path, at_ns(0)))


def shown(k: int, **raws: int | str) -> tuple[str, Scan]:
    """What the controller answers in round k: numbers and texts by point."""
    readings = (
        Reading(name, None, 0, None, raw) if isinstance(raw, str) else Reading(name, raw, 0)
        for name, raw in raws.items()
    )
    return "press-plc", Scan(0, at_ns(k) + S // 2, at_ns(k) + S // 2 + 12_345_678, tuple(readings))


def run(made: Site, rounds: Iterable[int], told: Callable[[int], dict[str, int | str]]) -> Site:
    """Read rounds; in each the controller answers what `told` says."""
    made.start(0)
    for k in rounds:
        made.take(k, [meter_scan(k), shown(k, produced=1000 + 3 * k, **told(k))])
    made.recorder.seal(at_ns(10_000))
    return made


def ledger(made: Site) -> maker.Factory:
    """A ledger that admitted everything the agent sealed; more can be sealed in the agent's name."""
    factory = maker.opened(maker.Factory({AGENT: KEY, GATEWAY: keys.generate(), "edge-2": keys.generate()}))
    factory.ledger += [[stored.sealed.signed, stored.sealed.body] for stored in made.entries()]
    factory.writers[AGENT] = made.recorder._writer
    return factory


def findings(factory: maker.Factory) -> list[Finding]:
    """What the verifier says of the whole ledger."""
    return list(verify(archive.read(factory.pack())).findings)


def failures(factory: maker.Factory) -> list[str]:
    return [finding.line() for finding in findings(factory) if not finding.ok]
