"""Topics: made and read by functions that agree, and nothing else is a topic."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import topics
from contract.errors import Malformed
from contract.topics import Topic

NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,63}", fullmatch=True)


@given(NAMES, NAMES, st.sampled_from(topics.CHANNELS))
@settings(deadline=None)
def test_round_trip(site, agent, channel):
    text = topics.format_topic(Topic(site, agent, channel))
    assert text == f"metertrail/v1/{site}/{agent}/{channel}"
    assert topics.parse_topic(text) == Topic(site, agent, channel)


def test_the_four_channels():
    assert set(topics.CHANNELS) == {"entries", "live", "status", "receipts"}


@pytest.mark.parametrize(
    "text",
    [
        "", "metertrail/v1/plant/agent", "metertrail/v1/plant/agent/entries/", "/metertrail/v1/plant/agent/entries",
        "metertrail/v2/plant/agent/entries", "Metertrail/v1/plant/agent/entries", "metertrail/v1/plant/agent/other",
        "metertrail/v1/Plant/agent/entries", "metertrail/v1/+/agent/entries", "metertrail/v1/plant/#/entries",
        "metertrail/v1//agent/entries", "metertrail/v1/plant/-agent/entries", "metertrail/v1/plant/agent\n/entries",
        "metertrail/v1/plant/a_b/entries", "metertrail/v1/plänt/agent/entries", "metertrail/v1/plant/agent/entries\n",
        "metertrail/v1/" + "p" * 65 + "/agent/entries", "metertrail/v1/plant/\u0661/entries",
    ],
)  # fmt: skip
def test_other_texts_are_refused(text):
    with pytest.raises(Malformed) as caught:
        topics.parse_topic(text)
    assert "\n" not in str(caught.value)


@given(st.text())
@settings(deadline=None, max_examples=300)
def test_any_text_is_read_in_its_one_form_or_refused(text):
    for candidate in (text, f"metertrail/v1/{text}/agent/live", f"metertrail/v1/plant/{text}/live"):
        try:
            parsed = topics.parse_topic(candidate)
        except Malformed:
            continue
        assert topics.format_topic(parsed) == candidate


@pytest.mark.parametrize("name", ["", "A", "a" * 65, "-a", "a/b", "a b", "+", "#", "a\n", "工厂"])
def test_a_name_that_would_break_a_topic_is_not_written(name):
    with pytest.raises(ValueError, match="a-z"):
        topics.check_name(name)
    with pytest.raises(ValueError, match="a-z"):
        topics.format_topic(Topic("plant", name, "live"))
    with pytest.raises(ValueError, match="a-z"):
        topics.subscription(name, "live")


def test_an_unknown_channel_is_not_written():
    with pytest.raises(ValueError, match="channel"):
        topics.format_topic(Topic("plant", "agent", "commands"))


def test_a_subscription_covers_every_agent_of_one_site():
    # MQTT 3.1.1, section 4.7.1.3: "+" stands for exactly one level.
    assert topics.subscription("plant", "entries") == "metertrail/v1/plant/+/entries"


@pytest.mark.parametrize(
    "name", ["broker.example.com", "192.0.2.1", "::1", "fe80::1%eth0", "localhost.", "bücher.example"]
)
def test_a_host_is_what_a_resolver_takes(name):
    assert topics.check_host(name) == name


@pytest.mark.parametrize("name", ["", "broker..local", "x" * 64, " broker", "bro ker", "."])
def test_what_no_resolver_takes_is_no_host(name):
    with pytest.raises(ValueError, match="no host: write its name"):
        topics.check_host(name)
