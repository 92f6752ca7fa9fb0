"""The small plant of plant_in_memory with its line told by messages of an MES instead of a controller's tags."""

import json
from datetime import UTC, datetime
from pathlib import Path

from plant_in_memory import CONFIG, T0, S, Site, at_ns, write_plant

from agent import check
from agent.drivers import Reading, Scan

PROFILE = (Path(__file__).parent.parent / "configs/mes-batch.toml").read_text()
TOLERANCE = "clock_tolerance_ms = 2000"
MQTT = """driver = "mqtt"
host = "127.0.0.1"
username = "metertrail"
password_file = "mes.password"
client_id = "metertrail-edge-1"
"""
MESSAGED = (
    CONFIG.replace('driver = "opcua"\nurl = "opc.tcp://127.0.0.1:4840/"\n', MQTT)
    .replace('profile = "./plc.toml"', 'profile = "./plc.toml"\naddress = "works/press/batches"')
    .replace('source = "press-plc"', f'source = "press-plc"\ntold_by = "message"\n{TOLERANCE}')
    .replace('good = "press-plc.produced"\n', "")
)


def payload(state: str, batch: str, k: float, **members: object) -> str:
    """What an MES says of round k."""
    at = datetime.fromtimestamp(at_ns(k) // S, UTC).isoformat()
    told = {"schema": "metertrail/batch/v1", "line": "press", "batch": batch, "product": "coil", "state": state}
    return json.dumps(told | {"at": at} | members)


def message(state: str, batch: str, k: int, came_k: float | None = None, **members: object) -> tuple[str, Scan]:
    """A message about round k that comes with that round, or with another."""
    text, came_ns = payload(state, batch, k, **members), T0 + int((k if came_k is None else came_k) * S)
    readings = (Reading("message", None, 0, at_ns(k), text), Reading("running", int(state == "started"), 0, at_ns(k)))
    return "press-plc", Scan(0, came_ns, came_ns, readings)


def lots(kilograms: int, kind: str | None = None) -> list[dict[str, object]]:
    """One lot, as a message has it."""
    told: dict[str, object] = {"lot": "L", "quantity": kilograms, "unit": "kg"}
    return [told if kind is None else told | {"kind": kind}]


def works(folder: Path, config: str = MESSAGED) -> Site:
    """An agent without sockets."""
    folder.mkdir(parents=True, exist_ok=True)
    path = write_plant(folder, config)
    (folder / "plc.toml").write_text(PROFILE)
    return Site(folder / "data", check.load(path, T0))
