# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""What is asked of a report: the stretch of time, its zone, how to break it down, whom to look at; and the SQL for it.

The SQL keeps to what DuckDB and Postgres both read. Parameters are ``?``; local days and hours come from the zone's
offsets, worked out here, so that no engine needs a table of zones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from micromoments.core import judged
from micromoments.core.event import SIMULATED, UNCOUNTED, Millis
from micromoments.core.rollup import HOUR, ROLLUPS
from micromoments.core.settings import DAY, Settings

Query = Callable[[str, Sequence[object]], list[dict[str, Any]]]
"""Runs SQL with ``?`` parameters over views named as the fact tables; gives rows as dicts. The views hold the newest
version of each id, none that was withdrawn, and the surrogate of the person that someone turned out to be."""

PARAMS = (
    "from",
    "to",
    "tz",
    "by",
    "segment",
    "goal",
    "slot",
    "duplicates",
    "decision",
    "lift",
    "worth",
    "cursor",
    "cause",
    "item",
    "need",
    "only",
)
SEGMENTS = ("type", "channel", "device", "place", "hour", "day")
COUNTED = f"(marks & {UNCOUNTED}) = 0"
"""Neither bots nor the business's own people nor tests."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Millis = 253_402_300_799_999
"""The end of the year 9999, past which no zone has an offset."""
_EARLIEST: Millis = -62_135_596_800_000
"""The beginning of the year 1, before which no date can be written."""


class Ask(NamedTuple):
    """A checked question. ``start`` and ``stop`` are half-open; ``offsets`` are (from an instant on, milliseconds).

    ``lift`` and ``worth`` are assumptions of an audit: how much serving adds to goals, as shares; what a goal without a
    value is worth, in minor units of the project's currency.
    """

    query: Query
    settings: Settings
    start: Millis
    stop: Millis
    tz: str
    offsets: tuple[tuple[Millis, Millis], ...]
    by: str
    segment: tuple[tuple[str, str], ...]
    goal: str
    slot: str
    duplicates: int | None
    as_of: Millis | None
    since: Millis
    decision: str = ""
    lift: tuple[float, float] = (0.01, 0.05)
    worth: int = 0
    cursor: str = ""
    cause: str = ""
    item: str = ""
    need: str = ""
    only: str = ""
    rollups: Collection[str] = ()

    def source(self, name: str) -> str:
        """SQL to read a roll-up from: where it is kept, else the same question asked of the facts."""
        rollup = ROLLUPS[name]
        return name if name in self.rollups else f"({rollup.asked(rollup.of)})"

    def judged(self, *, whole: bool = True) -> str:
        """SQL to read moments from, each with what became of it; not ``whole``: without whether it was acted on and why
        nothing was served, which takes other tables to tell.
        """
        if "judged" in self.rollups:
            return "judged"
        told = judged.told("moments")
        return f"({judged.judged(told, self.source('decided'), judged.acting('outcomes')) if whole else told})"

    def apart(self, column: str) -> str:
        """SQL that differs where these words differ: a number where the store makes one of them, else the words."""
        return f"hash({column})" if "hash" in self.rollups else column

    def hours(self, name: str) -> tuple[str, list[object]]:
        """SQL (and parameters) of an hourly roll-up's rows of the stretch: whole hours as they are kept, what begins or
        ends within one from the facts; all from the facts, by the quarter, in a zone that isn't whole hours off UTC.
        """
        rollup, start, stop = ROLLUPS[name], self.start, self.stop
        facts = f"(SELECT * FROM {rollup.of} WHERE {rollup.of}.{rollup.hour} >= ? AND {rollup.of}.{rollup.hour} < ?)"
        first, last = start + -start % HOUR, stop - stop % HOUR
        odd = any(offset % HOUR for _, offset in self.offsets)
        if odd or name not in self.rollups or first >= last:
            return rollup.asked(facts, HOUR // 4 if odd else HOUR), [start, stop]
        parts, params = [f"SELECT * FROM {name} WHERE hour >= ? AND hour < ?"], list[object]([first, last])
        for begin, end in ((start, first), (last, stop)):
            if begin < end:
                parts.append(f"SELECT * FROM ({rollup.asked(facts)}) AS within")
                params += [begin, end]
        return " UNION ALL ".join(parts), params

    def rows(self, sql: str, *params: object) -> list[dict[str, Any]]:
        """The rows of a query."""
        return self.query(sql, params)

    def one(self, sql: str, *params: object) -> dict[str, Any]:
        """The only row of a query of aggregates."""
        return self.query(sql, params)[0]

    def local(self, column: str) -> str:
        """SQL of an instant's local milliseconds: the column plus the zone's offset then."""
        if len(self.offsets) == 1:
            return f"({column} + {self.offsets[0][1]})"
        cases = " ".join(f"WHEN {column} >= {since} THEN {offset}" for since, offset in reversed(self.offsets[1:]))
        return f"({column} + CASE {cases} ELSE {self.offsets[0][1]} END)"

    def day(self, column: str) -> str:
        """SQL of an instant's local day: whole days since 1 January 1970."""
        local = self.local(column)
        return f"CAST(({local} - mod({local}, {DAY})) / {DAY} AS BIGINT)"

    def hour(self, column: str) -> str:
        """SQL of an instant's hour of the local day, 0 to 23."""
        local = self.local(column)
        return f"CAST((mod({local}, {DAY}) - mod({local}, {HOUR})) / {HOUR} AS BIGINT)"

    def label(self, value: object) -> str:
        """A group's name as people read it: a date, an hour as two digits, words as they are."""
        if self.by == "day" and isinstance(value, int):
            return (EPOCH + timedelta(days=value)).date().isoformat()
        if self.by == "hour" and isinstance(value, int):
            return f"{value:02}"
        return str(value) if value not in {None, ""} else "unknown"


