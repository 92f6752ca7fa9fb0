"""An exported archive must pass the verifier, withhold what is nobody's business, and be the same on every machine."""

import json
from dataclasses import replace
from pathlib import Path

import archive_maker as maker
import pytest
from archive_maker import AGENT, GATEWAY, SITE

from agent import closing
from agent.aggregation import replay
from contract import body, entry, records, segment
from contract.cose import parse
from contract.writer import Writer
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
        self.issue(AGENT)

    def append(self) -> None:
        """Bring the ledger up to the factory."""
        new = self.made.ledger[self.ledger.size :]
        self.ledger.append([admitted(signed, packed) for signed, packed in new], maker.TO_NS)

    def issue(self, agent: str) -> None:
        """A receipt for all that an agent has sent."""
        self.made.issue(agent)
        self.ledger.keep_receipts({agent: self.made.receipts[-1]}, maker.TO_NS)

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


HOURS_NS = 3 * 3600 * maker.S


def after_an_outage() -> maker.Factory:
    """Half of the readings 3 h earlier; the next reading comes only within the first batch."""
    old = [shifted(meter, 0, 6) for meter in maker.METERS]
    return one_batch(old, [maker.meter_segment(meter, 20, 120) for meter in maker.METERS])


def one_batch(*sealed_before: list[segment.MeterSegment], told_ns: int | None = None) -> maker.Factory:
    """The first batch alone, sealed after these segments, each of all meters, and after what is told then."""
    made = maker.opened()
    parts = maker.manifest_parts()
    made.epoch(AGENT, parts, maker.T0 - HOURS_NS)
    for read in sealed_before:
        (block,) = read[0].blocks
        spoken_of = min(block.requested_ns), max(block.answered_ns)
        made.add(AGENT, "segment", [segment.encode(part) for part in read], *spoken_of)
    known = {meter: list(mine) for meter, *mine in zip(maker.METERS, *sealed_before, strict=True)}
    line = next(records.read(p, records.LinePart) for p in parts if records.kind_of(p) == "line")
    one = maker.ended("L1-0001")
    sealed = closing.parts(line, one, replay.counters(parts), known, complete=True)
    assert records.read(sealed[0], records.BatchPart).closed == "complete"
    made.add(AGENT, "event", [maker.end_event("L1-0001")], one.end.latest_ns, one.end.latest_ns)
    if told_ns is not None:
        event = records.EventPart(event="batch_message", about="line2", at_ns=told_ns, detail={})
        made.add(AGENT, "event", [records.write(event)], told_ns, told_ns)
    made.add(AGENT, "batch", sealed, one.running.start.earliest_ns, one.end.latest_ns)
    return made


def shifted(meter: str, first: int, last: int, by_ns: int = -HOURS_NS) -> segment.MeterSegment:
    part = maker.meter_segment(meter, first, last)
    (block,) = part.blocks
    times = {name: tuple(at + by_ns for at in getattr(block, name)) for name in ("requested_ns", "answered_ns")}
    return replace(part, blocks=(replace(block, **times),))


def test_the_last_reading_before_a_batch_is_shown_however_old(tmp_path: Path):
    sealed = Sealer(after_an_outage(), tmp_path)
    sealed.append()
    data = sealed.export()
    sealed.ledger.close()
    assert [f.line() for f in verify(archive.read(data)).findings if not f.ok] == []


def test_the_first_reading_after_a_batch_is_shown_however_late(tmp_path: Path):
    late = [shifted(meter, 50, 60, HOURS_NS) for meter in maker.METERS]
    sealed = Sealer(one_batch([maker.meter_segment(meter, 0, 30) for meter in maker.METERS], late), tmp_path)
    data = sealed.export()
    sealed.ledger.close()
    assert [f.line() for f in verify(archive.read(data)).findings if not f.ok] == []


def test_what_was_told_before_a_batch_s_record_is_shown_however_late(tmp_path: Path):
    told_ns = maker.ended("L1-0001").end.latest_ns + HOURS_NS
    sealed = Sealer(one_batch([maker.meter_segment(meter, 0, 60) for meter in maker.METERS], told_ns=told_ns), tmp_path)
    read = archive.read(sealed.export())
    sealed.ledger.close()
    assert read.entries[maker.index_of(sealed.made, AGENT, "event", 1)].body is not None


def test_readings_that_have_no_good_value_are_none_to_rest_on(tmp_path: Path):
    old = [shifted(meter, 0, 6) for meter in maker.METERS]
    bad = [uncertain(maker.meter_segment(meter, 0, 10)) for meter in maker.METERS]
    new = [maker.meter_segment(meter, 20, 120) for meter in maker.METERS]
    sealed = Sealer(one_batch(old, bad, new), tmp_path)
    data = sealed.export()
    sealed.ledger.close()
    assert [f.line() for f in verify(archive.read(data)).findings if not f.ok] == []


