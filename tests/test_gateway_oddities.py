"""Everything odd in a ledger is found and named, with who answers for it; nothing where nothing is."""

from authors import void_part
from lineage_plant import Line, begun

from gateway import oddities as room
from gateway.oddities import against, oddities


def test_an_orderly_ledger_has_none(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 10).deliver()
    line.stop()
    line.start(10).run(11, 20).deliver()
    line.stop()
    assert oddities(gateway.ledger) == ()


def test_rollback_fork_and_void_are_told_the_newest_first(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 20).deliver()
    other = line.snapshot(tmp_path / "machine")
    line.run(20, 40).deliver()
    other.run(20, 26).deliver()  # seals other words for the same places
    other.stop()
    other.start(41).run(42, 50).deliver()
    found = oddities(gateway.ledger)
    assert [one.name for one in found] == ["fork", "fork"]
    fork, refused = found
    assert fork.entry == f"edge-1/{other.epoch}/0"
    assert (fork.is_open, refused.is_open, refused.at_ns) == (True, False, None)
    gateway.acknowledge(fork.entry, "this", "machine copied")
    again = oddities(gateway.ledger)[0]
    assert (again.is_open, again.author, again.reason) == (False, "chen wei", "machine copied")
    epoch = line.site.recorder.epoch.hex()
    assert refused.entry.startswith(f"edge-1/{epoch[:8]}/")
    other.stop()
    line.stop()


def test_a_void_is_told_and_nobody_need_answer_for_it(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 10).deliver()
    part = void_part("lost", 3, 7, None)
    sealed = line.site.recorder._write("void", [part], _span(), 1)
    line.site.journal.seal([sealed], 0, 1)
    line.deliver()
    line.stop()
    (found,) = oddities(gateway.ledger)
    assert (found.name, found.text, found.is_open) == ("void", "to 7 (damaged, 1970-01-01.db)", False)
    assert found.entry.endswith("/3")


def test_an_export_is_told_why_it_will_not_verify(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 10).deliver()
    old = line.site.copy(tmp_path / "backup")
    line.run(10, 20).deliver()
    line.stop()
    again = Line(old, gateway).start(21)
    sealed = again.site.recorder._write("void", [void_part("lost", 3, 7, None)], _span(), 1)
    again.site.journal.seal([sealed], 0, 1)
    again.deliver()
    again.stop()
    hour_ns = 3_600_000_000_000  # the void speaks of the hours 3 to 7
    lost = ("lost for good (damaged): the archive will not verify for this period",)
    for period, due in (((0, 3 * hour_ns), ()), ((0, 3 * hour_ns + 1), lost), ((7 * hour_ns, 8 * hour_ns), lost)):
        told = list(against(gateway.ledger, *period))
        assert told[0].startswith(f"edge-1/{again.epoch}/0: rollback: follows ")
        assert told[0].endswith("no archive verifies until it is acknowledged")
        assert len(told) == 1 + len(due)
        assert all(one.endswith(words) for one, words in zip(told[1:], due, strict=True))
    gateway.acknowledge(f"edge-1/{again.epoch}/0")
    assert list(against(gateway.ledger, 0, 1)) == []


def test_they_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "ODD_MAX", 3)
    gateway, line = begun(tmp_path)
    line.run(1, 4).deliver()
    old = line.site.copy(tmp_path / "backup")
    line.run(4, 12).deliver()
    line.stop()
    copies = [Line(old.copy(tmp_path / f"copy-{number}"), gateway) for number in range(4)]
    for again in copies:
        again.start(20).deliver()
        again.stop()
    found = oddities(gateway.ledger)
    assert [one.entry for one in found] == [f"edge-1/{again.epoch}/0" for again in reversed(copies[1:])]
    assert {one.name for one in found} == {"clone"}


def _span():
    from contract.writer import Span  # noqa: PLC0415

    return Span(0, 0)