def ask(
    query: Query,
    params: Mapping[str, str],
    settings: Settings,
    segments: Sequence[str],
    rollups: Collection[str] = (),
) -> Ask:
    """Checks the parameters of a report whose break-downs are ``segments``; ``rollups`` are kept where ``query`` asks.

    Raises:
        ValueError: what was got, what was wanted and what to do, for the first parameter that is wrong.
    """
    for name in params:
        if name not in PARAMS:
            raise ValueError(f"got parameter {name!r}; wanted one of {', '.join(PARAMS)}; leave it out or correct it")
    tz = params.get("tz") or settings.timezone
    try:
        zone = ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"got tz={tz!r}; wanted an IANA name such as Europe/Berlin; correct it") from None
    as_of, since = _as_of(query, rollups), _first(query, rollups)
    start = _instant("from", params["from"], zone) if params.get("from") else 0
    stop = _instant("to", params["to"], zone) if params.get("to") else (as_of or 0) + 1
    if params.get("from") and params.get("to") and start >= stop:
        raise ValueError("got from at or after to; wanted from before to, which itself is not counted; swap them")
    by = params.get("by", "")
    if by and by not in segments:
        wanted = f"one of {', '.join(segments)}" if segments else "none for this report"
        raise ValueError(f"got by={by!r}; wanted {wanted}; correct it or leave it out")
    goal = params.get("goal", "")
    if goal and goal not in settings.goals:
        known = ", ".join(settings.goals) or "none yet"
        raise ValueError(f"got goal={goal!r}; wanted a configured goal ({known}); correct it or add [goals.{goal}]")
    return Ask(
        query=query,
        settings=settings,
        start=start,
        stop=max(stop, start),
        tz=tz,
        offsets=_offsets(zone, max(start, min(stop, since)), stop),
        by=by,
        segment=_segment(params.get("segment", ""), segments),
        goal=goal,
        slot=params.get("slot", ""),
        duplicates=_whole("duplicates", params["duplicates"]) if params.get("duplicates") else None,
        as_of=as_of,
        since=since,
        decision=params.get("decision", ""),
        lift=_lift(params["lift"]) if params.get("lift") else (0.01, 0.05),
        worth=_whole("worth", params["worth"]) if params.get("worth") else 0,
        cursor=params.get("cursor", ""),
        cause=params.get("cause", ""),
        item=params.get("item", ""),
        need=params.get("need", "").strip().lower(),
        only=params.get("only", ""),
        rollups=rollups,
    )


def iso(at: Millis | None) -> str | None:
    """An instant in RFC 3339, UTC, to the millisecond."""
    if at is None:
        return None
    text = (EPOCH + timedelta(milliseconds=max(_EARLIEST, min(at, _LATEST)))).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def simulated(asked: Ask, tables: Mapping[str, str]) -> bool:
    """Whether anything in the stretch was made by the simulator; ``tables`` maps each table to its instant's column."""
    if (
        "edges" in asked.rollups
        and not int(asked.one("SELECT coalesce(marks, 0) AS marks FROM edges")["marks"]) & SIMULATED
    ):
        return False
    for table, column in tables.items():
        params: list[object] = [asked.start, asked.stop]
        base = f"SELECT marks FROM {table} WHERE {column} >= ? AND {column} < ?"
        if table == "events":
            base, params = asked.hours("activity" if column == "events.at" else "arrivals")
        if asked.rows(f"SELECT 1 AS found FROM ({base}) AS base WHERE (marks & {SIMULATED}) <> 0 LIMIT 1", *params):
            return True
    return False


