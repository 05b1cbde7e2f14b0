# ruff: noqa: S608 every fragment of SQL is written here
"""Each moment with what became of it: a question over several tables that a store may keep answered.

``told`` is the moment with what its own fact says; ``judged`` adds whether it was acted on and, where nothing was
served, why. Both are one question in SQL that DuckDB and Postgres read, over moments (the newest version of each, none
withdrawn), the roll-up ``decided`` and outcomes. A moment's row depends on its own fact, the decisions and outcomes
that name it, and the decisions for its person in the day after it, on nothing else: a store that keeps the rows asks
again for those alone that something was told of.
"""

from __future__ import annotations

from micromoments.core.settings import DAY

NEED = "lower(trim(CASE WHEN query <> '' THEN query WHEN category <> '' THEN category ELSE item END))"
"""What a moment is about: its words, else its category, else its item."""
WANTED = "lower(trim(CASE WHEN category <> '' THEN category ELSE query END))"
"""What is compared between kinds of people: the category, else the words."""
CAUSES: dict[str, str] = {
    "held out": "the person was held out, or the slot wasn't live",
    "consent": "nothing was left without the person's consent",
    "cap": "a cap, a budget, quiet hours or a campaign that excludes others refused what was left",
    "no item": "a decision found nothing to serve",
    "too late": "it was recognised after it was over, or the first decision came within a day after its end",
    "not asked": "nobody asked for a decision while it lasted",
}
"""Why nothing was served in a moment, in the order in which causes are looked for."""
COLUMNS = (
    "id, surrogate, received_at, opened_at, served_at, recognised_at, ended, ended_at, type, confidence, category, "
    "place, stage, channels, marks"
)
_TOLD = (
    f"SELECT {{id}}{COLUMNS}, split_part(channels, ',', 1) AS channel, {NEED} AS need, {WANTED} AS wanted, "
    "CASE WHEN ended_at > 0 THEN ended_at ELSE expires_at END AS stopped FROM {moments} AS moments"
)
_FOUND = (
    "CASE WHEN served_at > 0 THEN 'served' WHEN asked.held = 1 THEN 'held out' WHEN asked.refused = 1 THEN 'consent' "
    "WHEN asked.capped = 1 THEN 'cap' WHEN asked.nothing = 1 THEN 'no item' WHEN recognised_at > stopped "
    "THEN 'too late' ELSE '' END"
)
ACTS = "what IN ('clicked', 'goal') AND value >= 0 AND slot <> '' AND moment <> ''"
"""An outcome that says that its moment was acted on."""
_JUDGED = (
    "WITH told AS ({told}), "
    "asked AS (SELECT {moment} AS moment, max(CASE WHEN holdout OR mode <> 'live' THEN 1 ELSE 0 END) AS held, "
    "max(CASE WHEN shown = 0 AND unwanted THEN 1 ELSE 0 END) AS refused, "
    "max(CASE WHEN shown = 0 AND capped THEN 1 ELSE 0 END) AS capped, "
    "max(CASE WHEN shown = 0 THEN 1 ELSE 0 END) AS nothing FROM {decided} AS decided WHERE moment <> '' "
    "AND {moment} IN (SELECT {key} FROM told WHERE served_at = 0) GROUP BY {moment}), "
    f"first_cause AS (SELECT told.*, {_FOUND} AS found FROM told LEFT JOIN asked ON asked.moment = told.{{key}}), "
    # Whoever has a cause already isn't looked for among later decisions: that is the slow part.
    "after AS (SELECT DISTINCT g.{key} AS moment FROM first_cause AS g JOIN {decided} AS decided ON "
    "decided.surrogate = g.surrogate AND decided.received_at > g.stopped "
    f"AND decided.received_at <= g.stopped + {DAY} WHERE g.found = ''), "
    "acted AS (SELECT DISTINCT moment FROM ({acting}) AS acting WHERE moment IN (SELECT {key} FROM told)) "
    f"SELECT {{id}}{COLUMNS}, channel, need, wanted, stopped, acted.moment IS NOT NULL AS acted, "
    "CASE WHEN found <> '' THEN found WHEN after.moment IS NULL THEN 'not asked' ELSE 'too late' END AS cause "
    "FROM first_cause LEFT JOIN after ON after.moment = first_cause.{key} "
    "LEFT JOIN acted ON acted.moment = first_cause.{key}"
)


def told(moments: str, *, keys: bool = False) -> str:
    """The question over a source of moments, without what became of them; ``keys``: with their ``key``."""
    return _TOLD.format(id="key, " if keys else "", moments=moments)


def acting(outcomes: str) -> str:
    """The question over a source of outcomes: the moments that were acted on, as often as they were."""
    return f"SELECT moment FROM {outcomes} AS outcomes WHERE {ACTS}"


def judged(told: str, decided: str, acting: str, *, keys: bool = False) -> str:
    """The question over the answers of the two above and a source of the roll-up ``decided``. ``keys``: numbers stand
    in place of ids (``key``, ``moment_key``), to be compared by, and the answer has ``key`` too.
    """
    id, key, moment = ("key, ", "key", "moment_key") if keys else ("", "id", "moment")
    return _JUDGED.format(told=told, decided=decided, acting=acting, id=id, key=key, moment=moment)
