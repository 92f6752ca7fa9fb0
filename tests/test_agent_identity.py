"""Which instrument answers: what scans say, what contradicts a profile, and when it is another installation."""

from fractions import Fraction

import pytest

from agent.aggregation.handover import is_same
from agent.drivers import (
    BAD_COMMUNICATION_ERROR,
    BAD_DECODING_ERROR,
    BAD_DEVICE_FAILURE,
    BAD_NOT_CONNECTED,
    BAD_OUT_OF_RANGE,
    BAD_TIMEOUT,
    Reading,
    Scan,
)
from agent.drivers.profile import parse
from agent.identity import Configured, Identity, Met, all_met, barred, contradicts, found, met, stated

HEAD = 'make = "T"\nmodel = "m"\nmedium = "electricity"\ngrade = "bronze"\nsources = ["made up"]\n'
POINT = '[[point]]\nid = "{0}"\nquantity = "{0}"\ntable = "holding"\naddress = {1}\ntype = "{2}"\nunit = "1"\n'
PROFILE = parse(
    (
        HEAD
        + POINT.format("serial", 0, "uint32") + 'kind = "gauge"\nidentity = "serial"\n'
        + POINT.format("code", 2, "uint16") + 'kind = "gauge"\nidentity = "model"\nexpect = ["7", "9"]\n'
        + POINT.format("ct1", 4, "float32") + 'kind = "gauge"\nidentity = "ct_primary"\n'
        + POINT.format("ct2", 6, "uint16") + 'kind = "gauge"\nidentity = "ct_secondary"\n'
        + POINT.format("power", 10, "uint16") + 'kind = "gauge"\n'
    ).encode()
)  # fmt: skip
GOOD = {"serial": 20431177, "code": 7, "ct1": 0x43C80000, "ct2": 5}  # 0x43C80000: 400.0
WHOLE = Identity("20431177", "7", None, "400", "5")


def scans(values, bad=()):
    told = [Reading(name, None if name in dict(bad) else raw, dict(bad).get(name, 0)) for name, raw in values.items()]
    return [Scan(3, 1, 2, tuple(told[:2])), Scan(4, 2, 3, tuple(told[2:]))]


def test_what_the_registers_say():
    assert found(PROFILE, scans(GOOD)) == WHOLE
    text = [Scan(3, 1, 2, (Reading("serial", None, 0, None, " AB 12 "),)), *scans(GOOD)[1:]]
    assert found(PROFILE, [*text, *scans({"code": 9, "ct1": 0x3F000000, "ct2": 5})]) == Identity(
        "AB 12", "9", None, "1/2", "5"
    )


@pytest.mark.parametrize("status", [BAD_TIMEOUT, BAD_COMMUNICATION_ERROR, BAD_NOT_CONNECTED, BAD_DEVICE_FAILURE])
def test_an_answer_still_to_be_had_is_no_identity(status):
    assert found(PROFILE, scans(GOOD, {"code": status})) is None
    assert found(PROFILE, scans(GOOD)[:1]) is None


@pytest.mark.parametrize("status", [BAD_OUT_OF_RANGE, BAD_DECODING_ERROR])
def test_what_a_meter_will_never_say_is_named(status):
    identity = found(PROFILE, scans(GOOD, {"serial": status, "ct2": status}))
    assert identity == Identity(None, "7", None, "400", None, unreadable=("ct_secondary", "serial"))


def test_a_number_that_is_none_is_unreadable():
    assert found(PROFILE, scans(GOOD | {"ct1": 0x7FC00000})).unreadable == ("ct_primary",)


def test_only_a_model_that_is_told_and_not_expected_contradicts():
    assert contradicts(PROFILE, WHOLE) is None
    assert contradicts(PROFILE, Identity(model="9")) is None
    assert contradicts(PROFILE, Identity(model="8")) == ("7", "9")
    assert contradicts(PROFILE, Identity(unreadable=("model",))) is None


def test_of_a_barred_scan_only_the_times_are_left():
    scan = Scan(2, 5, 6, (Reading("power", 300, 0), Reading("name", None, 0, 9, "x")))
    bad = 0x80890000
    assert barred(scan) == Scan(2, 5, 6, (Reading("power", None, bad), Reading("name", None, bad)))


def told(configured, *identities):
    """Meet one identity after another: the last standing and the names of all events of each."""
    standing, names = None, []
    for number, identity in enumerate(identities):
        standing, events = met(configured, standing, Met("press", identity, number))
        assert all((event.about, event.at_ns) == ("press", number) for event in events)
        names.append([event.event for event in events])
    return standing, names


SET = Configured("0020431177", "cabinet 3", Fraction(80))
OTHER = Identity("999", "7", None, "400", "5")


def test_the_expected_instrument_is_told_once_and_its_serial_counts_as_read():
    standing, names = told(SET, WHOLE, WHOLE)
    assert names == [["identity_read"], []]
    assert stated(SET, standing) == ("0020431177", True, "cabinet 3")


