"""The factory of archive_maker with a gas meter on its line: what other carriers add to a trail.

Its register rises by 2 m3 between two readings; pressure and temperature stand beside it for what is derived from them.
"""

import archive_maker as maker
import pytest

from agent.aggregation import derive
from contract import records, segment
from contract.derived_records import DerivedPart

GAUGE = (
    '[[point]]\nid = "{}"\nquantity = "{}"\ntable = "input"\naddress = {}\ntype = "uint16"\nunit = "{}"\nscale = {}\n'
    'kind = "gauge"\n'
)
METER = maker.profile(
    "gas",
    maker.counter("volume", "volume", "m3", 0)
    + GAUGE.format("pressure", "pressure", 2, "kPa", 0)
    + GAUGE.format("temperature", "temperature", 3, "degC", -1),
)
NORMAL = DerivedPart(
    meter="gas1", point="normal_volume", kind="gas", counts="volume", pressure="pressure", pressure_is="absolute",
    atmosphere_pa=None, temperature="temperature", reference_k_milli=293_150, compressibility="1", dryness=None,
    reference_j_per_kg=None, apart_ns=60 * maker.S, formulation=derive.FORMULATIONS["gas"][0],
    formulation_hash=derive.FORMULATIONS["gas"][1],
)  # fmt: skip
NORMAL_REF = records.CounterRef(meter="gas1", point="normal_volume")
REF = records.CounterRef(meter="gas1", point="volume")

MEDIUM = """
[[medium]]
id = "natural-gas"
name = { en = "Natural gas", zh = "天然气" }
counters = [{ agent = "edge-1", meter = "gas1", point = "normal_volume" }]
factor = "gas"
reference_degc = 20
"""
GAS_FACTOR = b"""
[[factor]]
id = "gas"
kind = "fuel-footprint"
value = "0.5"
unit = "kgCO2e/m3"
reference_degc = 20
region = "CN"
reference_period = "2023"
valid_from = 2024-01-01
gwp_set = "AR6"
tier = "public"
"""


def shown(k: int) -> dict[str, int]:
    """The registers at reading k: 2 m3 a reading, 300 kPa, and 10.0 or 20.0 degC."""
    return {"volume": 700 + 2 * k, "pressure": 300, "temperature": 100 if k % 2 else 200}


def equip(patch: pytest.MonkeyPatch, media: list[records.CounterRef], more: tuple[bytes, ...] = ()) -> None:
    """Let archive_maker's line have these media; `more` are further parts of the manifest."""
    honest_parts, honest_segment = maker.manifest_parts, maker.meter_segment

    def parts() -> list[bytes]:
        *made, line = honest_parts()
        part = records.read(line, records.LinePart).model_copy(update={"media": media})
        return [*made, *more, records.write(part)]

    def meter_segment(meter: str, first: int, last: int) -> segment.MeterSegment:
        made = honest_segment(meter, first, last)
        if meter != "gas1":
            return made
        rows = [shown(k) for k in range(first, last)]
        columns = tuple(
            segment.Column(point, tuple(row[point] for row in rows), (0,) * len(rows)) for point in shown(0)
        )
        block = made.blocks[0]
        return segment.MeterSegment(
            meter, segment.TICK_NS, (segment.Block(0, block.requested_ns, block.answered_ns, columns),)
        )

    patch.setitem(maker.METERS, "gas1", METER)
    patch.setitem(maker.POINTS, "gas1", "volume")
    patch.setitem(maker.SHOWN, "gas1", lambda k: shown(k)["volume"])
    patch.setattr(maker, "manifest_parts", parts)
    patch.setattr(maker, "meter_segment", meter_segment)


def factory() -> maker.Factory:
    """A whole trail of the equipped factory."""
    made = maker.opened()
    maker.produced(made)
    maker.stated(made)
    return made


def declare(patch: pytest.MonkeyPatch) -> None:
    """Let the site name the gas at 20 degC, with a footprint of 0.5 kg a cubic metre."""
    patch.setattr(maker, "FACTOR_TOML", maker.FACTOR_TOML + GAS_FACTOR)
    patch.setattr(maker, "SITE_TOML", maker.SITE_TOML + MEDIUM.encode())
