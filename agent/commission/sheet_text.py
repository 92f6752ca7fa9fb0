"""A commissioning sheet in words, for the binder.

In: a sheet, the hash of its file and the key that signed it. Out: text. Nothing in it is not in the sheet. Pure.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from agent.commission.sheet import Look, Sheet
from contract.records import Transformer


def render(sheet: Sheet, sheet_hash: bytes, key_id: bytes) -> str:
    """The sheet as lines of text."""
    return "\n".join(_lines(sheet, sheet_hash, key_id)) + "\n"


def _lines(sheet: Sheet, sheet_hash: bytes, key_id: bytes) -> Iterator[str]:
    yield f"Commissioning sheet: meter {sheet.meter} of agent {sheet.agent}, site {sheet.site}"
    yield f"Result: {sheet.verdict}"
    yield ""
    for name, text in (
        ("installation", sheet.installation),
        ("address", sheet.address),
        ("serial", sheet.serial),
        ("profile", f"{sheet.profile}, sha256 {sheet.profile_hash.hex()}"),
        ("ct", _transformer(sheet.ct)),
        ("pt", _transformer(sheet.pt)),
        ("person", sheet.person),
        ("from", _time(sheet.started_ns)),
        ("to", _time(sheet.ended_ns)),
        ("software", sheet.software),
        ("signed by", f"key {key_id.hex()}"),
        ("this file", f"sha256 {sheet_hash.hex()}"),
    ):
        yield f"{name:<14}{text or '-'}"
    yield ""
    for step in sheet.steps:
        yield f"{step.verdict.upper():<9}{step.step:<10}{step.line}"
    yield ""
    yield "Answers, as typed:"
    for answer in sheet.answers:
        yield f"  {_time(answer.at_ns)}  {answer.key:<24} {answer.text!r}"
    for look in sheet.looks:
        yield ""
        yield from _look(look)


def _look(look: Look) -> Iterator[str]:
    yield f"Read for {look.look}:"
    for seen in look.seen:
        value = seen.text if seen.text is not None else "-" if seen.raw is None else f"0x{seen.raw:x}"
        status = "" if seen.status == 0 else f"  status 0x{seen.status:08x}"
        trip_ms = (seen.answered_ns - seen.requested_ns) // 1_000_000
        yield f"  {_time(seen.requested_ns)} +{trip_ms} ms  {seen.point:<22}{value}{status}"


def _transformer(given: Transformer | None) -> str:
    if given is None:
        return ""
    return f"{given.primary}/{given.secondary}" + (f" class {given.accuracy_class}" if given.accuracy_class else "")


def _time(at_ns: int) -> str:
    seconds, rest = divmod(at_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03}Z"
