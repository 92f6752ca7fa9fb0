"""The clock: never back, steps told once with their size, and honest about how far it is off."""

import pytest

from agent import clock as clocks
from agent.clock import STEP_NS, AgentClock

S = 1_000_000_000


class Machine:
    """The two clocks of a machine whose UTC can be set."""

    def __init__(self, monkeypatch):
        self.wall_ns, self.up_ns = 1_700_000_000 * S, 5 * S
        monkeypatch.setattr(clocks.time, "time_ns", lambda: self.wall_ns)
        monkeypatch.setattr(clocks.time, "clock_gettime_ns", lambda _: self.up_ns)

    def run(self, ns):
        self.wall_ns, self.up_ns = self.wall_ns + ns, self.up_ns + ns


@pytest.fixture
def machine(monkeypatch):
    return Machine(monkeypatch)


def test_it_runs_with_the_machine(machine):
    clock = AgentClock()
    machine.run(7 * S)
    assert (clock.now_ns(), clock.step()) == (machine.wall_ns, None)


def told(clock):
    """What a step came to, without where it was."""
    step = clock.step()
    return None if step is None else (step.event, step.step_ns, step.jump_ns)


def test_a_step_forward_is_followed_and_told_once(machine):
    clock = AgentClock()
    machine.wall_ns += 60 * S
    before = clock.now_ns()
    assert (told(clock), told(clock)) == (("clock_reanchored", 60 * S, 60 * S), None)
    assert clock.now_ns() == machine.wall_ns == before + 60 * S


def test_a_step_back_is_told_and_not_followed(machine):
    clock = AgentClock()
    machine.wall_ns -= 60 * S
    before = clock.now_ns()
    assert (told(clock), told(clock)) == (("clock_step", -60 * S, 0), None)
    machine.run(S)
    assert clock.now_ns() == before + S
    assert clock.ahead_ns == 60 * S
    assert clock.state().synchronised is not True
    machine.wall_ns += 70 * S
    assert told(clock) == ("clock_reanchored", 70 * S, 10 * S)
    assert clock.now_ns() == machine.wall_ns
    assert clock.ahead_ns == 0


def test_a_step_forward_that_stays_behind_ours_moves_nothing(machine):
    clock = AgentClock()
    machine.wall_ns -= 60 * S
    clock.step()
    machine.wall_ns += 20 * S
    assert told(clock) == ("clock_step", 20 * S, 0)
    assert clock.ahead_ns == 40 * S


def test_many_small_steps_are_told_when_they_add_up(machine):
    clock, steps = AgentClock(), []
    for _ in range(10):
        machine.wall_ns -= STEP_NS // 4
        steps.append(clock.step())
    assert sum(step.step_ns for step in steps if step) == -2 * STEP_NS


@pytest.mark.parametrize("behind_ns", [3600 * S, 1_700_000_000 * S - S], ids=["an hour", "in 1970"])
def test_it_begins_no_earlier_than_the_journal_ends_and_follows_when_the_time_is_set(machine, behind_ns):
    """A machine without a battery boots in the past and reads its meters at once; NTP sets the time later."""
    journal_ns, set_ns = machine.wall_ns, machine.wall_ns + 7200 * S
    machine.wall_ns -= behind_ns
    clock = AgentClock(journal_ns)
    assert clock.now_ns() == journal_ns
    assert (told(clock), told(clock)) == (("clock_behind", -behind_ns, 0), None)
    machine.run(S)
    assert clock.now_ns() == journal_ns + S
    machine.wall_ns = set_ns
    step = clock.step()
    assert (step.event, step.from_ns, step.to_ns) == ("clock_reanchored", journal_ns + S, set_ns)
    assert step.monotonic_ns == machine.up_ns
    assert clock.now_ns() == set_ns


def test_what_was_stated_before_can_be_set_right(machine):
    """A reading's true time is its stated one plus the jump, within the boot; two agents of one boot share the rest."""
    truth_ns = machine.wall_ns
    machine.wall_ns = 0  # the boot
    clock = AgentClock()
    machine.run(100 * S)
    stated_ns, truth_of_reading_ns = clock.now_ns(), truth_ns + 100 * S
    machine.run(50 * S)
    machine.wall_ns = truth_ns + 150 * S
    step = clock.step()
    assert stated_ns + step.jump_ns == truth_of_reading_ns


def test_a_journal_of_the_future_is_gone_on_with_and_the_difference_told(machine):
    journal_ns = machine.wall_ns + 3650 * 86_400 * S
    clock = AgentClock(journal_ns)
    assert clock.now_ns() == journal_ns
    assert told(clock) == ("clock_behind", -3650 * 86_400 * S, 0)
    assert clock.ahead_ns == 3650 * 86_400 * S
    assert clock.state().synchronised is not True


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("returned", "status", "synchronised", "error_ns"),
    [(0, 0x0001, True, 2_000_000), (5, 0x0041, False, None), (0, 0x0041, False, None), (-1, 0, None, None)],
)
def test_the_error_of_a_clock_that_follows_no_other_is_not_known(returned, status, synchronised, error_ns):
    clock = AgentClock()

    class Kernel:
        def adjtimex(self, timex):
            timex._obj.status, timex._obj.maxerror = status, 2000  # microseconds
            return returned

    clock._libc = Kernel()
    assert (clock.state().synchronised, clock.state().error_ns) == (synchronised, error_ns)


def test_the_kernel_s_word_is_passed_on():
    state = AgentClock().state()
    assert state.monotonic_ns > 0
    assert state.boot is None or len(state.boot) == 16
    assert state.synchronised in (True, False, None)
    assert state.error_ns is not None or not state.synchronised
