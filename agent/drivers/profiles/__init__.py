"""Meter profiles as data: one TOML file a meter type.

In: a name or a path. Out: the file's bytes. Never: parses or alters them.
"""

from importlib import resources
from pathlib import Path


def load(name_or_path: str) -> bytes:
    """Return a profile's bytes: a bare name is one shipped here, anything with a slash or ending in `.toml` is a path.

    Raises ValueError (one line) if there is no such profile.
    """
    if "/" in name_or_path or name_or_path.endswith(".toml"):
        try:
            return Path(name_or_path).read_bytes()
        except OSError as error:
            raise ValueError(f"profile {name_or_path}: cannot be read: {error.strerror}") from error
    file = resources.files(__name__).joinpath(f"{name_or_path}.toml")
    if not file.is_file():
        raise ValueError(f"profile {name_or_path}: not among those shipped: use one of {', '.join(names())}, or a path")
    return file.read_bytes()


def names() -> list[str]:
    """Names of the shipped profiles, sorted."""
    return sorted(f.name.removesuffix(".toml") for f in resources.files(__name__).iterdir() if f.name.endswith(".toml"))
