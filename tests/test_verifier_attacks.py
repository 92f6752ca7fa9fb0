"""Every lie told with a small archive is found under the name of the check that is due, or the page says by what."""

import re
from collections import Counter
from pathlib import Path

import pytest
from attacks import ATTACKS, CHECKPOINT, TRUE, Attack, all_fresh, all_rewritten

from verifier import archive, trust
from verifier.verify import verify

PAGE = (Path(__file__).parent.parent / "docs/verifier.md").read_text(encoding="utf-8")
TABLE = (
    PAGE.partition("| what was done | with whose keys | tried | found by |\n")[2].partition("\n\n")[0].splitlines()[1:]
)
BYTES = "each byte changed in turn"  # test_verifier_altered.py
TRUST = trust.parse(TRUE.trust())


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_found_as_the_page_says(attack: Attack):
    found: Counter[str] = Counter()
    for data, due in attack.cases():
        report = verify(archive.read(data), TRUST)
        lines = [finding.line() for finding in report.findings]
        if due is None:
            assert report.verdict == "pinned", [line for line in lines if not line.startswith("ok")]
            found[attack.otherwise] += 1
            if attack.otherwise == CHECKPOINT:
                kept = verify(archive.read(data), TRUST, kept=(TRUE.note(),))
                assert [one.check for one in kept.findings if not one.ok] == ["kept"]
            continue
        assert any(line.startswith(due) for line in lines), (due, [line for line in lines if line[:2] != "ok"])
        assert report.verdict == {"FAIL": "failed", "LACK": "incomplete", "ok  ": "pinned"}[due[:4]]
        found[f"`{due.split()[1]}`"] += 1
    told = [name if count == found.total() else f"{name} {count}" for name, count in found.items()]
    assert f"| {attack.name} | {attack.keys} | {found.total()} | {', '.join(told)} |" in TABLE


def test_the_page_has_these_attacks_and_no_other():
    names = [re.split(r" \| ", row.removeprefix("| "))[0] for row in TABLE]
    assert names == [BYTES, *(attack.name for attack in ATTACKS)]


def test_fresh_keys_are_self_consistent_to_who_knows_none():
    ((data, _),) = all_fresh()
    assert verify(archive.read(data)).verdict == "self-consistent"


def test_what_was_made_anew_is_another_ledger_than_the_checkpoint_kept_of_it():
    """Whoever kept one checkpoint needs no more: the same size has another root."""
    ((data, _),) = all_rewritten()
    made = archive.read(data)
    assert made.note.splitlines()[:2] == TRUE.note().splitlines()[:2]
    assert made.note.splitlines()[2] != TRUE.note().splitlines()[2]
