"""``GET /metrics``: what the engine and the doors count, in the Prometheus text format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as Source

from micromoments.server.http import Reply

if TYPE_CHECKING:
    from micromoments.server.collect import Collector
    from micromoments.server.decide import Decider
    from micromoments.server.service import Service
    from micromoments.server.stream import Streams

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class Metrics(Source):
    """Read when scraped, so that counting costs the hot path an addition."""

    def __init__(self, service: Service, collector: Collector, decider: Decider, streams: Streams) -> None:
        self._service = service
        self._collector = collector
        self._streams = streams
        self.fronts: Callable[[], tuple[int, int, dict[str, int]]] = lambda: (0, 0, {})
        """(requests, rejected events, requests refused by code) at the fronts, where there are any."""
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._registry.register(decider.latency)

    def collect(self) -> Iterable[Metric]:
        """The engine's counters and gauges by name, then the doors'."""
        yield from families(self._service.stats())
        doors = self._collector
        requests, rejected, refusals = self.fronts()
        yield CounterMetricFamily(
            "micromoments_collect_requests_total", "Requests at the Segment doors.", value=doors.requests + requests
        )
        yield CounterMetricFamily(
            "micromoments_events_rejected_total", "Events that could not be taken.", value=doors.rejected + rejected
        )
        refused = CounterMetricFamily(
            "micromoments_collect_refused_total", "Requests at the Segment doors refused whole.", labels=["code"]
        )
        for code in sorted({*doors.refused, *refusals}):
            refused.add_metric([code], doors.refused.get(code, 0) + refusals.get(code, 0))
        yield refused
        shares = GaugeMetricFamily(
            "micromoments_guard_share", "Of a guarded slot, what its policy serves.", labels=["slot"]
        )
        for one in self._service.learned.guards():
            if one["guard"]:
                shares.add_metric([one["slot"]], one["share"])
        yield shares
        yield GaugeMetricFamily("micromoments_stream_connections", "Live streams.", value=len(self._streams))
        yield GaugeMetricFamily(
            "micromoments_ready",
            "Whether the server takes traffic.",
            value=self._service.ready and not self._service.down.why,
        )

    def reply(self) -> Reply:
        """The page that a scraper reads."""
        return Reply(200, generate_latest(self._registry), CONTENT_TYPE, [(b"cache-control", b"no-store")])


def families(stats: Mapping[str, float]) -> Iterable[Metric]:
    """Counters and gauges, by their names."""
    for name, value in stats.items():
        family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
        yield family(f"micromoments_{name}", _said(name), value=value)


def _said(name: str) -> str:
    words = name.removesuffix("_total").replace("_", " ")
    return f"{words[:1].upper()}{words[1:]}."
