"""A serial line as a local device: opened as a client would open a port, and gone afterwards."""

import asyncio
import os

import pytest
import serial

from simulators import serial_line, virtual
from simulators.modbus_server import answering, serve_rtu, serving

REQUEST = bytes.fromhex("010300000001840a")


class Bank:
    """Every register holds 0x1234."""

    def words(self, _table, _address, count, _at_ns):
        return [0x1234] * count


ANSWER = answering({1: Bank()}, lambda: 0)


def exchange(path, baud):
    with serial.Serial(path, baud, timeout=5) as port:
        port.write(REQUEST)
        return port.read(7)


async def test_a_client_opens_it_as_a_serial_port(tmp_path):
    link = tmp_path / "meter"
    async with serial_line.serving(serve_rtu(ANSWER, 115_200), link) as path:
        assert path == str(link)
        heard = [await asyncio.to_thread(exchange, path, 9600) for _ in range(2)]  # opened again after a close
    assert [reply[:5].hex() for reply in heard] == ["0103021234"] * 2
    assert not link.is_symlink()


async def test_without_a_link_the_device_says_where_it_is():
    async with serial_line.serving(serve_rtu(ANSWER, 0)) as path:
        assert (await asyncio.to_thread(exchange, path, 9600))[:5].hex() == "0103021234"
        assert path.startswith("/dev/")
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the process's own
    await asyncio.sleep(0)  # transports close in the next turn
    assert len(os.listdir("/proc/self/fd")) <= before - 3  # noqa: PTH208 - both ends, and a copy of one


async def test_an_old_link_is_replaced_and_a_file_is_not(tmp_path):
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to(tmp_path / "nowhere")
    file.write_text("mine")
    async with serial_line.serving(serve_rtu(ANSWER, 0), link) as path:
        assert (await asyncio.to_thread(exchange, path, 9600))[:5].hex() == "0103021234"
    with pytest.raises(FileExistsError):
        async with serial_line.serving(serve_rtu(ANSWER, 0), file):
            pass
    assert file.read_text() == "mine"


@pytest.mark.parametrize(("baud", "expected_s"), [(9600, 0.0625), (1200, 0.5)])
def test_a_line_takes_the_time_of_its_characters(baud, expected_s):
    request = bytes.fromhex("01030000001445c5")  # 20 registers; 8 characters, the answer 45, and twice 3.5 of silence

    async def scene():
        async with serving("rtu", ANSWER, 0, baud=baud) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            await reader.readexactly(45)
            return asyncio.get_running_loop().time()

    assert virtual.run(scene()) == pytest.approx(expected_s, abs=1e-6)  # 60 characters of 10 bits
