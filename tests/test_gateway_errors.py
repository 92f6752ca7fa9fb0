"""The tree in the docstring is the tree of the classes."""

import re

from gateway import errors


def test_every_class_stands_in_the_tree_under_its_parent():
    told = dict(re.findall(r"(?m)^(?:[├└]── )?([A-Z]\w+) *(.*)$", errors.__doc__.split("\n\n")[1]))
    found = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
    assert told.keys() == found.keys()
    assert len(found) == 4
    assert all(kind.__base__ is errors.Stopped for name, kind in found.items() if name != "Stopped")
