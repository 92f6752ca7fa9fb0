"""Rows and state round-trip, and a row that is no scan is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plant_in_memory import plc_scan

from agent import lines, rows
from agent.batches import Source
from agent.config import Line
from agent.drivers import Reading, Scan
from agent.identity import Identity, Standing
from contract import cbor
from contract.errors import Malformed
from contract.records import Offset

readings = st.builds(
    Reading, st.text(max_size=5), st.none() | st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1),
    st.none() | st.integers(0, 2**62), st.none() | st.text(max_size=5),
)  # fmt: skip
scans = st.builds(Scan, st.integers(0, 9), st.integers(0, 2**62), st.integers(0, 2**62), st.tuples(readings, readings))


@given(st.text(max_size=5), scans)
def test_a_scan_comes_back(meter, scan):
    assert rows.read_scan(rows.write_scan(meter, scan)) == (meter, scan)


@pytest.mark.parametrize("value", [[], {}, ["m", 0, 1, 2, 3], ["m", "0", 1, 2, []]])
def test_anything_else_is_malformed(value):
    with pytest.raises(Malformed):
        rows.read_scan(cbor.encode(value))


def test_lines_come_back_with_every_edge_and_look():
    line = Line(name="press", source="press-plc", energy=("press.energy",), lag_ms=3)
    source = Source(3_000_000, Offset(lower_ns=-5, upper_ns=5))
    read = [plc_scan(k, batch) for k, batch in enumerate([None, "A", "A", "B", "B"])]
    made, _ = lines.observed(rows.Lines({}, []), [line], read, {"press": source})
    assert len(made.closing) == 1
    assert rows.read_lines(rows.write_lines(made)) == made


def test_nothing_is_remembered_of_nothing():
    assert rows.read_lines(None) == rows.Lines({}, [])
    assert rows.read_parts(None) is None
    assert rows.read_parts(rows.write_parts([b"a", b""])) == (b"a", b"")


def test_what_is_known_of_instruments_comes_back():
    known = {
        "press": Standing(Identity("77", "m", ct_primary="1/2", unreadable=("firmware",)), "77", "cabinet", 2),
        "oven": Standing(Identity(), "", ""),
    }
    assert rows.read_standings(rows.write_standings(known)) == known
    assert rows.read_standings(None) == {}


def test_what_was_remembered_before_several_could_run_at_once_is_read():
    line = Line(name="press", source="press-plc", energy=("press.energy",), lag_ms=3)
    read = [plc_scan(k, batch) for k, batch in enumerate([None, "A", "B"])]
    made, _ = lines.observed(rows.Lines({}, []), [line], read, {"press": Source(3_000_000, None)})
    kept = cbor.decode(rows.write_lines(made))
    del kept["states"]["press"]["beside"]
    for _, ended in kept["closing"]:
        del ended["beside"]
    assert rows.read_lines(cbor.encode(kept)) == made
