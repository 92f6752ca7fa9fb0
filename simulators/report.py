"""The demonstration's report: what the product claims, held against what truly happened.

In: a stage whose time is up. Out: a JSON report and an exit status: 0 only if every truth lies within its bounds, no
bound is wider than 1.5 times the tightest anyone could claim from the same readings, every sum is exact and the
verifier agrees.
"""

import contextlib
import io
import json
import sys
import time
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import custody
from agent.aggregation import replay
from contract import body, entry, keys, records, segment
from gateway import site_model
from simulators import cli as plant_cli
from simulators import footprint, readings
from simulators.oracle import tightest_window
from simulators.plant import Plant
from verifier import archive as archives

if TYPE_CHECKING:
    from simulators.demo import Stage

WIDEST = Fraction(3, 2)
MARGIN_NS = 3_000_000_000  # between the period's ends and those of the readings
AUTHORS = ("edge-1", "gateway")
BATCHES_MIN = 4  # a run that made fewer has shown nothing


@dataclass(frozen=True, slots=True)
class MeterFigures:
    """One meter over one batch. Bounds are inclusive; the truth is exact but rounded down to 1 mWh here."""

    energy_wh_milli: int | None
    lower: int | None
    upper: int | None
    truth_indicated_wh_milli: int
    tightest_lower: int | None
    tightest_upper: int | None
    u95_wh_milli: int | None
    signed: bool
    holds: bool
    tight: bool


def finish(stage: "Stage", out: Path) -> int:
    """Stop the plant, export, verify, compare, write. Returns the exit status."""
    from simulators.demo import stop  # noqa: PLC0415 - the demo calls us, not the reverse

    until_ns = time.time_ns() - MARGIN_NS  # the meters are still read: the period ends between two readings
    for name, process in reversed(stage.running):
        stop(name, process)
    stage.running.clear()
    demo = stage.folder / "demo"
    statements, verified, archive = archives_of(stage, (stage.watched_ns + MARGIN_NS, until_ns))
    plant = plant_cli.open_plant(demo / "plant.toml", stage.seed, stage.start_ns, stage.load)
    batches = _batches(plant, archive)
    sums = _sums(archive)
    report: dict[str, Any] = {
        "seed": stage.seed,
        "batches": batches,
        "meters": sums,
        "ledger": _ledger(archive),
        "verifier": verified,
        "kgco2e_per_unit": {p["product"]: _per_unit(p) for s in statements for p in s["products"]},
        "statements": statements,
        "footprint": footprint.told(stage.held),
    }
    problems = _problems(batches, sums, verified)
    made = [p for told in statements for p in told["products"] if p["batches"]]
    problems += [f"product {p['product']}: no kgCO2e per unit" for p in made if p["co2e_g_micro_per_unit"] is None]
    problems += [line for name, held in stage.held.items() for line in footprint.grown(name, held)]
    report["problems"] = problems
    out.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{out}: {len(batches)} batches, {len(problems)} problems\n")
    for problem in problems:
        sys.stdout.write(f"  {problem}\n")
    return 1 if problems else 0


def archives_of(stage: "Stage", period_ns: tuple[int, int]) -> tuple[list[Any], list[dict[str, Any]], archives.Archive]:
    """Export and verify one archive per product of a stopped plant: statements, verdicts, the last archive."""
    from gateway import export_cli  # noqa: PLC0415
    from verifier import cli as verifier_cli  # noqa: PLC0415

    demo = stage.folder / "demo"
    products = _products(demo / "site.toml")
    statements, verdicts = [], []
    period = ["--from", _iso(period_ns[0]), "--to", _iso(period_ns[1])]
    for number, product in enumerate(products):
        file = stage.folder / f"product-{number}.zip"
        with contextlib.redirect_stdout(io.StringIO()):  # its hint names a folder that is about to go
            status = export_cli.main(["--product", product, *period, "--out", str(file), str(demo / "gateway.toml")])
        if status:
            raise RuntimeError(f"export of {product} ended with status {status}")
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            status = verifier_cli.main([str(file), "--trust", str(trust_file(stage))])
        failed = [line for line in told.getvalue().splitlines() if line.startswith("FAIL")]
        verdicts.append(
            {"product": product, "exit": status, "verdict": told.getvalue().splitlines()[-1], "failed": failed}
        )
        archive = archives.read(file.read_bytes())
        statements.append(json.loads(archive.statement))
    return statements, verdicts, archive


