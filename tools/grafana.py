"""Writes the Grafana dashboard: what an operator asks first, a row a question, from ``/metrics`` alone.

python tools/grafana.py            # writes deploy/grafana/micromoments.json
python tools/grafana.py --check    # fails where the file isn't what this would write
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[1] / "deploy" / "grafana" / "micromoments.json"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
RATE = "sum by (instance) (rate({}[$__rate_interval]))"
QUANTILE = "histogram_quantile({}, sum by (le) (rate(micromoments_decide_seconds_bucket[$__rate_interval])))"
ROWS: list[tuple[str, list[tuple[str, str, list[tuple[str, str]]]]]] = [
    (
        "Is it well?",
        [
            ("Takes traffic", "bool_yes_no", [("micromoments_ready", "{{instance}}")]),
            ("Seconds behind", "s", [("micromoments_apply_lag_seconds", "{{instance}}")]),
            (
                "Failures",
                "ops",
                [
                    (RATE.format("micromoments_log_failures_total"), "log"),
                    (RATE.format("micromoments_commit_failures_total"), "state"),
                    (RATE.format("micromoments_records_failed_total"), "records"),
                ],
            ),
        ],
    ),
    (
        "What comes in?",
        [
            (
                "Events a second",
                "ops",
                [
                    (RATE.format("micromoments_events_accepted_total"), "accepted"),
                    (RATE.format("micromoments_events_duplicate_total"), "duplicates"),
                    (RATE.format("micromoments_events_rejected_total"), "rejected"),
                ],
            ),
            (
                "Requests refused whole",
                "ops",
                [("sum by (code) (rate(micromoments_collect_refused_total[$__rate_interval]))", "{{code}}")],
            ),
            (
                "Records waiting",
                "short",
                [("micromoments_apply_backlog", "to be folded"), ("micromoments_log_waiting", "to be durable")],
            ),
        ],
    ),
    (
        "What comes of it?",
        [
            (
                "A second",
                "ops",
                [
                    (RATE.format("micromoments_moments_opened_total"), "moments opened"),
                    (RATE.format("micromoments_decisions_total"), "decisions"),
                    (RATE.format("micromoments_outcomes_total"), "outcomes"),
                ],
            ),
            (
                "From request to answer",
                "s",
                [(QUANTILE.format(q), f"p{round(q * 100)}") for q in (0.5, 0.95, 0.99)],
            ),
            ("Share that a guarded policy serves", "percentunit", [("micromoments_guard_share", "{{slot}}")]),
        ],
    ),
    (
        "How much room is left?",
        [
            (
                "Share of a core that folding takes",
                "percentunit",
                [(RATE.format("micromoments_apply_busy_seconds_total"), "{{instance}}")],
            ),
            (
                "In memory",
                "short",
                [("micromoments_people_resident", "people"), ("micromoments_items", "items")],
            ),
            ("Duplicates are known for", "s", [("micromoments_dedup_window_seconds", "{{instance}}")]),
        ],
    ),
    (
        "On a cluster: do the workers keep up?",
        [
            ("Records that wait for workers", "short", [("micromoments_work_lag_records", "{{instance}}")]),
            ("Records folded a second", "ops", [(RATE.format("micromoments_records_applied_total"), "{{instance}}")]),
            ("Partitions that each has", "short", [("micromoments_work_partitions", "{{instance}}")]),
        ],
    ),
    (
        "On a cluster: is anything held up?",
        [
            (
                "What workers try again",
                "ops",
                [
                    (RATE.format("micromoments_work_failures_total"), "a store failed, {{instance}}"),
                    (RATE.format("micromoments_shards_again_total"), "another wrote meanwhile, {{instance}}"),
                ],
            ),
            (
                "Who learns",
                "short",
                [
                    ("micromoments_learn_leading", "active, {{instance}}"),
                    ("sum(rate(micromoments_outcomes_learned_total[$__rate_interval]))", "outcomes learned a second"),
                ],
            ),
            (
                "Redis",
                "short",
                [
                    (RATE.format("micromoments_redis_round_trips_total"), "round trips a second, {{instance}}"),
                    ("abs(micromoments_clock_ahead_seconds)", "seconds by which clocks differ, {{instance}}"),
                ],
            ),
        ],
    ),
]


def panel(id: int, title: str, unit: str, x: int, y: int, asked: list[tuple[str, str]]) -> dict[str, Any]:
    """One graph over time."""
    return {
        "id": id,
        "type": "timeseries",
        "title": title,
        "datasource": SOURCE,
        "gridPos": {"h": 8, "w": 8, "x": x, "y": y},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(65 + n), "expr": expr, "legendFormat": legend, "datasource": SOURCE}
            for n, (expr, legend) in enumerate(asked)
        ],
    }


def dashboard() -> dict[str, Any]:
    """The whole dashboard."""
    panels: list[dict[str, Any]] = []
    y = 0
    for question, graphs in ROWS:
        at = {"h": 1, "w": 24, "x": 0, "y": y}
        panels.append({"id": len(panels) + 1, "type": "row", "title": question, "gridPos": at, "collapsed": False})
        for n, (title, unit, asked) in enumerate(graphs):
            panels.append(panel(len(panels) + 1, title, unit, 8 * n, y + 1, asked))
        y += 9
    return {
        "uid": "micromoments",
        "title": "Micromoments",
        "schemaVersion": 39,
        "version": 1,
        "refresh": "15s",
        "time": {"from": "now-3h", "to": "now"},
        "panels": panels,
    }


def text() -> str:
    """The dashboard as it stands in the file."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        if TARGET.read_text(encoding="utf-8") != text():
            sys.exit(f"{TARGET} isn't what tools/grafana.py writes; run it")
    else:
        TARGET.write_text(text(), encoding="utf-8")
