"""Every line meter's counter must come out whole: batches and the idle time between them, and nothing else.

In: batches and evidence. Out: one finding per counter. The whole is the difference of the first and the last raw words
as the profile reads them; the parts are recomputed window by window and must add up to it. Windows of batches that may
run at once are cut at all their edges.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from agent.aggregation import replay
from agent.aggregation.amount import EXCHANGE
from agent.aggregation.by_power import POWER_DISAGREES
from agent.aggregation.replay import Amount, Counter, Readings
from verifier.check_batches import UNITS, Batch
from verifier.evidence import Evidence
from verifier.finding import Finding
from verifier.trail import Item

Interval = tuple[int, int]
Run = tuple[Interval, Interval, str]  # start, end, name


def partitions(evidence: Evidence, batches: Sequence[Batch], hidden: Sequence[Item] = ()) -> Iterator[Finding]:
    """Every counter that batches rest on, per author, as the last manifest over a batch describes it.

    `hidden` are the segments that are not shown whole: one that stays open for want of them is not open for good.
    """
    places: dict[tuple[str, str, str], tuple[Counter, list[Batch]]] = {}
    under = [(stated, batch) for batch in batches if (stated := evidence.manifests.get(batch.item.index)) is not None]
    for stated, batch in sorted(under, key=lambda pair: pair[0].order):  # one told late may be under an older manifest
        for amount in batch.amounts:
            counter = stated.counters.get((amount.meter, amount.point))
            if counter is not None:
                place = batch.agent, amount.meter, amount.point
                mine = places.get(place, (counter, []))[1]
                places[place] = counter, [*mine, batch]
    for (author, meter, point), (counter, mine) in sorted(places.items(), key=lambda place: place[0]):
        try:
            alone, at_once = list[Batch](), list[Batch]()
            for batch in mine:
                (alone if batch.together(evidence) is None else at_once).append(batch)
            ok, text = _partition(counter, evidence.all_of(author, counter), alone, at_once)
        except (ValueError, ArithmeticError) as error:  # registers or times beyond computing
            ok, text = False, f"open: {error}"
        lacks = not ok and text.startswith("open") and _lacks(evidence, author, meter, mine, hidden)
        told = f"{author} {meter}/{point}: {text}" + ("; segments of this time are withheld" if lacks else "")
        yield Finding("partition", ok=ok, text=told, withheld=lacks)


def _lacks(evidence: Evidence, author: str, meter: str, mine: Sequence[Batch], hidden: Sequence[Item]) -> bool:
    """Whether the meter may have spoken in a segment that is withheld, from the first of its batches to the last."""
    first_ns = min(batch.head.start.earliest_ns for batch in mine)
    last_ns = max(batch.head.end.latest_ns for batch in mine)
    return any(
        item.header.author == author
        and item.header.from_ns <= last_ns
        and item.header.to_ns >= first_ns
        and evidence.lacks(item, [meter])
        for item in hidden
    )


def _partition(counter: Counter, known: Readings, alone: Sequence[Batch], at_once: Sequence[Batch]) -> tuple[bool, str]:
    bounds = replay.ends_of(counter, known)
    if bounds is None:
        return False, "open: fewer than two readings are in the archive"
    runs, outside = _runs([batch for batch in alone if batch.late is None], *bounds)
    several, without = _runs(at_once, *bounds)
    pieces, rough = _cut(several)
    runs, outside = sorted([*runs, *pieces]), outside + without
    for (_, before, earlier), (start, _, later) in pairwise(runs):
        if start[0] < before[0] or start[1] < before[1]:
            return False, f"batches {earlier} and {later} overlap"
    late, beyond = _runs([batch for batch in alone if batch.late is not None], *bounds)
    runs, unplaced = _with_late(runs, late)
    edges = [bounds[0]]
    for start, end, _ in runs:
        edges += [start, end]
    edges.append(bounds[1])
    found = replay.amounts(counter, known, edges, list(pairwise(range(len(edges)))))
    inside, idle = found[1::2], found[0::2]
    counted = f"{len(inside)} batches and {len(idle)} times between them"
    if several:
        held = len(runs) - len(pieces) + len(several) - rough
        between = sum(edges[n] != edges[n + 1] for n in range(0, len(edges), 2))
        counted = f"{held} batches, cut at their edges into {len(inside)} times, and {between} times between them"
    ok, text = _closed(counter, known, inside, idle, counted, outside + beyond)
    told = f"; {rough} batches have edges that lie within another's" if rough else ""
    return ok, text + told + (f"; {unplaced} batches told late reach into another" if unplaced else "")


def _cut(runs: Sequence[Run]) -> tuple[list[Run], int]:
    """The times between edges in which any of the runs goes on, and how many runs have no place among the others.

    Such a one has an edge of which nothing tells on which side of another it lies: its time is that of the others, or
    none's.
    """
    placed = [run for run in runs if sum(run[0]) < sum(run[1])]
    if not _in_order(placed):
        tried, placed = placed, []
        for run in tried:
            placed += [run] if _in_order([*placed, run]) else []
    found, names = list[Run](), list[str]()
    edges = _edges(placed)
    for ((begins, name), start), (_, end) in pairwise(edges):
        names.append(name) if begins else names.remove(name)
        if names:
            found.append((start, end, " and ".join(names)))
    return found, len(runs) - len(placed)


def _in_order(runs: Sequence[Run]) -> bool:
    """Whether of no two edges one begins earlier and ends later than the other."""
    edges = [edge for _, edge in _edges(runs)]
    return all(later[0] >= before[0] and later[1] >= before[1] for before, later in pairwise(edges))


def _edges(runs: Sequence[Run]) -> list[tuple[tuple[bool, str], Interval]]:
    """Every edge in order of the middles, ends first: whether a run begins there, its name, the edge."""
    edges = [
        (sum(edge), begins, edge, name) for start, end, name in runs for begins, edge in ((True, start), (False, end))
    ]
    return [((begins, name), edge) for _, begins, edge, name in sorted(edges)]


def _with_late(runs: Sequence[Run], late: Sequence[Run]) -> tuple[list[Run], int]:
    """The runs with those told late between them, and how many have no place there: for them the time stays idle.

    What somebody tells may overlap what was seen, which the statement leaves out, or be told so roughly that an edge
    reaches into a neighbour.
    """
    placed, unplaced = list(runs), 0
    for run in late:
        tried = sorted([*placed, run])
        clear = all(after[0][0] >= before[1][0] and after[0][1] >= before[1][1] for before, after in pairwise(tried))
        placed, unplaced = (tried, unplaced) if clear else (placed, unplaced + 1)
    return placed, unplaced


def _runs(batches: Sequence[Batch], first: Interval, last: Interval) -> tuple[list[Run], int]:
    """The batches' intervals in order of time, a repeated record once, and how many reach beyond the readings."""
    runs = {
        (b.head.start.earliest_ns, b.head.start.latest_ns, b.head.end.earliest_ns, b.head.end.latest_ns, b.name)
        for b in batches
    }
    held = [
        run
        for run in sorted(runs)
        if run[0] >= first[0] and run[1] >= first[1] and run[2] <= last[0] and run[3] <= last[1]
    ]
    return [((run[0], run[1]), (run[2], run[3]), run[4]) for run in held], len(runs) - len(held)


