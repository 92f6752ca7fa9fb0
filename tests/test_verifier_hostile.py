"""Archives made to break their reader: it refuses or judges them, and nothing escapes or fills the memory."""

import io
import os
import struct
import tracemalloc
import zipfile
from collections.abc import Callable

import altered_maker as small
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import body, cbor, cose, entry
from contract.archive import pack
from contract.errors import Inadmissible
from verifier import archive, sample_cli, trust
from verifier.redact import Wish, redact
from verifier.verify import Report, verify

TIMES = int(os.environ.get("HOSTILE_TIMES", "1"))  # `make soak` draws more
TRUE = small.untouched()
DATA = TRUE.pack()
TRUST = trust.parse(TRUE.trust())


def judged(data: bytes) -> Report | None:
    """The report, or None for what is refused; anything else escapes and fails the test."""
    try:
        read = archive.read(data)
    except Inadmissible:
        return None
    return verify(read, TRUST)


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def handled(data: bytes) -> None:
    """What else is made of an archive: refusals are ValueErrors."""
    for made in (
        lambda: redact(archive.read(data), Wish("public", (), ("line1",))),
        lambda: sample_cli.drawn(data, "readings", "x", 2),
        lambda: sample_cli.drawn(data, "batches", "x", 2),
    ):
        try:
            made()
        except (Inadmissible, ValueError):
            continue


def mutated(data: st.DataObject, given_: bytes) -> bytes:
    """Bytes set, cut out, doubled or put in, up to four times."""
    bent = bytearray(given_)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(bent) - 1)))
        length = data.draw(st.integers(0, 40))
        match data.draw(st.sampled_from(["set", "cut", "double", "insert"])):
            case "set":
                bent[at : at + 1] = bytes([data.draw(st.integers(0, 255))])
            case "cut":
                del bent[at : at + length]
            case "double":
                bent[at:at] = bent[at : at + length]
            case _:
                bent[at:at] = data.draw(st.binary(max_size=9))
    return bytes(bent)


@settings(max_examples=150 * TIMES, deadline=None)
@given(st.data())
def test_a_file_bent_anywhere_is_refused_or_fails(data: st.DataObject):
    bent = mutated(data, DATA)
    report = judged(bent)
    assert bent == DATA or report is None or report.verdict == "failed"
    handled(bent)


@settings(max_examples=150 * TIMES, deadline=None)
@given(st.data())
def test_a_member_bent_inside_a_sound_file_is_refused_or_does_not_hold(data: st.DataObject):
    members = TRUE.members()
    name = data.draw(st.sampled_from(sorted(members)))
    bent = pack({**members, name: mutated(data, members[name])})
    report = judged(bent)
    if name == "checkpoint.txt" and set(members[name].splitlines()) <= set(members_of(bent)[name].splitlines()):
        return  # a line twice: signature lines of others may stand there, and nothing signs them
    assert bent == DATA or report is None or report.verdict in {"failed", "incomplete"}
    handled(bent)


@settings(max_examples=100 * TIMES, deadline=None)
@given(st.data())
def test_a_body_of_anything_under_a_header_that_signs_it_is_judged(data: st.DataObject):
    """Properly signed: the parts are bent before their author seals them, and what follows is left as it was."""
    made = small.untouched()
    at = data.draw(st.integers(0, len(made.ledger) - 1))
    header = entry.read(made.ledger[at][0]).header
    parts = [part or b"" for part in body.unpack(made.ledger[at][1]).parts]
    number = data.draw(st.integers(0, len(parts) - 1))
    parts[number] = data.draw(st.one_of(st.just(mutated(data, parts[number])), st.binary(max_size=30)))
    sealed = entry.seal(header, parts, bytes(32), made.private[header.author], small.maker.SITE)
    made.ledger[at] = [sealed.signed, sealed.body]
    assert judged(made.pack()) is not None
    handled(made.pack())


def numbers() -> st.SearchStrategy[object]:
    """Values where numbers and texts are due: as large, small and odd as the encoding allows."""
    return st.one_of(
        st.integers(-(2**64), 2**64 - 1), st.text(max_size=20), st.binary(max_size=20), st.none(), st.booleans(),
        st.sampled_from(["1e999999", "9" * 400, "-0", "NaN", "1/0", 2**63 - 1, -(2**63), [], {}]),
    )  # fmt: skip


