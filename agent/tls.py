"""What a connection to a broker is encrypted with, and what this agent shows there of itself.

In: the configuration's `[mqtt]`. Out: an `ssl.SSLContext`, or one line that says which key, what is wrong and what to
do. Never reads what others may read too.
"""

import ssl
from collections.abc import Iterator
from pathlib import Path

from agent import config
from agent.private_file import read, read_private
from contract.client_certificate import fault, validity_ns

CERTIFICATE = "give this agent's certificate for the broker as PEM"
DAY_NS = 86_400 * 1_000_000_000
SOON_NS = 30 * DAY_NS


def faults(mqtt: config.Mqtt) -> Iterator[str]:
    """What of `[mqtt]` does not go together."""
    if (mqtt.cert_file is None) != (mqtt.key_file is None):
        missing, other = ("key_file", "cert_file") if mqtt.key_file is None else ("cert_file", "key_file")
        yield f"mqtt.{missing}: missing: {other} is of no use without it"
    if mqtt.cert_file is not None and not mqtt.tls:
        yield "mqtt.cert_file: is shown in encrypted connections only: delete tls = false, or this line"
    if mqtt.password_file is None and mqtt.cert_file is None:
        yield "mqtt.password_file: missing: the broker must know who speaks; or give cert_file and key_file"


def authority(ca_file: Path | None) -> ssl.SSLContext:
    """What to trust a broker by: the authority in a file, or without one the system's. Raises ValueError."""
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except OSError as error:  # ssl.SSLError is one
        raise ValueError(f"{ca_file}: {error.strerror or error}: give the broker's CA certificate as PEM") from None


def show(mqtt: config.Mqtt, connection: ssl.SSLContext) -> None:
    """Let connections show the broker `cert_file`, if there is one. Raises ValueError."""
    if mqtt.cert_file is not None and mqtt.key_file is not None:
        certificate = read(mqtt.cert_file, CERTIFICATE)
        if problem := fault(certificate, read_private(mqtt.key_file, "give the certificate's key as PEM", "key")):
            raise ValueError(f"{mqtt.cert_file}, {mqtt.key_file}: {problem}")
        connection.load_cert_chain(mqtt.cert_file, mqtt.key_file)


def remark(cert_file: Path | None, at_ns: int) -> str | None:
    """What to do about a certificate that is not valid at `at_ns`, or not much longer. Raises ValueError."""
    if cert_file is None:
        return None
    first_ns, last_ns = validity_ns(read(cert_file, CERTIFICATE))
    if at_ns < first_ns:
        return f"mqtt.cert_file: {cert_file}: not valid yet: set the machine's clock, if it is wrong"
    if at_ns > last_ns - SOON_NS:
        days = (last_ns - at_ns) // DAY_NS
        ends = f"ends in {days} days" if days >= 0 else "has expired"
        return f"mqtt.cert_file: {cert_file}: {ends}: have a new one made, with the same name"
    return None
