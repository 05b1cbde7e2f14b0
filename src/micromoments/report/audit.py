# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""What a history says of moments: which there were, how many nothing was shown in and why, and a range of their worth.

Meant for a log that another tool wrote: what it shows of being there is events that say that something was shown. A
moment lasts from its opening until it ended. A goal belongs to one moment: the newest that opened before it (or else
with it) and had ended at most a day ago.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from micromoments.core.settings import DAY
from micromoments.report.ask import COUNTED, Ask, has_goal, iso
from micromoments.report.audit_words import cannot, findings
from micromoments.report.parts import MIN_PEOPLE, MOST_ROWS, figure, moments, money, share

COUNTING = (
    "Moments that this engine recognises in the log, opened in the stretch, without bots, own people and tests. "
    "Served: an event says that something was shown or sent to the person while the moment lasted, or a "
    "decision did. A goal "
    "counts for the newest moment that opened before it and had ended at most 24 hours ago."
)
SHOWN = (
    "promotion delivered", "promotion viewed", "decision seen", "experiment viewed", "recommendation viewed",
    "recommendations viewed", "banner viewed", "offer viewed", "offer received", "offer delivered",
    "notification delivered", "notification opened", "push notification received", "push notification delivered",
    "push notification opened", "push delivered", "email delivered", "email opened", "email link clicked",
    "in-app message viewed", "in-app message received", "message delivered", "sms delivered", "coupon received",
    "coupon offered",
)  # fmt: skip
"""Events, in small letters, that say that something was shown or sent."""
BLINK = 1000
"""Milliseconds: nothing could have been served in a moment that ended sooner."""
CAUSES: dict[str, str] = {
    "served": "something was shown or sent in it",
    "consent": "the person had refused personalisation",
    "no item": "a search in it found nothing",
    "too late": "it was recognised only by what ended it, or something came within a day after its end",
    "too early": "something came in the day before it, and nothing in it",
    "nothing shown": "the log shows nothing in it, the day before, or the day after",
    "not said": "the log holds nothing at all of what was shown to anybody",
}
"""What became of a moment, one for each; the first that fits."""
KINDS = {
    "moments": "The moments that people had",
    "causes": "What became of them: served, or why not",
    "goals": "Goals reached, and whether a moment was recognised before",
    "needs": f"What nothing was shown for, where at least {MIN_PEOPLE} people share it",
    "worth": "What the unserved moments may be worth: a range, from an assumption",
    "cannot": "What the log cannot tell",
}


def audit(asked: Ask) -> dict[str, Any]:
    """Figures, sentences, and rows of the kinds in ``KINDS``."""
    log = _log(asked)
    each, params = _each(asked, said=bool(log["shown"]) or bool(log["decided"]))
    total = asked.one(
        f"{each} SELECT count(*) AS moments, count(DISTINCT surrogate) AS people, "
        "count(*) FILTER (WHERE cause = 'served') AS served, count(*) FILTER (WHERE cause = 'not said') AS unsaid, "
        "count(*) FILTER (WHERE goals > 0) AS reached FROM each_one",
        *params,
    )
    rows = [*_moments(asked, each, params), *_causes(asked, each, params), *_goals(asked, each, params)]
    worth = _worth(asked, each, params, log)
    needs = _needs(asked, each, params)
    untold = [{"of": "cannot", "what": what, "because": why} for what, why in cannot(log)]
    known = int(total["moments"]) - int(total["unsaid"])
    figures = [
        figure("moments", "Moments people had", int(total["moments"]), None, "moments"),
        share("served", "Moments in which something was shown", int(total["served"]), known),
        share("unserved", "Moments in which nothing was shown", known - int(total["served"]), known),
        share("unsaid", "Moments of which the log doesn't say it", int(total["unsaid"]), int(total["moments"])),
        share("reached", "Moments that a goal followed", int(total["reached"]), int(total["moments"])),
        *_anchored(rows, log),
    ]
    rows = [*rows, *worth, *needs, *untold]
    notes = findings(total, log, worth, asked.lift)
    return {"about": _about(log), "figures": figures, "rows": rows, "kinds": KINDS, "notes": notes}