@settings(max_examples=150 * TIMES, deadline=None)
@given(st.data())
def test_records_with_absurd_values_are_judged(data: st.DataObject):
    """Well-formed records whose members hold whatever the encoding allows, sealed by their author."""
    made = small.untouched()
    at = data.draw(st.integers(0, len(made.ledger) - 1))
    header = entry.read(made.ledger[at][0]).header
    parts = [part or b"" for part in body.unpack(made.ledger[at][1]).parts]
    number = data.draw(st.integers(0, len(parts) - 1))
    fields = cbor.decode(parts[number])
    path = data.draw(st.sampled_from(sorted(map(str, fields))))
    fields[path] = data.draw(numbers())
    parts[number] = cbor.encode(fields)
    sealed = entry.seal(header, parts, bytes(32), made.private[header.author], small.maker.SITE)
    made.ledger[at] = [sealed.signed, sealed.body]
    assert judged(made.pack()) is not None
    handled(made.pack())


# ---- memory ----------------------------------------------------------------------------------------------------------


def entries(data: bytes) -> bytes:
    return pack({**TRUE.members(), "entries.cborseq": data})


def receipts(data: bytes) -> bytes:
    return pack({**TRUE.members(), "receipts.cborseq": data})


def head(major: int, argument: int) -> bytes:
    return bytes([major << 5 | 27]) + struct.pack(">Q", argument)


def sized(name: str, size: int) -> bytes:
    """A file whose directory says that a member has another size."""
    at = DATA.rindex(b"PK\x01\x02", 0, DATA.rindex(name.encode()))
    return DATA[: at + 20] + struct.pack("<LL", size, size) + DATA[at + 28 :]


def compressed() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in TRUE.members().items():
            file.writestr(name, data + bytes(40_000_000) * (name == "statement.json"))
    return out.getvalue()


def body_of(packed: bytes) -> bytes:
    """The first entry with another body."""
    first, *others = TRUE.ledger
    written = [cbor.encode([0, first[0], packed])]
    return entries(b"".join([*written, *(cbor.encode([n, *pair]) for n, pair in enumerate(others, 1))]))


FULL = b"\x82\x58\x20" + bytes(32)  # how a body that shows all begins
HOSTILE: dict[str, Callable[[], bytes]] = {
    "an entry of a length that is not there": lambda: entries(b"\x83\x00" + head(2, 2**40)),
    "an index beyond all": lambda: entries(b"\x83" + head(0, 2**64 - 1) + b"\x41\x00\xf6"),
    "an array where an entry's header is due": lambda: entries(b"\x83\x00" + head(4, 2**40)),
    "a receipt of a length that is not there": lambda: receipts(head(2, 2**50)),
    "a member longer than the file": lambda: sized("entries.cborseq", 2**31),
    "a member of all the address space": lambda: sized("statement.json", 2**32 - 1),
    "a bomb in a compressed member": compressed,
    "a body of more parts than there are bytes": lambda: body_of(FULL + head(4, 2**40)),
    "a body of sixteen thousand empty parts": lambda: body_of(FULL + b"\x99\x40\x00" + b"\x40" * 16384),
    "a body of a million items": lambda: body_of(b"\x82\xf6\x9a\x00\x0f\x42\x40" + b"\x80" * 1_000_000),
    "a header nested beyond measure": lambda: entries(cbor.encode([0, b"\xd2" + b"\x81" * 4000, None])),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_claims_to_be_large_costs_no_memory(name: str):
    """At most what a true archive costs, and a few times the bytes that are there."""
    data = HOSTILE[name]()
    judged(DATA)  # what is loaded once is not counted
    tracemalloc.start()
    try:
        report = judged(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report is None or report.verdict == "failed"
    assert peak < 24_000_000 + 8 * len(data)


def test_a_signature_is_not_read_as_one_of_another_kind():
    made = small.untouched()
    made.receipts = [
        cose.sign(cose.parse(made.receipts[0]).payload, made.private["gateway"], "entry", small.maker.SITE)
    ]
    report = judged(made.pack())
    assert report is not None
    assert {finding.check for finding in report.findings if not finding.ok} == {"receipt"}
