"""Which of the rows behind a number: one kind of row, and what it has to be (``only=NAME:VALUE``)."""

from __future__ import annotations

from typing import NamedTuple

from micromoments.core.event import BOT, INTERNAL, TEST, UNCOUNTED
from micromoments.core.judged import WANTED
from micromoments.core.rollup import DEAD, LATE, RAGE


class Narrowed(NamedTuple):
    """SQL of the rows of a ``kind`` (``moment``, ``decision``, ``event``, ``click``) with its parameters."""

    kind: str
    where: str
    params: tuple[object, ...]


_YES: dict[str, tuple[str, str]] = {
    "served": ("moment", "served_at > 0"),
    "crossed": ("moment", "position(',' in channels) > 0"),
    "empty": ("decision", "coalesce(array_length(items, 1), 0) = 0"),
    "held": ("decision", "holdout"),
    "degraded": ("decision", "degraded <> ''"),
    "late": ("event", f"received_at - events.at > {LATE}"),
}
"""Asked with ``yes`` or ``no``."""
_EQUAL: dict[str, tuple[str, str]] = {
    "wanted": ("moment", f"{WANTED} = ?"),
    "refused": ("decision", "? = ANY(refused)"),
    "experiment": ("decision", "? = ANY(experiments)"),
    "event": ("event", "CASE WHEN name <> '' THEN name ELSE type END = ?"),
}
"""Asked with any words."""
_CHOICES: dict[str, dict[str, tuple[str, str]]] = {
    "ended": {
        **{end: ("moment", f"ended = '{end}'") for end in ("fulfilled", "abandoned", "expired")},
        "open": ("moment", "ended = ''"),
        "gone": ("moment", "ended IN ('abandoned', 'expired')"),
    },
    "sure": {
        str(n): (
            "moment",
            f"least(floor(confidence * 10), 9) = {n} AND ended IN ('fulfilled', 'abandoned')",
        )
        for n in range(10)
    },
    "mark": {
        name: ("event", f"(marks & {bit}) <> 0")
        for name, bit in (("bot", BOT), ("internal", INTERNAL), ("test", TEST), ("any", UNCOUNTED))
    },
    "click": {
        name: ("click", f"lower(name) IN ({', '.join(map(repr, names))})")
        for name, names in (("rage", RAGE), ("dead", DEAD))
    },
}
"""Asked with one of a few words."""
NAMES = (*_YES, *_EQUAL, *_CHOICES)


def narrowed(only: str) -> Narrowed | None:
    """What ``NAME:VALUE`` asks for; None where it is empty.

    Raises:
        ValueError: no such name or value; the message says which there are.

    >>> narrowed("refused:cap")
    Narrowed(kind='decision', where='? = ANY(refused)', params=('cap',))
    """
    if not only:
        return None
    name, colon, value = only.partition(":")
    if name in _EQUAL and value:
        kind, where = _EQUAL[name]
        return Narrowed(kind, where, (value,))
    if name in _YES and value in {"yes", "no"}:
        kind, where = _YES[name]
        return Narrowed(kind, where if value == "yes" else f"NOT ({where})", ())
    if value in _CHOICES.get(name, {}):
        kind, where = _CHOICES[name][value]
        return Narrowed(kind, where, ())
    wanted = f"NAME:VALUE with NAME of {', '.join(NAMES)}"
    if colon and name in _YES:
        wanted = f"{name}:yes or {name}:no"
    elif colon and name in _CHOICES:
        wanted = " or ".join(f"{name}:{choice}" for choice in _CHOICES[name])
    raise ValueError(f"got only={only[:60]!r}; wanted {wanted}; correct it or leave it out")
