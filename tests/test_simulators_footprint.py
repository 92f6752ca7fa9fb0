"""What processes hold, told by this process about itself and its children."""

import os
import subprocess
import sys

import pytest

from simulators import footprint
from simulators.footprint import Held

pytestmark = pytest.mark.skipif(not footprint.PROC.exists(), reason="no /proc")


def test_an_open_file_and_memory_taken_are_seen(tmp_path):
    before = footprint.of(os.getpid())
    with (tmp_path / "one").open("w"), (tmp_path / "two").open("w"):
        held = bytearray(b"x") * (64 << 20)
        after = footprint.of(os.getpid())
    assert after.descriptors == before.descriptors + 2
    assert after.rss_kib >= before.rss_kib + len(held) // 1024 // 2


def test_children_are_sampled_by_name_and_who_is_gone_is_not():
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as parent:
        while not footprint.children(parent.pid):
            pass
        samples = {}
        footprint.sample(samples, {"one": parent.pid})
        parent.communicate(b"\n")
    assert sorted(samples) == ["one", "one/0"]
    footprint.sample(samples, {"one": parent.pid})
    assert len(samples["one"]) == 1
    assert footprint.told(samples)["one"]["rss_kib"] == [samples["one"][0].rss_kib]


@pytest.mark.parametrize(
    ("rss", "descriptors", "grew"),
    [
        (lambda n: 1000 * min(n, 10), lambda n: 9, 0),  # it warms up, and stays
        (lambda n: 10_000 + 100 * n, lambda n: 9, 1),
        (lambda n: 10_000, lambda n: 9 + n // 30, 1),
        (lambda n: 10_000 + 100 * n, lambda n: 9 + n // 30, 2),
    ],
)
def test_what_grows_after_it_has_warmed_up_is_told(rss, descriptors, grew):
    samples = [Held(rss(n), descriptors(n)) for n in range(1, 41)]
    assert len(footprint.grown("agent", samples)) == grew
    assert footprint.grown("agent", samples[:39]) == []