def _about(log: dict[str, Any]) -> str:
    if log["first"] is None:
        return "The log holds no events in the stretch."
    return f"{int(log['events']):,} events from {iso(log['first'])} to {iso(log['last'])}, by the log's own times."


def _log(asked: Ask) -> dict[str, Any]:
    """What the log holds, in counts."""
    wanted, more = has_goal(asked.goal)
    within = (asked.start, asked.stop)
    log = asked.one(
        "SELECT count(*) AS events, count(DISTINCT surrogate) AS people, min(events.at) AS first, "
        "max(events.at) AS last, count(CASE WHEN query <> '' THEN 1 END) AS spoken, count(CASE WHEN results >= "
        "0 THEN 1 END) AS results, "
        f"count(CASE WHEN {_shown()} THEN 1 END) AS shown, "
        f"count(CASE WHEN {wanted} AND value >= 0 THEN 1 END) AS goals, count(CASE WHEN {wanted} AND value > 0 "
        "THEN 1 END) AS priced, "
        "count(CASE WHEN value < 0 THEN 1 END) AS refunds, "
        "count(CASE WHEN device <> '' THEN 1 END) AS devices, count(CASE WHEN channel <> '' THEN 1 END) AS channels, "
        "count(CASE WHEN item <> '' THEN 1 END) AS items, count(CASE WHEN city <> '' THEN 1 END) AS cities, "
        "count(CASE WHEN mod(events.at, 3600000) = 0 THEN 1 END) AS whole_hours "
        f"FROM events WHERE events.at >= ? AND events.at < ? AND {COUNTED}",
        *more, *more, *within,
    )  # fmt: skip
    left = "SELECT count(*) AS n FROM events WHERE events.at >= ? AND events.at < ? AND NOT " + f"({COUNTED})"
    decided = f"SELECT count(*) AS n FROM decisions WHERE received_at >= ? AND received_at < ? AND {COUNTED}"
    return {
        **log,
        "left_out": asked.one(left, *within)["n"],
        "decided": asked.one(decided, *within)["n"],
        "days": max(1.0, ((log["last"] or 0) - (log["first"] or 0)) / DAY),
    }


def _shown() -> str:
    return f"lower(name) IN ({', '.join(repr(name) for name in SHOWN)})"


