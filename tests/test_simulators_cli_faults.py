"""The bench of faults that is shipped: complete, and served as it stands."""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import get_args

import pytest

from simulators import cli, faults

FILE = Path(__file__).parents[1] / "configs" / "demo" / "faults.toml"


@pytest.fixture
def bench(tmp_path):
    """The bench on ports that the system chooses, its serial device in a folder of its own."""
    text = FILE.read_text().replace("/tmp/metertrail-local", str(tmp_path / "local"))
    for port in (15030, 15031, 15032, 15033, 14841):
        assert f"port = {port}" in text
        text = text.replace(f"port = {port}", "port = 0")
    for beside in ("load-week.csv", "dump-sdm120.json"):
        (tmp_path / beside).write_bytes((FILE.parent / beside).read_bytes())
    (tmp_path / "faults.toml").write_text(text)
    return tmp_path / "faults.toml"


def test_it_has_one_of_each_kind():
    described = cli.open_plant(FILE, 1, 10**18).scenario
    assert sorted(fault.kind for fault in described.faults) == sorted(get_args(faults.Kind))


async def test_it_runs_and_says_what_it_does(bench, capsys):
    plant, stop = cli.open_plant(bench, 1, time.time_ns() - 10**9), asyncio.Event()
    running = asyncio.create_task(cli.run(plant, stop))
    lines: list[str] = []
    while len(lines) < 6 + len(plant.scenario.faults):
        await asyncio.wait([running], timeout=0.05)
        assert not running.done()
        lines += capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:6]] == [
        ["modbus", "tcp"], ["modbus", "rtu"], ["modbus", "serial"], ["dlt645", lines[3].split()[1]],
        ["modbus", "tcp"], ["opc", "ua"]
    ]  # fmt: skip
    assert "cellar (unit 5)" in lines[2]
    assert Path(lines[2].split()[2]).is_char_device()  # noqa: ASYNC240 - a link to a terminal
    assert lines[6] == "fault      kind dead, meter gone"
    stop.set()
    await running


async def test_a_port_lost_in_a_restart_ends_the_run(bench, capsys):
    bench.write_text(bench.read_text().replace("from_s = 180\nms = 5_000", "ms = 2_000"))
    plant = cli.open_plant(bench, 1, time.time_ns() - 10**9)
    running = asyncio.create_task(cli.run(plant, asyncio.Event()))
    text = ""
    while "dumped (unit 1)" not in text:
        await asyncio.wait([running], timeout=0.02)
        assert not running.done()
        text += capsys.readouterr().out
    port = int(next(line for line in text.splitlines() if "dumped" in line).split(":")[1].split()[0])
    thief = None
    while thief is None:  # until the simulator has let go of it
        await asyncio.sleep(0.02)
        with contextlib.suppress(OSError):
            thief = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)
    with pytest.raises(OSError, match=str(port)):
        await asyncio.wait_for(running, 30)
    thief.close()


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read: No such file or directory: check the path"), ("{", "not readable as JSON: ")],
)
def test_a_dump_that_is_missing_or_broken(bench, content, message, capsys):
    file = bench.parent / "dump-sdm120.json"
    file.unlink()
    if content is not None:
        file.write_text(content)
    assert cli.main([str(bench)]) == 1
    assert f"{file}: {message}" in capsys.readouterr().err
