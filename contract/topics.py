"""MQTT topics: each is made and read by a pair of functions, so that the two cannot disagree.

`metertrail/v1/<site>/<agent>/{entries,live,status}` goes up, `.../receipts` comes down; nothing else comes down.
"""

import re
from dataclasses import dataclass

from contract.errors import Malformed

CHANNELS = ("entries", "live", "status", "receipts")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class Topic:
    """Whose channel a message came on."""

    site: str
    agent: str
    channel: str


def check_name(name: str) -> str:
    """Return a site's or an author's name. Raises ValueError unless it is lower-case letters, digits and hyphens."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r}: use 1 to 64 of a-z, 0-9 and '-', not beginning with '-'")
    return name


def check_host(name: str) -> str:
    """Return a broker's host. Raises ValueError for what no resolver takes: it would end a client's thread unheard."""
    try:
        usable = bool(name.encode("idna")) and not any(character.isspace() for character in name)
    except UnicodeError:
        usable = False
    if not usable:
        raise ValueError(f"{name!r}: no host: write its name, such as broker.example.com, or its address")
    return name


def format_topic(topic: Topic) -> str:
    """Write a topic."""
    if topic.channel not in CHANNELS:
        raise ValueError(f"no such channel: {topic.channel}")
    return f"metertrail/v1/{check_name(topic.site)}/{check_name(topic.agent)}/{topic.channel}"


def parse_topic(text: str) -> Topic:
    """Read a topic. Raises Malformed for anything `format_topic` would not write."""
    match text.split("/"):
        case ["metertrail", "v1", site, agent, channel] if (
            NAME.fullmatch(site) and NAME.fullmatch(agent) and channel in CHANNELS
        ):
            return Topic(site, agent, channel)
        case _:
            raise Malformed(f"topic: {text[:120]!r} is not metertrail/v1/SITE/AGENT/CHANNEL")


def subscription(site: str, channel: str) -> str:
    """The filter that receives one channel of every agent of a site."""
    return f"metertrail/v1/{check_name(site)}/+/{channel}"
