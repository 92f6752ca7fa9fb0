"""The bar: what it shows, and to whom."""

import io

import pytest

from agent.commission.scan_progress import WIDTH, Progress, bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("asked", "total", "marks", "percent"),
    [(0, 247, 0, "0 %"), (124, 247, 12, "50 %"), (247, 247, WIDTH, "100 %"), (300, 247, WIDTH, "100 %")],
)
def test_the_bar(asked, total, marks, percent):
    line = bar(asked, total, 3)
    assert line.count("#") == marks
    assert percent in line
    assert line.endswith("3 found")
    assert len(line) == len(bar(0, 247, 3))


def test_a_terminal_sees_it_redrawn_and_cleared():
    stream = Terminal()
    progress = Progress(stream, 4)
    progress.asked(2)
    progress.found()
    progress.clear()
    assert stream.getvalue().split("\r\x1b[K")[1:] == [bar(2, 4, 0), bar(2, 4, 1), ""]
    progress.clear()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_what_looks_the_same_is_not_drawn_again():
    stream = Terminal()
    progress = Progress(stream, 10_000)
    for _ in range(50):
        progress.asked(1)
    assert stream.getvalue().count("\r") == 1


def test_a_file_sees_nothing():
    stream = io.StringIO()
    progress = Progress(stream, 0)
    progress.asked(1)
    progress.found()
    progress.clear()
    assert stream.getvalue() == ""
