"""One look holds everything a page shows."""

import test_gateway_glance as ledgers
import web_plant
from web_plant import NS

from gateway.board import Board
from gateway.live import Live
from gateway.pages.look import look


def test_a_look_at_a_busy_plant():
    live, end_ns = web_plant.busy()
    ledger = web_plant.Ledger(ledgers.note(), {"edge-1": ledgers.signed_receipt("edge-1", end_ns - 5 * NS)})
    seen = look(Board(live, ledger, lambda: end_ns), "en", end_ns)
    assert "2026-11-02 15:13:20 +08:00" in seen.time
    assert len(seen.lines) == 2
    assert "last 5 minutes" in seen.lines[0].power_caption
    assert seen.lines[0].bar_caption.endswith("kgCO₂e/t</span>")
    assert len(seen.tables) == 5
    assert "1284 entries; tree root 0001020304050607" in seen.tables[-1]
    assert "Last receipt to edge-1: 5 s ago" in seen.tables[-1]


def test_a_look_before_anything_happened():
    at_ns = web_plant.START_NS
    live = Live(web_plant.site(), web_plant.library(), at_ns)
    seen = look(Board(live, web_plant.Ledger(), lambda: at_ns), "zh", at_ns)
    assert "等待功率读数" in seen.lines[0].power_caption
    assert "等待第一个批次" in seen.lines[0].bar_caption
    assert "等待第一条记录" in seen.tables[-1]
