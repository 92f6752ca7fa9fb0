"""What can still be checked of a configuration whose form is wrong, so that every mistake is told at once.

In: a TOML document that is not a valid `Config`. Out: the configuration without what is wrong in form, and the names
of the tables that had to be left out whole. It is only ever checked, never run. Pure.
"""

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from agent.config import Config

ROUNDS_MAX = 4  # taking a key away can show another fault
# Stand in for tables that nothing else is checked against.
STAND_INS: Mapping[str, dict[str, Any]] = {
    "agent": {"site": "s", "name": "a", "data": "d", "key": "k", "gateway_key": "g"},
    "mqtt": {"host": "h", "username": "u", "password_file": "p"},
}


def salvage(document: dict[str, Any]) -> tuple[Config | None, set[str]]:
    """(the rest, names left out); None where too little is left."""
    rest, dropped = copy.deepcopy(document), set[str]()
    for _ in range(ROUNDS_MAX):
        try:
            return Config.model_validate(rest), dropped
        except ValidationError as error:
            for found in error.errors(include_url=False):
                _take_away(rest, found["loc"], dropped, whole=found["type"] == "missing")
        for key, tables in rest.items():
            if isinstance(tables, list):
                rest[key] = [table for table in tables if table is not None]
    return None, dropped


def _take_away(rest: dict[str, Any], loc: tuple[int | str, ...], dropped: set[str], *, whole: bool) -> None:
    """Remove the key an error points at; where a key is missing, the table it is missing from."""
    head = str(loc[0])
    if head in STAND_INS and (whole or len(loc) == 1):
        rest[head] = dict(STAND_INS[head])
    elif len(loc) < 2 or not isinstance(rest.get(head), list):
        rest.pop(head, None)
    elif whole or len(loc) == 2:
        table = rest[head][int(loc[1])]
        dropped.update([table["name"]] if isinstance(table, dict) and isinstance(table.get("name"), str) else [])
        rest[head][int(loc[1])] = None
    else:
        table = rest[head][int(loc[1])]
        if isinstance(table, dict):
            table.pop(loc[2], None)
