"""An entry on the wire: `[signed header, body]` in one zstd frame. Compression is outside the evidence.

Every size is checked before the bytes it limits are touched, and nothing but two byte strings is ever built: whoever
sent this has not proven who they are.
"""

import zstandard

from contract import cbor, heads
from contract.errors import Malformed, TooLarge

MESSAGE_BYTES_MAX = 1 << 20  # as received, compressed
PLAIN_BYTES_MAX = 1 << 21  # unpacked; agents seal at a quarter of a mebibyte


def pack(signed: bytes, body: bytes) -> bytes:
    """Write a message. Raises TooLarge."""
    plain = cbor.encode([signed, body])
    data = zstandard.ZstdCompressor(level=3, write_content_size=True).compress(plain)
    if len(plain) > PLAIN_BYTES_MAX or len(data) > MESSAGE_BYTES_MAX:
        raise TooLarge(f"message: {len(plain)} bytes; at most {PLAIN_BYTES_MAX}, {MESSAGE_BYTES_MAX} compressed")
    return data


def unpack(data: bytes) -> tuple[bytes, bytes]:
    """Read a message: (signed header, body). Raises TooLarge or Malformed."""
    if len(data) > MESSAGE_BYTES_MAX:
        raise TooLarge(f"message: {len(data)} bytes; at most {MESSAGE_BYTES_MAX}")
    plain = decompress(data, PLAIN_BYTES_MAX)
    try:
        length, at = heads.head(plain, 0, heads.ARRAY)
        signed, at = heads.string(plain, at)
        body, at = heads.string(plain, at)
        heads.end(plain, at)
    except Malformed as error:
        raise Malformed(f"message: must be [signed header, body]: {error}") from None
    if length != 2:
        raise Malformed("message: must be [signed header, body]")
    return signed, body


def decompress(data: bytes, bytes_max: int) -> bytes:
    """Unpack one zstd frame that declares its size. Raises TooLarge or Malformed."""
    try:
        size = zstandard.frame_content_size(data)
        if size <= 0:  # the library takes a frame that declares nothing for empty and skips whatever follows it
            raise Malformed("zstd: the frame is empty or does not declare its size")
        if size > bytes_max:
            raise TooLarge(f"zstd: unpacks to {size} bytes; at most {bytes_max}")
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=bytes_max, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Malformed(f"zstd: {error}") from None
