"""Entries are read once; what cannot be read is named and never hides the rest."""

import archive_maker as maker
import pytest
from archive_maker import AGENT, GATEWAY, index_of

from contract import body, records
from contract.errors import Malformed
from verifier import archive, trail


def read(made: maker.Factory):
    return trail.read(archive.read(made.pack()))


def test_agents_and_the_gateway_are_kept_apart():
    seen, findings = read(maker.factory())
    assert [finding.ok for finding in findings] == [True]
    assert [item.header.author for item in seen.of("manifest")] == [AGENT, AGENT]
    assert [item.header.author for item in seen.of("manifest", author=GATEWAY)] == [GATEWAY]


def test_an_entry_that_cannot_be_read_is_named_and_the_others_stay():
    made = maker.factory()
    made.ledger[7][0] = b"\xd2"
    seen, findings = read(made)
    assert len(seen.items) == len(made.ledger) - 1
    assert [finding.line()[:12] for finding in findings] == ["FAIL entry 7"]


def test_a_withheld_part_leaves_the_entry_shown_but_not_whole():
    made = maker.factory()
    at = index_of(made, AGENT, "segment")
    made.ledger[at][1] = body.redact(made.ledger[at][1], {1})
    seen, findings = read(made)
    item = seen.items[at]
    assert findings[0].ok
    assert (len(item.shown()), item.whole()) == (1, None)


def test_records_are_picked_by_their_name_and_must_be_what_they_say():
    made = maker.factory()
    made.add(AGENT, "event", [b"\xa1\x64part\x65event", b"\xa1\x64part\x65other"], maker.T0, maker.T0)
    seen, _ = read(made)
    assert trail.records_of(seen.items[-1], records.BatchPart, "batch") == []
    with pytest.raises(Malformed, match="EventPart"):
        trail.records_of(seen.items[-1], records.EventPart, "event")


def test_where_names_author_epoch_seq_and_type():
    seen, _ = read(maker.factory())
    item = seen.items[index_of(maker.factory(), AGENT, "segment")]
    assert item.where == f"edge-1 {item.header.epoch.hex()[:8]}/1 (segment)"


def test_what_the_gateway_does_not_show_is_named_and_no_more_than_three():
    made = maker.factory()
    assert trail.withheld(read(made)[0], "enrolment", "site") == ""
    enrolments = [index_of(made, GATEWAY, "enrolment", nth) for nth in range(3)]
    made.ledger[enrolments[1]][1] = None
    assert trail.withheld(read(made)[0], "enrolment") == "; withheld: 2 gateway 00000000/2 (enrolment)"
    for at in (*enrolments, index_of(made, GATEWAY, "site")):
        made.ledger[at][1] = None
    assert trail.withheld(read(made)[0], "enrolment", "site").endswith("3 gateway 00000000/3 (enrolment) and 1 more")
