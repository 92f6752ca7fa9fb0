"""The soak on an hour with an outage, and whether it would see what it looks for."""

import logging

import pytest
from plant_in_memory import Site

from simulators import soak
from simulators.footprint import Held
from simulators.ordeal.plant import T0, S


@pytest.fixture(autouse=True)
def logs():
    yield
    logging.disable(logging.NOTSET)


def test_an_hour_with_an_outage_in_it(capsys):
    assert soak.main(["--hours", "1", "--outage-from-s", "600", "--outage-s", "1200"]) == 0
    told = capsys.readouterr().out
    assert "3600 of 3600 readings in the ledger, one a second, in order of their own times" in told
    assert "BREACH" not in told


@pytest.mark.parametrize(
    ("rss", "descriptors", "words"),
    [
        ([100, 200, 300, 310, 315], [5] * 5, []),
        ([100, 200, 300, 310, 316], [5] * 5, ["memory grew from 300 to 316 KiB"]),
        ([300] * 5, [5, 6, 7, 7, 8], ["descriptors grew from 7 to 8"]),
        ([100, 200, 900], [5, 6, 7], []),  # still warming up
    ],
)
def test_what_grows_is_a_breach(rss, descriptors, words):
    found = list(soak._grown([Held(*one) for one in zip(rss, descriptors, strict=True)]))
    assert [line.split(",")[0] for line in found] == words


class Ledger:
    """Entries as a ledger gives them."""

    def __init__(self, stored):
        self._entries = [_Entry(index, one) for index, one in enumerate(stored)]

    def entries(self):
        return iter(self._entries)

    def select(self, types, *_):
        return (one for one in self._entries if one.type in types)


class _Entry:
    author = soak.AGENT

    def __init__(self, index, stored):
        self.index, self.type = index, stored.type
        self.hash, self.signed, self.body = stored.sealed.hash, stored.sealed.signed, stored.sealed.body


@pytest.fixture
def site(tmp_path):
    made = Site.at(tmp_path)
    made.start(0)
    made.read_rounds(dict.fromkeys(range(1, 20)))
    made.recorder.seal(T0 + 20 * S)
    yield made
    made.stop()


def test_an_entry_lost_doubled_or_out_of_order_is_a_breach(site):
    entries = site.entries()
    assert list(soak._differences(site.journal, Ledger(entries))) == []
    (told,) = soak._differences(site.journal, Ledger(entries[:-1]))
    assert told == "the journal has entries that the ledger lacks"
    for wrong in (entries[1:], entries[:2] + entries[1:], [entries[1], entries[0]]):
        (told,) = soak._differences(site.journal, Ledger(wrong))
        assert "is not the next of the journal" in told


def test_a_reading_lost_is_a_breach(site):
    entries = site.entries()
    assert list(soak._readings(Ledger(entries), 19)) == []
    assert list(soak._readings(Ledger(entries), 20)) == ["20 rounds were recorded, 19 are in the ledger"]
    segments = [one for one in entries if one.type == "segment"]
    gap = [one for one in entries if one is not segments[1]]
    assert any("follows one of" in told for told in soak._readings(Ledger(gap), 19))


def test_a_narrow_line_sends_one_thing_after_another():
    line = soak.Narrow(None, bits_per_s=8_000, now_ns=T0)
    up = f"metertrail/v1/{soak.SITE}/{soak.AGENT}"
    line.publish(f"{up}/entries", bytes(1000), 1)
    line.publish(f"{up}/live", bytes(500), 0)
    line.publish(f"{up}/receipts", bytes(9000), 1, retain=True)
    assert line.live_late_ns == [3 * S // 2]
    assert sorted(at_ns - T0 for at_ns, *_ in line._due) == [0, S]
