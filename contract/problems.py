"""What is wrong with a configuration, in words for whoever wrote it.

In: the bytes of a TOML file and the pydantic model it must satisfy. Out: the model, or `Problems` with every fault at
once, a line each: `key.path: problem: hint`. The caller puts the file's name in front. Never opens a file; never
repeats a value whose key speaks of a secret.
"""

import difflib
import tomllib
import types
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

SHOWN_CHARACTERS = 60
SECRET_WORDS = ("password", "secret", "token", "pem", "database")  # a database's URL may hold a password
NAME_PATTERN = "^[a-z][a-z0-9_]*$"
# pydantic's kinds of error that mean a value was written in another form than TOML has for it -> how it is written
FORMS = {
    "string_type": "write it as text, in quotes",
    "int_type": "write a whole number, without quotes or unit",
    "int_parsing": "write a whole number, without quotes or unit",
    "int_from_float": "write a whole number, without quotes or unit",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "date_type": "write a date without quotes, such as 2026-10-01",
    "date_from_datetime_parsing": "write a date without quotes, such as 2026-10-01",
}

Model = TypeVar("Model", bound=BaseModel)


class Problems(ValueError):
    """Everything found wrong; `lines` each read `key.path: problem: hint`."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


def document(data: bytes) -> dict[str, Any]:
    """The tables of a TOML file; empty if it is not readable as one."""
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        return {}


def parse_toml(data: bytes, model: type[Model], context: object = None) -> Model:
    """Read a TOML document as `model`; `context` is handed to its validators. Raises Problems."""
    try:
        document = tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise Problems([f"byte {error.start}: not UTF-8: save the file as UTF-8"]) from None
    except (ValueError, RecursionError) as error:  # also an integer of too many digits, tables nested too deep
        raise Problems([f"not TOML: {error}"]) from None
    try:
        return model.model_validate(document, context=context)
    except ValidationError as error:
        raise Problems(explain(error, model, document)) from None


def explain(error: ValidationError, model: type[BaseModel], document: Mapping[str, Any] | None = None) -> list[str]:
    """Turn pydantic's findings into lines. `document` lets list items be called by their `name` or `id`."""
    found = error.errors(include_url=False)
    lines = [_line(one, model, document) for one in found if not _follows(one, found)]
    return list(dict.fromkeys(lines))  # the arms of a union may say the same


def _follows(one: Any, found: Sequence[Any]) -> bool:  # noqa: ANN401 - pydantic's
    """Whether a list is called too short only because what stands in it was found faulty."""
    depth = len(one["loc"])
    return one["type"] == "too_short" and any(
        len(other["loc"]) > depth and other["loc"][:depth] == one["loc"] for other in found
    )


def one_line(text: str) -> str:
    """A text from elsewhere as it may be printed: whoever wrote it adds no line, and sends a terminal no command."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def suggest(word: str, allowed: Collection[str]) -> str:
    """A hint for a word that is not allowed: the one that was probably meant, else all that are."""
    near = difflib.get_close_matches(word, allowed, 1)
    if near:
        return f"did you mean {near[0]}?"
    return f"use one of {', '.join(sorted(allowed))}" if allowed else "remove it"


def _line(found: Any, model: type[BaseModel], document: Mapping[str, Any] | None) -> str:  # noqa: ANN401 - pydantic's
    path, keys = _locate(found["loc"], model, document)
    context = found.get("ctx", {})
    match found["type"]:
        case "missing":
            return f"{path}: missing: add it"
        case "extra_forbidden":
            return f"{path}: unknown key: {_other_key(found, model, keys)}"
        case "union_tag_not_found":
            key = context["discriminator"].strip("'")
            return f"{path}.{key}: missing: it says which kind this is"
        case "union_tag_invalid":
            return f"{path}: {context['tag']!r}: {suggest(context['tag'], _quoted(context['expected_tags']))}"
        case "literal_error" | "enum" if isinstance(found["input"], str):
            return f"{path}: {_shown(path, found['input'])}: {suggest(found['input'], _quoted(context['expected']))}"
    hint = found["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if found["type"] == "value_error" and isinstance(found["input"], Mapping):
        return f"{path}: {hint}" if path else str(hint)  # what it says of several keys together names them
    if path and document is not None and (form := _form(found, path)):
        return f"{path}: {form}"
    return f"{path}: {_shown(path, found['input'])}: {hint}" if path else str(hint)


def _other_key(found: Any, model: type[BaseModel], keys: Collection[str]) -> str:  # noqa: ANN401 - pydantic's
    """A hint for a key that its table does not have; it may be one of the file's own, written below a table."""
    key = found["loc"][-1]
    if len(found["loc"]) > 1 and key in _fields(model) and not isinstance(found["input"], list | Mapping):
        return "write it above the first [table], for below one it is part of that table"
    return suggest(str(key), keys)


