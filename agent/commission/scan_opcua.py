"""What an OPC UA server says of itself.

In: its URL. Out: its name and namespaces. Never: a session with credentials, or a write.
"""

import logging
from dataclasses import dataclass

from asyncua import Client, ua

logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # what goes wrong is told in one line by the caller


@dataclass(frozen=True, slots=True)
class Server:
    """A server's own words. `namespaces` is empty, with the reason in `refused`, if it lets nobody in unnamed."""

    url: str
    name: str
    namespaces: tuple[str, ...]
    refused: str = ""


async def look(url: str, timeout_s: float) -> Server:
    """Ask a server. Raises OSError if it cannot be reached, or is none."""
    client = Client(url, timeout=timeout_s)
    try:
        endpoints = await client.connect_and_get_server_endpoints()
    except ua.UaError as error:
        raise OSError(f"not as an OPC UA server answers: {type(error).__name__}") from error
    name = next((str(each.Server.ApplicationName.Text or "") for each in endpoints), "")
    client = Client(url, timeout=timeout_s)
    try:
        async with client:
            return Server(url, name, tuple(map(str, await client.get_namespace_array())))
    except ua.UaError as error:
        return Server(url, name, (), type(error).__name__)


def lines(server: Server) -> list[str]:
    """What to show of it."""
    told = [f"{server.url}  {server.name}"]
    told += [f"  namespace {index}  {uri}" for index, uri in enumerate(server.namespaces)]
    return told + ([f"  namespaces not shown: {server.refused}"] if server.refused else [])