def _batches(plant: Plant, archive: archives.Archive) -> list[dict[str, Any]]:
    energy = readings.energy(archive)
    counters, segments = _evidence(archive)
    known = {
        meter: replay.readings(counters[meter, register.point], segments)
        for meter, register in readings.REGISTERS.items()
    }
    rows = []
    for parts in _parts(archive, "batch"):
        head = records.read(parts[0], records.BatchPart)
        (true,) = [b for b in plant.batches(head.line, time.time_ns()) if b.batch_id == head.batch]
        edges = [(head.start.earliest_ns, head.start.latest_ns), (head.end.earliest_ns, head.end.latest_ns)]
        signed = {
            part.meter: part
            for part in (records.read(p, records.AmountPart) for p in parts[1:])
            if part.role == "energy"
        }
        meters = {}
        for meter, register in readings.REGISTERS.items():
            claim: Any = (
                signed.get(meter) or replay.amounts(counters[meter, register.point], known[meter], edges, [(0, 1)])[0]
            )
            age_ns = counters[meter, register.point].age_ns
            read = energy[meter]
            tightest = tightest_window(read.rows, age_ns, read.below, read.above, edges[0], edges[1])
            truth = plant.meters[meter].indicated(true.end_ns) - plant.meters[meter].indicated(true.start_ns)
            meters[meter] = asdict(_figures(claim, truth, tightest, signed=meter in signed))
        rows.append(
            {
                "batch_id": head.batch,
                "line": head.line,
                "product": head.product,
                "closed": head.closed,
                "edges_hold": _inside(true.start_ns, edges[0]) and _inside(true.end_ns, edges[1]),
                "product_holds": true.product == head.product,
                "judged": _is_watched(energy, counters, edges),
                "meters": meters,
            }
        )
    return rows


def _is_watched(energy: dict[str, readings.Read], counters: Any, edges: Sequence[tuple[int, int]]) -> bool:  # noqa: ANN401 - replay's own
    """Whether every meter was read on both sides: a batch at an end of the run has nothing to be held to."""
    return all(
        read.rows
        and read.rows[0][1] < edges[0][0]
        and read.rows[-1][0] >= edges[1][1] + counters[meter, readings.REGISTERS[meter].point].age_ns
        for meter, read in energy.items()
    )


def _figures(claim: Any, truth: Fraction, tightest: tuple[int, int] | None, *, signed: bool) -> MeterFigures:  # noqa: ANN401 - a signed part or a recomputed amount: same members
    bounded = claim.lower is not None and claim.upper is not None
    tight = bounded and tightest is not None and claim.upper - claim.lower <= WIDEST * (tightest[1] - tightest[0])
    return MeterFigures(
        energy_wh_milli=claim.amount,
        lower=claim.lower,
        upper=claim.upper,
        truth_indicated_wh_milli=int(truth),
        tightest_lower=None if tightest is None else tightest[0],
        tightest_upper=None if tightest is None else tightest[1],
        u95_wh_milli=claim.u95,
        signed=signed,
        holds=bounded and claim.lower <= truth <= claim.upper,
        tight=tight,
    )


def _sums(archive: archives.Archive) -> dict[str, dict[str, int | None]]:
    """Per meter: the difference of two readings near the ends of the run, and the sum over every window between."""
    counters, segments = _evidence(archive)
    energy = readings.energy(archive)
    batch_edges: dict[str, set[tuple[int, int]]] = {}
    for parts in _parts(archive, "batch"):
        head = records.read(parts[0], records.BatchPart)
        for edge in (head.start, head.end):
            batch_edges.setdefault(head.line, set()).add((edge.earliest_ns, edge.latest_ns))
    sums = {}
    for meter, register in readings.REGISTERS.items():
        rows = energy[meter].rows
        first, last = rows[2], rows[-3]
        inner = sorted(e for e in batch_edges.get(meter, batch_edges["line1"]) if first[1] < e[0] and e[1] < last[0])
        edges = [(first[1], first[1]), *inner, (last[1], last[1])]
        windows = [(n, n + 1) for n in range(len(edges) - 1)]
        counter = counters[meter, register.point]
        found = replay.amounts(counter, replay.readings(counter, segments), edges, windows)
        unknown = any(amount.amount is None for amount in found)
        sums[meter] = {
            "counter_difference_wh_milli": last[2] - first[2],
            "windows": len(windows),
            "windows_sum_wh_milli": None if unknown else sum(amount.amount or 0 for amount in found),
        }
    return sums


