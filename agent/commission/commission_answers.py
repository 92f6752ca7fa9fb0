"""Answers written beforehand: a file in which every step is answered, or left out with a reason.

In: a TOML file. Out: an `Asker` that answers from it. Raises Problems with everything wrong with the file before
anything is asked, and with an answer that whoever asks cannot use.
"""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Self

from annotated_types import Ge, Le, Len
from pydantic import BaseModel, model_validator

from agent.commission.commission_ask import Read, Skipped
from agent.config import STRICT
from contract.problems import Problems, parse_toml

Sleep = Callable[[float], Awaitable[None]]
Reason = Annotated[str, Len(1, 500)]
Wait = Annotated[int, Ge(0), Le(86_400)]
OPTIONAL = {"skip", "feeds_in", "tolerance_percent", "wait_s", "l1", "l2", "l3"}


class _Step(BaseModel):
    """Either its answers or `skip`, with the reason."""

    model_config = STRICT
    skip: Reason | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        required = [name for name in type(self).model_fields if name not in OPTIONAL]
        missing = [name for name in required if getattr(self, name) is None]
        if self.skip is None and missing:
            raise ValueError(f'without {" and ".join(missing)}: give it, or leave the step out with skip = "reason"')
        return self


class Identity(_Step):
    """The nameplate."""

    serial: Reason | None = None


class Display(_Step):
    """Two looks at the display."""

    first: Reason | None = None
    second: Reason | None = None
    wait_s: Wait = 0


class Phases(_Step):
    """Whether the circuit feeds energy back at this moment: yes or no."""

    feeds_in: Reason = "no"


class Load(_Step):
    """A load of stated power; `wait_s` is how long after the first look it is on."""

    watts: Reason | None = None
    tolerance_percent: Reason = "15"
    wait_s: Wait = 0


class Ratio(_Step):
    """Clamp-meter readings in amperes, "-" for a phase that is not there."""

    l1: Reason = "-"
    l2: Reason = "-"
    l3: Reason = "-"


class Answers(BaseModel):
    """The whole file: every step is answered or left out with a reason."""

    model_config = STRICT
    person: Annotated[str, Len(1, 200)]
    identity: Identity
    display: Display
    phases: Phases
    load: Load
    ratio: Ratio


class Written:
    """Answers from a file: what is asked for there is taken, what is to be waited for takes `wait_s`."""

    def __init__(self, path: Path, answers: Answers, sleep: Sleep) -> None:
        self._path = path
        self._answers = answers
        self._sleep = sleep

    async def begin(self, step: str, about: str) -> None:
        """Leave the step out if the file says so."""
        sys.stdout.write(f"{step}: {about}\n")
        reason = getattr(self._answers, step).skip
        if reason is not None:
            raise Skipped(reason)

    def tell(self, verdict: str, line: str) -> None:
        """Print it."""
        sys.stdout.write(f"   {verdict.upper()}: {line}\n")

    async def ask(self, key: str, question: str, read: Read) -> str:
        """The file's words."""
        del question  # the file answers by key
        place: object = self._answers
        for name in key.split("."):
            place = getattr(place, name)
        try:
            read(str(place))
        except ValueError as error:
            raise Problems([f"{self._path}: {key}: {place!r}: {error}"]) from None
        return str(place)

    async def wait(self, key: str, request: str) -> None:
        """Let the stated time pass."""
        sys.stdout.write(f"{request}\n")
        await self._sleep(getattr(self._answers, key.partition(".")[0]).wait_s)


def load(path: Path, sleep: Sleep) -> Written:
    """Read a file of answers. Raises Problems with everything that is wrong with it."""
    try:
        return Written(path, parse_toml(path.read_bytes(), Answers), sleep)
    except OSError as error:
        raise Problems([f"{path}: {error.strerror}: name a file of answers, or leave out --answers"]) from None
    except Problems as error:
        raise Problems([f"{path}: {line}" for line in error.lines]) from None
