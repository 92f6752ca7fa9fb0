"""What a check found: a name, whether it holds, and one line fit for a person.

A finding that does not hold is one of two kinds: something contradicts what was signed, or what would decide it is
withheld.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from contract.problems import one_line


@dataclass(frozen=True, slots=True)
class Finding:
    """`check` is the check's name; `text` says what was counted, or what is wrong and where.

    `withheld`: it does not hold, for what it needs is not shown; nothing that is shown contradicts it. `told` is the
    same for a machine, where the text alone is not enough.
    """

    check: str
    ok: bool
    text: str
    withheld: bool = False
    told: Mapping[str, object] | None = None

    @property
    def standing(self) -> str:
        """`ok`, `failed` or `withheld`."""
        return "ok" if self.ok else "withheld" if self.withheld else "failed"

    def line(self) -> str:
        """As it is printed."""
        return one_line(f"{MARKS[self.standing]} {self.check} {self.text}")


MARKS = {"ok": "ok  ", "failed": "FAIL", "withheld": "LACK"}


def lacking(check: str, text: str) -> Finding:
    """A finding that cannot be decided, for something is withheld."""
    return Finding(check, ok=False, text=text, withheld=True)
