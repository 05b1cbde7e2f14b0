# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""What is behind a number: the moments, decisions and goals that it counts, one by one; and what came of one decision.

People stand here by the facts' random surrogate, and nobody's words are shown.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, Any

import msgspec

from micromoments.report.ask import COUNTED, Ask, has_goal, iso
from micromoments.report.missed import CAUSES, causes
from micromoments.report.narrow import narrowed
from micromoments.report.parts import MIN_PEOPLE, MOST_ROWS, events, figure, moments, segment_value

BEHIND = (
    f"The newest {MOST_ROWS} of each kind in the stretch (older ones by `cursor`), without bots, own people and "
    "tests: moments opened, "
    "decisions made, goals reached. A person is a random number, the same in every report."
)
RECEIPT = "One decision (`decision`): what came of it, and what became of its moment."
_PERSON = "CAST(surrogate AS VARCHAR) AS person"


def behind(asked: Ask) -> dict[str, Any]:
    """The rows: ``of`` says whether each is a ``moment``, a ``decision`` or a ``goal``. The newest first.

    ``cursor`` asks for the rows that come next; null where all were given.
    """
    places = _places(asked.cursor)
    if asked.cause and asked.cause not in CAUSES:
        wanted = ", ".join(CAUSES)
        raise ValueError(f"got cause={asked.cause!r}; wanted one of {wanted}; correct it or leave it out")
    if asked.need:
        _shared(asked)
    if asked.only.startswith("wanted:"):
        _shared_wish(asked)
    found = {kind: rows(asked, places[kind]) for kind, rows in _kinds(asked).items() if kind in places}
    cursor = _cursor(found)
    every = [row for rows in found.values() for row in rows]
    for row in every:
        row["at"] = iso(int(row["at"]))
    return {"figures": _counted(asked, _kinds(asked)), "rows": every, "cursor": cursor}


def _counted(asked: Ask, kinds: Collection[str]) -> list[dict[str, Any]]:
    """How many there are in all: of moments always, of decisions and events where only those are asked for."""
    if "event" in kinds:
        base, params = _told(asked)
        named = figure("events", "Events", 0, None, "events")
    elif "moment" not in kinds:
        where, params = _decided(asked)
        base, named = f"SELECT * FROM decisions WHERE {where}", figure("decisions", "Decisions", 0, None, "decisions")
    else:
        base, params = _base(asked)
        named = figure("moments", "Moments opened", 0, None, "moments")
    n = int(asked.one(f"SELECT count(*) AS n FROM ({base}) AS base", *params)["n"])
    return [named | {"value": n, "count": n}]


def _kinds(asked: Ask) -> Mapping[str, Callable[[Ask, Place], list[dict[str, Any]]]]:
    """What is listed, by its name."""
    if (only := narrowed(asked.only)) is not None:
        every = {"moment": _moments, "decision": _decisions, "event": _events, "click": _events}
        return {"event" if only.kind == "click" else only.kind: every[only.kind]}
    if asked.cause:
        return {"moment": _moments}
    if asked.item:
        return {"decision": _decisions}
    if asked.need:
        return {"moment": _moments, "search": _searches}
    return {"moment": _moments, "decision": _decisions, "goal": _goals}


def _shared(asked: Ask) -> None:
    """Refuse words that too few share: who asks for them would learn whether a certain person has that need."""
    (looked, params), (searched, more) = moments(asked), events(asked, "searches")
    one = asked.one(
        f"SELECT count(DISTINCT surrogate) AS n FROM (SELECT surrogate FROM ({looked}) AS looked WHERE need = ? "
        f"UNION ALL SELECT surrogate FROM ({searched}) AS searched WHERE need = ?) AS every",
        *params, asked.need, *more, asked.need,
    )  # fmt: skip
    if int(one["n"]) < MIN_PEOPLE:
        raise ValueError(
            f"got need={asked.need[:60]!r}; wanted one that at least {MIN_PEOPLE} people share in the stretch; "
            "take another, or a longer stretch"
        )


def _shared_wish(asked: Ask) -> None:
    """Refuse a wish that too few share, as ``_shared`` does a need."""
    base, params = _base(asked)
    n = int(asked.one(f"SELECT count(DISTINCT surrogate) AS n FROM ({base}) AS base", *params)["n"])
    if n < MIN_PEOPLE:
        raise ValueError(
            f"got only={asked.only[:60]!r}; wanted what at least {MIN_PEOPLE} people share in the stretch; "
            "take another, or a longer stretch"
        )


Place = tuple[int, str] | None
"""The instant and the id of the last row given; None before the first."""


