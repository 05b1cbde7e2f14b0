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


SAID: Mapping[str, str] = {
    "apply_backlog": "Durable records that are not folded yet.",
    "apply_busy_seconds_total": "Seconds spent folding; a second a second is one core, full.",
    "apply_lag_seconds": "How long ago the record folded last became durable.",
    "clock_ahead_seconds": "How far this machine's clock is ahead of the store's; behind it where negative.",
    "commit_failures_total": "Commits and housekeeping that failed and are tried again.",
    "commits_total": "Commits of folded changes to the state.",
    "decisions_total": "Decisions made and logged.",
    "dedup_window_seconds": "How far back a message that is sent again is known to be caught.",
    "deliveries_dead_total": "Deliveries given up: dead letters, which can be sent again.",
    "deliveries_held_total": "Deliveries not sent for consent, a cap, or a time that had passed.",
    "deliveries_sent_total": "Deliveries that their destination took.",
    "delivery_failures_total": "Tries of a delivery that failed.",
    "events_accepted_total": "Events made durable.",
    "events_duplicate_total": "Events left out because their messageId was accepted before.",
    "events_forwarded_total": "Events passed on to destinations.",
    "fence_crossings_total": "Times that somebody entered or left a geofence.",
    "forward_dead_total": "Events that a destination refused for good.",
    "forward_failures_total": "Tries of passing events on that failed.",
    "forward_waiting": "Events waiting to be passed on.",
    "items": "Items in the catalogue.",
    "learn_leading": "1 for the learner that is the active one.",
    "listeners": "Listeners to the live stream.",
    "log_failures_total": "Groups of records that the log could not take; none of them was acknowledged.",
    "log_groups_total": "Groups of records made durable, each by one sync of the disk.",
    "log_waiting": "Records waiting to be durable.",
    "moments_opened_total": "Moments that opened.",
    "outcomes_learned_total": "Outcomes that policies learned from.",
    "outcomes_total": "Outcomes of decisions.",
    "people_resident": "People held in memory.",
    "ready": "Whether the process takes its work.",
    "records_applied_total": "Records folded into people.",
    "records_failed_total": "Records that could not be folded and were passed over.",
    "redemptions_unfunded_total": "Redemptions beyond an offer's budget.",
    "redis_commands_total": "Commands sent to Redis.",
    "redis_round_trips_total": "Waits for an answer of Redis.",
    "shards_again_total": "Shards of people folded again, as another worker wrote meanwhile.",
    "work_aside": "1 for a worker that stands aside for another release.",
    "work_failures_total": "Rounds of folding that failed and are tried again.",
    "work_lag_records": "Records of this worker's partitions that are not folded yet.",
    "work_partitions": "Partitions that this worker folds.",
}
"""What each counter and gauge of the engine and of a cluster's roles says, for whoever reads the page."""


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
        yield family(f"micromoments_{name}", SAID[name], value=value)
