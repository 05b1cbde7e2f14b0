"""The reports by name, and how one is run: pure over a function that answers SQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from micromoments.core.settings import Settings
from micromoments.report import (
    activity,
    audit,
    behind,
    guides,
    items,
    journeys,
    lift,
    missed,
    needs,
    pain,
    quality,
    rendering,
    scorecards,
    shadow,
    worth,
)
from micromoments.report.ask import SEGMENTS, Ask, Query, ask, iso, simulated

_EVENTS = {"events": "events.at"}
_MOMENTS = {"moments": "opened_at"}
_DECISIONS = {"decisions": "received_at"}
_DELIVERIES = {"deliveries": "received_at"}
_ROWS = _MOMENTS | _DECISIONS | _EVENTS


class Report(NamedTuple):
    """One report: what it counts, in a sentence; the break-downs that it takes; its tables, with their instants."""

    name: str
    title: str
    counting: str
    segments: tuple[str, ...]
    tables: Mapping[str, str]
    make: Callable[[Ask], dict[str, Any]]


_ALL = (
    Report("scorecards", "Scorecards", scorecards.COUNTING, SEGMENTS, _MOMENTS | _EVENTS, scorecards.scorecards),
    Report("missed", "Why moments were missed", missed.COUNTING, SEGMENTS, _ROWS, missed.missed),
    Report("lift", "What serving was worth", lift.COUNTING, (), _DECISIONS | _EVENTS, lift.lifts),
    Report("shadow", "In shadow, and under rules", shadow.COUNTING, (), _DECISIONS, shadow.shadow),
    Report("needs", "What people look for", needs.NEEDS, SEGMENTS, _MOMENTS, needs.needs),
    Report("unmet", "Unmet moments", needs.UNMET, SEGMENTS, _ROWS, needs.unmet),
    Report("worth", "Unmet moments by worth", worth.COUNTING, SEGMENTS, _ROWS, worth.worth),
    Report("pain", "Pain points", pain.COUNTING, SEGMENTS, _ROWS, pain.pain),
    Report("preferences", "Who wants what", items.PREFERENCES, SEGMENTS, _MOMENTS, items.preferences),
    Report("items", "Items and offers", items.ITEMS, (), _DECISIONS, items.items),
    Report("guides", "How far people come with guides", guides.COUNTING, guides.BY, _EVENTS, guides.guides),
    Report("journeys", "Journeys", journeys.COUNTING, SEGMENTS, _MOMENTS, journeys.journeys),
    Report("moments", "Moments", activity.MOMENTS, SEGMENTS, _MOMENTS, activity.moments_report),
    Report("decisions", "Decisions", activity.DECISIONS, ("type", "hour", "day"), _DECISIONS, activity.decisions),
    Report("deliveries", "Deliveries", activity.DELIVERIES, (), _DELIVERIES, activity.deliveries),
    Report("rendering", "How quick, as people see it", rendering.COUNTING, rendering.BY, _EVENTS, rendering.rendering),
    Report("quality", "Data quality", quality.QUALITY, (), {"events": "received_at"}, quality.quality),
    Report("calibration", "How sure, and how right", quality.CALIBRATION, SEGMENTS, _MOMENTS, quality.calibration),
    Report("freshness", "Freshness", quality.FRESHNESS, (), {"events": "received_at"}, quality.freshness),
    Report("behind", "What is behind a number", behind.BEHIND, SEGMENTS, _ROWS, behind.behind),
    Report("history", "What the history says", audit.COUNTING, SEGMENTS, _MOMENTS | _EVENTS, audit.audit),
    Report("receipt", "A decision's receipt", behind.RECEIPT, (), _DECISIONS, behind.receipt),
)
REPORTS: dict[str, Report] = {report.name: report for report in _ALL}


def run(
    query: Query, name: str, params: Mapping[str, str], settings: Settings, rollups: Collection[str] = ()
) -> dict[str, Any]:
    """Runs a report.

    Args:
        query: answers SQL with ``?`` parameters over views named as the fact tables.
        name: the report's.
        params: ``from`` and ``to`` (half-open: milliseconds, RFC 3339 or a date in ``tz``), ``tz``, ``by``, ``segment``
            (``NAME:VALUE``, more by commas), ``goal``, ``slot``, ``decision``; ``duplicates`` where the caller counts
            them; ``lift`` and ``worth``, the assumptions of ``history``;
            ``cursor``, where ``behind`` goes on; of ``behind`` also ``cause``: only moments missed for it, ``item``:
            only decisions that served it, ``need``: only moments and searches for it.
        settings: the project's.
        rollups: those of ``core.rollup`` that ``query`` has views of; the others are asked of the facts.

    Returns:
        ``name title as_of since from to tz by segment counting simulated figures rows``, JSON as it stands.

    Raises:
        ValueError: no such report, or a parameter that it doesn't take; the message says what it takes.
    """
    report = REPORTS.get(name)
    if report is None:
        raise ValueError(f"got report {name!r}; wanted one of {', '.join(REPORTS)}; correct the name")
    asked = ask(query, params, settings, report.segments, rollups)
    return {
        "name": report.name,
        "title": report.title,
        "as_of": iso(asked.as_of),
        "since": iso(asked.since or None),
        "from": iso(asked.start),
        "to": iso(asked.stop),
        "tz": asked.tz,
        "by": asked.by,
        "segment": dict(asked.segment),
        "counting": report.counting,
        "simulated": simulated(asked, report.tables),
        **report.make(asked),
    }
