"""A small plant for tests of what the gateway shows: entries and live messages as an agent would make them.

Everything is told through the contract's own records, so a test of a page also tests the way there.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from agent.drivers import profiles
from agent.drivers.profile import profile_hash
from contract import body, records, segment
from contract.late_records import LatePart
from contract.segment import Block, Column, MeterSegment
from gateway import factors, site_model
from gateway.live import Live

NS = 10**9
ROOT = Path(__file__).parent.parent
START_NS = 1_793_600_000 * NS  # 2026-11-02 06:13:20 UTC, a Monday
METERS = (
    ("main", "siemens-pac3200", "1012345678"),
    ("line1", "eastron-sdm630", "22415077"),
    ("line2", "chint-dtsu666", "240611034"),
    ("compressor", "sunspec-203", "SN-77120"),
    ("air", "suto-s401", "S401-5521"),
)
ENERGY = {"line1": ("line1", "energy_import"), "line2": ("line2", "energy_import")}


def site():
    return site_model.parse((ROOT / "configs/demo/site.toml").read_bytes())


def by_the_piece(unit="piece"):
    """The site with its coils declared by the piece."""
    coil, *others = site().products
    return site().model_copy(update={"products": (coil.model_copy(update={"unit": unit}), *others)})


def library():
    return factors.library(path.read_bytes() for path in sorted((ROOT / "configs/factors").glob("*.toml")))


@dataclass(frozen=True)
class Entry:
    """An admitted entry, as far as pages look at it."""

    author: str
    type: str
    body: bytes


def entry(kind, parts, author="edge-1"):
    return Entry(author, kind, body.pack(bytes(32), parts))


def manifest():
    parts = [records.write(records.ProfilePart(name=name, toml=profiles.load(name))) for _, name, _ in METERS]
    for meter, name, serial in METERS:
        declared = [
            records.Declared(point=point, step=None, age_ns=500_000_000, source="bench test")
            for point in ("energy_import", "consumption")
        ]
        part = records.MeterPart(
            meter=meter,
            installation="i1",
            address="bus 1",
            base="0",
            profile=profile_hash(profiles.load(name)),
            serial=serial,
            serial_is="declared",
            accuracy_class="1",
            ct=None,
            pt=None,
            certificate=None,
            power_max_w=None,
            declared=declared,
        )
        parts.append(records.write(part))
    for line, (meter, point) in ENERGY.items():
        parts.append(
            records.write(
                records.LinePart(
                    line=line, source="plc", edge_time="observed",
                    energy=[records.CounterRef(meter=meter, point=point)], good=None, scrap=None,
                )
            )
        )  # fmt: skip
    return entry("manifest", parts)


def batch(line, name, product, start_ns, end_ns, wh_milli, good, *, closed="complete", u95=None, unit="g_milli"):
    def edge(at_ns):
        seen = records.Seen(requested_ns=at_ns, answered_ns=at_ns, source_ns=None)
        return records.Edge(
            earliest_ns=at_ns, latest_ns=at_ns, policy="observed", lag_ns=0, offset=None, before=seen, after=seen
        )

    def amount(role, unit, value, half):
        return records.AmountPart(
            role=role, meter=line, point="energy_import", unit=unit, amount=value,
            lower=None if value is None else value - half, upper=None if value is None else value + half,
            u95=None if value is None else half, interpolated_ppm=1000, anomalies=[],
        )  # fmt: skip

    half = u95 if u95 is not None else 0 if wh_milli is None else wh_milli // 100
    parts = [
        records.BatchPart(
            batch=name, line=line, product=product, start=edge(start_ns), end=edge(end_ns), closed=closed
        ),
        amount("energy", "wh_milli", wh_milli, half),
        amount("good", unit, good, 1000),
        amount("scrap", unit, 2_000_000, 1000),
    ]
    return entry("batch", [records.write(part) for part in parts])


def late(seen):
    """A batch as the gateway writes it when it is told afterwards."""
    told = LatePart(
        agent="edge-1", manifest=bytes(32), ledger_size=9, way="command", file=None, file_hash=None, row=None,
        author="Li", reason="the controller was off", told_ns=START_NS, lacking=[],
    )  # fmt: skip
    return entry("late_batch", [records.write(told), *body.unpack(seen.body).parts], author="gateway")


def utility_segment(from_ns, seconds, wh_per_s, m3_per_s, *, wh_start=1_000_000, m3_start=5_000):
    """One reading a second of the compressor's Wh and the air meter's m3, as rising registers."""
    times = [from_ns + index * NS for index in range(seconds)]

    def rising(start, rate):
        return [start + int(rate * index) for index in range(seconds)]

    def part(meter, columns):
        asked = tuple(at_ns - 20_000_000 for at_ns in times)
        built = tuple(Column(point, tuple(raws), (0,) * seconds) for point, raws in columns)
        return segment.encode(MeterSegment(meter, segment.TICK_NS, (Block(0, asked, tuple(times), built),)))

    volume = [low << 16 | high for high, low in (divmod(raw, 1 << 16) for raw in rising(m3_start, m3_per_s))]
    return entry(
        "segment",
        [
            part("compressor", [("energy_import", rising(wh_start, wh_per_s)), ("energy_scale", [0] * seconds)]),
            part("air", [("consumption", volume)]),
        ],
    )


def live_message(at_ns, powers_w, running=(), *, lost=(), outbox=3):
    names = {"main": "power", "line1": "power", "line2": "power", "compressor": "power", "air": "flow"}
    meters = [
        {
            "meter": meter,
            "status": 0x800A0000 if meter in lost else 0,
            "answered_ns": at_ns - (90 * NS if meter in lost else NS // 4),
            "values": {} if meter in lost else {f"{names[meter]}_w_milli": power * 1000},
        }
        for meter, power in powers_w.items()
    ]
    return json.dumps({"at_ns": at_ns, "meters": meters, "running": list(running), "outbox": outbox}).encode()


def running(line, name, product, start_ns, wh_milli, good, half=12_000, **unit):
    return {
        "line": line,
        "batch": name,
        "product": product,
        "start_ns": start_ns,
        "energy": {"amount": wh_milli, "lower": max(0, wh_milli - half), "upper": wh_milli + half},
        "good": {"amount": good, "lower": good, "upper": good, **unit},
        "scrap": None,
    }


class Ledger:
    """A ledger that holds nothing but answers."""

    size = 1284

    def __init__(self, note=None, receipts=None):
        self.note, self._receipts = note, receipts or {}

    def latest_checkpoint(self):
        """The last signed note."""
        return self.note

    def receipts(self):
        """The last receipts."""
        return self._receipts

    def select(self, *_):
        """No entry."""
        return iter(())

    def hash_at(self, *_):
        """Nothing is there."""

    def last_seq(self, *_):
        """Nor there."""
        return -1

    def refusals(self):
        """Nothing was refused."""
        return []


def busy(minutes=60):
    """A live state after an hour of work on both lines, and the instant at which it ends."""
    live = Live(site(), library(), START_NS)
    live.on_admitted([manifest()], START_NS)
    live.on_status("edge-1", b'{"state": "online"}', START_NS)
    live.on_admitted([utility_segment(START_NS, 60 * minutes, 16.2, 0.1016)], START_NS)
    products = ("steel coil 1.5 mm", "steel plate 6 mm")
    entries = []
    for line, kw, grams_per_s in (("line1", 44, 700), ("line2", 27, 430)):
        at_ns = START_NS
        for index in range(minutes // 3 - 2):
            seconds = 165 + (index * 37) % 31
            wobble = 1 + ((index * 53) % 17 - 8) / 200
            wh_milli = int(kw * 1000 * seconds / 3600 * wobble * 1000)
            entries.append(
                batch(
                    line, f"L{line[-1]}-{index + 1:04d}", products[index // 3 % 2], at_ns, at_ns + seconds * NS,
                    wh_milli, int(grams_per_s * seconds * 1000 * (1 + index // 3 % 2 * 0.3)),
                    closed="incomplete" if (line, index) == ("line2", 15) else "complete",
                )
            )  # fmt: skip
            at_ns += (seconds + 9) * NS
    live.on_admitted(entries, START_NS)
    end_ns = START_NS + minutes * 60 * NS
    for second in range(300):
        live.on_live("edge-1", tick(end_ns, end_ns - (299 - second) * NS), end_ns - (299 - second) * NS)
    return live, end_ns


def tick(end_ns, at_ns):
    """The live message of one second around the end of `busy`."""
    second = (at_ns - end_ns) // NS
    wave = (second * 7) % 23
    powers = {
        "main": 214_000 + wave * 900, "line1": 41_000 + wave * 350 + (second // 20 % 2) * 6_000,
        "line2": 25_000 + wave * 210, "compressor": 61_000 + (second // 12 % 2) * 15_000, "air": 0,
    }  # fmt: skip
    start_ns = end_ns - 97 * NS
    seconds = max(1, (at_ns - start_ns) // NS)
    now = []
    if at_ns > start_ns:
        now = [
            running("line1", "L1-0019", "steel coil 1.5 mm", start_ns, 12_100 * seconds, 702_000 * seconds),
            running("line2", "L2-0019", "steel coil 1.5 mm", start_ns, 7_150 * seconds, 415_000 * seconds),
        ]
    return live_message(at_ns, powers, now, lost=("main",))
