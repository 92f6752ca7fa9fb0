"""A session with an OPC UA server: channel, certificates, login.

In: a bus's settings. Out: connected clients, one after another, and events about certificates. Each connect is a new
client: nothing of a broken session is used again. Never: a channel to a server whose certificate is not trusted.
"""

import asyncio
import contextlib
import logging
import struct
from collections.abc import Callable
from pathlib import Path

from asyncua import Client, ua
from asyncua.crypto import security_policies
from asyncua.crypto.uacrypto import CertProperties
from asyncua.ua.ua_binary import struct_from_binary
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from agent.drivers import Tell
from agent.drivers.opcua_config import Bus, Security
from agent.drivers.opcua_trust import Refused, check, own, read, server
from agent.drivers.opcua_values import ns_of
from contract.records import EventPart

log = logging.getLogger("metertrail.opcua")
# Every fault comes back as a status or as Unreachable; asyncua would log each one again with its traceback.
logging.getLogger("asyncua.client").setLevel(logging.CRITICAL)

# What asyncua raises, besides its own, for bytes that are no message, and cryptography for files that are no keys.
MALFORMED = (ValueError, LookupError, TypeError, AttributeError, RecursionError, struct.error)
FAULTS = (OSError, TimeoutError, ua.UaError, Refused, *MALFORMED)
LEAVE_S = 1.0  # how long a server may take over a farewell
WATCHDOG_S = 60.0  # asyncua's own probe of the server; ours is the next read


class Door:
    """Opens sessions with one server."""

    def __init__(self, bus: Bus, now_ns: Callable[[], int], tell: Tell) -> None:
        self._bus, self._now_ns, self._tell = bus, now_ns, tell
        self._told: set[object] = set()

    async def open(self) -> Client:
        """Connect and log in, all within one timeout. Raises one of FAULTS."""
        bus = self._bus
        client = self._client()
        try:
            async with asyncio.timeout(bus.timeout_ms / 1000):
                if bus.security is not None:
                    await self._secure(client, bus.security)
                if bus.user is not None and bus.password_file is not None:
                    client.set_user(bus.user)
                    client.set_password((await asyncio.to_thread(Path(bus.password_file).read_text)).strip())
                if bus.user_certificate is not None and bus.user_key is not None:
                    user = await asyncio.to_thread(read, Path(bus.user_certificate))
                    self._check("the user's", user)
                    await client.load_client_certificate(bus.user_certificate)
                    await client.load_private_key(Path(bus.user_key))
                await client.connect()
        except BaseException:
            client.disconnect_socket()
            raise
        return client

    async def shut(self, client: Client, *, farewell: bool) -> None:
        """Let go of a session. A server that has just failed to answer is not asked once more to say goodbye."""
        with contextlib.suppress(Exception):  # a farewell may fail in any way: the session is over
            await asyncio.wait_for(client.disconnect(), LEAVE_S if farewell else 0.05)
        client.disconnect_socket()

    def _client(self) -> Client:
        return Client(self._bus.url, timeout=self._bus.timeout_ms / 1000, watchdog_intervall=WATCHDOG_S)

    async def _secure(self, client: Client, security: Security) -> None:
        client.application_uri = security.application_uri
        policy = getattr(security_policies, f"SecurityPolicy{security.policy}")
        mode = getattr(ua.MessageSecurityMode, security.mode)
        files = Path(security.certificate), Path(security.key)
        made = await asyncio.to_thread(own, *files, security.application_uri, self._now_ns())
        if made is not None:
            log.warning("certificate=%s made, thumbprint=%s", files[0], made.detail["thumbprint"])
            self._tell(made)
        self._check("our", await asyncio.to_thread(read, files[0]))
        theirs = await self._server_certificate(security, policy.URI, mode)
        self._check("the server's", theirs)
        sent = CertProperties(theirs.public_bytes(Encoding.DER), "der")
        await client.set_security(policy, security.certificate, security.key, server_certificate=sent, mode=mode)

    async def _server_certificate(
        self, security: Security, policy_uri: str, mode: ua.MessageSecurityMode
    ) -> x509.Certificate:
        if security.server_certificate is not None:
            return await asyncio.to_thread(read, Path(security.server_certificate))
        # asked in clear, and believed only if it lies in the folder: the channel then proves who holds its key
        endpoints = await self._client().connect_and_get_server_endpoints()
        endpoint = Client.find_endpoint(endpoints, mode, policy_uri)
        return await asyncio.to_thread(
            server, endpoint.ServerCertificate or b"", Path(str(security.trusted)), self._now_ns()
        )

    def _check(self, whose: str, certificate: x509.Certificate) -> None:
        event = check(whose, certificate, self._now_ns())
        if event is not None and event.detail["thumbprint"] not in self._told:
            self._told.add(event.detail["thumbprint"])
            log.warning("%s certificate ends within 30 days: thumbprint=%s", whose, event.detail["thumbprint"])
            self._tell(EventPart(event=event.event, about=f"{self._bus.url}: {whose}", at_ns=event.at_ns,
                                 detail=event.detail))  # fmt: skip


async def ask(client: Client, nodes: list[ua.ReadValueId]) -> tuple[list[ua.DataValue], int | None]:
    """Read values, and the server's time when it answered, ns UTC. Raises one of FAULTS."""
    request = ua.ReadRequest()
    request.Parameters = ua.ReadParameters(TimestampsToReturn=ua.TimestampsToReturn.Both, NodesToRead=nodes)
    protocol = client.uaclient.protocol
    if protocol is None:
        raise ConnectionError("the connection is gone")
    # as UaClient.read does, which keeps the answer's header to itself
    response = struct_from_binary(ua.ReadResponse, await protocol.send_request(request))
    response.ResponseHeader.ServiceResult.check()
    if len(response.Results) != len(nodes):
        raise ua.UaError(f"{len(response.Results)} values came, {len(nodes)} were asked for")
    return list(response.Results), ns_of(response.ResponseHeader.Timestamp)
