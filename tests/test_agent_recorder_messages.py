"""A recorder whose line is told by messages: what waits for its lots, what comes late, what comes twice."""

import pytest
from message_plant import MESSAGED, TOLERANCE, lots, message, works
from plant_in_memory import S, at_ns, energy, meter_scan

from contract.lots import Lot

GOOD = Lot(lot="L", quantity=4_000_000, unit="g_milli", source="reported", kind="good")


@pytest.fixture
def site(tmp_path):
    made = works(tmp_path)
    made.start(0)
    yield made
    made.stop()


def rounds(site, first, last, **messages):
    """Read the meter in each round; `messages` come with the round they are named for."""
    for k in range(first, last):
        site.take(k, [meter_scan(k), *messages.get(f"at_{k}", [])])


def one_batch(site):
    ((head, amounts),) = site.history().batches()
    return head, amounts


def test_a_batch_waits_for_its_lots_and_no_longer_than_close_wait(site):
    rounds(site, 1, 25, at_5=[message("started", "A", 5)], at_15=[message("ended", "A", 15)])
    assert site.history().batches() == []
    rounds(site, 25, 26)  # 10 s after it was told that it ended
    assert (one_batch(site)[0].outputs, one_batch(site)[0].closed) == (None, "complete")


def test_lots_that_come_while_a_batch_waits_are_in_its_record(site):
    rounds(site, 1, 22, at_5=[message("started", "A", 5)], at_15=[message("ended", "A", 15)])
    rounds(site, 22, 24, at_22=[message("ended", "A", 15, 22, outputs=lots(4, "good"))])
    head, (amount,) = one_batch(site)
    assert (head.outputs, head.inputs, head.closed) == ([GOOD], None, "complete")
    # edges are 5 s - 2 s .. 5 s and 15 s - 2 s .. 15 s: their middles are 10 s apart, 7 Wh each
    assert amount.amount == (energy(15) - energy(5)) * 1000


def test_an_end_with_lots_is_closed_as_soon_as_its_meter_is_read(site):
    end = message("ended", "A", 15, inputs=lots(5), outputs=lots(4, "good"))
    rounds(site, 1, 19, at_5=[message("started", "A", 5)], at_15=[end])
    head, _ = one_batch(site)
    assert [lot.quantity for lot in head.inputs] == [5_000_000]
    assert head.outputs == [GOOD]


def test_messages_of_an_outage_come_hours_later_and_the_energy_is_that_of_their_times(site):
    late = [message("started", "A", 10, 4000), message("ended", "A", 20, 4000.5, outputs=lots(4, "good"))]
    rounds(site, 1, 40)
    for k in range(40, 4000, 60):
        site.take(k, [meter_scan(k)])
    rounds(site, 4000, 4004, at_4001=late)
    head, (amount,) = one_batch(site)
    assert (head.start.earliest_ns, head.start.latest_ns) == (at_ns(10) - 2 * S, at_ns(10) + 2 * S)
    assert amount.amount == (energy(20) - energy(10)) * 1000
    assert site.history().assert_batches_follow() == 1


def test_what_a_broker_sends_again_after_a_restart_changes_nothing(site):
    told = [message("started", "A", 5), message("ended", "A", 6, outputs=lots(4, "good"))]
    rounds(site, 1, 12, at_6=told)
    site.stop()
    site.start(12)
    again = [(meter, type(scan)(0, at_ns(13), at_ns(13), scan.readings)) for meter, scan in told]
    rounds(site, 13, 30, at_13=again)
    events = [event.event for event in site.history().events()]
    assert (events.count("batch_message"), events.count("message_refused")) == (2, 0)
    assert len(site.history().batches()) == 1


def test_lots_survive_a_restart(site):
    told = [message("started", "A", 5, inputs=lots(5)), message("ended", "A", 6, outputs=lots(4, "good"))]
    rounds(site, 1, 7, at_5=told[:1])
    site.stop()
    site.start(7)
    rounds(site, 8, 20, at_8=told[1:])
    head, _ = one_batch(site)
    assert ([lot.quantity for lot in head.inputs], head.outputs) == ([5_000_000], [GOOD])


def test_a_refused_message_is_one_line_of_the_log_and_whole_in_the_record(site, caplog):
    rounds(site, 1, 8, at_5=[message("ended", "A", 5)])
    (line,) = [record.getMessage() for record in caplog.records if "message_refused" in record.getMessage()]
    assert line.startswith("meter=press-plc message_refused reason=A does not run: its start was not told")
    assert "schema" not in line
    (event,) = [event for event in site.history().events() if event.event == "message_refused"]
    assert '"batch": "A"' in event.detail["payload"]


def test_several_that_run_at_once_survive_a_restart_and_each_has_its_own_window(tmp_path):
    site = works(tmp_path, MESSAGED.replace(TOLERANCE, f'{TOLERANCE}\noverlap = "equal"'))
    site.start(0)
    rounds(site, 1, 12, at_5=[message("started", "A", 5)], at_10=[message("started", "B", 10)])
    site.stop()
    site.start(12)
    ends = {"at_20": [message("ended", "A", 20, outputs=[])], "at_30": [message("ended", "B", 30, outputs=[])]}
    rounds(site, 13, 40, **ends)
    found = [(head.batch, head.beside, amount.amount) for head, (amount,) in site.history().batches()]
    assert found == [("A", ["B"], (energy(20) - energy(5)) * 1000), ("B", None, (energy(30) - energy(10)) * 1000)]
    assert "batch_abandoned" not in [event.event for event in site.history().events()]
    assert site.history().assert_batches_follow() == 2
    site.stop()
