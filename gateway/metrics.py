"""Numbers for whoever watches the gateway, in the Prometheus text format.

In: a board. Out: a FastAPI router with /metrics. Gauges are set when asked; nothing here is evidence.
"""

from collections.abc import Iterator, Mapping

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from gateway.board import Board

NS = 10**9


class BoardCollector(Collector):
    """Reads the board at every scrape."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterator[Metric]:
        """Every metric of the gateway."""
        at_ns = self._board.now_ns()
        state = self._board.state(at_ns)
        yield _counter("metertrail_admitted", "Entries shown since the start, by type", "type", state.admitted)
        yield _counter("metertrail_refused", "Messages refused since the start, by verdict", "verdict", state.refused)
        outbox = GaugeMetricFamily(
            "metertrail_outbox_entries", "An agent's entries without a receipt", labels=["agent"]
        )
        for agent, heard in state.heard.items():
            if heard.message.outbox is not None:
                outbox.add_metric([agent], heard.message.outbox)
        yield outbox
        clock = GaugeMetricFamily(
            "metertrail_clock_synchronised", "1: an agent's clock follows another", labels=["agent"]
        )
        ahead = GaugeMetricFamily("metertrail_clock_ahead_seconds", "Its time ahead of its machine's", labels=["agent"])
        for agent, heard in state.heard.items():
            if heard.message.clock is not None:
                clock.add_metric([agent], int(heard.message.clock.synchronised is True))
                ahead.add_metric([agent], heard.message.clock.ahead_ns / NS)
        yield from (clock, ahead)
        age = GaugeMetricFamily("metertrail_meter_age_seconds", "Age of a meter's data", labels=["agent", "meter"])
        for seal in self._board.seals(state, at_ns):
            if seal.age_ns is not None:
                age.add_metric([seal.agent, seal.meter], seal.age_ns / NS)
        yield age
        known = self._board.glance(at_ns)
        yield GaugeMetricFamily("metertrail_ledger_entries", "Entries in the ledger", value=known.size)
        receipts = GaugeMetricFamily("metertrail_receipt_age_seconds", "Age of an agent's receipt", labels=["agent"])
        for agent, made_ns in known.receipts_ns.items():
            receipts.add_metric([agent], (at_ns - made_ns) / NS)
        yield receipts


def router(board: Board) -> APIRouter:
    """The path /metrics, with a registry of its own."""
    registry = CollectorRegistry()
    registry.register(BoardCollector(board))
    routes = APIRouter()

    @routes.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return routes


def _counter(name: str, words: str, label: str, values: Mapping[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, words, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family