_PLACES = msgspec.json.Decoder(dict[str, tuple[Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)], str]])
_LISTED = ("moment", "decision", "goal", "search", "event")


def _places(cursor: str) -> dict[str, Place]:
    """Where each kind of row goes on; a kind that is done isn't in it."""
    if not cursor:
        return dict.fromkeys(_LISTED)
    try:
        read = _PLACES.decode(base64.urlsafe_b64decode(cursor.encode()))
    except (binascii.Error, ValueError, RecursionError):
        raise ValueError(f"got cursor={cursor[:40]!r}; wanted one that this report gave; leave it out") from None
    return {kind: place for kind, place in read.items() if kind in _LISTED}


def _cursor(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> str | None:
    """Where to go on: behind the last row of each kind of which there may be more; None where there is none."""
    last = {kind: [rows[-1]["at"], rows[-1]["id"]] for kind, rows in found.items() if len(rows) == MOST_ROWS}
    return base64.urlsafe_b64encode(json.dumps(last).encode()).decode() if last else None


def _beyond(place: Place, column: str) -> tuple[str, list[object]]:
    """SQL and parameters: rows behind a place, newest first, by id among those of one instant."""
    if place is None:
        return "1 = 1", []
    return f"({column} < ? OR ({column} = ? AND id > ?))", [place[0], place[0], place[1]]


def _base(asked: Ask) -> tuple[str, list[object]]:
    """SQL and parameters of the moments asked for: all of the stretch, those of a need or missed for one cause, or some
    ``only``.
    """
    base, params = moments(asked, facts=True)
    if (only := narrowed(asked.only)) is not None and only.kind == "moment":
        base, params = f"SELECT * FROM ({base}) AS every WHERE {only.where}", [*params, *only.params]
    if asked.need:
        looked, more = moments(asked)
        wanted = f"SELECT id FROM ({looked}) AS looked WHERE need = ?"
        base, params = f"SELECT * FROM ({base}) AS every WHERE id IN ({wanted})", [*params, *more, asked.need]
    if not asked.cause:
        return base, params
    each, more = causes(asked)
    missed = f"{each} SELECT id FROM each_one WHERE cause = ?"
    return f"SELECT * FROM ({base}) AS every WHERE id IN ({missed})", [*params, *more, asked.cause]


def _moments(asked: Ask, place: Place) -> list[dict[str, Any]]:
    base, params = _base(asked)
    beyond, more = _beyond(place, "opened_at")
    return asked.rows(
        f"WITH found AS ({base}), base AS (SELECT * FROM found WHERE {beyond} ORDER BY opened_at DESC, id LIMIT "
        f"{MOST_ROWS}), "
        "chosen AS (SELECT moment, max(id) AS decision FROM decisions WHERE moment IN (SELECT id FROM base) "
        "GROUP BY moment) "
        f"SELECT 'moment' AS of, base.opened_at AS at, base.id AS id, CAST(base.surrogate AS VARCHAR) AS person, "
        "base.type AS type, base.channels AS channels, base.confidence AS confidence, base.category AS category, "
        "CASE WHEN base.served_at > 0 THEN 'yes' ELSE 'no' END AS served, "
        "CASE WHEN base.ended = '' THEN 'open' ELSE base.ended END AS ended, chosen.decision AS decision "
        "FROM base LEFT JOIN chosen ON chosen.moment = base.id "
        "ORDER BY base.opened_at DESC, base.id",
        *params,
        *more,
    )


def _decided(asked: Ask) -> tuple[str, list[object]]:
    """SQL (a condition) and parameters of the decisions asked for."""
    names = {"type": "moment_type", "hour": asked.hour("received_at"), "day": asked.day("received_at")}
    where, params = f"received_at >= ? AND received_at < ? AND {COUNTED}", list[object]([asked.start, asked.stop])
    if asked.slot:
        where, params = f"{where} AND slot = ?", [*params, asked.slot]
    if asked.item:
        where, params = f"{where} AND ? = ANY(items)", [*params, asked.item]
    if (only := narrowed(asked.only)) is not None:
        where, params = f"{where} AND {only.where}", [*params, *only.params]
    for name, value in asked.segment:
        if name in names:
            where, params = f"{where} AND CAST({names[name]} AS VARCHAR) = ?", [*params, segment_value(name, value)]
    return where, params


def _decisions(asked: Ask, place: Place) -> list[dict[str, Any]]:
    where, params = _decided(asked)
    beyond, more = _beyond(place, "received_at")
    where, params = f"{where} AND {beyond}", [*params, *more]
    return asked.rows(
        f"WITH d AS (SELECT *, coalesce(array_length(items, 1), 0) AS shown FROM decisions WHERE {where} "
        f"ORDER BY received_at DESC, id LIMIT {MOST_ROWS}), "
        "came AS (SELECT decision, max(CASE WHEN what = 'clicked' THEN 1 ELSE 0 END) AS clicked, "
        "max(CASE WHEN what = 'goal' AND value >= 0 THEN 1 ELSE 0 END) AS goal FROM outcomes "
        "WHERE decision IN (SELECT id FROM d) GROUP BY decision) "
        f"SELECT 'decision' AS of, received_at AS at, id, {_PERSON}, slot, moment_type AS type, items[1] AS first, "
        "shown, considered, coalesce(array_length(refused, 1), 0) AS refused, policy, mode, "
        "CASE WHEN holdout THEN 'yes' ELSE 'no' END AS held_out, propensity, "
        "CASE WHEN goal = 1 THEN 'goal' WHEN clicked = 1 THEN 'clicked' ELSE '' END AS came_of_it "
        "FROM d LEFT JOIN came ON came.decision = d.id ORDER BY received_at DESC, id",
        *params,
    )


def _goals(asked: Ask, place: Place) -> list[dict[str, Any]]:
    base, params = events(asked, "goals")
    wanted, more = has_goal(asked.goal)
    beyond, behind_it = _beyond(place, "base.at")
    return asked.rows(
        f"WITH base AS ({base}) SELECT 'goal' AS of, base.at AS at, id, {_PERSON}, name, goal, value, currency, "
        f"channel, decision FROM base WHERE {wanted} AND {beyond} ORDER BY base.at DESC, id LIMIT {MOST_ROWS}",
        *params,
        *more,
        *behind_it,
    )


def _searches(asked: Ask, place: Place) -> list[dict[str, Any]]:
    """Searches of the need's words; ``results`` is -1 where nobody said how many there were."""
    base, params = events(asked)
    beyond, behind_it = _beyond(place, "base.at")
    return asked.rows(
        f"WITH base AS ({base}) SELECT 'search' AS of, base.at AS at, id, {_PERSON}, channel, device, results "
        f"FROM base WHERE query <> '' AND lower(trim(query)) = ? AND {beyond} "
        f"ORDER BY base.at DESC, id LIMIT {MOST_ROWS}",
        *params,
        asked.need,
        *behind_it,
    )


def _events(asked: Ask, place: Place) -> list[dict[str, Any]]:
    """Events of one kind: clicks as they happened, as other reports count them; else all that arrived, as ``quality``
    counts them.
    """
    told, params = _told(asked)
    beyond, behind_it = _beyond(place, "told.at")
    return asked.rows(
        f"SELECT 'event' AS of, told.at AS at, id, {_PERSON}, CASE WHEN name <> '' THEN name ELSE type END AS name, "
        f"channel, device, item FROM ({told}) AS told WHERE {beyond} ORDER BY told.at DESC, id LIMIT {MOST_ROWS}",
        *params,
        *behind_it,
    )


def _told(asked: Ask) -> tuple[str, list[object]]:
    """SQL and parameters of the events asked for."""
    only = narrowed(asked.only)
    base, params = events(asked)
    if only is None:
        return base, params
    if only.kind == "event":
        base, params = "SELECT * FROM events WHERE received_at >= ? AND received_at < ?", [asked.start, asked.stop]
    return f"SELECT * FROM ({base}) AS events WHERE {only.where}", [*params, *only.params]


def receipt(asked: Ask) -> dict[str, Any]:
    """Rows ``outcome``, in order, and one ``moment``: how it ended, as known now."""
    came = asked.rows(
        "SELECT 'outcome' AS of, received_at AS at, what, item, goal, value, currency, reward, via FROM outcomes "
        f"WHERE decision = ? ORDER BY received_at, id LIMIT {MOST_ROWS}",
        asked.decision,
    )
    found = asked.rows(
        "SELECT 'moment' AS of, updated_at AS at, id, type, opened_at, served_at, ended, ended_at FROM moments "
        "WHERE id IN (SELECT moment FROM decisions WHERE id = ?)",
        asked.decision,
    )
    rows = [*came, *found]
    for row in rows:
        row["at"] = iso(int(row["at"]))
        if row.get("reward") is not None and row["reward"] != row["reward"]:
            row["reward"] = None
    return {"figures": [figure("outcomes", "Outcomes", len(came), None, "outcomes")], "rows": rows}
