"""Stretches between what changed, each with its verdict; and what the verifier prints of them."""

from collections.abc import Sequence

import archive_maker as maker
import pytest
import sheets
from archive_maker import AGENT, Factory

from agent.commission import sheet as sheets_form
from contract import records
from contract.records import Certificate, MeterPart, Transformer
from verifier import archive, cli
from verifier.finding import Finding
from verifier.trace_reasons import iso
from verifier.verify import verify

S, T0 = maker.S, maker.T0
MIDDLE = T0 + 600 * S
END = maker.TO_NS


def manifest(**changes: object) -> list[bytes]:
    """The manifest's parts with this changed of the line's meter."""
    return [
        records.write(records.read(part, MeterPart).model_copy(update=changes))
        if records.kind_of(part) == "meter" and records.read(part, MeterPart).meter == "line1"
        else part
        for part in maker.manifest_parts()
    ]


def certificate(valid_to_ns: int, number: str = "DN-1", serial: str | None = "1") -> Certificate:
    return Certificate(number=number, body="Institute", valid_from_ns=0, valid_to_ns=valid_to_ns, serial=serial)


def made(monkeypatch: pytest.MonkeyPatch, first: list[bytes], second: list[bytes] | None = None) -> Factory:
    """The factory whose agent states this in its first epoch, and that in its second, from half its time on."""
    told = iter([first, first if second is None else second])
    whole = Factory.epoch

    def epoch(self: Factory, author: str, parts: list[bytes], at_ns: int, parent: object = "last") -> None:
        whole(self, author, next(told) if author == AGENT else parts, at_ns, parent)

    monkeypatch.setattr(Factory, "epoch", epoch)
    monkeypatch.setattr(maker, "manifest_parts", lambda: first)
    factory = maker.opened()
    maker.produced(factory)
    maker.stated(factory)
    monkeypatch.undo()
    return factory


def traced(factory: Factory, given: Sequence[bytes] = ()) -> list[Finding]:
    found = verify(archive.read(factory.pack()), sheets=given).findings
    return [one for one in found if one.check == "trace" and one.told and one.told["meter"] == "line1"]


def told(factory: Factory, given: Sequence[bytes] = ()) -> list[tuple[int, int, str]]:
    """The line meter's stretches in order of time, with their verdicts."""
    found = [one.told for one in traced(factory, given) if one.told is not None]
    return sorted((one["from_ns"], one["to_ns"], one["verdict"]) for one in found)


def codes(one: Finding) -> set[str]:
    assert one.told is not None
    return {reason["code"] for reason in one.told["reasons"]}


def test_a_restart_that_changes_nothing_begins_no_stretch(monkeypatch: pytest.MonkeyPatch):
    factory = made(monkeypatch, manifest(certificate=certificate(END)))
    assert told(factory) == [(maker.FROM_NS, END, "traceable with remarks")]


def test_a_certificate_that_ends_in_the_middle_cuts_the_time_there(monkeypatch: pytest.MonkeyPatch):
    factory = made(monkeypatch, manifest(certificate=certificate(MIDDLE - 1)))
    assert told(factory) == [
        (maker.FROM_NS, MIDDLE, "traceable with remarks"),
        (MIDDLE, END, "not traceable"),
    ]
    worst, other = traced(factory)
    assert {"certificate_expired", "certificate_serial_same"} <= codes(worst)
    assert "certificate_valid" in codes(other)
    assert worst.text.startswith(f"{AGENT}/line1 {iso(MIDDLE)}..{iso(END)}: not traceable: certificate DN-1 ended at ")


def test_a_new_certificate_begins_a_stretch_where_the_manifest_states_it(monkeypatch: pytest.MonkeyPatch):
    first, second = (manifest(certificate=certificate(END, number)) for number in ("DN-1", "DN-2"))
    restart = T0 + maker.RESTART * maker.PER_SEGMENT * maker.STEP_NS
    factory = made(monkeypatch, first, second)
    assert [span[:2] for span in told(factory)] == [(maker.FROM_NS, restart), (restart, END)]


