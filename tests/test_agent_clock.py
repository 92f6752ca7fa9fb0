"""The clock: never back, steps told once with their size, and honest about how far it is off."""

import pytest

from agent import clock as clocks
from agent.clock import STEP_NS, AgentClock, Behind

S = 1_000_000_000


class Machine:
    """The two clocks of a machine whose UTC can be set."""

    def __init__(self, monkeypatch):
        self.wall_ns, self.up_ns = 1_700_000_000 * S, 5 * S
        monkeypatch.setattr(clocks.time, "time_ns", lambda: self.wall_ns)
        monkeypatch.setattr(clocks.time, "monotonic_ns", lambda: self.up_ns)

    def run(self, ns):
        self.wall_ns, self.up_ns = self.wall_ns + ns, self.up_ns + ns


@pytest.fixture
def machine(monkeypatch):
    return Machine(monkeypatch)


def test_it_runs_with_the_machine(machine):
    clock = AgentClock()
    machine.run(7 * S)
    assert (clock.now_ns(), clock.step_ns()) == (machine.wall_ns, 0)


def test_a_step_forward_is_followed_and_told_once(machine):
    clock = AgentClock()
    machine.wall_ns += 60 * S
    before = clock.now_ns()
    assert (clock.step_ns(), clock.step_ns()) == (60 * S, 0)
    assert clock.now_ns() == machine.wall_ns == before + 60 * S


def test_a_step_back_is_told_and_not_followed(machine):
    clock = AgentClock()
    machine.wall_ns -= 60 * S
    before = clock.now_ns()
    assert (clock.step_ns(), clock.step_ns()) == (-60 * S, 0)
    machine.run(S)
    assert clock.now_ns() == before + S
    assert clock.state().synchronised is not True
    assert clock.state().error_ns >= 60 * S
    machine.wall_ns += 70 * S
    assert clock.step_ns() == 70 * S
    assert clock.now_ns() == machine.wall_ns


def test_many_small_steps_are_told_when_they_add_up(machine):
    clock, told = AgentClock(), 0
    for _ in range(10):
        machine.wall_ns -= STEP_NS // 4
        told += clock.step_ns()
    assert told == -2 * STEP_NS
    assert clock.state().error_ns >= 10 * (STEP_NS // 4)


def test_it_begins_no_earlier_than_the_journal_ends(machine):
    """A gateway whose time fell back with its power would else put readings before those it has sealed."""
    journal_ns = machine.wall_ns
    machine.wall_ns -= 3600 * S
    clock = AgentClock(journal_ns)
    assert clock.now_ns() == journal_ns
    assert clock.step_ns() == -3600 * S
    machine.run(S)
    machine.wall_ns = journal_ns + 30 * S
    assert clock.step_ns() > 0
    assert clock.now_ns() == machine.wall_ns


@pytest.mark.parametrize(
    ("ahead_s", "told"),
    [
        (3601, "2023-11-14T23:13:21Z, 1:00:01 (h:mm:ss) ahead of the system's clock, 2023-11-14T22:13:20Z"),
        (3650 * 86_400, "2033-11-11T22:13:20Z, 3650 days, 0:00:00 (h:mm:ss) ahead of"),
    ],
)
def test_a_journal_of_the_future_is_not_followed(machine, ahead_s, told):
    with pytest.raises(Behind) as refused:
        AgentClock(machine.wall_ns + ahead_s * S)
    assert str(refused.value).startswith(f"the journal ends at {told}")


def test_the_kernel_s_word_is_passed_on():
    state = AgentClock().state()
    assert state.monotonic_ns > 0
    assert state.boot is None or len(state.boot) == 16
    assert state.synchronised in (True, False, None)
    assert (state.synchronised is None) == (state.error_ns is None)
