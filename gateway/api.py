"""The gateway's answers to machines: JSON of integers, with their units in their names.

In: a board. Out: a FastAPI router. What is not known is null, never 0. A bad question gets 422 and says why.
"""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Response

from gateway.board import Board
from gateway.figures import BatchFigure, Intensity, LineNow
from gateway.statement import canonical_json

LIMIT_MAX = 1000
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX)]
Nanoseconds = Annotated[int | None, Query(ge=0, le=2**63 - 1)]


def router(board: Board) -> APIRouter:
    """Every path under /api, and /healthz."""
    routes = APIRouter()

    @routes.get("/healthz")
    def healthz() -> dict[str, object]:
        at_ns = board.now_ns()
        return {"status": "ok", "at_ns": at_ns, "ledger_entries": board.glance(at_ns).size}

    @routes.get("/api/lines")
    def lines() -> dict[str, object]:
        at_ns = board.now_ns()
        state = board.state(at_ns)
        return {"at_ns": at_ns, "provisional": True, "lines": [_line(one) for one in board.lines(state, at_ns)]}

    @routes.get("/api/batches")
    def batches(line: str | None = None, limit: Limit = 50) -> dict[str, object]:
        if line is not None and line not in {known.id for known in board.site.lines}:
            names = ", ".join(known.id for known in board.site.lines)
            raise HTTPException(422, f"line: {line!r} is not in the site model: use one of {names}")
        state = board.state(board.now_ns())
        found = [one for one in board.figures(state).batches if line in {None, one.facts.line}]
        found.sort(key=lambda one: one.facts.end_ns, reverse=True)
        return {"provisional": True, "batches": [_batch(one) for one in found[:limit]]}

    @routes.get("/api/meters")
    def meters() -> dict[str, object]:
        at_ns = board.now_ns()
        state = board.state(at_ns)
        return {"at_ns": at_ns, "meters": [asdict(one) for one in board.seals(state, at_ns)]}

    @routes.get("/api/products")
    def products(
        from_ns: Annotated[int | None, Query(alias="from", ge=0)] = None,
        to_ns: Annotated[int | None, Query(alias="to", ge=0)] = None,
    ) -> Response:
        state = board.state(board.now_ns())
        for name, asked, due in (("from", from_ns, state.from_ns), ("to", to_ns, state.to_ns)):
            if asked is not None and asked != due:
                raise HTTPException(
                    422,
                    f"{name}: only the current accounting period, from={state.from_ns} to={state.to_ns} (ns UTC), is"
                    " answered here; for another period run `metertrail export`",
                )
        return Response(canonical_json(board.figures(state).statement), media_type="application/json")

    _of_the_ledger(routes, board)
    return routes


def _of_the_ledger(routes: APIRouter, board: Board) -> None:
    @routes.get("/api/ledger")
    def ledger() -> dict[str, object]:
        at_ns = board.now_ns()
        known = board.glance(at_ns)
        ages = {agent: at_ns - made_ns for agent, made_ns in known.receipts_ns.items()}
        return {
            "at_ns": at_ns,
            "entries": known.size,
            "root": known.root,
            "checkpoint": known.note,
            "receipts_age_ns": ages,
        }

    @routes.get("/api/chains")
    def chains() -> dict[str, object]:
        at_ns = board.now_ns()
        return {"at_ns": at_ns, "odd": [{**asdict(one), "open": one.is_open} for one in board.odd(at_ns)]}


def _line(one: LineNow) -> dict[str, object]:
    running = None
    if one.running is not None:
        told = one.running
        energy, good = told.energy, told.good
        running = {
            "batch": told.batch,
            "beside": list(told.beside),
            "product": told.product,
            "start_ns": told.start_ns,
            "energy_wh_milli": None if energy is None else energy.amount,
            "lower_wh_milli": None if energy is None else energy.lower,
            "upper_wh_milli": None if energy is None else energy.upper,
            "good_g_milli": None if good is None or good.unit == "one_milli" else good.amount,
            "good_one_milli": None if good is None or good.unit != "one_milli" else good.amount,
            "intensity": _intensity(one.now),
        }
    return {
        "line": one.line.id,
        "agent": one.line.agent,
        "heard": one.heard,
        "running": running,
        "last_good": None if one.last is None else _batch(one.last),
        "difference_ppm": one.difference_ppm,
    }


def _batch(one: BatchFigure) -> dict[str, Any]:
    batch = one.facts
    return {
        "agent": batch.agent,
        "line": batch.line,
        "batch": batch.batch,
        "product": batch.product,
        "start_ns": batch.start_ns,
        "end_ns": batch.end_ns,
        "complete": batch.complete,
        "energy_wh_milli": batch.energy_wh_milli,
        "lower_wh_milli": batch.lower,
        "upper_wh_milli": batch.upper,
        "u95_wh_milli": batch.u95,
        "good_g_milli": batch.good_g_milli,
        "scrap_g_milli": batch.scrap_g_milli,
        "good_one_milli": batch.good_one_milli,
        "scrap_one_milli": batch.scrap_one_milli,
        "late": None if batch.late is None else asdict(batch.late),
        "not_counted": one.reason,
        "intensity": _intensity(one.intensity),
    }


def _intensity(one: Intensity | None) -> dict[str, object] | None:
    return None if one is None else asdict(one)
