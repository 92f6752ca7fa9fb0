"""`metertrail simulate`: the whole plant over real sockets, a clean stop, and errors in one line."""

import asyncio
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient

from simulators import cli

FILE = Path(__file__).parents[1] / "configs" / "demo" / "plant.toml"


@pytest.fixture
def free_ports(tmp_path):
    """The demonstration on ports that the system chooses."""
    text = FILE.read_text()
    for port in (15020, 15021, 15022, 14840):
        text = text.replace(f"port = {port}", "port = 0")
    copy = tmp_path / "plant.toml"
    copy.write_text(text)
    (tmp_path / "load-week.csv").write_bytes((FILE.parent / "load-week.csv").read_bytes())
    return copy


async def test_every_meter_of_the_plant_answers(free_ports, capsys):
    plant = cli.open_plant(free_ports, 3, time.time_ns() - 10**9)
    stop = asyncio.Event()
    running = asyncio.create_task(cli.run(plant, stop))
    lines: list[str] = []
    while len(lines) < 4:
        await asyncio.wait([running], timeout=0.05)
        assert not running.done()
        lines += capsys.readouterr().out.splitlines()
    ports = [int(line.split("127.0.0.1:")[1].split()[0].rstrip("/")) for line in lines]
    energy = {"main": (3, 801, 4), "line1": (4, 0x48, 2), "line2": (3, 0x101E, 2), "aux": (3, 3203, 4)}
    energy |= {"compressor": (3, 40_069 + 46, 2), "air": (3, 8, 2)}
    read = 0
    for bus, port in zip(plant.scenario.buses, ports[:3], strict=True):
        framer = FramerType.SOCKET if bus.framing == "tcp" else FramerType.RTU
        client = AsyncModbusTcpClient("127.0.0.1", port=port, framer=framer, timeout=5, retries=0)
        assert await client.connect()
        for unit, meter in plant.units(bus.id).items():
            function, address, count = energy[meter.config.id]
            ask = client.read_holding_registers if function == 3 else client.read_input_registers
            reply = await ask(address, count=count, device_id=unit)
            assert len(reply.registers) == count
            assert any(reply.registers)
            read += 1
        client.close()
    assert read == 6
    stop.set()
    await running


def test_a_signal_stops_it_cleanly(free_ports):
    program = "import sys; from simulators.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, str(free_ports), "--seed", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5)]
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert [line.split()[0] for line in lines] == ["plant", "modbus", "modbus", "modbus", "opc"]
    assert "seed 5" in lines[0]
    assert "main (unit 1)" in lines[1]
    assert "line1 (unit 1), line2 (unit 2), aux (unit 3)" in lines[2]
    assert process.returncode == 0
    assert errors == ""


def test_another_load_takes_the_place_of_the_week(tmp_path):
    flat = tmp_path / "flat.csv"
    flat.write_bytes(b"\xef\xbb\xbfinterval_end_local,active_energy_kwh\r\n2024-01-01T00:15,25\r\n")
    plant = cli.open_plant(FILE, 1, 10**18, flat)
    assert plant.power_mw("aux", 10**18 + 10**12) == 60_000_000  # 25 kWh in 15 minutes are 100 kW, 600 permille of it


def test_shorter_batches_on_request():
    until_ns = 10**18 + 3600 * 10**9
    assert len(cli.open_plant(FILE, 1, 10**18, batch_s=20).batches("line1", until_ns)) > 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.toml"], "nowhere.toml: cannot be read: No such file or directory: check the path\n"),
        (
            [str(FILE), "--load", "nowhere.csv"],
            "nowhere.csv: cannot be read: No such file or directory: check the path\n",
        ),
        (
            [str(FILE), "--load", str(FILE)],
            f"{FILE}: line 1: column active_energy_kwh is missing: name it in the header\n",
        ),
    ],
)
def test_what_a_user_gets_wrong_is_said_in_one_line(arguments, message, capsys):
    assert cli.main(arguments) == 1
    assert capsys.readouterr().err == message


def test_a_load_that_is_no_text(tmp_path, capsys):
    (tmp_path / "load.csv").write_bytes(b"\xff\xfe\x00")
    assert cli.main([str(FILE), "--load", str(tmp_path / "load.csv")]) == 1
    assert capsys.readouterr().err.startswith(f"{tmp_path}/load.csv: not readable as CSV: ")


def test_an_unknown_profile(free_ports, capsys):
    free_ports.write_text(free_ports.read_text().replace('profile = "suto-s401"', 'profile = "suto-s999"'))
    assert cli.main([str(free_ports)]) == 1
    assert capsys.readouterr().err.startswith("profile suto-s999: not among those shipped: ")


@pytest.mark.parametrize("start_ns", [10**18, 10**19])
def test_a_start_in_the_future_or_long_ago(start_ns, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main([str(FILE), "--start-ns", str(start_ns)])
    assert caught.value.code == 2
    assert "is in the future" in capsys.readouterr().err


@pytest.mark.parametrize("which", [1, 2], ids=["controllers", "bus"])
async def test_a_port_that_is_taken(free_ports, which):
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    parts = free_ports.read_text().split("port = 0")
    free_ports.write_text("port = 0".join(parts[:which]) + f"port = {port}" + "port = 0".join(parts[which:]))
    with pytest.raises(OSError, match=str(port)):
        await cli.run(cli.open_plant(free_ports, 1, time.time_ns()), asyncio.Event())
    server.close()


def test_a_taken_port_is_one_line_with_what_to_do(free_ports, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        free_ports.write_text(free_ports.read_text().replace("port = 0", f"port = {port}", 1))
        assert cli.main([str(free_ports)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{free_ports}: ")
    assert str(port) in line
    assert line.endswith("or give the scenario another port")
