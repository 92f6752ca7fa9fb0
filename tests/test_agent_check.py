"""Configurations: everything wrong with one at once, each as file, key, problem and hint; and the shipped ones load."""

import hashlib

import pytest
from plant_in_memory import CONFIG, METER_PROFILE, T0, assert_told, problems, write_plant

from agent import check
from configs import __file__ as configs
from contract.problems import Problems

FOLDER = check.Path(configs).parent


def test_a_plan_has_absolute_paths_and_only_the_points_that_are_read(tmp_path):
    config = CONFIG.replace('installation = "1"', 'points = ["energy"]')
    plan = check.load(write_plant(tmp_path, config), T0)
    assert plan.config.agent.data == tmp_path / "data"
    assert plan.config.mqtt.password_file == tmp_path / "edge-1.password"
    assert [point.id for point in plan.meters[0].profile.points] == ["energy"]
    assert plan.buses["serial"][0] == "modbus"
    assert sorted(check.open_drivers(plan, lambda: 0, lambda _: None)) == ["plc", "serial"]


def test_the_hash_is_that_of_the_file(tmp_path):
    plan = check.load(write_plant(tmp_path), T0)
    assert plan.config_hash == hashlib.sha256(CONFIG.encode()).digest()


@pytest.mark.parametrize("name", ["agent.toml", "demo/agent.toml"])
def test_the_configurations_that_ship_are_in_order(name):
    assert check.load(FOLDER / name, T0).meters


def test_a_bus_without_a_meter_is_not_opened(tmp_path):
    config = CONFIG + '[[bus]]\nname = "spare"\ndriver = "modbus"\nkind = "tcp"\nhost = "127.0.0.1"\n'
    plan = check.load(write_plant(tmp_path, config), T0)
    assert "spare" not in check.open_drivers(plan, lambda: 0, lambda _: None)


# what is replaced in the configuration, by what; the key, a word of the problem and one of the hint
MISTAKES = [
    ("seal_s = 5", "sael_s = 5", "agent.sael_s", "unknown key", "did you mean seal_s?"),
    ("seal_s = 5", 'seal_s = "soon"', "agent.seal_s", "'soon'", "whole number"),
    ("seal_s = 5", "seal_s = 0", "agent.seal_s", "0", "greater than or equal to 1"),
    ('site = "works"\n', "", "agent.site", "missing", "add it"),
    ('site = "works"', 'site = "Werk 1"', "agent.site", "'Werk 1'", "a-z"),
    ('host = "127.0.0.1"\nusername', "username", "mqtt.host", "missing", "add it"),
    ('driver = "modbus"', 'driver = "modbuss"', "bus.serial.driver", "'modbuss'", "did you mean modbus?"),
    ('driver = "modbus"', 'driver = ["modbus"]', "bus.serial.driver", "not a driver", ""),
    ('name = "serial"\n', "", "bus.0.name", "missing or used twice", "name of its own"),
    ('kind = "tcp"', 'kind = "udp"', "bus.serial.kind", "udp", "tcp"),
    ('kind = "tcp"', 'kind = "tcp"\nporrt = 5', "bus.serial.porrt", "unknown key", "did you mean port?"),
    ("./meter.toml", "./metre.toml", "meter.press.profile", "cannot be read", "No such file"),
    ("./meter.toml", "eastron", "meter.press.profile", "not among those shipped", "eastron-sdm630"),
    ('installation = "1"', 'points = ["enrgy"]', "meter.press.points", "'enrgy'", "did you mean energy?"),
    ('installation = "1"', "base = 65530", "meter.press", "base 65530", "check base"),
    ('installation = "1"', "unit = 300", "meter.press.unit", "300", "255"),
    ('name = "press-plc"', 'name = "press"', "meter.press.name", "used twice", "name of its own"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "problem", "hint"), MISTAKES)
def test_one_mistake_is_one_line_that_says_where_what_and_what_to_do(tmp_path, old, new, key, problem, hint):
    assert_told(tmp_path, old, new, (key, problem, hint))


def test_all_mistakes_are_told_at_once(tmp_path):
    config = CONFIG
    for old, new in (
        ('installation = "1"', 'accuracy_class = "9"\nunit = 1'), ('"press.energy"', '"press.enrgy"'),
        ('source = "press-plc"', 'source = "plc"'), ('driver = "opcua"', 'driver = "opcda"'),
        ('kind = "tcp"', 'kind = "udp"'),
    ):  # fmt: skip
        config = config.replace(old, new)
    keys = {line.split(": ")[0] for line in problems(tmp_path, config)}
    assert keys == {
        "meter.press.accuracy_class", "line.press.energy", "line.press.source", "bus.plc.driver", "bus.serial.kind",
    }  # fmt: skip


def test_mistakes_of_form_hide_no_others(tmp_path):
    """An unknown key, a wrong type, overlapping registers, a missing profile and an expired certificate in one file."""
    expired = '{ number = "1", body = "b", valid_from = 2015-01-01, valid_to = 2020-01-01 }'
    config = CONFIG.replace("seal_s = 5", 'seal_s = "soon"\nsael_s = 5')
    config = config.replace('installation = "1"', f'instalation = "1"\ncertificate = {expired}')
    config = config.replace("./plc.toml", "./no-such.toml")
    write_plant(tmp_path, config)
    meter = tmp_path / "meter.toml"
    meter.write_text(meter.read_text().replace("address = 8", "address = 0"))
    with pytest.raises(Problems) as caught:
        check.load(tmp_path / "agent.toml", T0)
    keys = [line.removeprefix(f"{tmp_path / 'agent.toml'}: ").split(": ")[0] for line in caught.value.lines]
    assert sorted(keys) == [
        "agent.sael_s", "agent.seal_s", "meter.press-plc.profile", "meter.press.certificate.valid_to",
        "meter.press.instalation", "meter.press.profile",
    ]  # fmt: skip


