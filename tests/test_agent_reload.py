"""Two plans compared: what stays open, what is opened anew, what needs a restart."""

import pytest
from plant_in_memory import CONFIG, Site

from agent.reload import change

TWO = CONFIG.replace(
    "[[line]]", '[[meter]]\nname = "oven"\nbus = "serial"\nprofile = "./meter.toml"\nunit = 2\n[[line]]'
)


def compared(folder, new, old=CONFIG):
    """A configuration changed in place: the same folder, so the same paths."""
    before = Site.at(folder, old).plan
    return change(before, Site.at(folder, new).plan)


def test_nothing_changed(tmp_path):
    made = compared(tmp_path, CONFIG + "# a word\n")
    assert (made.kept, made.closed, made.opened, made.restart) == ({"serial", "plc"}, set(), set(), ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('host = "127.0.0.1"\n[[bus]]', 'host = "127.0.0.2"\n[[bus]]'),
        ('installation = "1"', 'installation = "1"\nunit = 3'),
        ('installation = "1"', 'installation = "1"\nbase = 100'),
        ('installation = "1"', 'installation = "1"\npoints = ["energy"]'),
    ],
)
def test_what_a_driver_is_opened_with(tmp_path, old, new):
    assert old in CONFIG
    made = compared(tmp_path, CONFIG.replace(old, new))
    assert (made.kept, made.closed, made.opened) == ({"plc"}, {"serial"}, {"serial"})


@pytest.mark.parametrize("more", ["every_ms = 5000", 'serial = "7"', "ct = { primary = 400, secondary = 5 }"])
def test_what_is_not_a_driver_s_keeps_the_bus_open(tmp_path, more):
    made = compared(tmp_path, CONFIG.replace('installation = "1"', f'installation = "1"\n{more}'))
    assert (made.kept, made.closed | made.opened) == ({"serial", "plc"}, set())


def test_a_meter_more_or_less_opens_its_bus_anew_and_a_bus_without_meters_is_none(tmp_path):
    assert compared(tmp_path, TWO).opened == {"serial"}
    assert compared(tmp_path, CONFIG, TWO).closed == {"serial"}
    gone = CONFIG[: CONFIG.index("[[line]]")].replace('bus = "serial"', 'bus = "plc"', 1)
    gone = gone.replace('profile = "./meter.toml"', 'profile = "./plc.toml"')
    made = compared(tmp_path, gone)
    assert (made.closed, made.opened) == ({"serial", "plc"}, {"plc"})


def test_who_the_agent_is_and_where_it_sends_needs_a_restart(tmp_path):
    new = CONFIG.replace("seal_s = 5", "seal_s = 6").replace('username = "edge-1"', 'username = "x"\nport = 1883')
    assert compared(tmp_path, new).restart == (
        "agent.seal_s: changed: needs a restart of the agent",
        "mqtt.port: changed: needs a restart of the agent",
        "mqtt.username: changed: needs a restart of the agent",
    )
