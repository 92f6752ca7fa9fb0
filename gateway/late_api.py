"""`POST /api/batches`: another program tells a batch that no controller told.

In: one JSON object of late_told.py's fields, with the token as `Authorization: Bearer TOKEN`. Out: 201 when its entry
is in the ledger, 202 while the gateway has yet to take it up, else what is wrong. Never: reads more than
`BODY_BYTES_MAX`, or anything before the token is right.
"""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from contract.batch_message import once
from contract.problems import Problems
from gateway import spool
from gateway.board import Board
from gateway.hand_in import awaited
from gateway.late_batch import LateBatch
from gateway.late_told import Way, read

BODY_BYTES_MAX = 1 << 14
PATH = "/api/batches"


@dataclass(frozen=True, slots=True)
class Intake:
    """Where filings are left, and the token of those who may."""

    data: Path
    token: str


def router(board: Board, intake: Intake, wait: Callable[[Path], str] = awaited) -> APIRouter:
    """The one path."""
    routes = APIRouter()

    @routes.post(PATH)
    async def tell(request: Request, response: Response) -> dict[str, object]:
        _admit(request, intake.token)
        said = _said(await _body(request), board)
        try:
            left = await run_in_threadpool(spool.leave, intake.data, "late_batch", said, said.told_ns)
        except OSError as error:
            raise HTTPException(503, f"cannot be kept: {error.strerror}: tell it again later") from None
        try:
            told = await run_in_threadpool(wait, left)
        except ValueError as error:
            raise HTTPException(409, str(error).split("; ")) from None
        response.status_code = 202 if left.exists() else 201
        return {"batch": said.batch, "line": said.line, "told": told if response.status_code == 201 else "waiting"}

    return routes


def _admit(request: Request, token: str) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), token.encode()):
        raise HTTPException(401, "give the token of web.token_file", {"www-authenticate": "Bearer"})


async def _body(request: Request) -> bytes:
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > BODY_BYTES_MAX:
                raise HTTPException(413, f"more than {BODY_BYTES_MAX} bytes: tell one batch at a time")
    except ClientDisconnect:
        raise HTTPException(400, "cut short") from None
    return bytes(data)


def _said(data: bytes, board: Board) -> LateBatch:
    try:
        given = json.loads(data, parse_float=Decimal, object_pairs_hook=once)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise HTTPException(422, [f"not JSON: {error}"]) from None
    if not isinstance(given, dict):
        raise HTTPException(422, ["write one object with the batch's fields"])
    try:
        return read(given, board.site.local, Way("http", board.now_ns()))
    except Problems as found:
        raise HTTPException(422, found.lines) from None
