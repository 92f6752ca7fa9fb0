"""The command lists what is odd and seals a person's word for it, whether or not a gateway runs."""

import pytest
from gateway_folder import Folder

from contract import message, topics
from gateway import acknowledge_cli, cli, config, opening, preflight
from gateway.sequencer import Message


@pytest.fixture
def works(tmp_path):
    """A gateway's folder whose agent went back to an earlier entry."""
    made = Folder(tmp_path)
    loaded = config.load(made.path)
    ledger, sequencer = opening.open_sequencer(made.path, loaded, preflight.prepare(loaded), lambda: 0, lambda *_: None)
    first = made.edge.begin()
    behind = made.edge.head
    sent = [first, made.edge.say(), made.edge.begin("second", parent=behind)]
    topic = topics.Topic("demo", "edge-1", "entries")
    outcome = sequencer.admit([Message(topic, message.pack(one.signed, one.body)) for one in sent])
    assert outcome.verdicts == {("edge-1", "admitted"): 3}
    ledger.close()
    return made


def test_it_lists_what_is_odd_and_takes_a_word_for_it(works, capsys):
    name = f"edge-1/{works.edge.head.epoch.hex()[:8]}/0"
    assert cli.main(["acknowledge", str(works.path)]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{name} rollback: follows ")
    assert told.endswith("though that epoch goes on to seq 1: nobody answers for it\n")
    words = ["--entry", name, "--author", "Chen Wei", "--reason", "restored from the backup of 1 March"]
    assert cli.main(["acknowledge", str(works.path), *words]) == 0
    assert capsys.readouterr().out.startswith("acknowledgement: entry ")
    assert cli.main(["acknowledge", str(works.path)]) == 0
    assert (
        "acknowledged by Chen Wei: restored from the backup of 1 March; its author goes on" in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (
            ["--entry", "edge-1/00000000/0", "--author", "A", "--reason", "R"],
            1,
            "--entry: 'edge-1/00000000/0': nothing",
        ),
        (["--entry", "edge-1/00000000/0", "--author", "A"], 2, "--reason: missing: add it\n"),
        (["--entry", "edge-1/00000000/0", "--keeps", "both"], 2, "usage: "),
    ],
    ids=["not-odd", "no-reason", "usage"],
)
def test_a_mistake_is_told_and_leaves_nothing(works, capsys, words, status, told):
    assert acknowledge_cli.main([str(works.path), *words]) == status
    assert capsys.readouterr().err.startswith(told)
    spool = works.folder / "data" / "spool"
    assert not spool.exists() or not list(spool.glob("*.json"))


def test_where_nothing_is_odd_it_says_so(tmp_path, capsys):
    made = Folder(tmp_path)
    loaded = config.load(made.path)
    opening.open_sequencer(made.path, loaded, preflight.prepare(loaded), lambda: 0, lambda *_: None)[0].close()
    assert acknowledge_cli.main([str(made.path)]) == 0
    assert capsys.readouterr().out == "nothing is odd: every epoch follows the one before it\n"


def test_without_a_ledger_it_says_so(tmp_path, capsys):
    assert acknowledge_cli.main([str(Folder(tmp_path).path)]) == 1
    assert capsys.readouterr().err
