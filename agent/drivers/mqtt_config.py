"""What a configuration says of a broker with batch messages, and a client made of it.

In: a `bus` table. Out: a frozen `Bus`, or pydantic's findings; a client that is not connected yet. Files are read when
the client is made.
"""

from pathlib import Path
from typing import Annotated, Self

import paho.mqtt.client as mqtt
from annotated_types import Ge, Le, Len
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from agent import custody, tls
from contract.topics import check_host

RECONNECT_FIRST_S, RECONNECT_MOST_S = 1, 30


class Bus(BaseModel):
    """A broker, as the agent's own; `client_id` is the name under which it keeps messages for us."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[str, AfterValidator(check_host)]
    port: Annotated[int, Ge(1), Le(65535)] = 8883
    username: Annotated[str, Len(1)]
    password_file: Path
    tls: bool = True
    ca_file: Path | None = None
    client_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-zA-Z-]{1,64}$")]
    timeout_ms: Annotated[int, Ge(10), Le(60_000)] = 4000

    def located(self, folder: Path) -> Self:
        """The same with its file names taken from `folder`."""
        ca_file = None if self.ca_file is None else folder / self.ca_file
        return self.model_copy(update={"password_file": folder / self.password_file, "ca_file": ca_file})


def make_client(bus: Bus) -> mqtt.Client:
    """A client that the broker remembers. Raises ValueError for files that cannot be used."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=bus.client_id, clean_session=False, manual_ack=True)
    client.username_pw_set(bus.username, custody.load_password(bus.password_file))
    if bus.tls:
        client.tls_set_context(tls.authority(bus.ca_file))
    client.reconnect_delay_set(RECONNECT_FIRST_S, RECONNECT_MOST_S)
    return client
