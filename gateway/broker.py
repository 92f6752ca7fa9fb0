"""The broker that comes with the gateway, as a process of its own: enough for one plant and for trying things out.

In: the gateway's configuration. Out: an MQTT 3.1.1 broker at mqtt.port where everyone has a name and a password, and an
agent speaks on its own topics only. A message larger than any of ours ends its connection unread. It remembers nothing
across a restart and need not: agents resend what no receipt confirms. Anyone who can open a connection can crowd it
out, so it binds to this machine unless told otherwise.
"""

import asyncio
import logging
import signal
import sys
import warnings
from pathlib import Path

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from contract.message import MESSAGE_BYTES_MAX
from contract.problems import Problems
from contract.topics import CHANNELS, Topic, format_topic, subscription
from gateway import custody
from gateway.config import Config, load

log = logging.getLogger("metertrail.broker")

# Entries that are too large reach the gateway, which says so; what is larger still costs no memory.
READ_BYTES_MAX = 2 * MESSAGE_BYTES_MAX
UNTIL_STDIN_ENDS = "--until-stdin-ends"  # for a parent: its end, however sudden, is the broker's end


class Bounded(StreamReaderAdapter):  # type: ignore[misc]  # the library has no types
    """What a client sends, up to a size: the library itself knows no limit below MQTT's own, 256 MiB."""

    async def read(self, n: int = -1) -> bytes:
        """As the library reads. Raises OverflowError instead of reading too much, by which it ends the connection."""
        if n > READ_BYTES_MAX:
            log.warning("a message of more than %d bytes is not read: its connection ends", READ_BYTES_MAX)
            raise OverflowError(n)
        data: bytes = await super().read(n)
        return data


class Abortable(StreamWriterAdapter):  # type: ignore[misc]  # as above
    """What a client is sent, until its connection ends at once, as if the line had been cut."""

    def abort(self) -> None:
        """The library then finds it gone. Its own way to stop a client that goes on sending may wait for ever."""
        self._writer.transport.abort()


class BoundedBroker(Broker):  # type: ignore[misc]  # as above
    """The library's broker, with a limit to what one message may hold, and one connection for each name."""

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """As the library has it, with our reader."""
        await self.external_connected(Bounded(reader), Abortable(writer), listener_name)

    async def _delete_session(self, client_id: str) -> None:
        """As the library has it, and a connection under this name ends (MQTT 3.1.1, 3.1.4-2).

        Left open it would hear nothing any more: an agent beside which its copy was started would get no receipts.
        """
        session, handler = self._sessions.get(client_id, (None, None))
        await super()._delete_session(client_id)
        if session is not None and session.transitions.is_connected():
            log.warning("client=%s connects while it is connected: the connection before ends", client_id)
            handler.writer.abort()


def hash_password(password: str) -> str:
    """A password as the broker's password file keeps it (Argon2)."""
    return PasswordHash((Argon2Hasher(),)).hash(password)


def settings(config: Config) -> dict[str, object]:
    """The broker's own configuration. Entries go up and receipts down; nothing else may pass."""
    site, gateway = config.gateway.site, config.mqtt.username
    up = [channel for channel in CHANNELS if channel != "receipts"]
    publish = {gateway: [subscription(site, "receipts")]}
    subscribe = {gateway: [subscription(site, channel) for channel in up]}
    for agent in config.agent:
        publish[agent.name] = [format_topic(Topic(site, agent.name, channel)) for channel in up]
        subscribe[agent.name] = [format_topic(Topic(site, agent.name, "receipts"))]
    host = f"[{config.broker.bind}]" if ":" in config.broker.bind else config.broker.bind
    listener: dict[str, object] = {"type": "tcp", "bind": f"{host}:{config.mqtt.port}"}
    if config.mqtt.tls:
        listener |= {"ssl": True, "certfile": config.broker.cert_file, "keyfile": config.broker.key_file}
    return {
        "listeners": {"default": listener},
        "plugins": {
            "amqtt.plugins.authentication.FileAuthPlugin": {"password_file": config.broker.password_file},
            "amqtt.plugins.topic_checking.TopicAccessControlListPlugin": {"publish_acl": publish, "acl": subscribe},
        },
    }


def main(argv: list[str]) -> int:
    """Run a broker until SIGTERM or SIGINT: `metertrail broker CONFIG`."""
    match argv:
        case [name] | [str() as name, "--until-stdin-ends"] if not name.startswith("-"):
            pass
        case _:
            sys.stderr.write("usage: metertrail broker CONFIG\n")
            return 2
    try:
        config = load(Path(name))
    except Problems as found:
        sys.stderr.write("".join(f"{line}\n" for line in found.lines))
        return 2
    if config.broker.password_file is None:
        sys.stderr.write(f"{name}: broker.embedded: is not set: this configuration uses another broker\n")
        return 2
    try:
        custody.read(config.broker.password_file, "make its lines with `metertrail gateway password NAME`")
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s level=%(levelname)s room=%(name)s %(message)s")
    for noisy in ("amqtt", "transitions"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore", DeprecationWarning)  # the library's own name for its subscription rules
    return asyncio.run(_run(config, until_stdin_ends=UNTIL_STDIN_ENDS in argv))


async def _run(config: Config, *, until_stdin_ends: bool) -> int:
    where = f"{config.broker.bind}:{config.mqtt.port}"
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if until_stdin_ends:
        loop.add_reader(sys.stdin.fileno(), stop.set)  # nothing is ever written to it: readable means ended
    try:
        broker = BoundedBroker(settings(config))
        await broker.start()
    except Exception as error:  # noqa: BLE001 - the library raises many kinds; all mean the same here
        log.critical("broker cannot start at=%s: %s", where, error)
        return 1
    log.info("broker started at=%s", where)
    await stop.wait()
    await broker.shutdown()
    log.info("broker stopped at=%s", where)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
