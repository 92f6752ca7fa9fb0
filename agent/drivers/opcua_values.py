"""What an OPC UA server sent, as readings: bits, statuses and times.

In: a point and the DataValue that came for it. Out: a Reading. Never: a value with a bad status, a value of another
type than the profile says, or a status with bits taken away.
"""

import struct
from datetime import UTC, datetime, timedelta

from asyncua import ua

from agent.drivers import (
    BAD_DECODING_ERROR,
    BAD_NO_DATA,
    BAD_OUT_OF_RANGE,
    BAD_TYPE_MISMATCH,
    GOOD,
    Reading,
    is_bad,
)
from agent.drivers.profile import Point
from agent.drivers.registers import status_of

TEXT_CHARACTERS_MAX = 200  # of a batch's or a product's name
OVERFLOW = 0x480  # info type DataValue with its overflow bit: samples before this one were lost (OPC 10000-4, 7.39.1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_TIME = datetime(1601, 1, 1, tzinfo=UTC)  # a DateTime of zero means "none" (OPC 10000-6, 5.2.2.5)
TYPES = {
    "bool": ua.VariantType.Boolean,
    "uint16": ua.VariantType.UInt16,
    "int16": ua.VariantType.Int16,
    "uint32": ua.VariantType.UInt32,
    "int32": ua.VariantType.Int32,
    "uint64": ua.VariantType.UInt64,
    "int64": ua.VariantType.Int64,
    "float32": ua.VariantType.Float,
    "float64": ua.VariantType.Double,
    "text": ua.VariantType.String,
}


def reading(point: Point, answer: ua.DataValue) -> Reading:
    """One answer as it is, or the bad status that says why it has no value."""
    status = GOOD if answer.StatusCode is None else int(answer.StatusCode.value)
    source_ns = ns_of(answer.SourceTimestamp)
    variant = answer.Value
    if not is_bad(status):
        if variant is None or variant.Value is None:
            status = BAD_NO_DATA
        elif variant.VariantType != TYPES.get(point.type) or variant.is_array:
            status = BAD_TYPE_MISMATCH
    if is_bad(status):
        return Reading(point.id, None, status, source_ns)
    if point.type == "text":
        return _text(point, str(variant.Value), status, source_ns)
    raw = _bits(point, variant.Value)
    missing = status_of(point, raw)
    return Reading(point.id, None, missing, source_ns) if missing else Reading(point.id, raw, status, source_ns)


def overflowed(status: int) -> bool:
    """Whether the server says that its queue ran over before this value."""
    return status & 0xC80 == OVERFLOW


def ns_of(moment: datetime | None) -> int | None:
    """UTC nanoseconds of an OPC UA DateTime (asyncua keeps microseconds); None if it gives none."""
    if moment is None:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    ns = (aware - EPOCH) // timedelta(microseconds=1) * 1000
    # a DateTime reaches to the year 9999; no clock that is of use here lies beyond 64 bits of nanoseconds, in 2262
    return ns if aware > NO_TIME and -(2**63) <= ns < 2**63 else None


def moment_of(at_ns: int) -> datetime:
    """UTC nanoseconds as an OPC UA DateTime, down to a microsecond."""
    return EPOCH + timedelta(microseconds=at_ns // 1000)


def _text(point: Point, text: str, status: int, source_ns: int | None) -> Reading:
    """A text as it is. A server may send any bytes: what is not UTF-8, or too long to be a name, is no value."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return Reading(point.id, None, BAD_DECODING_ERROR, source_ns)
    if len(text) > TEXT_CHARACTERS_MAX:
        return Reading(point.id, None, BAD_OUT_OF_RANGE, source_ns)
    return Reading(point.id, None, status, source_ns, text)


def _bits(point: Point, value: float) -> int:
    """Two's complement of an integer, IEEE 754 bits of a float, as an unsigned integer."""
    if point.type in {"float32", "float64"}:
        return int.from_bytes(struct.pack(">f" if point.type == "float32" else ">d", value), "big")
    return int(value) & ((1 << point.bits) - 1)
