"""What a scan found, as text, as JSON, and as the draft of a configuration.

In: found units. Out: text. Pure.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.commission.endpoint import Settings
from agent.commission.fingerprint import Found

DRAFT_HEAD = """\
# Drafted by `metertrail scan`. Complete [agent] and [mqtt], name the meters, add what is printed on each, and run
# `metertrail agent check` over it. Every key is explained in configs/agent.toml.

[agent]
site = "plant-1"                     # the site's name: a-z, 0-9 and '-'
name = "edge-1"                      # this agent's name, unique within the site
data = "data"                        # the journal's folder
key = "edge-1.pem"                   # this agent's own key: metertrail keygen edge-1
gateway_key = "gateway.pub.pem"      # the gateway's public key, handed over by whoever runs it

[mqtt]
host = "127.0.0.1"                   # where the broker is
username = "edge-1"
password_file = "edge-1.password"
"""


def lines(found: Sequence[Found], models: Mapping[str, str]) -> list[str]:
    """One line a unit under the heading of its bus; `models` are make and model by profile."""
    told: list[str] = []
    for (wire, settings), units in _buses(found):
        told.append(f"{wire} ({_settings_in_words(settings)})")
        for one in units:
            told += _unit(one, models)
    return told


def document(found: Sequence[Found], remarks: Sequence[str], servers: Sequence[Mapping[str, Any]]) -> str:
    """The same for programs."""
    units = [
        {
            "endpoint": one.wire,
            "bus": dict(one.settings),
            "unit": one.unit,
            "certainty": one.verdict.certainty,
            "profiles": list(one.verdict.profiles),
            "also_possible": list(one.verdict.also),
            "base": one.verdict.base,
            "serial": one.verdict.serial,
            "says": one.verdict.says,
            "why": list(one.verdict.why),
        }
        for one in sorted(found, key=_order)
    ]
    return json.dumps(
        {"units": units, "servers": list(servers), "remarks": list(remarks)}, indent=2, ensure_ascii=False
    )


def draft(found: Sequence[Found], models: Mapping[str, str]) -> str:
    """A configuration for an agent. Units of unknown model stand in comments: without a profile none can be read."""
    buses, meters = [], []
    for number, ((wire, settings), units) in enumerate(_buses(found), 1):
        bus = f"bus-{number}"
        table = {"name": bus, "driver": "modbus", **settings}
        buses.append(f"\n[[bus]]  # {wire}\n" + "".join(f"{key} = {_toml(given)}\n" for key, given in table.items()))
        meters += [_meter(bus, one, models) for one in units]
    return DRAFT_HEAD + "".join(buses) + "".join(meters)


def _order(one: Found) -> tuple[str, str, int]:
    return one.wire, str(sorted(one.settings.items())), one.unit


def _buses(found: Sequence[Found]) -> Iterable[tuple[tuple[str, Settings], list[Found]]]:
    groups: dict[tuple[str, str], list[Found]] = {}
    for one in sorted(found, key=_order):
        groups.setdefault(_order(one)[:2], []).append(one)
    return [((units[0].wire, units[0].settings), units) for units in groups.values()]


def _settings_in_words(settings: Settings) -> str:
    return " ".join(str(given) for key, given in settings.items() if key not in ("host", "port", "device"))


def _unit(one: Found, models: Mapping[str, str]) -> list[str]:
    verdict = one.verdict
    names = " or ".join(verdict.profiles) or "model unknown"
    what = ", ".join(models.get(name, name) for name in verdict.profiles)
    parts = [f"  unit {one.unit:>3}  {verdict.certainty:<7}  {names}"]
    parts += [f"({what})"] if what and len(verdict.profiles) == 1 else []
    parts += [f"says {verdict.says}"] if verdict.says and not verdict.says.isdecimal() else []
    parts += [f"serial {verdict.serial}"] if verdict.serial else []
    parts += [f"base {verdict.base}"] if verdict.base else []
    told = ["  ".join(parts)]
    if len(verdict.profiles) > 1:
        told.append("            cannot be told apart by what they show: look at the nameplate")
    if verdict.certainty != "certain":
        told += [f"            possible: {', '.join(verdict.also)}"] if verdict.also else []
    told += [f"            {', '.join(verdict.why)}"] if verdict.why else []
    return told


def _meter(bus: str, one: Found, models: Mapping[str, str]) -> str:
    verdict = one.verdict
    keys: dict[str, str | int] = {"name": f"{bus}-unit-{one.unit}", "bus": bus}
    remark = ""
    if verdict.profiles:
        keys["profile"] = verdict.profiles[0]
        remark = f"{verdict.certainty}: {models.get(verdict.profiles[0], '')}"
        if len(verdict.profiles) > 1:
            remark = f"{verdict.certainty}: cannot be told from {', '.join(verdict.profiles[1:])}; see the nameplate"
    keys["unit"] = one.unit
    if verdict.base:
        keys["base"] = verdict.base
    if verdict.serial:
        keys["serial"] = verdict.serial
    text = "[[meter]]" + (f"  # {_printable(remark)}" if remark else "") + "\n"
    text += "".join(f"{key} = {_toml(given)}\n" for key, given in keys.items())
    if verdict.profiles:
        return "\n" + text
    possible = f"; possible: {', '.join(verdict.also)}" if verdict.also else ""
    says = f"; says {verdict.says}" if verdict.says else ""
    commented = "".join(f"# {line}\n" for line in text.splitlines())
    return f"\n# model unknown{_printable(says + possible)}: name a profile and remove the '#'\n{commented}"


def _toml(given: str | int) -> str:
    """A TOML string is a JSON string but for DEL, which a serial number does not hold."""
    return str(given) if isinstance(given, int) else json.dumps(_printable(given), ensure_ascii=False)


def _printable(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]", " ", text)