def _each(asked: Ask, *, said: bool) -> tuple[str, list[object]]:
    """``WITH`` of ``each_one``, a row a moment: its cause, and the goals that followed; of ``led``, a row a goal."""
    base, params = moments(asked, facts=True)
    wanted, more = has_goal(asked.goal)
    inside = "told.happened >= spans.opened_at AND told.happened <= spans.stopped"
    was = {
        "shown": f"told.kind = 'shown' AND {inside}",
        "late": "told.kind = 'shown' AND told.happened > spans.stopped",
        "early": "told.kind = 'shown' AND told.happened < spans.opened_at",
        "nothing": f"told.kind = 'nothing' AND {inside}",
        "refused": "told.kind = 'refused' AND told.happened <= spans.opened_at",
    }
    flags = ", ".join(f"max(CASE WHEN {when} THEN 1 ELSE 0 END) AS {name}" for name, when in was.items())
    otherwise = "nothing shown" if said else "not said"
    cause = (
        "CASE WHEN spans.served_at > 0 OR seen.shown = 1 THEN 'served' WHEN seen.refused = 1 THEN 'consent' "
        f"WHEN seen.nothing = 1 THEN 'no item' WHEN spans.stopped - spans.opened_at < {BLINK} OR seen.late = 1 "
        f"THEN 'too late' WHEN seen.early = 1 THEN 'too early' ELSE '{otherwise}' END"
    )
    sql = (
        f"WITH base AS ({base}), "
        "spans AS (SELECT id, surrogate, type, query, category, opened_at, served_at, ended, "
        "CASE WHEN ended_at > 0 THEN ended_at ELSE expires_at END AS stopped FROM base), "
        "told AS (SELECT surrogate, events.at AS happened, "
        f"CASE WHEN {_shown()} THEN 'shown' WHEN query <> '' AND results = 0 THEN 'nothing' ELSE 'refused' END AS kind "
        f"FROM events WHERE events.at >= ? AND events.at < ? AND {COUNTED} "
        f"AND ({_shown()} OR (query <> '' AND results = 0) OR position('!opt_out' in goal) > 0)), "
        f"seen AS (SELECT spans.id AS moment, {flags} FROM spans JOIN told ON told.surrogate = spans.surrogate "
        f"AND told.happened <= spans.stopped + {DAY} "
        f"AND (told.happened >= spans.opened_at - {DAY} OR told.kind = 'refused') GROUP BY spans.id), "
        "goals AS (SELECT id, surrogate, events.at AS happened, value, currency FROM events "
        f"WHERE events.at >= ? AND events.at < ? AND {COUNTED} AND {wanted} AND value >= 0), "
        "led AS (SELECT * FROM (SELECT goals.id AS goal, goals.surrogate AS person, goals.value AS value, "
        "goals.currency AS currency, spans.id AS moment, spans.opened_at < goals.happened AS ahead, "
        "row_number() OVER (PARTITION BY goals.id "
        "ORDER BY CASE WHEN spans.opened_at < goals.happened THEN 0 ELSE 1 END, spans.opened_at DESC, spans.id) "
        "AS place FROM goals JOIN spans ON spans.surrogate = goals.surrogate "
        f"AND spans.opened_at <= goals.happened AND spans.stopped + {DAY} >= goals.happened) AS found WHERE "
        "place = 1), "
        "won AS (SELECT moment, count(*) AS goals FROM led GROUP BY moment), "
        f"each_one AS (SELECT spans.*, {cause} AS cause, coalesce(won.goals, 0) AS goals FROM spans "
        "LEFT JOIN seen ON seen.moment = spans.id LEFT JOIN won ON won.moment = spans.id)"
    )
    return sql, [*params, asked.start - DAY, asked.stop + DAY, asked.start, asked.stop, *more]


def _moments(asked: Ask, each: str, params: Sequence[object]) -> list[dict[str, Any]]:
    return asked.rows(
        f"{each} SELECT 'moments' AS of, type, count(*) AS moments, count(DISTINCT surrogate) AS people, "
        "count(*) FILTER (WHERE ended = 'fulfilled') AS fulfilled, "
        "count(*) FILTER (WHERE ended = 'abandoned') AS abandoned, "
        "count(*) FILTER (WHERE ended = 'expired') AS expired, count(*) FILTER (WHERE ended = '') AS open, "
        "count(*) FILTER (WHERE goals > 0) AS followed_by_a_goal, "
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY stopped - opened_at) / 60000.0 AS median_minutes "
        "FROM each_one GROUP BY type ORDER BY count(*) DESC, type",
        *params,
    )


def _causes(asked: Ask, each: str, params: Sequence[object]) -> list[dict[str, Any]]:
    rows = asked.rows(
        f"{each} SELECT 'causes' AS of, cause, type, count(*) AS moments, count(DISTINCT surrogate) AS people, "
        "count(*) FILTER (WHERE goals > 0) AS followed_by_a_goal FROM each_one GROUP BY cause, type",
        *params,
    )
    order = list(CAUSES)
    rows.sort(key=lambda row: (order.index(row["cause"]), -row["moments"], row["type"]))
    return [{**row, "meaning": CAUSES[row["cause"]]} for row in rows]


def _goals(asked: Ask, each: str, params: Sequence[object]) -> list[dict[str, Any]]:
    """Every goal of the log, once: how far a moment was recognised before it."""
    how = (
        "CASE WHEN led.goal IS NULL THEN 'not recognised' WHEN NOT led.ahead THEN 'too late' "
        "WHEN each_one.cause = 'served' THEN 'recognised and served' ELSE 'recognised, not served' END"
    )
    rows = asked.rows(
        f"{each} SELECT 'goals' AS of, {how} AS goal, count(*) AS goals, count(DISTINCT goals.surrogate) AS people "
        "FROM goals LEFT JOIN led ON led.goal = goals.id LEFT JOIN each_one ON each_one.id = led.moment "
        f"GROUP BY {how} ORDER BY count(*) DESC, {how}",
        *params,
    )
    total = sum(int(row["goals"]) for row in rows)
    return [{**row, "share": row["goals"] / total} for row in rows]


