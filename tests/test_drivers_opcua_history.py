"""Raw history: all pages, only what is raw and good, nothing twice."""

from types import SimpleNamespace

import pytest
from asyncua import ua

from agent.drivers import Reading, opcua_history, profile
from agent.drivers.opcua_history import missed, read_raw
from agent.drivers.opcua_values import moment_of

HEAD = 'make="m"\nmodel="m"\nmedium="electricity"\ngrade="bronze"\nsources=["s"]\n'
TEXT = HEAD + '[[point]]\nid="e"\nquantity="tag"\nnode="ns=1;s=e"\ntype="uint32"\nunit="Wh"\nkind="counter"\n'
POINT = profile.parse(TEXT.encode()).points[0]
S = 10**9
START = 1_700_000_000 * S


def value(number, at_s, status=0, server_s=None):
    return ua.DataValue(
        ua.Variant(number, ua.VariantType.UInt32),
        ua.StatusCode(status),
        SourceTimestamp=moment_of(START + at_s * S),
        ServerTimestamp=None if server_s is None else moment_of(START + server_s * S),
    )


class Server:
    """Answers with the pages it is given; remembers what it was asked."""

    def __init__(self, *pages):
        self.pages, self.asked = pages, []
        self.uaclient = self

    async def history_read(self, params):
        """One page; a continuation point is the number of the next."""
        (wanted,) = params.NodesToRead
        self.asked.append((wanted.ContinuationPoint, params.ReleaseContinuationPoints))
        number = int(wanted.ContinuationPoint or b"0")
        last = number + 1 >= len(self.pages)
        data = SimpleNamespace(DataValues=self.pages[number])
        return [
            SimpleNamespace(
                StatusCode=ua.StatusCode(), ContinuationPoint=None if last else b"%d" % (number + 1), HistoryData=data
            )
        ]


async def test_pages_are_followed_to_the_last_even_through_an_empty_one():
    server = Server([1, 2], [], [3], None)
    assert await read_raw(server, ua.NodeId(1), START, START + S) == ([1, 2, 3], True)
    assert server.asked == [(None, False), (b"1", False), (b"2", False), (b"3", False)]


async def test_a_server_that_never_ends_is_ended():
    server = Server([1, 2], [3, 4], [5, 6], [7])
    assert await read_raw(server, ua.NodeId(1), START, START + S, values_max=3) == ([1, 2, 3], False)
    assert server.asked[-1] == (b"2", True)


async def test_a_server_that_has_more_to_come_for_ever_is_ended(monkeypatch):
    monkeypatch.setattr(opcua_history, "PAGES_MAX", 5)
    server = Server([1], *[[]] * 50)
    assert await read_raw(server, ua.NodeId(1), START, START + S) == ([1], False)
    assert server.asked[-1] == (b"5", True)


async def test_a_point_that_does_not_move_ends_it_incomplete():
    class Stuck(Server):
        async def history_read(self, params):
            (answer,) = await super().history_read(params)
            return [
                SimpleNamespace(StatusCode=answer.StatusCode, ContinuationPoint=b"1", HistoryData=answer.HistoryData)
            ]

    assert await read_raw(Stuck([1], [2], [3]), ua.NodeId(1), START, START + S) == ([1, 2], False)


@pytest.mark.parametrize(
    ("status", "kept"),
    [(0, True), (0x400, True), (0x01, False), (0x02, False), (0x402, False), (0x00DC0000, False), (0x40000000, False),
     (0x808B0000, False)],
)  # fmt: skip
def test_only_what_is_raw_and_good_is_taken(status, kept):
    found = missed(POINT, [value(5, 5, status)], None, Reading("e", 9, 0, START + 9 * S))
    assert [one[0].raw for one in found] == ([5] if kept else [])


def test_what_was_given_before_or_comes_after_is_left_out_and_the_rest_is_in_order():
    last, first = Reading("e", 1, 0, START + S), Reading("e", 9, 0, START + 9 * S)
    values = [value(0, 0), value(1, 1), value(2, 1), value(4, 4), value(3, 3), value(3, 3), value(9, 9), value(10, 10)]
    found = missed(POINT, values, last, first)
    assert [(r.raw, (early - START) // S, (late - START) // S) for r, early, late in found] == [
        (2, 1, 1), (3, 3, 3), (4, 4, 4)
    ]  # fmt: skip


def test_two_stamps_are_both_kept():
    found = missed(POINT, [value(5, 5, server_s=7), value(6, 6, server_s=2)], None, Reading("e", 9, 0, START + 9 * S))
    assert [(r.raw, (early - START) // S, (late - START) // S) for r, early, late in found] == [(6, 2, 6), (5, 5, 7)]
