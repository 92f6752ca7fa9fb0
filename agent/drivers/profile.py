"""A meter type as data.

In: the bytes of a profile (TOML). Out: a checked `Profile`, and the hash that pins it in evidence.
Never: opens a file or guesses. A profile with any fault is refused with all its faults, one line each.
"""

import hashlib
import tomllib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.drivers.point import NAME, RATIOED, UNITS, Part, Point, Side, positive
from agent.drivers.profile_checks import problems
from contract.problems import explain

__all__ = ["RATIOED", "UNITS", "Part", "Point", "Profile", "parse", "positive", "profile_hash"]


class Profile(BaseModel):
    """A meter type: where its points are and what they mean. `parse` makes it, checking points against each other."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    make: str
    model: str
    medium: str = Field(pattern=NAME)
    grade: Literal["bronze", "silver", "gold"]  # cited map, captured bytes, checked against a display
    sources: tuple[str, ...] = Field(min_length=1, strict=False)
    notes: str = ""
    registers_max: int = Field(default=125, ge=1, le=125)  # 125: the most one answer holds (Modbus V1.1b3, 6.3)
    hole_max: int = Field(default=0, ge=0, le=124)
    ratio_side: Side | None = None  # are energies and powers multiplied by the transformers' ratio in the meter?
    registration: Literal["per_phase", "vectorial"] | None = None  # phases apart, or their sum: matters with feed-in
    points: tuple[Point, ...] = Field(alias="point", min_length=1, strict=False)

    @property
    def measured(self) -> tuple[Point, ...]:
        """The points that are polled: those without `identity`."""
        return tuple(point for point in self.points if point.identity is None)

    @property
    def identifying(self) -> tuple[Point, ...]:
        """The points that say which instrument this is and how it is set; read when it is identified."""
        return tuple(point for point in self.points if point.identity is not None)


def profile_hash(data: bytes) -> bytes:
    """SHA-256 of the profile file as it is (32 bytes)."""
    return hashlib.sha256(data).digest()


def parse(data: bytes) -> Profile:
    """Check a profile file that stands by itself (family.py joins those that do not).

    Points without a `ratio_side` get the profile's. Raises ValueError whose lines each read `key.path: problem: hint`;
    all problems are listed.
    """
    try:
        document = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"profile: not readable as TOML: {error}") from error
    if "extends" in document:
        raise ValueError("extends: still to be joined: load the profile by its name or its path")
    try:
        profile = Profile.model_validate(document)
    except ValidationError as error:
        told = explain(error, Profile, document)
        raise ValueError("\n".join([*told, *problems(_readable(document), 125)])) from None
    if told := list(problems(profile.points, profile.registers_max)):
        raise ValueError("\n".join(told))
    return profile.model_copy(update={"points": tuple(_sided(point, profile.ratio_side) for point in profile.points)})


def _sided(point: Point, side: Side | None) -> Point:
    if side is None or point.ratio_side is not None or not point.quantity.startswith(RATIOED):
        return point
    return point.model_copy(update={"ratio_side": side})


def _readable(document: dict[str, Any]) -> list[Point]:
    points = []
    for item in document["point"] if isinstance(document.get("point"), list) else []:
        try:
            points.append(Point.model_validate(item))
        except ValidationError:
            continue  # already explained
    return points
