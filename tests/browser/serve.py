"""Serves the pages over a small plant until its standard input ends: a process of its own for tests with a browser.

Usage: python serve.py busy|empty [name:password]. Prints the port it listens on.
"""

import socket
import sys
import threading
import time
from pathlib import Path

import uvicorn

sys.path.insert(0, str(Path(__file__).parent.parent))

import test_gateway_glance as ledgers
import web_plant

from gateway import web
from gateway.live import Live


def main(kind, password=None):
    if kind == "busy":
        live, end_ns = web_plant.busy()
        long = web_plant.batch(  # names as long as may be, without a place to break them
            "line2", "L" * 200, "P" * 200, end_ns - 90 * web_plant.NS, end_ns - 30 * web_plant.NS, 450_000, 25_000_000
        )
        live.on_admitted([web_plant.late(long)], end_ns)
        receipt = ledgers.signed_receipt("edge-1", end_ns - 21 * web_plant.NS)
        ledger = web_plant.Ledger(ledgers.note(), {"edge-1": receipt})
    else:
        live, end_ns = Live(web_plant.site(), web_plant.library(), web_plant.START_NS), web_plant.START_NS
        ledger = web_plant.Ledger()
    began_ns = time.monotonic_ns()

    def now_ns():
        return end_ns + time.monotonic_ns() - began_ns

    def feed():
        while kind == "busy":
            time.sleep(0.5)
            at_ns = now_ns()
            live.on_live("edge-1", web_plant.tick(end_ns, at_ns // web_plant.NS * web_plant.NS), at_ns)

    server = uvicorn.Server(uvicorn.Config(web.build(live, ledger, password, now_ns), log_level="error"))
    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=feed, daemon=True).start()
    threading.Thread(target=lambda: (sys.stdin.read(), setattr(server, "should_exit", True)), daemon=True).start()
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    server.run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
