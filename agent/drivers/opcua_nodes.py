"""Where a tag is, as profiles write it, and which node that is on the server we are connected to.

In: a point's `node`, and a session. Out: a `Tag`; per tag what this server says of it (`Found`). A node is written
`nsu=URI;s=...` (or `i=`, `g=`, `b=`; `ns=INDEX;` in place of `nsu=` where the index never changes), or as a path of
browse names from the Objects folder: `/{URI}Machine/{URI}Energy/Total`. A name without braces is of the namespace of
the name before it, the first of OPC UA's own; a slash, brace or ampersand inside a name is written after an ampersand.
Namespace indexes and paths are looked up anew at every connect: both change with the server.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asyncua import Client, ua

from agent.drivers.opcua_units import disagrees, told
from agent.drivers.profile import Point

OPC_UA = "http://opcfoundation.org/UA/"
READS_HISTORY = 0x04  # of an AccessLevel (OPC 10000-3, 8.57)
NODES_MAX = 500  # in one request: servers state limits of their own, none known to be smaller
_ABSENT = {0x80330000, 0x80340000}  # BadNodeIdInvalid, BadNodeIdUnknown; what may not be read is there all the same
_NAME = re.compile(r"/(?:\{([^{}]+)\})?((?:[^/{}&]|&.)+)")


@dataclass(frozen=True, slots=True)
class Tag:
    """A point and where it is: (namespace URI, or None where the node gives an index; the rest), or a path."""

    point: Point
    namespace: str | None
    node: str
    path: tuple[tuple[str, str], ...] = ()  # (namespace URI, browse name) from Objects on


@dataclass(frozen=True, slots=True)
class Found:
    """What this server says of a tag: its node, or None; its unit where that contradicts the profile; its history."""

    node: ua.NodeId | None
    exists: bool = False
    unit: str | None = None
    has_history: bool = False


def tag_of(point: Point) -> Tag | None:
    """Read a point's `node`; None if it is not written as one."""
    node = point.node or ""
    if node.startswith("/"):
        path = _path(node)
        return None if path is None else Tag(point, None, node, path)
    uri = None
    if node.startswith("nsu="):
        uri, _, node = node[4:].partition(";")
    try:
        ua.NodeId.from_string(node)
    except (ua.UaError, ValueError):
        return None
    return Tag(point, uri, node)


def _path(text: str) -> tuple[tuple[str, str], ...] | None:
    names: list[tuple[str, str]] = []
    at, uri = 0, OPC_UA
    while at < len(text):
        match = _NAME.match(text, at)
        if match is None:
            return None
        uri = match[1] or uri
        names.append((uri, re.sub(r"&(.)", r"\1", match[2])))
        at = match.end()
    return tuple(names)


async def find(client: Client, tags: Sequence[Tag], called: Mapping[str, str]) -> list[Found]:
    """Look tags up on the server; `called` maps namespace URIs as profiles write them to the server's own.

    Raises OSError, TimeoutError or ua.UaError if the server does not answer.
    """
    indexes = {uri: index for index, uri in reversed(list(enumerate(await client.get_namespace_array())))}
    index_of = {tag_uri: indexes.get(called.get(tag_uri, tag_uri)) for tag in tags for tag_uri in _uris(tag)}
    objects = ua.NodeId(ua.ObjectIds.ObjectsFolder)
    ways = {
        i: [(index_of[uri], name) for uri, name in tag.path]
        for i, tag in enumerate(tags)
        if tag.path and all(index_of[uri] is not None for uri, _ in tag.path)
    }
    ends = await _translated(
        client, [_way(objects, names, ua.ObjectIds.HierarchicalReferences) for names in ways.values()]
    )
    nodes: list[ua.NodeId | None] = [
        None if tag.path else _node(tag, None if tag.namespace is None else index_of[tag.namespace]) for tag in tags
    ]
    for i, end in zip(ways, ends, strict=True):
        nodes[i] = end
    known = [i for i, node in enumerate(nodes) if node is not None]
    facts = await _facts(client, [nodes[i] for i in known])
    found = [Found(node) for node in nodes]
    for i, (exists, history, eu) in zip(known, facts, strict=True):
        found[i] = Found(nodes[i], exists, _contradiction(tags[i].point, eu), history)
    return found


