# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""What several reports share: figures with their counts, and moments with the device that opened them."""

from __future__ import annotations

from datetime import date
from typing import Any

from micromoments.core.money import DIGITS
from micromoments.core.rollup import ROLLUPS
from micromoments.report.ask import COUNTED, Ask

MIN_PEOPLE = 10
"""Words that fewer people share are not shown: they might tell who someone is."""
MOST_ROWS = 100
_MOST = 2**63 - 1
HIDDEN = f"The rest is shared by fewer than {MIN_PEOPLE} people each, or is past the {MOST_ROWS} most frequent."


def figure(name: str, title: str, count: float, of: float | None, unit: str, **more: Any) -> dict[str, Any]:
    """A figure with what it counts: ``value`` is count / of (null where there is nothing to divide by). ``how`` among
    ``more``: how it is worked out, where that takes more than counting.
    """
    value = count if of is None else count / of if of else None
    return {"name": name, "title": title, "value": value, "count": count, "of": of, "unit": unit, **more}


def money(minor: float, currency: str) -> str:
    """Minor units as people read them: ``1,234.50 USD``; whole ones from a thousand on.

    >>> money(123456, "USD"), money(1250, "EUR"), money(900, "JPY")
    ('1,235 USD', '12.50 EUR', '900 JPY')
    """
    digits = DIGITS.get(currency, 2)
    amount = minor / 10**digits
    return f"{amount:,.{0 if abs(amount) >= 1000 else digits}f} {currency}".strip()


def total(what: str) -> str:
    """SQL of the sum of what is a whole number, as 64 bits hold it: a sum past them is the most (or least) they hold,
    where a mere cast fails and the whole report with it.
    """
    return f"CAST(least(greatest(coalesce(sum({what}), 0), -{_MOST}), {_MOST}) AS BIGINT)"


def share(name: str, title: str, count: int, of: int, **more: Any) -> dict[str, Any]:
    """A share in [0, 1]."""
    return figure(name, title, count, of, "share", **more)


def moments(asked: Ask, *, whole: bool = False, facts: bool = False) -> tuple[str, list[object]]:
    """SQL (and parameters) of the counted moments opened in the stretch, filtered, with ``by`` as ``part``. ``whole``:
    with what became of each, as ``core.judged`` has it; ``facts``: with every column of their facts instead.

    A moment's channel is the one that opened it; its device that of the person's event at its opening; its place the
    need's.
    """
    names = {
        "type": "m.type",
        "channel": "split_part(m.channels, ',', 1)",
        "device": "d.device",
        "place": "m.place",
        "hour": asked.hour("m.opened_at"),
        "day": asked.day("m.opened_at"),
    }
    where, params = (
        ["m.opened_at >= ?", "m.opened_at < ?", f"(m.{COUNTED[1:]}"],
        list[object]([asked.start, asked.stop]),
    )
    source, join = "moments" if facts else asked.judged(whole=whole), ""
    if "device" in {asked.by, *(name for name, _ in asked.segment)}:
        # Of the events first those at which one of these moments opened: all of them are too many to be gathered. What
        # is judged on the spot can't stand in one question twice on Spark, so there the moments as they are do.
        opened = "moments" if source.startswith("(") else source
        join = (
            " LEFT JOIN (SELECT e.surrogate, e.at AS happened, min(e.device) AS device FROM events AS e JOIN "
            f"(SELECT DISTINCT surrogate, opened_at FROM {opened} AS every WHERE opened_at >= ? AND opened_at < ?) "
            "AS o ON o.surrogate = e.surrogate AND o.opened_at = e.at WHERE e.device <> '' AND e.at >= ? AND e.at < ? "
            "GROUP BY e.surrogate, e.at) AS d ON d.surrogate = m.surrogate AND d.happened = m.opened_at"
        )
        params = [asked.start, asked.stop, asked.start, asked.stop, *params]
    for name, value in asked.segment:
        where.append(f"CAST({names[name]} AS VARCHAR) = ?")
        params.append(segment_value(name, value))
    part = names[asked.by] if asked.by else "''"
    return f"SELECT m.*, {part} AS part FROM {source} AS m{join} WHERE {' AND '.join(where)}", params


def segment_value(name: str, value: str) -> str:
    """A segment's value as the SQL has it: an hour without its leading nought, a day as its number."""
    if name == "hour":
        if not value.isdecimal() or int(value) > 23:
            raise ValueError(f"got segment hour:{value}; wanted hour:0 to hour:23; correct it")
        return str(int(value))
    if name == "day":
        try:
            return str((date.fromisoformat(value) - date(1970, 1, 1)).days)
        except ValueError:
            raise ValueError(f"got segment day:{value}; wanted a date such as day:2026-01-31; correct it") from None
    return value


def events(asked: Ask, rollup: str = "") -> tuple[str, list[object]]:
    """SQL (and parameters) of the counted events that happened in the stretch, filtered, with ``by`` as ``part``; or of
    the rows of one of their roll-ups.

    Events have no moment's type or place: a filter on it, or a break-down by it, leaves them whole.
    """
    if rollup and ROLLUPS[rollup].hour:
        (inner, params), at = asked.hours(rollup), "base.hour"
        source, where = f"({inner}) AS base", [COUNTED]
    else:
        source = f"{asked.source(rollup) if rollup else 'events'} AS events"
        at, where, params = "events.at", ["events.at >= ?", "events.at < ?", COUNTED], [asked.start, asked.stop]
    names = {"channel": "channel", "device": "device", "hour": asked.hour(at), "day": asked.day(at)}
    for name, value in asked.segment:
        if name in names:
            where.append(f"CAST({names[name]} AS VARCHAR) = ?")
            params.append(segment_value(name, value))
    part = names.get(asked.by, "''")
    return f"SELECT *, {part} AS part FROM {source} WHERE {' AND '.join(where)}", params
