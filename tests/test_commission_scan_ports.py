"""Serial ports by their lasting names."""

from types import SimpleNamespace

from serial.tools import list_ports

from agent.commission.scan_ports import Port, lines, ports


def test_ports_are_named_by_id_where_there_is_one(monkeypatch, tmp_path):
    device = tmp_path / "ttyUSB0"
    device.touch()
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    (by_id / "usb-FTDI_A1-if00-port0").symlink_to(device)
    listed = [
        SimpleNamespace(device=str(tmp_path / "ttyS0"), description="n/a"),
        SimpleNamespace(device=str(device), description="FT232R USB UART"),
    ]
    monkeypatch.setattr(list_ports, "comports", lambda: listed)
    found = list(ports(by_id))
    assert found == [
        Port(str(tmp_path / "ttyS0"), "", None),
        Port(str(device), "FT232R USB UART", str(by_id / "usb-FTDI_A1-if00-port0")),
    ]
    assert lines(found) == [
        str(tmp_path / "ttyS0"),
        f"{by_id}/usb-FTDI_A1-if00-port0  ({device})  FT232R USB UART",
    ]


def test_without_any_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(list_ports, "comports", list)
    (said,) = lines(list(ports(tmp_path / "absent")))
    assert "no serial port" in said
    assert "tcp://" in said
