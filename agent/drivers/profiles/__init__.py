"""Meter profiles as data: one TOML file a meter type, and families of what several share.

In: a name or a path. Out: bytes that stand by themselves: the file's own, or joined with what it extends. Never: checks
what they say.
"""

from importlib import resources
from pathlib import Path

from agent.drivers.family import joined
from contract.problems import suggest


def load(name_or_path: str) -> bytes:
    """Return a profile's bytes: a bare name is one shipped here, anything with a slash or ending in `.toml` is a path.

    Raises ValueError (one line) if there is no such profile, or none that it extends.
    """
    if "/" in name_or_path or name_or_path.endswith(".toml"):
        try:
            data = Path(name_or_path).read_bytes()
        except OSError as error:
            raise ValueError(f"profile {name_or_path}: cannot be read: {error.strerror}") from error
        return joined(name_or_path, data, _shipped)
    file = resources.files(__name__).joinpath(f"{name_or_path}.toml")
    if not file.is_file():
        raise ValueError(f"profile {name_or_path}: not among those shipped: {suggest(name_or_path, names())}")
    return joined(name_or_path, file.read_bytes(), _shipped)


def names() -> list[str]:
    """Names of the shipped profiles, sorted."""
    return _names("")


def _shipped(name: str) -> bytes:
    """A file as it is, of a profile or a family. Raises ValueError."""
    for folder in ("", "families"):
        file = resources.files(__name__).joinpath(folder, f"{name}.toml")
        if file.is_file():
            return file.read_bytes()
    raise ValueError(f"{name!r} is neither a shipped profile nor a family: use one of {', '.join(_names('families'))}")


def _names(folder: str) -> list[str]:
    files = resources.files(__name__).joinpath(folder).iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))