def _form(found: Any, path: str) -> str | None:  # noqa: ANN401 - pydantic's
    """The value and how it is written in TOML, where it was given in another form."""
    kind, given = found["type"], found["input"]
    if kind in ("dict_type", "model_type", "model_attributes_type") and isinstance(given, list):
        return f"there is only one: write [{path}], in one pair of brackets"
    if kind in ("tuple_type", "list_type"):
        if isinstance(given, Mapping):
            return f"there may be several: write [[{path}]], in two pairs of brackets"
        return f"{_shown(path, given)}: write a list, in brackets, even of one"
    if kind == "string_pattern_mismatch" and found["ctx"]["pattern"] == NAME_PATTERN:
        return f"{_shown(path, given)}: write a-z, 0-9 and _, a letter first"
    return f"{_shown(path, given)}: {FORMS[kind]}" if kind in FORMS else None


def _quoted(expected: str) -> list[str]:
    """The words in pydantic's "'a', 'b' or 'c'"."""
    return expected.split("'")[1::2]


def _shown(path: str, given: object) -> str:
    if any(word in path.lower() for word in SECRET_WORDS):
        return "what is given here is not accepted"
    text = repr(given)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."


def _locate(
    loc: tuple[int | str, ...], model: type[BaseModel], document: Mapping[str, Any] | None
) -> tuple[str, list[str]]:
    """The path as its writer would say it, and the keys that the table it ends in allows.

    pydantic's path also names the arm of a union it tried; the model tells such words from keys.
    """
    place: Any = document
    here, path, keys = [*_plain(model)], [], list[str]()
    for at, key in enumerate(loc):
        keys = [name for arm in here for name in _fields(arm)]
        below = [inner for arm in here for inner in _inner(arm, key)]
        if not below and at < len(loc) - 1 and isinstance(key, str) and not _has(place, key):
            continue
        place = place[key] if _has(place, key) else None
        path.append(_name(place, key))
        here = below
    return ".".join(path), keys


def _has(place: object, key: int | str) -> bool:
    if isinstance(place, Mapping):
        return key in place
    return isinstance(place, list) and isinstance(key, int) and key < len(place)


def _name(place: object, key: int | str) -> str:
    if isinstance(key, int) and isinstance(place, Mapping):
        return next((place[by] for by in ("name", "id") if isinstance(place.get(by), str)), str(key))
    return str(key)


def _plain(annotation: object) -> Iterator[Any]:
    """The types an annotation stands for, without Annotated and unions."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _plain(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for arm in get_args(annotation):
            yield from _plain(arm)
    else:
        yield annotation


def _fields(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - any type at all
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return {}
    return {field.alias or name: field.annotation for name, field in kind.model_fields.items()}


def _inner(kind: Any, key: int | str) -> Iterator[Any]:  # noqa: ANN401 - any type at all
    """The types found under `key` of a table, an array or a model."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is dict and isinstance(key, str):
        yield from _plain(arguments[1])
    elif origin in (list, tuple, Sequence) and isinstance(key, int):
        yield from _plain(arguments[0])
    elif key in _fields(kind):
        yield from _plain(_fields(kind)[str(key)])
