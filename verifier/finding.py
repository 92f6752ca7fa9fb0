"""What a check found: a name, whether it holds, and one line fit for a person."""

from dataclasses import dataclass

from contract.problems import one_line


@dataclass(frozen=True, slots=True)
class Finding:
    """`check` is the check's name; `text` says what was counted, or what is wrong and where."""

    check: str
    ok: bool
    text: str

    def line(self) -> str:
        """As it is printed."""
        return one_line(f"{'ok  ' if self.ok else 'FAIL'} {self.check} {self.text}")
