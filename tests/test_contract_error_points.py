"""Error points of a certificate: written and read back, refused out of range, left out where there are none."""

import pytest

from contract import cbor, records
from contract.error_points import ErrorPoint
from contract.errors import Malformed

CERTIFICATE = {"number": "DN1", "body": "Institute", "valid_from_ns": 0, "valid_to_ns": 10}
POINT = {"load_permille": 100, "power_factor_milli": 1000, "error_ppm": -1200, "u_ppm": 400}


def test_points_are_read_back():
    written = records.write(records.Certificate(**CERTIFICATE, points=[ErrorPoint(**POINT)], drift_ppm=300))
    found = records.read(written, records.Certificate)
    assert (found.points, found.drift_ppm) == ([ErrorPoint(**POINT)], 300)


def test_a_certificate_without_points_keeps_its_bytes():
    assert records.write(records.Certificate(**CERTIFICATE)) == cbor.encode(CERTIFICATE)


@pytest.mark.parametrize("fault", [{"error_ppm": 500_001}, {"power_factor_milli": 0}, {"load_permille": -1}])
def test_a_point_out_of_range_is_malformed(fault):
    data = cbor.encode(CERTIFICATE | {"points": [POINT | fault]})
    with pytest.raises(Malformed, match=r"Certificate: points\.0\."):
        records.read(data, records.Certificate)
