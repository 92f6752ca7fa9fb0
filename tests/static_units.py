"""Units whose registers stand still: those of the golden cases, or any words."""

from dataclasses import dataclass
from pathlib import Path

CASES = Path(__file__).parent / "cases" / "profiles"


@dataclass(frozen=True)
class Static:
    """Words by table and address; a request for any that is not there is refused."""

    tables: dict

    def words(self, table, address, count, _at_ns):
        held = self.tables.get(table, {})
        asked = range(address, address + count)
        return [held[at] for at in asked] if all(at in held for at in asked) else None

    def with_words(self, table, address, *words):
        """The same with other words from an address on."""
        changed = {**self.tables.get(table, {}), **dict(enumerate(words, address))}
        return Static({**self.tables, table: changed})


def golden(name):
    """The registers of a profile's golden case."""
    tables = {}
    for line in (CASES / name / "registers.hex").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        place, words = line.split(":")
        table, address = place.split()
        start = int(address, 16)
        tables.setdefault(table, {}).update({start + i: int(word, 16) for i, word in enumerate(words.split())})
    return Static(tables)


def _text(words, given):
    data = given.encode().ljust(2 * words, b"\0")
    return [int.from_bytes(data[i : i + 2], "big") for i in range(0, 2 * words, 2)]


def sunspec_map(start, models=((203, 105),), common=66):
    """Registers of a SunSpec map: marker, model 1 of `common` registers, then others, then the end."""
    words = [0x5375, 0x6E53, 1, common]
    words += [*_text(16, "Acme"), *_text(16, "Meter 3"), *_text(8, "opt"), *_text(8, "1.2"), *_text(16, "SN 00417"), 1]
    words += [0] * (common - 65)
    for number, length in models:
        words += [number, length, *([0] * length)]
    words += [0xFFFF, 0]
    return dict(enumerate(words, start))
