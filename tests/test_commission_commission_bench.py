"""The bench: readings as exact numbers and as evidence; a meter that keeps silent is asked a few times and told."""

from fractions import Fraction

import pytest
from three_phase_rig import CONFIG, write

from agent import check, config
from agent.commission import commission_bench
from agent.commission.commission_bench import Bench, Taken
from agent.drivers import BAD_NO_DATA, Reading, Scan, Unreachable, profiles
from agent.drivers import profile as profile_form
from agent.drivers.profile import parse
from agent.manifest import MeterPlan
from contract.problems import Problems

PROFILE = parse(b"""
make = "M"
model = "X"
medium = "electricity"
grade = "bronze"
sources = ["s"]
[[point]]
id = "power"
quantity = "active_power"
table = "holding"
address = 0
type = "int16"
unit = "kW"
kind = "gauge"
scale_point = "power_scale"
[[point]]
id = "power_scale"
quantity = "scale"
table = "holding"
address = 1
type = "int16"
unit = "1"
kind = "gauge"
[[point]]
id = "current_l1"
quantity = "current"
table = "holding"
address = 2
type = "float32"
unit = "A"
kind = "gauge"
[[point]]
id = "energy_export"
quantity = "active_energy_export"
table = "holding"
address = 4
type = "uint32"
unit = "kWh"
kind = "counter"
[[point]]
id = "energy_import"
quantity = "active_energy_import"
table = "holding"
address = 6
type = "uint32"
unit = "kWh"
scale = -1
kind = "counter"
age_ms = 500
[[point]]
id = "temperature"
quantity = "temperature"
table = "holding"
address = 8
type = "int16"
unit = "degC"
kind = "gauge"
""")
POINTS = {point.id: point for point in PROFILE.points}


def taken(**raws):
    readings = tuple(Reading(name, raw, 0 if raw is not None else BAD_NO_DATA) for name, raw in raws.items())
    return Taken(POINTS, [Scan(0, 10, 20, readings)])


def test_gauges_are_exact_numbers_in_plain_units():
    read = taken(power=0xFFFB, power_scale=0xFFFE, current_l1=0x3DCCCCCD)
    assert read.number("power") == Fraction(-50)  # -5 x 10^-2 kW
    assert read.number("current_l1") == Fraction(0xCCCCCD, 2**27)  # 0.1 as a float32 is 13421773 / 2^27


def test_what_has_no_value_has_no_number():
    assert taken(power=5).number("power") is None  # without its scale
    assert taken(power=5, power_scale=None).number("power") is None
    assert taken(current_l1=None).number("current_l1") is None
    assert taken().number("voltage_l1") is None


def test_a_counter_bounds_what_was_counted():
    read = taken(energy_import=1234)
    point = POINTS["energy_import"]
    assert (read.counter(point, "low"), read.counter(point, "high")) == (
        123_400_000,
        123_500_000,
    )  # 123.4 kWh, step 0.1
    declared = point.model_copy(update={"step": Fraction(1)})
    assert read.counter(declared, "high") == 124_400_000
    assert taken(energy_import=None).counter(point, "low") is None


def test_evidence_is_what_a_commissioning_looks_at():
    look = taken(power=5, power_scale=0, temperature=20, current_l1=None).look("phases")
    assert [(seen.point, seen.raw, seen.status) for seen in look.seen] == [
        ("power", 5, 0), ("power_scale", 0, 0), ("current_l1", None, BAD_NO_DATA),
    ]  # fmt: skip
    assert (look.look, look.seen[0].requested_ns, look.seen[0].answered_ns) == ("phases", 10, 20)


class Silent:
    def __init__(self, times):
        self.times = times
        self.asked = 0

    async def read(self, meter):
        self.asked += 1
        if self.asked <= self.times:
            raise Unreachable("192.0.2.1:502 unit 1: no answer")
        return [meter]

    identify = read


def planned(tmp_path, config=CONFIG):
    return check.load(write(tmp_path, 1502, config), 0)


@pytest.mark.parametrize(("silent", "answers"), [(0, True), (2, True), (3, False)])
async def test_a_meter_is_asked_three_times(tmp_path, silent, answers):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    driver = Silent(silent)
    bench = Bench(planned(tmp_path).meters[0], driver, sleep)
    if answers:
        assert (await bench.take()).scans == ["press"]
    else:
        with pytest.raises(Problems) as raised:
            await bench.take(identity=True)
        assert raised.value.lines[0].startswith("meter.press: 192.0.2.1:502 unit 1: no answer: check the wiring")
    assert slept == [commission_bench.TRY_AGAIN_S] * min(silent, 2)


async def test_the_bench_reads_every_point_whatever_the_configuration_reads(tmp_path):
    plan = planned(tmp_path)
    assert {point.id for point in plan.meters[0].profile.measured} == {"energy_import"}
    bench = commission_bench.opened(plan, "press", lambda: 0, None)
    assert {"voltage_l1", "power"} < {point.id for point in bench.plan.profile.measured}
    assert (bench.ratio, bench.primary) == (80, False)
    await bench.driver.close()
    with pytest.raises(Problems, match="there is no meter 'x': use one of press"):
        commission_bench.opened(plan, "x", lambda: 0, None)


def bench_of(tmp_path, profile, **meter):
    plan = planned(tmp_path).meters[0]
    return Bench(MeterPlan(plan.meter.model_copy(update={"points": (), **meter}), b"", profile), None, None)


def test_the_counter_to_compare_is_that_of_import(tmp_path):
    bench = bench_of(tmp_path, PROFILE)
    assert (bench.counter().id, bench.counter().step, bench.counter().age_ms) == ("energy_import", None, 500)
    gauges = PROFILE.model_copy(update={"points": tuple(point for point in PROFILE.points if point.kind == "gauge")})
    bench = Bench(bench.plan.__class__(bench.plan.meter, b"", gauges), None, None)
    assert bench.counter() is None


def test_what_is_asked_for_and_declared_goes_first(tmp_path):
    declared = {"energy_export": check.config.Declared(step="0.5", age_ms=70, source="s")}
    bench = bench_of(tmp_path, PROFILE, points=("energy_export", "power"), declared=declared)
    assert (bench.counter().id, str(bench.counter().step), bench.counter().age_ms) == ("energy_export", "0.5", 70)


def test_registers_that_are_primary_already_get_no_ratio(tmp_path):
    points = tuple(point.model_copy(update={"ratio_side": "primary"}) for point in PROFILE.points)
    bench = bench_of(tmp_path, PROFILE.model_copy(update={"points": points}))
    assert (bench.primary, bench.ratio) == (True, 1)


@pytest.mark.parametrize(
    ("keys", "profile", "where"),
    [
        ({"unit": 7}, "eastron-sdm630", "hall unit 7"),
        ({"address": "000000000007"}, "dlt645-2007", "hall 000000000007"),
    ],
)
def test_where_a_meter_is_met(keys, profile, where):
    meter = config.Meter.model_validate({"name": "m", "bus": "hall", "profile": profile, **keys})
    assert commission_bench.place(meter, profile_form.parse(profiles.load(profile))) == where


def test_a_server_has_no_units():
    node = b"""make = "a"
model = "b"
medium = "production"
grade = "bronze"
sources = ["made up"]
[[point]]
id = "power"
quantity = "active_power"
node = "nsu=urn:x;s=P"
type = "float64"
unit = "W"
kind = "gauge"
"""
    meter = config.Meter.model_validate({"name": "m", "bus": "hall", "profile": "./x.toml"})
    assert commission_bench.place(meter, profile_form.parse(node)) == "hall"