def has_goal(goal: str, column: str = "goal") -> tuple[str, list[object]]:
    """SQL and parameters: the goals (names joined by commas) hold this one; any goal where it is empty. A guard-rail
    stands there with ``!`` before its name, after the goals, and is none.
    """
    if not goal:
        return f"({column} <> '' AND substr({column}, 1, 1) <> '!')", []
    return f"position(? in ',' || {column} || ',') > 0", [f",{goal},"]


def _as_of(query: Query, rollups: Collection[str]) -> Millis | None:
    tables = ("events", "moments", "decisions", "outcomes")
    union = " UNION ALL ".join(f"SELECT max(received_at) AS instant FROM {table}" for table in tables)
    if "edges" in rollups:
        union = "SELECT last AS instant FROM edges"
    at = query(f"SELECT max(instant) AS instant FROM ({union}) AS newest", [])[0]["instant"]
    return None if at is None else int(at)


def _first(query: Query, rollups: Collection[str]) -> Millis:
    """The beginning of all, to the hour."""
    union = "SELECT min(events.at) AS instant FROM events UNION ALL SELECT min(opened_at) FROM moments"
    if "edges" in rollups:
        union = "SELECT first AS instant FROM edges"
    at = query(f"SELECT min(instant) AS instant FROM ({union}) AS oldest", [])[0]["instant"]
    return 0 if at is None else int(at) - int(at) % HOUR


def _offsets(zone: ZoneInfo, start: Millis, stop: Millis) -> tuple[tuple[Millis, Millis], ...]:
    """The zone's offsets from UTC in a stretch, each from the hour of its change on; days looked at one by one."""
    found = [(start, _offset(zone, start))]
    for day in range(start - start % DAY, min(stop, start + 40 * 366 * DAY) + DAY, DAY):
        at = max(day, start)
        if _offset(zone, at) != found[-1][1]:
            quarter = HOUR // 4
            change = next(t for t in range(at - DAY, at + quarter, quarter) if _offset(zone, t) != found[-1][1])
            found.append((change, _offset(zone, change)))
    return tuple(found)


def _offset(zone: ZoneInfo, at: Millis) -> Millis:
    moment = (EPOCH + timedelta(milliseconds=max(0, min(at, _LATEST - DAY)))).astimezone(zone)
    offset = moment.utcoffset()
    return 0 if offset is None else round(offset.total_seconds() * 1000)


def _instant(name: str, text: str, zone: ZoneInfo) -> Millis:
    """RFC 3339, a date (its midnight in the zone), or milliseconds."""
    if re.fullmatch(r"\d{1,15}", text):
        return int(text)
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        message = (
            f"got {name}={text!r}; wanted RFC 3339 such as 2026-01-31T00:00:00Z, a date, or milliseconds; correct it"
        )
        raise ValueError(message) from None
    read = read if read.tzinfo is not None else read.replace(tzinfo=zone)
    return (read - EPOCH) // timedelta(milliseconds=1)


def _segment(text: str, segments: Sequence[str]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for part in filter(None, text.split(",")):
        name, colon, value = part.partition(":")
        if not colon or name not in segments or not value:
            wanted = ", ".join(segments) or "no segment for this report"
            raise ValueError(f"got segment={part!r}; wanted NAME:VALUE with NAME of {wanted}; correct it")
        pairs.append((name, value))
    return tuple(pairs)


def _lift(text: str) -> tuple[float, float]:
    """An assumed relative lift, from and to: ``0.01-0.05``."""
    found = re.fullmatch(r"(\d*\.?\d+)-(\d*\.?\d+)", text)
    low, high = (float(found[1]), float(found[2])) if found else (1.0, 0.0)
    if not 0 <= low <= high <= 10:
        raise ValueError(f"got lift={text!r}; wanted FROM-TO as shares, such as 0.01-0.05; correct it")
    return low, high


def _whole(name: str, text: str) -> int:
    if not re.fullmatch(r"\d{1,15}", text):
        raise ValueError(f"got {name}={text!r}; wanted a whole number; correct it")
    return int(text)
