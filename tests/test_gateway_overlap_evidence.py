"""Several batches at once, from an agent's messages to a statement that a verifier makes again."""

import json
from dataclasses import replace

import overlap_plant as plant
import pytest
from archive_maker import T0, S
from late_plant import take
from overlap_plant import ASKED, STEP_WH_MILLI, sealer

from contract.problems import Problems
from gateway import late_batch
from gateway.late_batch import LateBatch
from verifier import archive
from verifier.verify import verify


def failed(data):
    return [finding.line() for finding in verify(archive.read(data)).findings if not finding.ok]


def said_of(data):
    return json.loads(archive.read(data).statement)


def parts(said):
    return {one["batch"]: one["energy_wh_milli"] for one in said["shared"]}


# In units of half a round: A has 10 rounds alone and 10 with B, B 10 alone and 10 each with A and C.
# By output, of 10 rounds with B the other has 4 parts of 16.
@pytest.mark.parametrize(
    ("key", "rounds"),
    [("equal", {"A": 15, "B": 20, "C": 15}), ("by_quantity", {"A": 12.5, "B": 25, "C": 12.5})],
)
def test_parts_add_up_and_the_verifier_makes_them_again(tmp_path, key, rounds):
    opened = sealer(tmp_path, key)
    data = opened.export(ASKED)
    assert failed(data) == []
    said = said_of(data)
    assert parts(said) == {name: int(one * STEP_WH_MILLI) for name, one in rounds.items()}
    assert [(one["batch"], one["beside"], one["key"]) for one in said["shared"]] == [
        ("A", 1, key), ("B", 2, key), ("C", 1, key),
    ]  # fmt: skip
    assert [one["whole_wh_milli"] for one in said["shared"]] == [n * STEP_WH_MILLI for n in (20, 30, 20)]
    (coil, _) = said["products"]
    assert (coil["batches"], coil["direct_wh_milli"], coil["excluded"]) == (4, 60 * STEP_WH_MILLI, 0)  # 10..60, 70..80
    assert coil["direct_lower_wh_milli"] <= coil["direct_wh_milli"] <= coil["direct_upper_wh_milli"]
    (closed,) = [f.text for f in verify(archive.read(data)).findings if f.check == "partition"]
    assert closed == (
        "edge-1 press/energy: 4 batches, cut at their edges into 6 times, and 3 times between them add up to the"
        f" register's {115 * STEP_WH_MILLI} mWh"  # from round 1 to round 116, the last that is sealed
    )
    opened.ledger.close()


def test_a_line_without_the_key_runs_one_at_a_time(tmp_path):
    opened = sealer(tmp_path, "refuse")
    said = said_of(opened.export(ASKED))
    assert "shared" not in said
    assert said["products"][0]["batches"] == 2  # A and B never ended: C and D did
    opened.ledger.close()


def test_what_ran_beside_and_has_no_record_leaves_the_part_unknown(tmp_path):
    runs = {"A": (10, 30, 4), "B": (20, 200, 12)}  # B runs on
    opened = sealer(tmp_path, "equal", runs)
    data = opened.export(ASKED)
    assert failed(data) == []
    said = said_of(data)
    (only,) = said["shared"]
    assert (only["batch"], only["energy_wh_milli"], only["why"]) == ("A", None, "B ran beside it and has no record")
    (excluded,) = said["excluded"]
    assert (excluded["reason"], excluded["direct_wh_milli"]) == ("its part of a shared time is not known", None)
    opened.ledger.close()


def test_a_batch_of_the_period_before_takes_its_part_of_the_time_they_shared(tmp_path):
    opened = sealer(tmp_path, "equal")
    data = opened.export(replace(ASKED, from_ns=T0 + 45 * S))  # A ended before it, and B began so
    assert failed(data) == []
    assert parts(said_of(data)) == {"B": 20 * STEP_WH_MILLI, "C": 15 * STEP_WH_MILLI}
    members = archive.read(data)
    opened.ledger.close()
    assert members.statement


def test_a_neighbour_withheld_is_found(tmp_path):
    opened = sealer(tmp_path, "equal")
    made = opened.made
    data = opened.export(replace(ASKED, from_ns=T0 + 45 * S))
    statement = archive.read(data).statement
    first = plant.maker.index_of(made, "edge-1", "batch", 0)
    made.statement, made.ledger[first][1] = statement, None
    lines = failed(made.pack())
    assert any(f"statement {first} " in line and "it may share the time of B" in line for line in lines), lines
    opened.ledger.close()


def late(name, first, last, **changes):
    given = {
        "line": "press", "batch": name, "product": "coil", "start_ns": T0 + (first - 1) * S,
        "end_ns": T0 + (last - 1) * S, "edge_ns": S, "author": "Li", "reason": "nobody told it", "way": "command",
        "told_ns": T0 + 86_400 * S,
    }  # fmt: skip
    return LateBatch(**given | changes)


def test_a_batch_told_late_has_its_part_too(tmp_path):
    opened = sealer(tmp_path, "equal")
    take(opened, late("E", 10, 20))
    data = opened.export(ASKED)
    assert failed(data) == []
    assert parts(said_of(data)) == {"A": 10 * STEP_WH_MILLI, "B": 20 * STEP_WH_MILLI, "C": 15 * STEP_WH_MILLI,
                                    "E": 5 * STEP_WH_MILLI}  # fmt: skip
    with pytest.raises(Problems, match=r"batch: A is there already \(entry \d+ of the ledger\)"):
        late_batch.parts(late("A", 12, 14), opened.ledger)
    opened.ledger.close()


def test_late_batches_may_not_overlap_where_nothing_is_declared(tmp_path):
    opened = sealer(tmp_path, "refuse")
    with pytest.raises(Problems, match=r"start: overlaps batch C \(entry \d+ of the ledger\)"):
        late_batch.parts(late("E", 45, 55), opened.ledger)
    first = late("E", 10, 20, row=2)
    with pytest.raises(Problems, match=r"start: overlaps batch E \(row 2\)"):
        late_batch.parts(late("F", 15, 25, row=3), opened.ledger, [first])
    opened.ledger.close()


def test_rows_of_one_list_may_overlap_where_it_is_declared(tmp_path):
    opened = sealer(tmp_path, "equal")
    assert late_batch.parts(late("F", 15, 25, row=3), opened.ledger, [late("E", 10, 20, row=2)])
    opened.ledger.close()
