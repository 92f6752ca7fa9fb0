"""Everything odd in a ledger is found and named, with who answers for it; nothing where nothing is."""

from authors import void_part
from lineage_plant import Line, begun

from gateway.oddities import ODD_MAX, Oddity, oddities


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


def test_they_are_bounded(tmp_path):
    gateway, line = begun(tmp_path)
    line.run(1, 4).deliver()
    old = line.site.copy(tmp_path / "backup")
    line.run(4, 12).deliver()
    line.stop()
    for number in range(ODD_MAX + 2):
        again = Line(old.copy(tmp_path / f"copy-{number}"), gateway).start(20)
        again.deliver()
        again.stop()
    found = oddities(gateway.ledger)
    assert len(found) == ODD_MAX
    assert {one.name for one in found} == {"rollback", "clone"} or {one.name for one in found} == {"clone"}
    assert all(isinstance(one, Oddity) for one in found)


def _span():
    from contract.writer import Span  # noqa: PLC0415

    return Span(0, 0)
