"""An exported archive must pass the verifier, withhold what is nobody's business, and be the same on every machine."""

import json
from pathlib import Path

import archive_maker as maker
import pytest
from archive_maker import AGENT, GATEWAY, SITE

from contract import body, entry, records
from contract.cose import parse
from gateway.export import Asked, export, whole_ledger
from gateway.ledger import Ledger
from gateway.trust import Admitted
from verifier import archive, trail, trust
from verifier.verify import verify

ASKED = Asked(None, maker.FROM_NS, maker.TO_NS, provisional=False)


class Sealer:
    """A ledger on disk with a factory's entries in it, and a gateway that seals runs into it."""

    def __init__(self, made: maker.Factory, folder: Path) -> None:
        self.made = made
        self.ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}", SITE, made.ledger_key)
        self.append()
        made.issue(AGENT)
        self.ledger.keep_receipts({AGENT: made.receipts[-1]}, maker.TO_NS)

    def append(self) -> None:
        """Bring the ledger up to the factory."""
        new = self.made.ledger[self.ledger.size :]
        self.ledger.append([admitted(signed, packed) for signed, packed in new], maker.TO_NS)

    def seal(self, run: records.RunPart) -> None:
        """What a gateway does with a run."""
        self.made.add(GATEWAY, "run", [records.write(run)], maker.FROM_NS, maker.TO_NS)
        self.append()

    def export(self, asked: Asked = ASKED) -> bytes:
        """The archive."""
        return export(self.ledger, self.made.ledger_key.public_key(), asked, self.seal)


def admitted(signed: bytes, packed: bytes) -> Admitted:
    header = entry.read(signed).header
    digest = parse(signed).digest("entry", SITE)
    return Admitted(
        header.author, header.epoch, header.seq, digest, header.type, header.from_ns, header.to_ns, maker.TO_NS, (),
        signed, packed,
    )  # fmt: skip


@pytest.fixture
def sealer(tmp_path: Path):
    made = maker.opened()
    maker.produced(made)
    opened = Sealer(made, tmp_path)
    yield opened
    opened.ledger.close()


def test_an_export_passes_every_check(sealer: Sealer):
    report = verify(archive.read(sealer.export()), trust.parse(sealer.made.trust()))
    assert [finding.line() for finding in report.findings if not finding.ok] == []
    assert report.verdict == "pinned"


def test_the_statement_holds_what_the_registers_say(sealer: Sealer):
    said = json.loads(archive.read(sealer.export()).statement)
    coil, plate = said["products"]
    # 28 and 38 steps of 7 Wh, of 3 kg; the compressor's 104 steps of 2 Wh are shared 28 : 38
    assert (coil["direct_wh_milli"], plate["direct_wh_milli"]) == (196000, 266000)
    assert (coil["good_g_milli"], plate["good_g_milli"]) == (84_000_000, 114_000_000)
    assert said["utilities"][0]["metered_wh_milli"] == 208000
    assert coil["utilities"][0]["energy_wh_milli"] == round(208000 * 28 / 66)
    assert coil["utilities"][0]["energy_wh_milli"] + plate["utilities"][0]["energy_wh_milli"] == 208000


def test_one_product_alone_passes_too_and_an_unknown_one_is_refused(sealer: Sealer):
    data = sealer.export(Asked("plate", maker.FROM_NS, maker.TO_NS, provisional=True))
    assert [one["product"] for one in json.loads(archive.read(data).statement)["products"]] == ["plate"]
    assert verify(archive.read(data)).verdict == "self-consistent"
    size = sealer.ledger.size
    with pytest.raises(ValueError, match="'rod' is not a product of this site: use one of coil, plate"):
        sealer.export(Asked("rod", maker.FROM_NS, maker.TO_NS, provisional=True))
    with pytest.raises(ValueError, match="ends before it starts"):
        sealer.export(Asked(None, maker.TO_NS, maker.FROM_NS, provisional=True))
    assert sealer.ledger.size == size


def test_what_the_period_does_not_need_is_withheld(sealer: Sealer):
    long_ago = maker.T0 - 86_400 * maker.S
    far = [("segment", b"far"), ("event", b"far"), ("batch", b"far")]
    for kind, part in far:
        sealer.made.add(AGENT, kind, [part], long_ago, long_ago)
    sealer.append()
    sealer.export()  # an older statement
    read, _ = trail.read(archive.read(sealer.export()))
    withheld = [(item.header.author, item.header.type) for item in read.items if item.parts is None]
    assert withheld == [(AGENT, "segment"), (AGENT, "event"), (AGENT, "batch"), (GATEWAY, "run")]
    assert verify(read.archive).verdict == "self-consistent"


def test_a_batch_record_repeated_after_a_crash_counts_once(sealer: Sealer):
    maker.add_batch(sealer.made, "L1-0002")
    sealer.append()
    data = sealer.export()
    plate = json.loads(archive.read(data).statement)["products"][1]
    assert (plate["batches"], plate["direct_wh_milli"]) == (1, 266000)
    assert verify(archive.read(data)).verdict == "self-consistent"


def test_entries_that_come_while_the_run_is_sealed_do_not_change_it(sealer: Sealer):
    late = maker.batch_parts("L1-0002")

    def seal(run: records.RunPart) -> None:
        sealer.made.add(AGENT, "batch", [late[0], *late[1:]], maker.FROM_NS, maker.TO_NS)
        sealer.seal(run)

    data = export(sealer.ledger, sealer.made.ledger_key.public_key(), ASKED, seal)
    assert verify(archive.read(data)).verdict == "self-consistent"


def test_a_ledger_without_a_site_model_says_what_to_do(tmp_path: Path):
    made = maker.Factory()
    made.epoch(GATEWAY, [], maker.T0)
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", SITE, made.ledger_key)
    ledger.append([admitted(*made.ledger[0])], maker.T0)
    with pytest.raises(ValueError, match="no site model: name one"):
        export(ledger, made.ledger_key.public_key(), ASKED, lambda _: None)
    ledger.close()


def test_bodies_are_as_the_ledger_keeps_them(sealer: Sealer):
    read = archive.read(sealer.export())
    shown = [kept for kept in read.entries if kept.body is not None]
    assert len(shown) == len(sealer.made.ledger)
    assert all(body.unpack(kept.body).root() == entry.read(kept.signed).header.body_root for kept in shown)


def test_a_whole_ledger_is_an_archive_without_a_statement(sealer: Sealer):
    packed = whole_ledger(sealer.ledger, sealer.made.ledger_key.public_key())
    read = archive.read(packed)
    assert read.statement == b""
    assert all(kept.body is not None for kept in read.entries)
    assert len(read.entries) == sealer.ledger.size
    report = verify(read)
    assert report.verdict == "self-consistent"
    assert {"batch", "partition", "segment"} <= {finding.check for finding in report.findings}
    assert not {"run", "statement"} & {finding.check for finding in report.findings}