def _closed(
    counter: Counter, known: Readings, inside: Sequence[Amount], idle: Sequence[Amount], counted: str, outside: int
) -> tuple[bool, str]:
    """Compare the sum of the windows with the difference of the registers."""
    amounts = [window.amount for window in (*inside, *idle)]
    beyond = f"; {outside} batches reach beyond the readings" if outside else ""
    if None in amounts:
        why = sorted({name for window in (*inside, *idle) for name in window.anomalies}) or ["a gap in the readings"]
        return True, f"{counted}, {amounts.count(None)} of them unknown ({', '.join(why)}){beyond}"
    aside = {EXCHANGE, POWER_DISAGREES}
    if told := sorted({name for window in (*inside, *idle) for name in window.anomalies} - aside):
        return True, f"{counted}, not added up: the register shows {', '.join(told)}{beyond}"
    total = sum(amount for amount in amounts if amount is not None)
    whole, unit = replay.moved(counter, known), UNITS.get(counter.unit, counter.unit)
    over = any(EXCHANGE in window.anomalies for window in (*inside, *idle))
    if total != whole:
        moved = "two registers" if over else "register"
        return False, f"open: {counted} add up to {total} {unit}; the {moved} moved by {whole} {unit}"
    of = "two registers', over an exchange," if over else "register's"
    return True, f"{counted} add up to the {of} {total} {unit}{beyond}"
