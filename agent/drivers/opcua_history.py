"""What a server remembers of an outage: raw values between the last reading before it and the first after it.

In: a session and a node with history. Out: its values in order of their source times, all pages of them. Never: an
interpolated value, one with a bad or uncertain status, or one that was delivered before.
"""

from collections.abc import Sequence

from asyncua import Client, ua

from agent.drivers import Reading
from agent.drivers.opcua_values import moment_of, ns_of, reading
from agent.drivers.profile import Point

VALUES_MAX = 100_000  # of one meter in one outage; what is beyond is told, not taken
PAGES_MAX = 10_000  # of one point: a server may have more to come for ever
# historian bits of a StatusCode (OPC 10000-11, 6.3): raw, calculated, interpolated
_NOT_RAW = 0x03
_NOT_GOOD = 0xFFFF0000  # severity and sub-code; the rest are remarks on a good value


async def read_raw(
    client: Client, node: ua.NodeId, from_ns: int, to_ns: int, values_max: int = VALUES_MAX
) -> tuple[list[ua.DataValue], bool]:
    """Raw values with source times from `from_ns` to `to_ns`: (values, whether that was all).

    Pages are as long as the server makes them, and followed to the last: a limit of ours would make some servers forget
    to say that there is more. Raises OSError, TimeoutError or ua.UaError.
    """
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=moment_of(from_ns),
        EndTime=moment_of(to_ns),
        NumValuesPerNode=0,
        ReturnBounds=False,
    )
    values: list[ua.DataValue] = []
    point: bytes | None = None
    for _ in range(PAGES_MAX):
        (result,) = await client.uaclient.history_read(_request(details, node, point, release=False))
        result.StatusCode.check()
        values += getattr(result.HistoryData, "DataValues", None) or []
        before, point = point, result.ContinuationPoint
        if not point or point == before:
            return values[:values_max], not point and len(values) <= values_max
        if len(values) >= values_max:
            break
    await client.uaclient.history_read(_request(details, node, point, release=True))
    return values[:values_max], False


def _request(
    details: ua.ReadRawModifiedDetails, node: ua.NodeId, point: bytes | None, *, release: bool
) -> ua.HistoryReadParameters:
    wanted = ua.HistoryReadValueId(NodeId=node, IndexRange="", ContinuationPoint=point)
    return ua.HistoryReadParameters(
        HistoryReadDetails=details,
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        ReleaseContinuationPoints=release,
        NodesToRead=[wanted],
    )


def missed(
    point: Point, values: Sequence[ua.DataValue], last: Reading | None, first: Reading
) -> list[tuple[Reading, int, int]]:
    """Those values that are news: (reading, its earlier and its later stamp), in order of source times.

    `last` was delivered before the outage, `first` after it. Two stamps that differ are both kept: the value was true
    at one of them or between.
    """
    known = {(r.source_ns, r.raw, r.text) for r in (last, first) if r is not None}
    since_ns = last.source_ns if last is not None and last.source_ns is not None else -(2**63)
    until_ns = first.source_ns if first.source_ns is not None else 2**63
    found = []
    for value in values:
        made = reading(point, value)
        key = made.source_ns, made.raw, made.text
        if made.status & (_NOT_GOOD | _NOT_RAW):
            continue
        if made.source_ns is None or not since_ns <= made.source_ns <= until_ns or key in known:
            continue
        known.add(key)
        stamps = [made.source_ns, ns_of(value.ServerTimestamp) or made.source_ns]
        found.append((made, min(stamps), max(stamps)))
    return sorted(found, key=lambda one: one[1])
