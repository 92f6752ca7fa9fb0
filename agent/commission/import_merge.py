"""A configuration with the meters of a list in it: what is not in the list stays as it is, down to the last comment.

In: the text of an agent's configuration and the tables wanted. Out: the new text, and what was added, changed and left.
Raises Problems if the file cannot be edited without harm. Pure.
"""

import re
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table, Whitespace

from contract.problems import Problems

HEADER = re.compile(r"^(?=[ \t]*\[[^\]\n=,]+\]{1,2}[ \t]*(?:#.*)?$)", re.MULTILINE)  # of a table

Tables = Mapping[str, Mapping[str, Any]]  # meter name -> the keys of its table that are wanted


@dataclass(frozen=True, slots=True)
class Merged:
    """The new text, and the names of meters by what happened to them."""

    text: str
    added: tuple[str, ...]
    changed: tuple[tuple[str, tuple[str, ...]], ...]  # with the keys whose values are new
    same: tuple[str, ...]
    left: tuple[str, ...]  # in the file, not in the list


def merge(text: str, wanted: Tables) -> Merged:
    """Put the wanted meters in: keys of existing ones are set, none is removed; new ones follow the last."""
    try:
        before = tomllib.loads(text)
        documents = _documents(text if text.endswith("\n") else text + "\n")
    except (ValueError, TOMLKitError, RecursionError) as error:
        raise Problems([f"not TOML: {error}"]) from None
    places = [(document, document["meter"]) for document in documents if "meter" in document]
    if not all(isinstance(meters, AoT) for _, meters in places):
        raise Problems(["meter: not written as [[meter]] tables: write each meter as one"])
    existing = {str(table.get("name")): table for _, meters in places for table in meters}
    changed, same = [], []
    for name in (name for name in wanted if name in existing):
        keys = _update(existing[name], wanted[name])
        if keys:
            changed.append((name, tuple(keys)))
        else:
            same.append(name)
    added = [name for name in wanted if name not in existing]
    if added:
        document, meters = places[-1] if places else (documents[-1], None)
        _add(document, meters, "".join(_written(wanted[name]) for name in added))
    new = "".join(map(tomlkit.dumps, documents)) if added or changed else text
    if tomllib.loads(new) != _expected(before, wanted):
        raise Problems(["meter: tables lie in pieces all over the file: bring the [[meter]] tables together"])
    return Merged(
        new, tuple(added), tuple(changed), tuple(same), tuple(name for name in existing if name not in wanted)
    )


def _documents(text: str) -> list[tomlkit.TOMLDocument]:
    """The text whole, or where tables of several kinds take turns, cut before each: tomlkit would gather each kind."""
    whole = tomlkit.parse(text)
    if tomlkit.dumps(whole) == text:
        return [whole]
    pieces = [""]
    for piece in HEADER.split(text):
        if piece.lstrip("[ \t").startswith("meter."):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    try:
        return [tomlkit.parse(piece) for piece in pieces if piece]
    except TOMLKitError:  # what looked like a header was none
        return [whole]


def _expected(before: dict[str, Any], wanted: Tables) -> dict[str, Any]:
    """What the new file must say, worked out on plain values."""
    after = deepcopy(before)
    tables = after.setdefault("meter", []) if wanted else []
    by_name = {str(table.get("name")): table for table in tables}
    for name, table in wanted.items():
        if name in by_name:
            _overlay(by_name[name], table)
        else:
            tables.append(deepcopy(dict(table)))
    return after


def _overlay(table: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(table.get(key), dict):
            _overlay(table[key], value)
        else:
            table[key] = deepcopy(value)


def _update(table: Any, wanted: Mapping[str, Any], path: str = "") -> list[str]:  # noqa: ANN401 - table or inline table
    """Set what differs; the paths of what was set."""
    keys: list[str] = []
    for key, value in wanted.items():
        old = table.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            keys += _update(old, value, f"{path}{key}.")
        elif old != value:
            table[key] = tomlkit.value(_literal(value))
            keys.append(path + key)
    return keys


def _add(document: tomlkit.TOMLDocument, meters: AoT | None, text: str) -> None:
    new = tomlkit.parse(text.rstrip("\n") + "\n")["meter"]
    if not isinstance(new, AoT):
        raise TypeError("what was written as [[meter]] must read as that")
    if meters is None:
        document.add(tomlkit.nl())
        document.append("meter", new)
        return
    tail = _tail(meters[-1])
    meters[-1].value.body.append((None, Whitespace("\n")))
    for table in list(new):
        meters.append(table)
    meters[-1].value.body.extend(tail)


def _tail(table: Table) -> list[Any]:
    """Take off what follows a table's last key after an empty line: it is about what comes next in the file."""
    body = table.value.body
    if body and isinstance(body[-1][1], Table):
        return _tail(body[-1][1])
    end = len(body)
    while end and body[end - 1][0] is None:
        end -= 1
    while end < len(body) and not isinstance(body[end][1], Whitespace):
        end += 1
    tail = body[end:]
    del body[end:]
    return tail


def _written(table: Mapping[str, Any]) -> str:
    """A meter as a table of its own, inner tables inline, ending with an empty line."""
    lines = ["[[meter]]"]
    for key, value in table.items():
        if key == "declared":
            lines += [f"declared.{_key(point)} = {_literal(inner)}" for point, inner in value.items()]
        else:
            lines.append(f"{key} = {_literal(value)}")
    return "\n".join(lines) + "\n\n"


def _literal(value: object) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {_literal(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return str(tomlkit.item(value).as_string())


def _key(key: str) -> str:
    return str(tomlkit.key(key).as_string())
