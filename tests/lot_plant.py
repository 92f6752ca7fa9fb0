"""The small plant of plant_in_memory whose controller shows, beside its batch, what went in and what came out."""

from pathlib import Path

from plant_in_memory import CONFIG, PLC_PROFILE, T0, Site, plc_scan, write_plant

from agent import check
from agent.drivers import Reading, Scan


def point(name: str, kind: str, unit: str) -> str:
    """A point of the controller's profile."""
    text = f'[[point]]\nid = "{name}"\nquantity = "lot"\nnode = "ns=1;s={name}"\ntype = "{kind}"\n'
    return text + f'unit = "{unit}"\nkind = "gauge"\n'


PROFILE = PLC_PROFILE + "".join(
    [
        point("coil", "text", "1"),
        point("coil_kg", "uint32", "kg"),
        point("pack", "text", "1"),
        point("packs", "uint16", "1"),
    ]
)
LOTS = """lots = [
  { lot = "coil", quantity = "coil_kg", kind = "input", instrument = "scale 4" },
  { lot = "pack", quantity = "packs", kind = "good", source = "reported" },
]
"""
SHOWN = CONFIG + LOTS


def lot_scan(k: int, batch: str | None, coil: str = "C-7", kg: int | None = 1200, packs: int = 0) -> tuple[str, Scan]:
    """What the controller shows in round k; `kg` None: its scale gives no value."""
    meter, scan = plc_scan(k, batch)
    more = (
        Reading("coil", None, 0, None, coil),
        Reading("coil_kg", kg, 0 if kg is not None else 0x80000000),
        Reading("pack", None, 0, None, "P-1"),
        Reading("packs", packs, 0),
    )
    return meter, Scan(scan.block, scan.requested_ns, scan.answered_ns, (*scan.readings, *more))


def works(folder: Path) -> Site:
    """An agent without sockets."""
    folder.mkdir(parents=True, exist_ok=True)
    path = write_plant(folder, SHOWN)
    (folder / "plc.toml").write_text(PROFILE)
    return Site(folder / "data", check.load(path, T0))