def _anchored(rows: Sequence[dict[str, Any]], log: dict[str, Any]) -> list[dict[str, Any]]:
    """What no recogniser can make look better: of all goals, and per person."""
    of_goals = {row["goal"]: int(row["goals"]) for row in rows if row["of"] == "goals"}
    goals = sum(of_goals.values())
    ahead = of_goals.get("recognised and served", 0) + of_goals.get("recognised, not served", 0)
    return [
        share("goals_ahead", "Goals with a moment recognised before", ahead, goals),
        share(
            "goals_served", "Goals with a served one", of_goals.get("recognised and served", 0), goals, anchored=True
        ),
        figure("goals_per_person", "Goals per person", goals, int(log["people"]), "per person", anchored=True),
    ]


def _worth(asked: Ask, each: str, params: Sequence[object], log: dict[str, Any]) -> list[dict[str, Any]]:
    """By type and currency: the goals that followed unserved moments with time to serve, their value, and a range.

    The range is the value (95 % interval over people, each person's goals being one draw) times the assumed lift.
    """
    found = asked.rows(
        f"{each} , by_person AS (SELECT each_one.type AS type, led.currency AS currency, led.person AS person, "
        "count(*) AS goals, sum(led.value) AS value FROM led JOIN each_one ON each_one.id = led.moment "
        f"WHERE each_one.cause <> 'served' AND led.ahead AND each_one.stopped - each_one.opened_at >= {BLINK} "
        "GROUP BY each_one.type, led.currency, led.person) "
        "SELECT type, currency, count(*) AS people, sum(goals) AS goals, sum(value) AS value, "
        "sum(CAST(value AS DOUBLE PRECISION) * value) AS squares, "
        "sum(CAST(goals AS DOUBLE PRECISION) * goals) AS goal_squares "
        "FROM by_person GROUP BY type, currency ORDER BY sum(value) DESC, type, currency",
        *params,
    )
    low, high = asked.lift
    rows = []
    for one in found:
        goals, value = int(one["goals"]), int(one["value"])
        spread = 1.96 * float(one["squares"]) ** 0.5
        if asked.worth and not value:
            value, spread = goals * asked.worth, asked.worth * 1.96 * float(one["goal_squares"]) ** 0.5
        least, most = low * max(0.0, value - spread), high * (value + spread)
        currency = one["currency"] if one["value"] else asked.settings.currency
        priced = bool(value)
        rows.append({
            "of": "worth", "type": one["type"], "people": int(one["people"]), "goals": goals,
            "value": money(value, currency) if priced else None,
            "from": money(least, currency) if priced else None, "to": money(most, currency) if priced else None,
            "from_30_days": money(least * 30 / log["days"], currency) if priced else None,
            "to_30_days": money(most * 30 / log["days"], currency) if priced else None,
            "goals_from": low * goals, "goals_to": high * goals,
            "assumed": f"serving them adds {low:.1%} to {high:.1%} to the goals that follow",
        })  # fmt: skip
    return rows


def _needs(asked: Ask, each: str, params: Sequence[object]) -> list[dict[str, Any]]:
    need = "lower(trim(CASE WHEN query <> '' THEN query ELSE category END))"
    return asked.rows(
        f"{each} SELECT 'needs' AS of, {need} AS need, type, count(DISTINCT surrogate) AS people, count(*) AS moments, "
        "count(*) FILTER (WHERE goals > 0) AS followed_by_a_goal, "
        "count(*) FILTER (WHERE cause = 'no item') AS found_nothing "
        f"FROM each_one WHERE cause <> 'served' AND (query <> '' OR category <> '') GROUP BY {need}, type "
        f"HAVING count(DISTINCT surrogate) >= {MIN_PEOPLE} "
        f"ORDER BY count(DISTINCT surrogate) DESC, count(*) DESC, {need}, type "
        f"LIMIT {MOST_ROWS}",
        *params,
    )
