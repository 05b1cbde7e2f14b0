"""What is asked of the catalogue, and what it answers."""

from __future__ import annotations

from typing import Literal

import msgspec

from micromoments.core.event import Millis
from micromoments.core.geo import Point
from micromoments.core.item import KINDS, Item, Kind
from micromoments.core.moment import MomentType

Via = Literal["search", "nearby", "similar", "popular", "together", "new"]
"""How a candidate was found. ``together`` is bought together, ``new`` an item that few have met yet, found by its
content.
"""

MAX_CANDIDATES = 100

WALKING_SPEED = 1.35
"""Metres a second on foot, as pedestrian planning takes it (Transport for London's 80 m a minute)."""
DETOUR = 1.3
"""Streets are this much longer than the straight line, on average in cities."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What candidates are wanted for.

    ``kinds`` are those that the slot takes. ``words`` are the need's query, ``category`` its category.
    ``probabilities`` run over ``core.moment.TYPES``; all zero where nothing is known. ``recent`` are the items of the
    session, newest first; its first is what the person looks at now, and isn't proposed. ``bought`` and ``dismissed``
    are item ids, ``categories`` how often the person met each category. ``only`` restricts to these ids, whatever their
    kind; all of them that exist are scored. ``timezone`` is used for places that name none.
    """

    at: Millis
    kinds: tuple[Kind, ...] = KINDS
    words: str = ""
    category: str = ""
    moment_type: MomentType | Literal[""] = ""
    probabilities: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    point: Point | None = None
    recent: tuple[str, ...] = ()
    bought: frozenset[str] = frozenset()
    dismissed: frozenset[str] = frozenset()
    categories: dict[str, int] = {}
    limit: int = MAX_CANDIDATES
    only: tuple[str, ...] = ()
    timezone: str = ""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An item that may be served. ``score`` lies in [0, 1]; the reasons are in the person's words, strongest first.

    ``metres`` is the straight-line distance and ``seconds`` the walk, -1 where no position was given or the item has
    none. ``open`` is whether it is open when the person gets there (now, where the way is not known); ``closes_at`` is
    when it then closes, 0 where it doesn't or is closed.
    """

    item: Item
    score: float
    via: tuple[Via, ...]
    reasons: tuple[str, ...]
    metres: int = -1
    seconds: int = -1
    open: bool = True
    closes_at: Millis = 0


class Hit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A search result: an item's id and its BM25 score, larger is better."""

    id: str
    score: float


def walk(metres: float) -> int:
    """Seconds on foot for a straight-line distance in metres."""
    return round(metres * DETOUR / WALKING_SPEED)