def _uris(tag: Tag) -> list[str]:
    return [uri for uri, _ in tag.path] + ([] if tag.namespace is None else [tag.namespace])


def _node(tag: Tag, index: int | None) -> ua.NodeId | None:
    if tag.namespace is None:
        return ua.NodeId.from_string(tag.node)
    return None if index is None else ua.NodeId.from_string(f"ns={index};{tag.node}")


def _contradiction(point: Point, eu: ua.EUInformation | None) -> str | None:
    if eu is None:
        return None
    unit = told(eu.NamespaceUri, eu.UnitId, eu.DisplayName.Text if eu.DisplayName is not None else None)
    return unit if unit is not None and disagrees(point, unit) else None


def _way(start: ua.NodeId, names: Sequence[tuple[int | None, str]], reference: int) -> ua.BrowsePath:
    elements = [
        ua.RelativePathElement(
            ReferenceTypeId=ua.NodeId(reference),
            IsInverse=False,
            IncludeSubtypes=True,
            TargetName=ua.QualifiedName(name, index or 0),
        )
        for index, name in names
    ]
    return ua.BrowsePath(StartingNode=start, RelativePath=ua.RelativePath(Elements=elements))


async def _translated(client: Client, ways: Sequence[ua.BrowsePath]) -> list[ua.NodeId | None]:
    """The node at the end of each way, or None."""
    ends: list[ua.NodeId | None] = []
    for first in range(0, len(ways), NODES_MAX):
        asked = list(ways[first : first + NODES_MAX])
        results = await client.uaclient.translate_browsepaths_to_nodeids(asked)
        if len(results) != len(asked):
            raise ua.UaError(f"{len(results)} paths were answered, {len(asked)} were asked")
        ends += [_end(result) for result in results]
    return ends


def _end(result: ua.BrowsePathResult) -> ua.NodeId | None:
    whole = [target.TargetId for target in result.Targets or [] if target.RemainingPathIndex == 0xFFFFFFFF]
    if not result.StatusCode.is_good() or len(whole) != 1:
        return None  # two nodes of one name: neither is meant for certain
    return ua.NodeId(whole[0].Identifier, whole[0].NamespaceIndex, whole[0].NodeIdType)


async def _facts(client: Client, nodes: Sequence[ua.NodeId]) -> list[tuple[bool, bool, ua.EUInformation | None]]:
    """For each node: whether it exists, whether its history can be read, its EngineeringUnits."""
    properties = await _translated(
        client, [_way(node, [(0, "EngineeringUnits")], ua.ObjectIds.Aggregates) for node in nodes]
    )
    attributes = (ua.AttributeIds.NodeClass, ua.AttributeIds.UserAccessLevel, ua.AttributeIds.Historizing)
    asked = [(node, attribute) for node in nodes for attribute in attributes]
    asked += [(node, ua.AttributeIds.Value) for node in properties if node is not None]
    values = await read(client, asked)
    units = iter(values[len(nodes) * len(attributes) :])
    facts = []
    for i, held in enumerate(properties):
        kind, access, historizing = values[3 * i : 3 * i + 3]
        level = _value(access)
        has_history = isinstance(level, int) and bool(level & READS_HISTORY) and _value(historizing) is True
        eu = _value(next(units)) if held is not None else None
        exists = kind.StatusCode is None or kind.StatusCode.value not in _ABSENT
        facts.append((exists, has_history, eu if isinstance(eu, ua.EUInformation) else None))
    return facts


async def read(client: Client, asked: Sequence[tuple[ua.NodeId, int]]) -> list[ua.DataValue]:
    """Attributes in as few requests as servers allow. Raises ua.UaError for an answer of another length."""
    values: list[ua.DataValue] = []
    for first in range(0, len(asked), NODES_MAX):
        part = [ua.ReadValueId(NodeId=node, AttributeId=attr) for node, attr in asked[first : first + NODES_MAX]]
        answered = await client.uaclient.read(ua.ReadParameters(NodesToRead=part))
        if len(answered) != len(part):
            raise ua.UaError(f"{len(answered)} values came, {len(part)} were asked for")
        values += answered
    return values


def _value(answer: ua.DataValue) -> object:
    good = answer.StatusCode is None or answer.StatusCode.is_good()
    return answer.Value.Value if good and answer.Value is not None else None
