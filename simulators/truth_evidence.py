"""The same meter as evidence: the manifest and segments an agent would write, and the product's answer to them.

In: a drawn meter. Out: the product's amounts for its windows. Only this module of the harness touches the product, and
only by the path that agent, gateway and verifier take.
"""

from collections.abc import Sequence

from agent.aggregation import replay
from agent.drivers.profile import profile_hash
from contract import records
from contract.segment import TICK_NS, Block, Column, MeterSegment
from simulators.truth_meters import Declared, Meter

METER, POINT, POWER = "m1", "energy", "power"


def parts(declared: Declared) -> list[bytes]:
    """The manifest's parts for the meter: its profile, and what the site declares."""
    toml = _profile(declared).encode()
    transformer = None
    if declared.ct_class is not None:
        transformer = records.Transformer(primary=5 * declared.ratio, secondary=5, accuracy_class=declared.ct_class)
    meter = records.MeterPart(
        meter=METER,
        installation="1",
        address="",
        base="0",
        profile=profile_hash(toml),
        serial="1",
        serial_is="declared",
        accuracy_class=declared.accuracy_class,
        ct=transformer,
        pt=None,
        certificate=None,
        declared=[records.Declared(point=POINT, step=None, age_ns=declared.age_ns, source="drawn")],
        power_max_w=declared.power_max_w,
        rated_w=declared.rated_w,
    )
    return [records.write(records.ProfilePart(name="drawn", toml=toml)), records.write(meter)]


def segment(meter: Meter) -> MeterSegment:
    """All that the meter said."""
    good = (0,) * len(meter.raws)
    requested, answered, power = (tuple(ns.tolist()) for ns in (meter.requested_ns, meter.answered_ns, meter.power_ns))
    blocks = (
        Block(0, requested, answered, (Column(POINT, tuple(meter.raws.tolist()), good),)),
        Block(1, answered, power, (Column(POWER, tuple(meter.power_w.tolist()), good),)),
    )
    return MeterSegment(METER, TICK_NS, blocks)


def claims(meter: Meter, declared: Declared, windows: Sequence[tuple[int, int]]) -> list[replay.Amount]:
    """What the product makes of the meter's evidence, window by window, were it declared so."""
    counter = replay.counters(parts(declared))[METER, POINT]
    known = replay.readings(counter, [segment(meter)])
    return replay.amounts(counter, known, list(meter.edges_ns), windows)


def _profile(declared: Declared) -> str:
    register = declared.register
    lines = [
        'make = "drawn"', 'model = "M"', 'medium = "electricity"', 'grade = "bronze"', 'sources = ["simulated"]',
        f'ratio_side = "{"primary" if declared.ratio_in_register else "secondary"}"',
        "[[point]]", f'id = "{POINT}"', 'quantity = "active_energy_import"', 'obis = "1-0:1.8.0"',
        'table = "input"', "address = 0",
        f'type = "{register.type}"', f'unit = "{register.unit}"', f"scale = {register.scale}", 'kind = "counter"',
        f'step = "{register.step}"' if register.step else "",
        f'limit = "{register.limit}"' if register.modulus else "",
        "[[point]]", f'id = "{POWER}"', 'quantity = "active_power"', 'obis = "1-0:16.7.0"',
        'table = "input"', "address = 4",
        'type = "uint32"', 'unit = "W"', 'kind = "gauge"', 'ratio_side = "primary"',
    ]  # fmt: skip
    return "\n".join(lines)
