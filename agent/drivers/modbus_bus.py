"""Where a Modbus bus is reached: its table in the configuration.

In: the keys of a `[[bus]]`. Out: a checked `Bus`. Never: opens a file or a port.
"""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

TLS_PORT = 802  # registered for Modbus/TCP Security
_NETWORK, _TLS, _SERIAL = {"host", "port"}, {"ca_file", "certificate", "key", "server_name"}, {"device"}
_SETTINGS = {"baud", "parity", "stop_bits"}
_ALLOWED = {"tcp": _NETWORK, "tls": _NETWORK | _TLS, "rtu_over_tcp": _NETWORK, "rtu": _SERIAL | _SETTINGS}
_NEEDED = {"tcp": ("host",), "tls": ("host", "ca_file"), "rtu_over_tcp": ("host",), "rtu": ("device",)}


class Bus(BaseModel):
    """`tcp`: Modbus TCP. `tls`: the same in TLS. `rtu`: a serial port. `rtu_over_tcp`: a serial device server that
    passes RTU frames through unchanged.

    `timeout_ms` is the most that is waited for an answer; what each unit takes is learned. Of `tls`, `ca_file` is whom
    we trust to name the server, `certificate` and `key` are ours, and `server_name` is the name in the server's
    certificate if it is not `host`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["tcp", "tls", "rtu", "rtu_over_tcp"]
    host: str = Field(default="", min_length=1)
    port: int = Field(default=502, ge=1, le=65535)
    device: str = Field(default="", pattern=r"^/")
    baud: int = Field(default=9600, ge=300, le=4_000_000)
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    ca_file: str = Field(default="", min_length=1)
    certificate: str = Field(default="", min_length=1)
    key: str = Field(default="", min_length=1)
    server_name: str = Field(default="", min_length=1)
    timeout_ms: int = Field(default=1000, ge=10, le=60_000)
    pause_ms: int = Field(default=0, ge=0, le=10_000)  # of silence before each request, for devices that need it

    @model_validator(mode="before")
    @classmethod
    def _port_of_tls(cls, given: Any) -> Any:  # noqa: ANN401 - whatever the file holds
        if isinstance(given, dict) and given.get("kind") == "tls":
            return {"port": TLS_PORT, **given}
        return given

    @model_validator(mode="after")
    def _suits_its_kind(self) -> Self:
        for key in _NEEDED[self.kind]:
            if not getattr(self, key):
                raise ValueError(f"{key}: missing: kind {self.kind!r} needs it")
        for key in sorted(self.model_fields_set - _ALLOWED[self.kind] - {"kind", "timeout_ms", "pause_ms"}):
            raise ValueError(f"{key}: kind {self.kind!r} has none: remove it, or change kind")
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate: it goes together with key: give both or neither")
        return self

    @property
    def is_rtu(self) -> bool:
        """Whether its frames carry no transaction id."""
        return self.kind in ("rtu", "rtu_over_tcp")

    @property
    def place(self) -> str:
        """What messages call it."""
        return self.device if self.kind == "rtu" else f"{self.host}:{self.port}"

    @property
    def character_s(self) -> float:
        """How long one character takes on a serial port: start, eight data, parity and stop bits."""
        return (9 + (self.parity != "N") + self.stop_bits) / self.baud

    def located(self, folder: Path) -> Self:
        """The same with its file names taken from `folder`."""
        given = {name: getattr(self, name) for name in ("ca_file", "certificate", "key")}
        return self.model_copy(update={name: str(folder / path) for name, path in given.items() if path})