def test_without_a_configured_serial_the_one_read_stands():
    standing, names = told(Configured("", "cabinet 3"), WHOLE)
    assert names == [["identity_read"]]
    assert stated(Configured("", "cabinet 3"), standing) == ("20431177", True, "cabinet 3")


def test_another_than_configured_is_another_installation():
    standing, names = told(SET, OTHER, OTHER)
    assert names == [["identity_read", "meter_is_another"], []]
    assert stated(SET, standing) == ("999", True, "cabinet 3+999")


def test_another_than_before_even_if_it_is_the_first_again():
    seen = set()
    standing = None
    for identity in (WHOLE, OTHER, WHOLE, OTHER):
        standing, events = met(SET, standing, Met("press", identity, 1))
        assert (identity is WHOLE and not seen) or events[-1].event == "meter_is_another"
        seen.add(stated(SET, standing)[::2])
    assert seen == {
        ("0020431177", "cabinet 3"), ("999", "cabinet 3+999"), ("0020431177", "cabinet 3+20431177/2"),
        ("999", "cabinet 3+999/3"),
    }  # fmt: skip


def test_a_serial_that_can_no_longer_be_read_is_not_taken_for_the_same():
    standing, names = told(SET, WHOLE, Identity(None, "7", None, "400", "5", unreadable=("serial",)))
    assert names[1] == ["identity_read", "meter_is_another"]
    assert stated(SET, standing) == ("", False, "cabinet 3+unread")


def test_a_ratio_set_anew_is_told_with_both_and_another_installation():
    turned = Identity("20431177", "7", None, "600", "5")
    standing, _ = met(SET, None, Met("press", WHOLE, 1))
    standing, events = met(SET, standing, Met("press", turned, 2))
    assert [event.event for event in events] == ["identity_read", "ratio_changed", "ratio_unexpected"]
    assert events[1].detail == {"from": {"ct_primary": "400"}, "to": {"ct_primary": "600"}}
    assert events[2].detail == {"transformer": "ct", "configured": "80", "found": "120"}
    assert stated(SET, standing) == ("0020431177", True, "cabinet 3+20431177")


def test_a_ratio_is_compared_only_where_both_sides_are_told_and_one_to_one_says_nothing():
    for identity in (WHOLE, Identity("20431177", ct_primary="600"), Identity("20431177", "7", None, "5", "5")):
        assert told(SET, identity)[1] == [["identity_read"]]
    assert told(SET, Identity(ct_primary="600", ct_secondary="0"))[1] == [["identity_read"]]


def test_a_profile_that_asks_for_more_makes_no_other_installation():
    bare, more = Identity(None, "7"), Identity("20431177", "7", "1.0", "400", "5")
    standing, names = told(SET, bare, more, bare)
    assert names == [["identity_read"]] * 3
    assert standing.exchanges == 0


def test_a_first_serial_is_held_against_the_configured_one():
    assert told(SET, Identity(None, "7"), OTHER)[1][1] == ["identity_read", "meter_is_another"]


def test_a_ratio_that_can_no_longer_be_read_is_not_taken_for_the_same():
    unread = Identity("20431177", "7", None, None, "5", unreadable=("ct_primary",))
    standing, names = told(SET, WHOLE, unread)
    assert names[1] == ["identity_read", "ratio_changed"]
    assert standing.exchanges == 1


def test_of_several_meters_those_configured_are_taken():
    found = [Met("a", WHOLE, 1), Met("gone", OTHER, 2), Met("b", OTHER, 3)]
    standings, events = all_met({"a": SET, "b": SET, "c": SET}, {}, found)
    assert standings.keys() == {"a", "b"}
    assert [(event.event, event.about) for event in events] == [
        ("identity_read", "a"), ("identity_read", "b"), ("meter_is_another", "b"),
    ]  # fmt: skip


def test_firmware_may_change():
    first, then = Identity("1", firmware="1.0"), Identity("1", firmware="1.1")
    standing, names = told(Configured("1", "x"), first, then)
    assert names[1] == ["identity_read"]
    assert stated(Configured("1", "x"), standing) == ("1", True, "x")


def test_a_configuration_that_speaks_of_it_anew_begins_anew():
    standing, _ = told(SET, OTHER)
    for configured in (Configured("999", "cabinet 3"), Configured("999", "cabinet 3, since May")):
        assert stated(configured, standing) == (configured.serial, False, configured.installation)
        again, events = met(configured, standing, Met("press", OTHER, 9))
        assert [event.event for event in events] == ["identity_read"]
        assert stated(configured, again) == ("999", True, configured.installation)


def test_without_identity_registers_nothing_changes():
    assert stated(SET, None) == ("0020431177", False, "cabinet 3")


@pytest.mark.parametrize(
    ("serial", "other", "same"),
    [("0170344512", "170344512", True), ("ab 12", "AB12", True), ("1", "2", False), ("1", None, False), ("", "", True)],
)
def test_serials_as_people_write_them(serial, other, same):
    assert is_same(serial, other) is same
