"""Profiles that build on others: what several meters share stands once, in a family or in another profile.

In: a profile's bytes and a way to read another by name. Out: bytes that stand by themselves, since evidence carries a
profile whole. A file that extends nothing comes back as it is. Never: opens a file, or checks what a point means.

Keys of the file replace those of the one it extends; sources are those of both. Points come first as the extended file
has them, each with the keys that the file gives again under the same id, then the file's own.
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

DEPTH_MAX = 4


def joined(name: str, data: bytes, load: Callable[[str], bytes]) -> bytes:
    """A profile with everything it extends; `load` gives the bytes of another by its bare name.

    Raises ValueError (`extends: problem: hint`) if what it extends is not found, or goes round in circles.
    """
    document = _document(data)
    if document is None or "extends" not in document:
        return data
    names = [name]
    while (wanted := document.pop("extends", None)) is not None:
        if not isinstance(wanted, str) or "/" in wanted or wanted in names or len(names) == DEPTH_MAX:
            raise ValueError(
                f"extends: {wanted!r}: name a shipped profile or family that does not come back to this one"
            )
        names.append(wanted)
        try:
            document = _laid_over(tomllib.loads(load(wanted).decode()), document)
        except ValueError as error:
            raise ValueError(f"extends: {error}") from None
    return _written(document, names).encode()


def _document(data: bytes) -> dict[str, Any] | None:
    """The file's tables; None if it is not readable, which `profile.parse` will say."""
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        return None


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = {**below, **above}
    if "extends" not in below:
        result.pop("extends", None)
    else:
        result["extends"] = below["extends"]
    if isinstance(below.get("sources"), list) and isinstance(above.get("sources"), list):
        result["sources"] = list(dict.fromkeys([*above["sources"], *below["sources"]]))
    result["point"] = _points(below.get("point", []), above.get("point", []))
    return result


def _points(below: list[dict[str, Any]], above: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Points of both; one given again keeps its place. Without an id it stays as it is, to be refused by name."""
    kept: dict[object, dict[str, Any]] = {}
    for number, point in enumerate([*below, *above]):
        key = point.get("id", number)
        again = number >= len(below) and key in kept
        kept[key if again or key not in kept else number] = {**kept[key], **point} if again else point
    return list(kept.values())


def _written(document: Mapping[str, Any], names: list[str]) -> str:
    """TOML in one form: keys in the order of the tables they come from."""
    lines = [f"# {' extends '.join(names)}: joined into one."]
    lines += [f"{_key(key)} = {_value(item)}" for key, item in document.items() if key != "point"]
    for point in document["point"]:
        lines += ["", "[[point]]", *(f"{_key(key)} = {_value(item)}" for key, item in point.items())]
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    return key if key.isascii() and key.replace("_", "").replace("-", "").isalnum() else _value(key)


def _value(item: object) -> str:
    """A value as TOML: JSON's strings are TOML's too, but for the character that only TOML forbids."""
    if isinstance(item, list):
        return f"[{', '.join(_value(one) for one in item)}]"
    if isinstance(item, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in item.items()) + " }"
    if isinstance(item, str | bool):
        return json.dumps(item, ensure_ascii=False).replace("\x7f", "\\u007F")
    return str(item)  # whole numbers; of floats and dates parse says that no key takes them
