"""What is asked of the catalogue, and what it answers."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from micromoments.core.event import Millis
from micromoments.core.geo import Point
from micromoments.core.item import KINDS, Item, Kind
from micromoments.core.moment import MomentType

Via = Literal["search", "nearby", "similar", "popular", "together", "new", "again", "offer"]
"""How a candidate was found. ``together`` is bought together, ``new`` an item that few have met yet, found by its
content, ``again`` one that the person buys now and then, about when it is due, ``offer`` what is
offered on what is wanted now.
"""

MAX_CANDIDATES = 100

Mode = Literal["foot", "bike", "car"]
"""How a person goes there."""


class Pace(NamedTuple):
    """How a way of going compares with the straight line: metres a second, how much longer streets are, seconds for
    getting on and off.
    """

    speed: float
    detour: float
    extra: int


PACES: dict[Mode, Pace] = {
    # As pedestrian planning takes it (Transport for London's 80 m a minute); streets are a third longer in cities.
    "foot": Pace(1.35, 1.3, 0),
    # Fifteen kilometres an hour, and a minute for the lock.
    "bike": Pace(4.2, 1.3, 60),
    # What is left of a town's speed limit at its lights, ways around one-way streets, and finding a place to park.
    "car": Pace(7.5, 1.4, 240),
}


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What candidates are wanted for.

    ``kinds`` are those that the slot takes, ``within`` its categories, all where it names none. ``words`` are the
    need's query, ``category`` its category.
    ``probabilities`` run over ``core.moment.TYPES``; all zero where nothing is known. ``recent`` are the items of the
    session, newest first; its first is what the person looks at now, and isn't proposed. ``bought`` and ``dismissed``
    are item ids, ``categories`` how often the person met each category. ``only`` restricts to these ids, whatever their
    kind; all of them that exist are scored. ``timezone`` is used for places that name none. ``bought_at`` is when each
    item was bought last, ``purchases`` on which days since the epoch. ``quoted`` is whether reasons may repeat the
    words.
    ``question`` is what the person said in full, where ``words`` are only what it is about.
    ``price_from`` and ``price_to`` are what the need names, in minor units of ``currency``, 0 for open.
    ``minutes`` is the time at hand, 0 where it isn't said, ``have`` what tools and materials they say they have.
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
    bought_at: dict[str, Millis] = {}
    quoted: bool = True
    question: str = ""
    minutes: float = 0.0
    have: tuple[str, ...] = ()
    price_from: int = 0
    price_to: int = 0
    currency: str = ""
    within: tuple[str, ...] = ()
    purchases: dict[str, tuple[int, ...]] = {}


class Candidate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An item that may be served. ``score`` lies in [0, 1]; the reasons are in the person's words, strongest first.

    ``metres`` is the straight-line distance and ``seconds`` the way, -1 where no position was given or the item has
    none. ``open`` is whether it is open when the person gets there (now, where the way is not known); ``closes_at`` is
    when it then closes, 0 where it doesn't or is closed. ``answer`` is the passage of it that answers the words.
    ``used_up`` is said of what the person bought, and buys again and again: that they have it speaks not against it.
    """

    item: Item
    score: float
    via: tuple[Via, ...]
    reasons: tuple[str, ...]
    metres: int = -1
    seconds: int = -1
    open: bool = True
    closes_at: Millis = 0
    answer: Answer | None = None
    used_up: bool = False


class Answer(NamedTuple):
    """A passage that answers, and where it stands: ``field`` of the item is ``text`` or ``faq/<place>``, ``start`` and
    ``end`` are its characters there. ``text`` is what stands there without Markdown's or HTML's marks; ``confidence``
    lies in [0, 1].
    """

    text: str
    item: str
    kind: Kind
    title: str
    url: str
    field: str
    start: int
    end: int
    confidence: float


class Hit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A search result: an item's id and its BM25 score, larger is better."""

    id: str
    score: float


def travel(metres: float, mode: Mode = "foot") -> int:
    """Seconds for a straight-line distance in metres."""
    pace = PACES[mode]
    return round(metres * pace.detour / pace.speed) + pace.extra
