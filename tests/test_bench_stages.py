"""What the bench counts in a journal, against what was put there."""

from agent.drivers import Reading, Scan
from agent.journal import Journal
from simulators.bench import stages

S = 10**9


def test_a_journal_s_readings_are_counted(tmp_path):
    journal = Journal(tmp_path)
    pending = stages.columns.Pending(())
    for k in (0, 1, 2, 4, 7):
        pending.add("m", Scan(0, 100 * S + k * S, 100 * S + k * S + S // 2, (Reading("a", k, 0), Reading("b", k, 0))))
    journal.seal(list(stages._sealed(pending, 200 * S)), 0, 200 * S)
    journal.close()
    kept = stages.kept(tmp_path)
    assert (kept.readings, kept.missed) == (10, 1 + 2)
    assert kept.file_bytes > 0
