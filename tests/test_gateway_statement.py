"""The statement's one text."""

import json

import test_gateway_attribution as made

from gateway.statement import canonical_json


def values(tree):
    if isinstance(tree, dict):
        for key, value in tree.items():
            assert isinstance(key, str)
            yield from values(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from values(value)
    else:
        yield tree


def test_it_is_sorted_tight_and_without_floats():
    text = canonical_json(made.run([made.batch(), made.batch("B2", start=100, end=200, complete=False)]))
    tree = json.loads(text, parse_float=lambda number: (_ for _ in ()).throw(AssertionError(number)))
    again = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert text == again.encode()
    assert {type(value) for value in values(tree)} == {int, str, bool, type(None)}
    assert "公告".encode() in text  # not escaped
    assert (tree["form"], tree["label"]) == ("metertrail/statement/v1", "partial: gate-to-gate energy")


def test_the_same_batches_in_another_order_give_the_same_bytes():
    batches = [made.batch(f"B{index}", start=100 * index, end=100 * index + 90) for index in range(5)]
    assert canonical_json(made.run(batches)) == canonical_json(made.run(batches[::-1]))
