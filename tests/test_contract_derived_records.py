"""The record of a derived counter: read back as written, and refused where it says something no kind has."""

import pytest

from contract import cbor, records
from contract.derived_records import DerivedPart
from contract.errors import Malformed

STEAM = DerivedPart(
    meter="boiler", point="steam_energy", kind="steam", counts="mass", pressure="p", pressure_is="gauge",
    atmosphere_pa=101_325, temperature="t", reference_k_milli=None, compressibility=None, dryness=None,
    reference_j_per_kg=83_740, apart_ns=60 * 10**9, formulation="f", formulation_hash=bytes(32),
)  # fmt: skip


def test_it_comes_back_as_written():
    assert records.read(records.write(STEAM), DerivedPart) == STEAM
    assert records.kind_of(records.write(STEAM)) == "derived"


@pytest.mark.parametrize(
    "changes", [{"kind": "oil"}, {"pressure_is": "sealed"}, {"apart_ns": 0}, {"formulation_hash": b"short"}]
)
def test_what_no_kind_has_is_malformed(changes):
    with pytest.raises(Malformed):
        records.read(cbor.encode({**STEAM.model_dump(), **changes}), DerivedPart)
