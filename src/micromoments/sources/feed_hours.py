"""schema.org's opening hours as an OpenStreetMap ``opening_hours`` expression."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

_DAYS = {
    name: short
    for short, *names in (
        ("Mo", "monday", "mon"), ("Tu", "tuesday", "tue"), ("We", "wednesday", "wed"), ("Th", "thursday", "thu"),
        ("Fr", "friday", "fri"), ("Sa", "saturday", "sat"), ("Su", "sunday", "sun"), ("PH", "publicholidays"),
    )
    for name in (short.lower(), *names)
}  # fmt: skip
_ORDER = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su", "PH")
_TIME = re.compile(r"^(\d{1,2}):(\d{2})")


def osm_hours(thing: dict[str, Any]) -> str:
    """When a place is open, by ``openingHours`` or ``openingHoursSpecification``; empty where neither says.

    A specification for certain dates (``validFrom``) goes on top of the weekly ones, as a holiday does.

    Raises:
        ValueError: a specification that can't be read.
    """
    plain = thing.get("openingHours")
    if plain:
        listed = plain if isinstance(plain, list) else [plain]
        # schema.org's own form is OpenStreetMap's but for commas between rules and a dash for the whole day.
        return "; ".join(str(one).strip() for one in listed if str(one).strip())
    given = thing.get("openingHoursSpecification")
    specs = given if isinstance(given, list) else [given]
    rules = [_rule(spec) for spec in specs if isinstance(spec, dict)]
    return "; ".join(sorted(dict.fromkeys(rules), key=lambda rule: rule[:1].isdigit()))


def _rule(spec: dict[str, Any]) -> str:
    days = spec.get("dayOfWeek")
    names = [
        str(day).rpartition("/")[2].lower() for day in (days if isinstance(days, list) else [days] if days else [])
    ]
    unknown = [name for name in names if name not in _DAYS]
    if unknown:
        raise ValueError(f"got the day {unknown[0]!r}; wanted one of schema.org's, such as Monday")
    short = sorted({_DAYS[name] for name in names}, key=_ORDER.index)
    opens, closes = (_time(spec.get(name)) for name in ("opens", "closes"))
    if not opens and not closes:
        times = "off"
    elif opens == closes:
        # The same time twice is closed all day at midnight, by Google's reading of schema.org; else the whole day.
        times = "off" if opens == "00:00" else "00:00-24:00"
    else:
        times = f"{opens or '00:00'}-{'24:00' if closes in ('', '23:59') else closes}"
    dates = _dates(str(spec.get("validFrom") or ""), str(spec.get("validThrough") or ""))
    return " ".join(part for part in (dates, ",".join(short), times) if part)


def _time(value: Any) -> str:
    if not value:
        return ""
    found = _TIME.match(str(value))
    if found is None:
        raise ValueError(f"got the time {str(value)[:20]!r}; wanted such as 09:00")
    return f"{int(found.group(1)):02}:{found.group(2)}"


def _dates(first: str, last: str) -> str:
    """``2026 Dec 24-2026 Dec 26`` for two ISO dates."""
    told = [_date(one) for one in (first, last) if one]
    return told[0] if len(set(told)) == 1 else "-".join(told)


def _date(text: str) -> str:
    day = date.fromisoformat(text[:10])
    return f"{day.year} {day:%b} {day.day:02}"
