"""What extends another becomes one file: by hand for a small case, and by meaning for everything that ships."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers import profile
from agent.drivers.family import _written, joined
from agent.drivers.profiles import load, names

FAMILY = b"""
grade = "bronze"
sources = ["family", "shared"]
hole_max = 4

[[point]]
id = "a"
quantity = "voltage"
address = 0x10

[[point]]
id = "b"
quantity = "current"
address = 2
"""
OWN = b"""
extends = "family"
make = "M"
sources = ["own", "shared"]
hole_max = 0

[[point]]
id = "c"
quantity = "frequency"
address = 4

[[point]]
id = "a"
address = 0x20
"""
JOINED = """# mine extends family: joined into one.
grade = "bronze"
sources = ["own", "shared", "family"]
hole_max = 0
make = "M"

[[point]]
id = "a"
quantity = "voltage"
address = 32

[[point]]
id = "b"
quantity = "current"
address = 2

[[point]]
id = "c"
quantity = "frequency"
address = 4
"""


def test_one_file_is_laid_over_another():
    assert joined("mine", OWN, {"family": FAMILY}.__getitem__).decode() == JOINED


def test_what_extends_nothing_keeps_its_bytes():
    for data in (FAMILY, b"\xff", b"no toml"):
        assert joined("mine", data, {}.__getitem__) is data


def test_a_chain_is_followed_and_a_circle_refused():
    files = {"a": b'extends = "b"\nx = 1', "b": b'extends = "family"\ny = 2', "family": FAMILY}
    document = tomllib.loads(joined("mine", b'extends = "a"', files.__getitem__).decode())
    assert (document["x"], document["y"], len(document["point"])) == (1, 2, 2)
    for name in ("mine", "a"):
        circle = files | {"b": f'extends = "{name}"'.encode()}
        with pytest.raises(ValueError, match=rf"^extends: '{name}': name a shipped profile or family"):
            joined("mine", b'extends = "a"', circle.__getitem__)


@pytest.mark.parametrize("wanted", ['"../x"', "3", '["family"]'])
def test_only_a_bare_name_is_extended(wanted):
    with pytest.raises(ValueError, match="^extends: .*: name a shipped profile or family"):
        joined("mine", f"extends = {wanted}".encode(), {"family": FAMILY}.__getitem__)


texts = st.text(st.characters(codec="utf-8"), max_size=20)
values = st.recursive(
    st.one_of(texts, st.booleans(), st.integers(-(2**63), 2**63 - 1)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(texts.filter(lambda key: key not in {"extends", "point", "sources"}), values, max_size=5))
def test_what_is_written_reads_as_the_same(keys):
    assert tomllib.loads(_written({**keys, "point": [keys]}, ["m"])) == {**keys, "point": [keys]}


def test_a_sites_profile_extends_a_shipped_one(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'extends = "eastron-sdm630"\nmodel = "ours"\n\n[[point]]\nid = "energy_import"\nage_ms = 900\nstep = "0.01"\n'
    )
    read, shipped = profile.parse(load(str(mine))), profile.parse(load("eastron-sdm630"))
    assert (read.make, read.model, read.ratio_side) == ("Eastron", "ours", "primary")
    ours, theirs = ({point.id: point for point in one.points} for one in (read, shipped))
    assert ours.pop("energy_import").age_ms == 900
    assert theirs.pop("energy_import").age_ms is None
    assert ours == theirs
    mine.write_text('extends = "eastron"\n')
    with pytest.raises(
        ValueError, match="^extends: 'eastron' is neither a shipped profile nor a family: use one of abb-b"
    ):
        load(str(mine))


def test_what_is_loaded_stands_by_itself():
    extending = 0
    for name in names():
        data = load(name)
        assert "extends" not in tomllib.loads(data.decode())
        extending += data.startswith(f"# {name} extends ".encode())
        assert load(name) == data
    assert extending == 13


def test_a_file_that_still_extends_is_not_parsed():
    with pytest.raises(ValueError, match="^extends: still to be joined"):
        profile.parse(OWN)