def uncertain(part: segment.MeterSegment) -> segment.MeterSegment:
    """UncertainLastUsableValue (OPC 10000-6, annex A): it has a value, of an instant unknown."""
    (block,) = part.blocks
    (column,) = block.columns
    column = replace(column, statuses=(0x40900000,) * len(column.raws))
    return replace(part, blocks=(replace(block, columns=(column,)),))


def test_a_withheld_reading_that_a_batch_rests_on_is_named(tmp_path: Path):
    sealed = Sealer(after_an_outage(), tmp_path)
    read = archive.read(sealed.export())
    sealed.ledger.close()
    first = maker.index_of(sealed.made, AGENT, "segment")
    kept = tuple(replace(k, body=None) if k.index == first else k for k in read.entries)
    lines = [f.line() for f in verify(replace(read, entries=kept)).findings if not f.ok]
    assert any(f"L1-0001: not recomputable: segment {first} " in line and "is withheld" in line for line in lines)


def test_a_period_its_agent_has_not_reached_is_provisional(sealer: Sealer):
    last_ns = maker.T0 + 1190 * maker.S + maker.TRIP_NS  # when the agent sealed its last entry
    for to_ns, provisional in ((last_ns, False), (last_ns + 1, True)):
        data = sealer.export(Asked(None, maker.FROM_NS, to_ns, provisional=False))
        assert json.loads(archive.read(data).statement)["provisional"] is provisional


def test_garbage_of_one_agent_keeps_no_figures_back(sealer: Sealer):
    whole = json.loads(archive.read(sealer.export()).statement)
    sealer.made.epoch("edge-2", [], maker.T0)
    sealer.made.add("edge-2", "batch", [b"\xa0"], maker.FROM_NS + 1, maker.FROM_NS + 2)
    sealer.append()
    sealer.issue("edge-2")
    data = sealer.export()
    assert json.loads(archive.read(data).statement) == whole
    (line,) = [f.line() for f in verify(archive.read(data)).findings if not f.ok]
    assert "edge-2" in line
    assert "must be a map" in line


def test_an_epoch_named_like_another_agents_changes_nothing(sealer: Sealer):
    whole = json.loads(archive.read(sealer.export()).statement)
    epoch = sealer.made.writers[AGENT].epoch
    sealer.made.writers["edge-2"] = Writer(SITE, "edge-2", sealer.made.private["edge-2"], epoch)
    first = records.Author(parent=None, reason="start", software="t", config_hash=bytes(32), started_ns=maker.T0)
    sealer.made.add("edge-2", "manifest", [records.write(first)], maker.T0, maker.T0)
    at_ns = maker.T0 + 1200 * maker.S
    part = segment.encode(maker.meter_segment("comp1", 120, 126))
    sealer.made.add(AGENT, "segment", [part], at_ns, at_ns + 60 * maker.S)
    sealer.append()
    sealer.issue("edge-2")
    data = sealer.export()
    assert json.loads(archive.read(data).statement) == whole
    assert verify(archive.read(data)).verdict == "self-consistent"


@pytest.mark.parametrize(("place", "metered"), [("1", 208000), ("elsewhere", None)])
def test_a_utility_s_meter_that_was_elsewhere_meanwhile_has_no_figure(sealer: Sealer, place: str, metered: int | None):
    parts = maker.manifest_parts()
    number = next(
        i for i, part in enumerate(parts)
        if records.kind_of(part) == "meter" and records.read(part, records.MeterPart).meter == "comp1"
    )  # fmt: skip
    between = [*parts]
    meter = records.read(parts[number], records.MeterPart)
    between[number] = records.write(meter.model_copy(update={"installation": place, "power_max_w": 99_000}))
    for said in (between, parts):
        sealer.made.epoch(AGENT, said, maker.TO_NS)
    at_ns = maker.T0 + 1200 * maker.S
    part = segment.encode(maker.meter_segment("comp1", 120, 126))
    sealer.made.add(AGENT, "segment", [part], at_ns, at_ns + 100 * maker.S)
    sealer.append()
    sealer.made.issue(AGENT)
    sealer.ledger.keep_receipts({AGENT: sealer.made.receipts[-1]}, maker.TO_NS)
    data = sealer.export()
    assert json.loads(archive.read(data).statement)["utilities"][0]["metered_wh_milli"] == metered
    report = verify(archive.read(data), trust.parse(sealer.made.trust()))
    assert [finding.line() for finding in report.findings if not finding.ok] == []