def _problems(
    batches: Sequence[dict[str, Any]], sums: dict[str, dict[str, int | None]], verified: Sequence[dict[str, Any]]
) -> list[str]:
    judged = [batch for batch in batches if batch["judged"]]
    problems = [] if len(judged) >= BATCHES_MIN else [f"only {len(judged)} batches: at least {BATCHES_MIN} are due"]
    for batch in judged:
        name = f"batch {batch['batch_id']}"
        if not batch["edges_hold"] or not batch["product_holds"] or batch["closed"] != "complete":
            problems.append(f"{name}: edges, product or completeness do not hold")
        for meter, figures in batch["meters"].items():
            if figures["lower"] is None or figures["upper"] is None:
                problems.append(f"{name} {meter}: no bounds are claimed")
                continue
            if not figures["holds"]:
                problems.append(f"{name} {meter}: the truth is outside its bounds")
            if not figures["tight"]:
                problems.append(f"{name} {meter}: bounds wider than {WIDEST} times the tightest")
    for meter, found in sums.items():
        if found["windows_sum_wh_milli"] != found["counter_difference_wh_milli"]:
            problems.append(f"meter {meter}: its windows do not add up to its counter's difference")
    problems += [f"verifier: {v['product']}: {v['verdict']}" for v in verified if v["exit"] != 0]
    return problems


def _per_unit(product: dict[str, Any]) -> str | None:
    """Micrograms per declared unit as kilograms, exactly."""
    micro = product["co2e_g_micro_per_unit"]
    return None if micro is None else f"{Decimal(micro).scaleb(-9)} kgCO2e/{product['unit']}"


def _evidence(archive: archives.Archive) -> tuple[dict[tuple[str, str], replay.Counter], list[segment.MeterSegment]]:
    """The counters of the agent's manifest, and every segment in order."""
    counters = next(found for parts in _parts(archive, "manifest") if (found := replay.counters(parts)))
    return counters, [segment.decode(part) for parts in _parts(archive, "segment") for part in parts]


def _parts(archive: archives.Archive, kind: str) -> list[list[bytes]]:
    return [
        [part for part in body.unpack(item.body).parts if part is not None]
        for item in archive.entries
        if item.body is not None and entry.read(item.signed).header.type == kind
    ]


def _ledger(archive: archives.Archive) -> dict[str, Any]:
    kinds = Tally(entry.read(item.signed).header.type for item in archive.entries)
    _, segments = _evidence(archive)
    said = sum(1 for s in segments for b in s.blocks for c in b.columns for raw in c.raws if raw is not None)
    return {"entries": len(archive.entries), "by_type": dict(sorted(kinds.items())), "readings": said}


def _inside(at_ns: int, edge: tuple[int, int]) -> bool:
    return edge[0] <= at_ns <= edge[1]


def _iso(at_ns: int) -> str:
    seconds, rest = divmod(at_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"


def _products(site: Path) -> list[str]:
    return [product.id for product in site_model.parse(site.read_bytes()).products]


def trust_file(stage: "Stage") -> Path:
    """A trust file as a careful reader would write it: every key's thumbprint, taken from the key itself."""
    demo = stage.folder / "demo"
    prints = {n: keys.thumbprint(custody.load_public(demo / f"{n}.pub.pem")).hex() for n in ("ledger", *AUTHORS)}
    lines = [f'ledger = "{prints["ledger"]}"']
    for author in AUTHORS:
        lines += ["[[key]]", f'author = "{author}"', f'thumbprint = "{prints[author]}"']
    path = stage.folder / "trust.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
