"""Opening a Modbus connection by pymodbus, and saying in one line why it failed.

In: a bus, and who wants to see every packet. Out: a connected client. Raises `ConnectFailed`. Never: a request.
"""

import asyncio
import errno
import logging
import os
import ssl
import termios
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient

from agent.drivers.modbus_bus import Bus

Client = AsyncModbusTcpClient | AsyncModbusSerialClient
Trace = Callable[[bool, bytes], bytes]

# Every fault comes back as a status or as Unreachable; pymodbus would log each one again, at every poll.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

NEVER = 1 << 62  # pymodbus counts silences and hangs up on everybody; whose silence matters is ours to say
HINTS = {
    errno.ENOENT: "no such port: is it plugged in? Name it by its path under /dev/serial/by-id, which does not change",
    errno.EACCES: "permission denied: add the agent's user to the group that owns it (dialout)",
    errno.EBUSY: "in use by another program: stop that one",
    errno.EAGAIN: "in use by another program: stop that one",
}


class ConnectFailed(Exception):
    """No connection. The message is one line without the place."""


async def connect(bus: Bus, trace: Trace, gone: Callable[[], None]) -> Client:
    """Connect. `trace` sees what is sent and heard, `gone` is called when the connection is lost."""
    made = _serial(bus, trace, gone) if bus.kind == "rtu" else _tcp(bus, trace, gone)
    made.set_max_no_responses(NEVER)
    failures: list[Exception] = []
    made.ctx.call_create = partial(_watched, made.ctx.call_create, failures)
    try:
        connected = await made.connect()
    except BaseException:
        made.close()
        raise
    if not connected:
        made.close()
        raise ConnectFailed(_reason(bus, failures[0] if failures else None))
    return made


async def _watched(create: Callable[[], Awaitable[Any]], failures: list[Exception]) -> Any:  # noqa: ANN401 - pymodbus's
    """Keep why a connection failed: pymodbus only logs it."""
    try:
        return await create()
    except (OSError, ValueError) as error:
        failures.append(error)
        raise OSError(str(error)) from error
    except termios.error as error:  # pyserial lets it through where a driver refuses a setting
        failures.append(error)
        raise OSError(str(error)) from error


def _tcp(bus: Bus, trace: Trace, gone: Callable[[], None]) -> AsyncModbusTcpClient:
    made = AsyncModbusTcpClient(
        bus.host,
        port=bus.port,
        framer=FramerType.RTU if bus.is_rtu else FramerType.SOCKET,
        timeout=bus.timeout_ms / 1000,
        retries=0,
        reconnect_delay=0,
        trace_packet=trace,
        trace_connect=lambda connected: None if connected else gone(),
    )
    if bus.kind == "tls":  # pymodbus's own TLS client takes a piece of a frame for a whole one
        create = asyncio.get_running_loop().create_connection
        name = bus.server_name or bus.host
        made.ctx.call_create = partial(
            create, made.ctx.handle_new_connection, bus.host, bus.port, ssl=_context(bus), server_hostname=name
        )
    return made


def _serial(bus: Bus, trace: Trace, gone: Callable[[], None]) -> AsyncModbusSerialClient:
    return AsyncModbusSerialClient(
        bus.device,
        baudrate=bus.baud,
        parity=bus.parity,
        stopbits=bus.stop_bits,
        timeout=bus.timeout_ms / 1000,
        retries=0,
        reconnect_delay=0,
        trace_packet=trace,
        trace_connect=lambda connected: None if connected else gone(),
    )


def _context(bus: Bus) -> ssl.SSLContext:
    """Read anew at every connection: a renewed certificate needs no restart. Raises ConnectFailed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody but ca_file
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # Modbus/TCP Security, 8
    reading = "ca_file"
    try:
        context.load_verify_locations(bus.ca_file)
        reading = "certificate and key"
        if bus.certificate:
            context.load_cert_chain(bus.certificate, bus.key, password=lambda: b"")
    except (OSError, ValueError) as error:
        raise ConnectFailed(f"{reading} cannot be used: {_words(error)}: check the files") from error
    return context


def _reason(bus: Bus, failure: Exception | None) -> str:
    if failure is None:
        return f"no connection within {bus.timeout_ms} ms"
    if bus.kind == "rtu":
        number = failure.errno if isinstance(failure, OSError) else None
        hint = None if number is None else HINTS.get(number, os.strerror(number))
        return f"cannot open the port: {hint or _words(failure)}"
    return f"no connection: {_words(failure)}"


def _words(failure: Exception) -> str:
    """What went wrong, without numbers and names that stand elsewhere in the line."""
    if isinstance(failure, ssl.SSLCertVerificationError):
        why = failure.verify_message
        return (
            f"the server's certificate is not accepted: {why}: name its authority as ca_file, its name as server_name"
        )
    if isinstance(failure, ssl.SSLError):
        return (failure.reason or str(failure)).replace("_", " ").lower()
    if isinstance(failure, ConnectionError) and failure.errno:
        return os.strerror(failure.errno)  # asyncio's own words are of calls and tuples
    if isinstance(failure, OSError) and failure.strerror:
        return failure.strerror
    return " ".join(str(failure).split())
