"""The web application: API, metrics and pages behind one guard.

In: the live state, the ledger, the password if there is one, a clock. Out: a FastAPI application; who serves it, and
where, is the caller's affair.
"""

import secrets
from collections.abc import Callable
from typing import Protocol

from fastapi import FastAPI
from nicegui import ui

from gateway import api, late_api, metrics, oddities
from gateway.board import Board
from gateway.glance import ReadableLedger
from gateway.guard import Guard
from gateway.live import Live
from gateway.oddities import Looked
from gateway.pages import operator


class Shown(ReadableLedger, Looked, Protocol):
    """What is asked of a ledger here."""


def build(
    live: Live,
    ledger: Shown,
    password: str | None,
    now_ns: Callable[[], int],
    intake: late_api.Intake | None = None,
) -> FastAPI:
    """Put the application together. `password` is `name:password`; None leaves it open, for a loopback address only.

    Without `intake` nothing is taken in.
    """
    board = Board(live, ledger, now_ns, lambda: oddities.oddities(ledger))
    app = FastAPI(title="MeterTrail", docs_url=None, redoc_url=None)
    app.include_router(api.router(board))
    app.include_router(metrics.router(board))
    if intake is not None:
        app.include_router(late_api.router(board, intake))
    operator.install(board)
    ui.run_with(app, title="MeterTrail", tailwind=False, show_welcome_message=False, reconnect_timeout=10)
    app.add_middleware(Guard, password=password, token=secrets.token_urlsafe(32))
    return app