def test_a_table_that_cannot_be_read_is_not_missed_by_others(tmp_path):
    config = CONFIG.replace('name = "press"\nbus = "serial"', 'name = "press"')
    assert config != CONFIG
    assert [line.split(": ")[0] for line in problems(tmp_path, config)] == ["meter.press.bus"]


def test_registers_that_overlap_are_told_under_the_meter_that_has_them(tmp_path):
    path = write_plant(tmp_path)
    profile = tmp_path / "meter.toml"
    profile.write_text(profile.read_text().replace("address = 8", "address = 0"))
    with pytest.raises(Problems, match=r"agent\.toml: meter\.press\.profile: point\.energy\.address: .* overlap"):
        check.load(path, T0)


@pytest.mark.parametrize("data", [b"\xff\xfe", b"[agent", b"", b"bus = 5\nmeter = 'x'\nline = {}\n"])
def test_whatever_a_file_holds_there_is_no_traceback(tmp_path, data):
    path = tmp_path / "agent.toml"
    path.write_bytes(data)
    with pytest.raises(Problems):
        check.load(path, T0)


def test_a_file_that_is_not_there(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(Problems, match=f"{path}: .*: name an agent's configuration file"):
            check.load(path, T0)


TWIN = '[[meter]]\nname = "oven"\nbus = "serial"\nprofile = "./meter.toml"\n'


def test_two_meters_cannot_be_one_device(tmp_path):
    assert problems(tmp_path, CONFIG.replace("[[line]]", TWIN + "[[line]]")) == [
        "meter.oven.unit: 1 on bus 'serial' is press's already: give each meter the unit set in it, or its base"
    ]


@pytest.mark.parametrize("more", ["unit = 2", "base = 100"])
def test_another_unit_or_base_is_another_device(tmp_path, more):
    path = write_plant(tmp_path, CONFIG.replace("[[line]]", f"{TWIN}{more}\n[[line]]"))
    assert len(check.load(path, T0).meters) == 3


def test_drivers_are_opened_for_some_buses_where_only_those_are_asked_for(tmp_path):
    plan = check.load(write_plant(tmp_path), T0)
    assert list(check.open_drivers(plan, lambda: 0, lambda _: None, {"plc", "elsewhere"})) == ["plc"]


def test_identity_points_are_always_kept_and_never_measured(tmp_path):
    serial = """[[point]]
id = "serial"
quantity = "serial"
table = "holding"
address = 20
type = "uint32"
unit = "1"
kind = "gauge"
identity = "serial"
"""
    path = write_plant(tmp_path, CONFIG.replace('installation = "1"', 'installation = "1"\npoints = ["energy"]'))
    (tmp_path / "meter.toml").write_text(METER_PROFILE + serial)
    profile = check.load(path, T0).meters[0].profile
    assert [point.id for point in profile.measured] == ["energy"]
    assert [point.id for point in profile.identifying] == ["serial"]
    path.write_text(path.read_text().replace('points = ["energy"]', 'points = ["energy", "serial"]'))
    with pytest.raises(Problems, match=r"meter\.press\.points: 'serial' says which instrument it is .*: leave it out"):
        check.load(path, T0)


def on_one_line(tmp_path, second, *, first='kind = "rtu"\ndevice = "/dev/ttyS7"'):
    write_plant(tmp_path, CONFIG)
    config = (
        CONFIG
        + f"""
[[bus]]
name = "east"
driver = "modbus"
{first}
[[bus]]
name = "west"
{second}
"""
    )
    (tmp_path / "agent.toml").write_text(config)
    try:
        check.load(tmp_path / "agent.toml", T0)
    except Problems as told:
        return [line.partition("agent.toml: ")[2] for line in told.lines]
    return []


@pytest.mark.parametrize(
    "second",
    [
        'driver = "modbus"\nkind = "rtu"\ndevice = "/dev/ttyS7"\nbaud = 19200',
        'driver = "dlt645"\nkind = "serial"\ndevice = "/dev/ttyS7"',
    ],
)
def test_two_buses_cannot_be_one_serial_line(tmp_path, second):
    assert on_one_line(tmp_path, second) == [
        "bus.west: /dev/ttyS7 is bus 'east' already: a serial line is one bus, put its meters on that one"
    ]


def test_nor_one_serial_device_server(tmp_path):
    server = 'kind = "rtu_over_tcp"\nhost = "192.0.2.9"\nport = 4001'
    assert len(on_one_line(tmp_path, 'driver = "dlt645"\n' + server.replace("rtu_over_", ""), first=server)) == 1
    assert on_one_line(tmp_path, 'driver = "modbus"\n' + server.replace("4001", "4002"), first=server) == []


def test_a_modbus_tcp_server_may_be_met_twice(tmp_path):
    server = 'kind = "tcp"\nhost = "192.0.2.9"'
    assert on_one_line(tmp_path, f'driver = "modbus"\n{server}', first=server) == []
