"""The specification's examples and tables, held against the code: made or checked byte for byte."""

import base64
import hashlib
import inspect
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from pydantic import BaseModel

from agent.aggregation.record import Columns, Edges, Parameters, point_energy
from agent.drivers import profile, registers
from contract import (
    acknowledgement_records,
    anchor_records,
    body,
    budget,
    calendar_records,
    cbor,
    checkpoint,
    cose,
    cosignature,
    derived_records,
    entry,
    error_points,
    handovers,
    key_records,
    keys,
    late_records,
    lots,
    manual_records,
    merkle,
    message,
    receipt,
    records,
    recover_records,
    rotation,
    segment,
    topics,
    void_records,
)

README = (Path(__file__).parent.parent / "contract/README.md").read_text()
BLOCKS = dict(re.findall(r"^```example (\S+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL))
SITE = "plant-1"


def fields(name: str) -> dict[str, str]:
    """An example's values by name; a value that goes on is indented."""
    found: dict[str, str] = {}
    last = ""
    for line in BLOCKS[name].splitlines():
        if line.startswith(" "):
            found[last] += line.strip()
        else:
            last, _, value = line.partition(" ")
            found[last] = value.strip()
    return found


def octets(name: str, field: str) -> bytes:
    return bytes.fromhex(fields(name)[field])


KEY = ed25519.Ed25519PrivateKey.from_private_bytes(octets("ed25519-key", "seed"))
P256 = ec.derive_private_key(int(fields("es256-key")["scalar"]), ec.SECP256R1())


def rows_after(text: str) -> dict[str, list[str]]:
    """The first table after `text`, keyed by its first column without code marks."""
    table = README[README.index(text) :].partition("\n|")[2].split("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_every_example_is_found():
    assert list(BLOCKS) == [
        "cbor", "ed25519-key", "es256-key", "manifest-entry", "es256-entry", "body", "redacted-body", "segment-entry",
        "rotation", "segment-bytes", "segment-readings", "source-column", "amount-record", "rounding", "bounds",
        "ledger", "checkpoint", "cosignature", "receipt", "message",
    ]  # fmt: skip
    assert README.count("```") == 2 * len(BLOCKS)
    assert README.count("```example ") == len(BLOCKS)


def test_cbor():
    value = {10: 0, -1: 1, "a": "m³", "b": None, "aa": [True, b"\x01\x02"]}
    assert fields("cbor")["value"] == """{10: 0, -1: 1, "a": "m³", "b": null, "aa": [true, h'0102']}"""
    assert cbor.encode(dict(reversed(value.items()))) == octets("cbor", "bytes")
    assert cbor.decode(octets("cbor", "bytes")) == value


def test_keys():
    assert KEY.public_key().public_bytes_raw() == octets("ed25519-key", "public")
    numbers = P256.public_key().public_numbers()
    assert numbers.x.to_bytes(32, "big") == octets("es256-key", "x")
    assert numbers.y.to_bytes(32, "big") == octets("es256-key", "y")
    for name, key in {"ed25519-key": KEY, "es256-key": P256}.items():
        assert keys.cose_key(key.public_key()) == octets(name, "cose_key")
        assert hashlib.sha256(octets(name, "cose_key")).digest() == octets(name, "key_id")
        assert keys.thumbprint(key.public_key()) == octets(name, "key_id")


def test_a_rotation():
    new = ed25519.Ed25519PrivateKey.from_private_bytes(octets("rotation", "seed"))
    assert octets("rotation", "key") == bytes.fromhex("a301012006215820") + new.public_key().public_bytes_raw()
    assert octets("rotation", "key_id") == hashlib.sha256(octets("rotation", "key")).digest()
    old = octets("ed25519-key", "key_id")
    assert cbor.decode(octets("rotation", "payload")) == {"v": 1, "author": "agent-1", "old": old}
    proof = cose.parse(octets("rotation", "proof"))
    assert (proof.payload, proof.key_id) == (octets("rotation", "payload"), octets("rotation", "key_id"))
    structure = ["Signature1", proof.protected, b"metertrail/v1/rotation/plant-1", proof.payload]
    new.public_key().verify(proof.signature, cbor.encode(structure))
    assert rotation.state(old, new, "agent-1", SITE) == octets("rotation", "part")
    part = records.read(octets("rotation", "part"), key_records.RotationPart)
    assert keys.cose_key(rotation.check(part, old, "agent-1", SITE)) == octets("rotation", "key")


@pytest.mark.parametrize("name", ["manifest-entry", "segment-entry"])
def test_entries(name):
    made = fields(name)
    payload, structure = octets(name, "payload"), octets(name, "sig_structure")
    parts = [bytes.fromhex(made[key]) for key in made if key.startswith("part_")]
    header = entry.parse_header(payload)
    assert cbor.decode(structure) == ["Signature1", octets(name, "protected"), b"metertrail/v1/entry/plant-1", payload]
    assert hashlib.sha256(structure).digest() == octets(name, "hash")
    assert KEY.sign(structure) == octets(name, "signature")
    container = [octets(name, "protected"), {}, payload, octets(name, "signature")]
    assert b"\xd2" + cbor.encode(container) == octets(name, "container")
    sealed = entry.seal(header, parts, octets(name, "seed"), KEY, SITE)
    assert (sealed.signed, sealed.hash) == (octets(name, "container"), octets(name, "hash"))
    assert header.parts == len(parts)
    assert header.body_root == octets(name, "body_root") == body.unpack(sealed.body).root()
    assert cose.verify(entry.read(sealed.signed).container, KEY.public_key(), "entry", SITE) == sealed.hash


def test_the_second_entry_follows_the_first():
    first = entry.parse_header(octets("manifest-entry", "payload"))
    second = entry.parse_header(octets("segment-entry", "payload"))
    assert (first.seq, first.prev, first.type) == (0, bytes(32), "manifest")
    assert (second.seq, second.prev, second.epoch) == (1, octets("manifest-entry", "hash"), first.epoch)
    author = records.read(octets("manifest-entry", "part_0"), records.Author)
    assert author.parent is None
    assert second.checkpoint is not None
    assert second.checkpoint.root == octets("ledger", "leaf_0")


def test_the_es256_entry():
    read = entry.read(octets("es256-entry", "container"))
    assert read.container.payload == octets("manifest-entry", "payload")
    assert cose.verify(read.container, P256.public_key(), "entry", SITE) == octets("es256-entry", "hash")
    assert octets("es256-entry", "hash") != octets("manifest-entry", "hash")


def test_bodies():
    made = fields("body")
    parts = [bytes.fromhex(made[f"part_{i}"]) for i in range(3)]
    leaves = [octets("body", f"leaf_{i}") for i in range(3)]
    assert parts == [b"first", b"second", b"third"]
    for i, part in enumerate(parts):
        assert body.salts(octets("body", "seed"), i + 1)[i] == octets("body", f"salt_{i}")
        assert hashlib.sha256(b"\0" + octets("body", f"salt_{i}") + part).digest() == leaves[i]
    inner = hashlib.sha256(b"\1" + leaves[0] + leaves[1]).digest()
    assert hashlib.sha256(b"\1" + inner + leaves[2]).digest() == octets("body", "root")
    assert body.pack(octets("body", "seed"), parts) == octets("body", "body")
    assert body.unpack(octets("body", "body")).root() == octets("body", "root")
    redacted = body.redact(octets("body", "body"), {int(fields("redacted-body")["shown"])})
    assert redacted == octets("redacted-body", "body")
    assert body.unpack(redacted).parts == (None, b"second", None)
    assert body.unpack(redacted).root() == octets("body", "root")


def test_the_segment_byte_by_byte():
    lines = [line.partition(";") for line in BLOCKS["segment-bytes"].splitlines()]
    assert all(meaning.strip() for _, _, meaning in lines)
    part = bytes.fromhex("".join(written for written, _, _ in lines))
    assert part == octets("segment-entry", "part_0")
    for written, _, meaning in lines:
        if told := re.fullmatch(r"   (-?\d+): .+", meaning):
            assert segment.unpack(bytes.fromhex(written), 1) == [int(told[1])]
        if told := re.fullmatch(r' ("\w+"): ("\w+"|\d+)', meaning):
            pair = cbor.decode(b"\xa1" + bytes.fromhex(written))
            assert pair == {told[1].strip('"'): told[2].strip('"') if '"' in told[2] else int(told[2])}


def test_what_the_segment_says():
    block = segment.decode(octets("segment-entry", "part_0")).blocks[0]
    header, *rows = [line.split() for line in BLOCKS["segment-readings"].splitlines()]
    assert header == ["scan", "requested_ns", "answered_ns", "energy_import", "power", "power_status"]
    energy, power = block.columns
    times = zip(block.requested_ns, block.answered_ns, strict=True)
    for i, (requested, answered) in enumerate(times):
        watts = "-" if power.raws[i] is None else str(power.raws[i])
        status = f"0x{power.statuses[i]:08x}"
        assert rows.pop(0) == [str(i), str(requested), str(answered), str(energy.raws[i]), watts, status]
    assert not rows


def test_a_column_with_source_times():
    made = fields("source-column")
    block = segment.decode(octets("source-column", "part")).blocks[0]
    point = cbor.decode(octets("source-column", "part"))["blocks"][0]["points"][0]
    assert (point["source"], point["sourceless"]) == (octets("source-column", "source"), [[1, 1]])
    sources = tuple(None if text == "-" else int(text) for text in made["sources_ns"].split())
    assert block.columns[0].sources_ns == sources
    assert block.columns[0].raws == tuple(map(int, made["raws"].split()))
    assert block.requested_ns == tuple(map(int, made["requested_ns"].split()))
    assert block.answered_ns == tuple(map(int, made["answered_ns"].split()))


def test_a_record():
    made = fields("amount-record")
    record = records.read(octets("amount-record", "bytes"), records.AmountPart)
    assert {key: str(value) for key, value in record.model_dump().items()} == {
        key: value for key, value in made.items() if key != "bytes"
    }
    assert records.write(record) == octets("amount-record", "bytes")


def test_rounding():
    header, *rows = [line.split() for line in BLOCKS["rounding"].splitlines()]
    assert len(rows) == 11
    for row in rows:
        told = dict(zip(header, row, strict=True))
        point = profile.Point(
            id="p", quantity=told["quantity"], type=told["type"], unit=told["unit"], kind="gauge", table="holding",
            scale=int(told["scale"]), words=told["words"],
        )  # fmt: skip
        assert registers.scaled(point, int(told["raw"], 16), Fraction(told["ratio"])) == int(told["value"])
        assert registers.unit_of(point) == told["canonical_unit"]


def test_bounds():
    """The rule as the specification words it, computed here, and the code's figures."""
    made = fields("bounds")
    readings = [tuple(map(int, text.split(":"))) for text in made["readings"].split()]
    age_ms, below, above = int(made["age_ns"]) // 10**6, int(made["below"]), int(made["above"])
    found = []
    for edge in ("edge_1", "edge_2"):
        earliest, latest = map(int, made[edge].split(":"))
        lower = max(r for r in readings if r[1] <= earliest)[2] - below
        upper = min(r for r in readings if r[0] >= latest + age_ms)[2] + above
        found.append((lower, upper))
    (lower_1, upper_1), (lower_2, upper_2) = found
    assert [f"{lower}:{upper}" for lower, upper in found] == [made["at_1"], made["at_2"]]
    assert f"{max(0, lower_2 - upper_1)}:{upper_2 - lower_1}" == made["window"]
    requested, answered, counters = (np.array(column, np.int64) for column in zip(*readings, strict=True))
    edges = np.array([list(map(int, made[edge].split(":"))) for edge in ("edge_1", "edge_2")], np.int64) * 10**6
    energy = point_energy(
        Columns(requested * 10**6, answered * 10**6, counters),
        Parameters(age_ms * 10**6, below, above),
        Edges(edges[:, 0].copy(), edges[:, 1].copy(), ((0, 1),)),
    ).windows[0]
    assert f"{energy.lower}:{energy.upper}" == made["window"]


def test_the_ledger_and_its_checkpoint():
    leaves = [hashlib.sha256(b"\0" + octets(f"{name}-entry", "container")).digest() for name in ("manifest", "segment")]
    assert leaves == [octets("ledger", "leaf_0"), octets("ledger", "leaf_1")]
    assert merkle.root(leaves) == octets("ledger", "root") == hashlib.sha256(b"\1" + b"".join(leaves)).digest()
    state = checkpoint.verify(BLOCKS["checkpoint"], KEY.public_key())
    assert state == checkpoint.Checkpoint("metertrail/plant-1", 2, octets("ledger", "root"))
    assert checkpoint.sign(state, KEY) == BLOCKS["checkpoint"]
    assert base64.b64decode(BLOCKS["checkpoint"].split()[-1])[:4] == octets("ledger", "key_hash")
    witness = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(0x40, 0x60)))
    words = f"cosignature/v1\ntime 1795132800\n{state.text()}".encode()
    mark = hashlib.sha256(b"auditor.example/w1\n\4" + witness.public_key().public_bytes_raw()).digest()[:4]
    mark += (1_795_132_800).to_bytes(8, "big") + witness.sign(words)
    assert BLOCKS["cosignature"] == f"— auditor.example/w1 {base64.b64encode(mark).decode()}\n"
    note = BLOCKS["checkpoint"] + BLOCKS["cosignature"]
    assert cosignature.times_s(note, "auditor.example/w1", witness.public_key()) == [1_795_132_800]


def test_the_receipt():
    made = receipt.verify(octets("receipt", "container"), KEY.public_key(), SITE)
    assert cbor.encode(made.model_dump()) == octets("receipt", "payload")
    assert receipt.sign(made, KEY, SITE) == octets("receipt", "container")
    assert [(head.seq, head.hash) for head in made.heads] == [(1, octets("segment-entry", "hash"))]


def test_the_message():
    signed, packed = message.unpack(octets("message", "frame"))
    assert cbor.encode([signed, packed]) == octets("message", "plain")
    assert signed == octets("segment-entry", "container")
    entry.check_body(entry.read(signed).header, packed)


def kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


RECORDS = {
    model.model_fields["part"].default if "part" in model.model_fields else kebab(name): model
    for module in (
        records,
        late_records,
        calendar_records,
        budget,
        derived_records,
        manual_records,
        error_points,
        handovers,
        key_records,
        lots,
        recover_records,
        void_records,
        anchor_records,
        acknowledgement_records,
    )
    for name, model in inspect.getmembers(module, inspect.isclass)
    if issubclass(model, BaseModel) and model.__module__ == module.__name__
}


@pytest.mark.parametrize("name", RECORDS)
def test_every_member_of_every_record_is_specified(name):
    model = RECORDS[name]
    title = f"**`{name}`**: " if "part" in model.model_fields else f"*{name}*, a map: "
    rows = rows_after(title)
    assert list(rows) == list(model.model_fields)
    for member, field in model.model_fields.items():
        may_be_null = type(None) in getattr(field.annotation, "__args__", ())
        assert rows[member][0].endswith("?") == may_be_null, f"{name}.{member}"


def test_no_record_is_specified_that_is_not_there():
    section = README.partition("\n## 9. Records")[2].partition("\n## 10.")[0]
    told = re.findall(r"^\*\*`([a-z]+)`\*\*: |^\*([a-z-]+)\*, a map: ", section, re.MULTILINE)
    assert {first or second for first, second in told} == RECORDS.keys()


def test_members_of_headers_and_receipts():
    told = [
        member for cell in rows_after("The payload of a container of kind `entry`") for member in cell.split("`, `")
    ]
    assert told == list(entry.Header.model_fields)
    clock = rows_after("The payload of a container of kind `entry`")["clock"][1]
    assert re.findall(r"`(\w+)`:", clock) == list(entry.Clock.model_fields)
    rows = rows_after("A receipt is a container of kind `receipt`")
    assert list(rows) == list(receipt.Receipt.model_fields)
    for member, model in {
        "heads": receipt.EpochHead, "wanted": receipt.Wanted, "refused": receipt.Refusal, "checkpoint": entry.TreeHead
    }.items():  # fmt: skip
        assert re.findall(r"`(\w+)`", rows[member][0]) == list(model.model_fields)


def test_names_of_types_kinds_and_channels():
    section = " ".join(README.partition("\n## 5. Header")[2].partition("\n## 6.")[0].split())
    agents, gateway = re.search(
        r"Agents write the types (.+?)\. The gateway writes (.+?)\.", section, re.DOTALL
    ).groups()
    assert tuple(re.findall(r"`(\w+)`", agents)) == entry.AGENT_TYPES
    assert tuple(re.findall(r"`(\w+)`", gateway)) == entry.GATEWAY_TYPES
    kinds = re.search(r"KIND says what the signature is for: (.+?)\. ", README, re.DOTALL)[1]
    assert tuple(re.findall(r"`(\w+)`", kinds)) == cose.KINDS
    assert tuple(rows_after("`metertrail/v1/SITE/AGENT/CHANNEL`")) == topics.CHANNELS


def test_limits():
    numbers = {
        what: [int(n) for n in re.findall(r"\d+", row[0])] for what, row in rows_after("\n## 15. Limits").items()
    }
    assert numbers == {
        "message as received": [message.MESSAGE_BYTES_MAX],
        "message unpacked": [message.PLAIN_BYTES_MAX],
        "header (payload)": [entry.HEADER_BYTES_MAX, entry.HEADER_BYTES_MAX + 256],
        "parts in a body": [body.PARTS_MAX],
        "items in a CBOR value": [cbor.ITEMS_MAX],
        "scans in a block; readings in a segment's part": [segment.SCANS_MAX, segment.READINGS_MAX],
        "receipt": [receipt.RECEIPT_BYTES_MAX],
        "checkpoint": [checkpoint.CHECKPOINT_BYTES_MAX],
        "time stamp (TimeStampResp)": [anchor_records.TOKEN_BYTES_MAX],
        "nesting": [cbor.DEPTH_MAX],
    }


def test_units():
    told = {
        unit: (row[0].strip("`"), int(row[1].removeprefix("10^")))
        for unit, row in rows_after("The unit factor").items()
    }
    assert told == {unit: profile.UNITS[unit] for unit in told}
    assert all(unit in told or factor == 3 for unit, (_, factor) in profile.UNITS.items())


def test_every_link_leads_to_a_section():
    titles = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^## (.+)$", README, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", README)) == titles
    assert len(titles) == 20
