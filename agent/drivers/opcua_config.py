"""What a configuration says of an OPC UA server: where it is, who we are to it, how its tags are read.

In: a `bus` table. Out: a frozen `Bus`, or pydantic's findings. Never opens a file.
"""

from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

STRICT = ConfigDict(frozen=True, extra="forbid")
Model = TypeVar("Model", bound=BaseModel)


class Security(BaseModel):
    """Signed or encrypted channel.

    Our certificate and key are made at the first connect if neither file exists. The server's certificate is either
    pinned (`server_certificate`) or must lie, or its issuer must, in the folder `trusted`: without either anyone could
    pose as the server.
    """

    model_config = STRICT

    policy: Literal["Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"]
    mode: Literal["Sign", "SignAndEncrypt"] = "SignAndEncrypt"
    certificate: str  # files, .pem or .der
    key: str
    server_certificate: str | None = None
    trusted: str | None = None
    application_uri: str = "urn:metertrail:agent"  # must stand in our certificate

    @model_validator(mode="after")
    def _the_server_is_known(self) -> Self:
        if (self.server_certificate is None) == (self.trusted is None):
            raise ValueError(
                "the server must prove who it is: give server_certificate (a file) or trusted (a folder), not both"
            )
        return self


class Bus(BaseModel):
    """An OPC UA server. Without `security` a password may cross the network in clear.

    `namespaces` maps a namespace URI as profiles write it to the one this server uses, where they differ. `mode` poll
    reads all tags of a meter at each of its ticks; subscribe also has the server report changes in between.
    """

    model_config = STRICT

    url: str = Field(pattern=r"^opc\.tcp://[^@]+$")
    timeout_ms: int = Field(default=4000, ge=10, le=60_000)
    user: str | None = None
    password_file: str | None = None
    user_certificate: str | None = None
    user_key: str | None = None
    security: Security | None = None
    namespaces: dict[str, str] = Field(default={})
    mode: Literal["poll", "subscribe"] = "poll"
    sampling_ms: int | None = Field(default=None, ge=10, le=3_600_000)
    queue_size: int | None = Field(default=None, ge=1, le=100_000)
    publishing_ms: int | None = Field(default=None, ge=50, le=60_000)

    @model_validator(mode="after")
    def _credentials_are_whole(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file go together: give both or neither")
        if (self.user_certificate is None) != (self.user_key is None):
            raise ValueError("user_certificate and user_key go together: give both or neither")
        if self.user is not None and self.user_certificate is not None:
            raise ValueError("user and user_certificate are two ways to log in: keep one")
        if self.user_certificate is not None and self.security is None:
            raise ValueError("user_certificate needs a channel with security: add a security table")
        return self

    @model_validator(mode="after")
    def _a_subscription_is_explicit(self) -> Self:
        given = [self.sampling_ms, self.queue_size, self.publishing_ms]
        if self.mode == "subscribe" and None in given:
            raise ValueError(
                "mode subscribe needs sampling_ms, queue_size and publishing_ms: give all three, servers choose badly"
            )
        if self.mode == "poll" and given != [None] * 3:
            raise ValueError(
                'sampling_ms, queue_size and publishing_ms are for mode = "subscribe": set it or remove them'
            )
        return self

    def located(self, folder: Path) -> Self:
        """The same with its file names taken from `folder`."""
        security = self.security and _located(
            self.security, ("certificate", "key", "server_certificate", "trusted"), folder
        )
        own = _located(self, ("password_file", "user_certificate", "user_key"), folder)
        return own.model_copy(update={"security": security})


def _located(model: Model, names: tuple[str, ...], folder: Path) -> Model:
    given = {name: getattr(model, name) for name in names}
    return model.model_copy(update={name: str(folder / path) for name, path in given.items() if path is not None})
