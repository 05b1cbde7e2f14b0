# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""What is behind a number: the moments, decisions and goals that it counts, one by one; and what came of one decision.

People stand here by the facts' random surrogate, and nobody's words are shown.
"""

from __future__ import annotations

from typing import Any

from micromoments.report.ask import COUNTED, Ask, has_goal, iso
from micromoments.report.parts import MOST_ROWS, events, figure, moments, segment_value

BEHIND = (
    f"The newest {MOST_ROWS} of each kind in the stretch, without bots, own people and tests: moments opened, "
    "decisions made, goals reached. A person is a random number, the same in every report."
)
RECEIPT = "One decision (`decision`): what came of it, and what became of its moment."
_PERSON = "CAST(surrogate AS VARCHAR) AS person"


def behind(asked: Ask) -> dict[str, Any]:
    """The rows: ``of`` says whether each is a ``moment``, a ``decision`` or a ``goal``. The newest first."""
    opened, decided, reached = _moments(asked), _decisions(asked), _goals(asked)
    base, params = moments(asked)
    n = int(asked.one(f"WITH base AS ({base}) SELECT count(*) AS n FROM base", *params)["n"])
    rows = [*opened, *decided, *reached]
    for row in rows:
        row["at"] = iso(int(row["at"]))
    return {"figures": [figure("moments", "Moments opened", n, None, "moments")], "rows": rows}


def _moments(asked: Ask) -> list[dict[str, Any]]:
    base, params = moments(asked)
    return asked.rows(
        f"WITH found AS ({base}), base AS (SELECT * FROM found ORDER BY opened_at DESC, id LIMIT {MOST_ROWS}), "
        "chosen AS (SELECT moment, max(id) AS decision FROM decisions WHERE moment IN (SELECT id FROM base) "
        "GROUP BY moment) "
        f"SELECT 'moment' AS of, base.opened_at AS at, base.id AS id, CAST(base.surrogate AS VARCHAR) AS person, "
        "base.type AS type, base.channels AS channels, base.confidence AS confidence, base.category AS category, "
        "CASE WHEN base.served_at > 0 THEN 'yes' ELSE 'no' END AS served, "
        "CASE WHEN base.ended = '' THEN 'open' ELSE base.ended END AS ended, chosen.decision AS decision "
        "FROM base LEFT JOIN chosen ON chosen.moment = base.id "
        "ORDER BY base.opened_at DESC, base.id",
        *params,
    )


def _decisions(asked: Ask) -> list[dict[str, Any]]:
    names = {"type": "moment_type", "hour": asked.hour("received_at"), "day": asked.day("received_at")}
    where, params = f"received_at >= ? AND received_at < ? AND {COUNTED}", list[object]([asked.start, asked.stop])
    if asked.slot:
        where, params = f"{where} AND slot = ?", [*params, asked.slot]
    for name, value in asked.segment:
        if name in names:
            where, params = f"{where} AND CAST({names[name]} AS VARCHAR) = ?", [*params, segment_value(name, value)]
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


def _goals(asked: Ask) -> list[dict[str, Any]]:
    base, params = events(asked)
    wanted, more = has_goal(asked.goal)
    return asked.rows(
        f"WITH base AS ({base}) SELECT 'goal' AS of, base.at AS at, id, {_PERSON}, name, goal, value, currency, "
        f"channel, decision FROM base WHERE {wanted} ORDER BY base.at DESC, id LIMIT {MOST_ROWS}",
        *params,
        *more,
    )


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