def test_another_instrument_under_the_old_certificate_is_not_traceable(monkeypatch: pytest.MonkeyPatch):
    old = certificate(END, serial=None)
    factory = made(monkeypatch, manifest(certificate=old), manifest(certificate=old, serial="2", installation="1+2"))
    assert [verdict for _, _, verdict in told(factory)] == ["traceable with remarks", "not traceable"]
    assert {"certificate_of_another", "exchange_unnoted"} <= codes(traced(factory)[0])


def test_a_transformer_cuts_the_time_where_it_came_into_place(monkeypatch: pytest.MonkeyPatch):
    ct = Transformer(primary=1, secondary=1, accuracy_class="0.5", valid_from_ns=MIDDLE)
    factory = made(monkeypatch, manifest(certificate=certificate(END), ct=ct))
    assert [span[:2] for span in told(factory)] == [(maker.FROM_NS, MIDDLE), (MIDDLE, END)]


def sheet_of(factory: Factory | None, **changes: object) -> bytes:
    sheet = sheets.made(**{"meter": "line1", "serial": "1", "ct": None, "steps": []} | changes)
    key = maker.new_keys()[AGENT] if factory is None else factory.private[AGENT]
    return sheets_form.write(sheet, key)


@pytest.mark.parametrize(
    ("changes", "mine", "code"),
    [({}, True, "sheet_passed"), ({}, False, "sheet_not_signed"), ({"serial": "2"}, True, "sheet_of_another")],
)
def test_a_sheet_is_held_against_meter_and_key(monkeypatch: pytest.MonkeyPatch, changes, mine: bool, code: str):
    known = Factory()
    monkeypatch.setattr(maker, "new_keys", lambda: known.private)
    written = sheet_of(known if mine else Factory(private={AGENT: maker.keys.generate()}), **changes)
    factory = made(monkeypatch, manifest(sheet=sheets_form.sheet_hash(written), certificate=certificate(END)))
    factory.private.update(known.private)
    assert "sheet_not_shown" in codes(traced(factory)[0])
    assert "sheet_not_shown" in codes(traced(factory, [b"another file"])[0])
    assert code in codes(traced(factory, [b"another file", written])[0])


def test_a_sheet_that_is_none_is_as_good_as_not_shown(monkeypatch: pytest.MonkeyPatch):
    factory = made(monkeypatch, manifest(sheet=sheets_form.sheet_hash(b"junk")))
    assert "sheet_not_shown" in codes(traced(factory, [b"junk"])[0])


def test_no_verdict_on_traceability_makes_an_archive_fail_and_each_is_printed(tmp_path, capsys):
    data = maker.factory().pack()
    report = verify(archive.read(data))
    lines = [one.text for one in report.findings if one.check == "trace"]
    assert report.verdict == "self-consistent"
    assert lines[0] == "4 meters in 4 stretches: 0 traceable, 0 traceable with remarks, 4 not traceable"
    assert len(lines) == 5
    (tmp_path / "a.zip").write_bytes(data)
    assert cli.main([str(tmp_path / "a.zip")]) == 3
    assert sum(line.startswith("ok   trace ") for line in capsys.readouterr().out.splitlines()) == 5


def test_only_meters_that_figures_rest_on_are_traced():
    factory = maker.factory()
    factory.statement = b""  # no utilities then
    found = verify(archive.read(factory.pack())).findings
    assert {one.told["meter"] for one in found if one.check == "trace" and one.told} == {"line1", "scale1"}


def test_a_manifest_withheld_ends_the_stretch_before_it_and_gives_none():
    factory = maker.factory()
    factory.ledger[maker.index_of(factory, AGENT, "manifest", 1)][1] = None
    restart = T0 + maker.RESTART * maker.PER_SEGMENT * maker.STEP_NS
    assert told(factory) == [(maker.FROM_NS, restart, "not traceable")]
