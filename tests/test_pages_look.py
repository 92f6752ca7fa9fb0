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


def test_a_line_of_pieces_is_shown_by_the_piece():
    site, (at_ns, until_ns) = web_plant.by_the_piece(), (web_plant.START_NS, web_plant.START_NS + 100 * NS)
    live = Live(site, web_plant.library(), at_ns)
    coil = site.products[0].id
    made = web_plant.batch("line1", "B1", coil, at_ns, until_ns, 2_000_000, 480_000, unit="one_milli")
    live.on_admitted([web_plant.manifest(), made], at_ns)
    now = web_plant.running("line1", "B2", coil, until_ns, 500_000, 100_000, 1000, unit="one_milli")
    then_ns = until_ns + 60 * NS
    live.on_live("edge-1", web_plant.live_message(then_ns, {"line1": 1}, [now]), then_ns)
    board = Board(live, web_plant.Ledger(), lambda: then_ns)
    for language, good, so_far, unit in (("en", "480 pieces", "100 pieces", "piece"), ("zh", "480 件", "100 件", "件")):
        seen = look(board, language, then_ns)
        assert seen.lines[0].bar_caption.endswith(f"kgCO₂e/{unit}</span>")
        assert so_far in seen.lines[0].card
        # 0.5 kWh over 100 pieces, and 2 kWh over 480, x 0.5777 kg/kWh
        assert all(figure in seen.lines[0].card for figure in ("0.00500", "0.00289", f"kWh/{unit}"))
        assert f"0.00241 kgCO₂e/{unit}" in seen.tables[0].replace("\N{NO-BREAK SPACE}", " ")
        assert good in seen.tables[0]
        assert good in seen.tables[1]


def test_a_look_before_anything_happened():
    at_ns = web_plant.START_NS
    live = Live(web_plant.site(), web_plant.library(), at_ns)
    seen = look(Board(live, web_plant.Ledger(), lambda: at_ns), "zh", at_ns)
    assert "等待功率读数" in seen.lines[0].power_caption
    assert "等待第一个批次" in seen.lines[0].bar_caption
    assert "等待第一条记录" in seen.tables[-1]
