"""The board computes each thing once, and again when what it depends on has changed."""

import web_plant
from web_plant import NS, START_NS

from gateway.board import GLANCE_NS, ODD_NS, Board

COIL = "steel coil 1.5 mm"


class CountingLedger(web_plant.Ledger):
    """A ledger that counts how often it was asked."""

    asked = 0

    def latest_checkpoint(self):
        """The last signed note."""
        self.asked += 1
        return super().latest_checkpoint()


def test_figures_are_computed_again_only_when_something_changed():
    live, end_ns = web_plant.busy(minutes=12)
    board = Board(live, web_plant.Ledger(), lambda: end_ns)
    first = board.figures(board.state(end_ns))
    live.on_live("edge-1", web_plant.tick(end_ns, end_ns + NS), end_ns + NS)
    assert board.figures(board.state(end_ns + NS)) is first
    live.on_admitted([web_plant.batch("line1", "L1-X", COIL, end_ns, end_ns + 60 * NS, 5, 5)], end_ns)
    assert len(board.figures(board.state(end_ns)).batches) == len(first.batches) + 1


def test_the_ledger_is_not_asked_at_every_look():
    ledger = CountingLedger()
    live, end_ns = web_plant.busy(minutes=12)
    board = Board(live, ledger, lambda: end_ns)
    for later in (0, 1, GLANCE_NS - 1):
        board.glance(START_NS + later)
    assert ledger.asked == 1
    board.glance(START_NS + GLANCE_NS)
    assert ledger.asked == 2


def test_what_is_odd_is_looked_for_when_the_ledger_has_grown_and_not_too_often():
    ledger, asked = web_plant.Ledger(), []
    live, end_ns = web_plant.busy(minutes=12)
    board = Board(live, ledger, lambda: end_ns, lambda: (asked.append(ledger.size), ())[1])
    for later, size, times in (
        (0, 10, 1),
        (ODD_NS, 10, 1),
        (ODD_NS + GLANCE_NS, 11, 2),
        (ODD_NS + 3 * GLANCE_NS, 12, 2),
    ):
        ledger.size = size
        assert board.odd(START_NS + later) == ()
        assert len(asked) == times


def test_a_period_ends_even_if_nothing_arrives():
    live, end_ns = web_plant.busy(minutes=12)
    board = Board(live, web_plant.Ledger(), lambda: end_ns)
    after_ns = board.state(end_ns).to_ns
    later = board.state(after_ns)
    assert later.from_ns == after_ns
    assert sum(product.batches for product in board.figures(later).statement.products) == 0
    assert sum(product.batches for product in board.figures(board.state(end_ns)).statement.products) > 0
