"""What a policy sees of a candidate in a moment: ``DIM`` numbers in [-1, 1], most of them named, so that they explain.

Only what differs between candidates can order them, so context enters as products with what the item is: the moment's
type with the item's kind, the hour with its category. Categories and item ids are hashed with signs (Weinberger et
al., "Feature Hashing for Large Scale Multitask Learning", 2009), so new ones need no room of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from itertools import count
from math import exp, log1p
from typing import Any, NamedTuple, Protocol
from zlib import crc32

import numpy as np

from micromoments.core.event import Millis
from micromoments.core.item import KINDS, Item, Kind
from micromoments.core.moment import TYPES, MomentType, MomentView
from micromoments.core.money import beside
from micromoments.core.settings import MINUTE
from micromoments.core.when import zone_of
from micromoments.policy.base import FloatArray

VIA = ("search", "nearby", "similar", "popular", "together", "new")
INTENTS = TYPES[:4]

BIAS = 0
FIT = 1  # 20: intent x kind
KIND = FIT + len(INTENTS) * len(KINDS)
SCORE = KIND + len(KINDS)
FOUND = SCORE + 1  # 6: via
NEAR = FOUND + len(VIA)
QUICK = NEAR + 1
OPEN = QUICK + 1
CLOSING = OPEN + 1
PRICE = CLOSING + 1
CATEGORY = PRICE + 1
BRAND = CATEGORY + 1
TITLE = BRAND + 1
POPULAR = TITLE + 1
PRIORITY = POPULAR + 1
VALUE = PRIORITY + 1
HOUR = VALUE + 1  # hashed (category, part of the day)
HOUR_BUCKETS = 4
GROUP = HOUR + HOUR_BUCKETS  # hashed category
GROUP_BUCKETS = 6
SELF = GROUP + GROUP_BUCKETS  # hashed item id, three signed buckets each
SELF_BUCKETS = 10
DIM = SELF + SELF_BUCKETS

PARTS = ("night", "morning", "afternoon", "evening")
"""Six hours each, from midnight."""
CLOSING_SOON: Millis = 30 * MINUTE
NEAR_METRES = 1_000.0
QUICK_SECONDS = 600.0
"""Distance and travel time at which nearness has fallen to 1/e."""
MAX_ROWS = 16_384
"""Rows that are kept of items, to be taken again: 8 MB."""

NAMES: tuple[str, ...] = (
    "bias",
    *(f"{intent} x {kind}" for intent in INTENTS for kind in KINDS),
    *(f"kind {kind}" for kind in KINDS),
    "retrieval score",
    *(f"via {via}" for via in VIA),
    "near",
    "quick to reach",
    "open place",
    "closing soon",
    "price fits",
    "category matches",
    "brand matches",
    "words in title",
    "popular",
    "priority",
    "value",
    *(f"category at this hour #{n}" for n in range(HOUR_BUCKETS)),
    *(f"category #{n}" for n in range(GROUP_BUCKETS)),
    *(f"item #{n}" for n in range(SELF_BUCKETS)),
)

SUITS: dict[MomentType, tuple[Kind, ...]] = {
    "know": ("article",),
    "go": ("place",),
    "do": ("guide",),
    "buy": ("product", "offer"),
}
"""The kinds that serve each type of moment."""


def fit(intent: MomentType, kind: Kind) -> int:
    """The index of the feature that is an intent's probability where the item is of this kind."""
    return FIT + INTENTS.index(intent) * len(KINDS) + KINDS.index(kind)


WORDS: dict[int, str] = {
    SCORE: "a close match",
    FOUND: "matches your words",
    FOUND + 1: "near you",
    FOUND + 2: "like what you looked at",
    FOUND + 3: "popular now",
    FOUND + 4: "goes with what you looked at",
    FOUND + 5: "new here",
    NEAR: "close by",
    QUICK: "quick to reach",
    OPEN: "open now",
    PRICE: "within your price",
    CATEGORY: "the kind of thing you are after",
    BRAND: "the brand you named",
    TITLE: "has your words in its title",
    POPULAR: "popular now",
}
"""Reasons in the person's words; what isn't here is no reason to a person."""
_INTENT_WORDS: dict[MomentType, str] = {
    "know": "answers what you want to know",
    "go": "somewhere to go now",
    "do": "helps you do it",
    "buy": "something to buy now",
}
for _intent, _kinds in SUITS.items():
    for _kind in _kinds:
        WORDS[fit(_intent, _kind)] = _INTENT_WORDS[_intent]


def _prior() -> FloatArray:
    """The weights believed before any outcome: what suits the moment and what retrieval found good is better."""
    weights = np.zeros(DIM)
    for intent, kinds in SUITS.items():
        for kind in kinds:
            weights[fit(intent, kind)] = 0.2
    weights[[SCORE, TITLE, CATEGORY]] = 0.25
    weights[[NEAR, QUICK, OPEN, PRICE, BRAND, POPULAR]] = 0.05
    return weights


PRIOR = _prior()
"""Prior weights (d,), in expected reward a unit of feature: an assumption, worth ``linear.PRECISION`` outcomes."""


class Found(Protocol):
    """What a feature needs of a candidate, as retrieval gives it."""

    @property
    def item(self) -> Item:
        """The item."""
        ...

    @property
    def score(self) -> float:
        """Retrieval's score, in [0, 1]."""
        ...

    @property
    def via(self) -> tuple[str, ...]:
        """How it was found, codes of ``VIA``."""
        ...

    @property
    def metres(self) -> int:
        """Distance, -1 unknown."""
        ...

    @property
    def seconds(self) -> int:
        """Travel time, -1 unknown."""
        ...

    @property
    def open(self) -> bool:
        """Whether it is open now; items without hours always are."""
        ...

    @property
    def closes_at(self) -> Millis:
        """When it closes, 0 unknown or never."""
        ...


def hour_part(context: Mapping[str, Any], now: Millis) -> int:
    """The part of the day (0 night ... 3 evening) in the context's ``timezone``, else UTC."""
    return _part(zone_of(str(context.get("timezone"))) or UTC, now // MINUTE)


@lru_cache(maxsize=1024)
def _part(zone: tzinfo, minute: int) -> int:
    """The same in one minute since the epoch: no zone of our time changes its hour within one."""
    return datetime.fromtimestamp(minute * 60, zone).hour // 6


def _spread(key: str, salt: int, buckets: int, hashes: int) -> list[tuple[int, float]]:
    """``hashes`` signed buckets of a key; together of length 1 unless they meet."""
    mixed = ((crc32(key.encode("utf-8", "surrogatepass")) + salt + 1) * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    out = []
    for n in range(hashes):
        part = (mixed >> (16 * n + 8)) & 0xFFFF
        out.append(((part >> 1) % buckets, (1.0 if part & 1 else -1.0) / hashes**0.5))
    return out


def _own(item: Item, part: int) -> list[float]:
    """What follows from the item itself in a part of the day: ``DIM`` numbers. Under every intent its kind stands as 1,
    to be multiplied by the moment's probabilities.
    """
    row = [0.0] * DIM
    row[BIAS] = 1.0
    for at in range(FIT + KINDS.index(item.kind), SCORE, len(KINDS)):
        row[at] = 1.0
    row[PRIORITY] = item.priority / (1.0 + abs(item.priority))
    row[VALUE] = min(1.0, log1p(max(0, item.value)) / log1p(10_000_000))
    category = item.category
    if category:
        for bucket, sign in _spread(f"{category}@{PARTS[part]}", 1, HOUR_BUCKETS, 1):
            row[HOUR + bucket] = sign
        for bucket, sign in _spread(category, 2, GROUP_BUCKETS, 1):
            row[GROUP + bucket] = sign
    for bucket, sign in _spread(item.id, 3, SELF_BUCKETS, 3):
        row[SELF + bucket] += sign
    row[SELF:] = [min(1.0, max(-1.0, one)) for one in row[SELF:]]
    return row


class _Known(NamedTuple):
    """An item as it is: the place of its own features among the rows that are kept, its category and brand in one case,
    the words of its title.
    """

    item: Item
    at: int
    category: str
    brand: str
    words: frozenset[str]


class _Kept:
    """Items' own features, one row under the other, so that a decision's are taken in one go. What is written stays as
    it is: when all rows are taken another one begins.
    """

    def __init__(self, room: int) -> None:
        self.rows: FloatArray = np.empty((room, DIM))
        self.known: tuple[dict[str, _Known], ...] = tuple([{} for _ in PARTS])
        """By part of the day, by id."""
        self._next = count()

    def add(self, item: Item, part: int) -> _Known | None:
        """Keep an item that is new or changed; ``None`` where there is no room."""
        at = next(self._next)
        if at >= len(self.rows):
            return None
        self.rows[at] = _own(item, part)
        known = _Known(item, at, item.category.casefold(), item.brand.casefold(), _words(item.title))
        self.known[part][item.id] = known
        return known


_KEPT = [_Kept(MAX_ROWS)]
"""A memo that changes no result."""


def _known(candidates: Sequence[Found], part: int) -> tuple[FloatArray, list[_Known]]:
    """The candidates' own features (n, d) in a part of the day, and what else is known of each."""
    kept = _KEPT[0]
    known = kept.known[part]
    out: list[_Known] = []
    for c in candidates:
        item = c.item
        found = known.get(item.id)
        if found is None or found.item is not item:
            found = kept.add(item, part)
            if found is None:
                _KEPT[0] = _Kept(max(MAX_ROWS, len(candidates)))
                return _known(candidates, part)
        out.append(found)
    return kept.rows.take([one.at for one in out], axis=0), out


_WAYS: FloatArray = np.array([[float(n >> at & 1) for at in range(len(VIA))] for n in range(1 << len(VIA))])
"""The features of all ways of finding together, by their numbers."""


@lru_cache(maxsize=1024)
def _way(via: tuple[str, ...]) -> int:
    """The number of some ways of finding: the sum of 2 to their places in ``VIA``."""
    return sum([1 << VIA.index(code) for code in dict.fromkeys(via) if code in VIA])


@lru_cache(maxsize=16_384)
def _words(text: str) -> frozenset[str]:
    return frozenset("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def matrix(
    candidates: Sequence[Found], moment: MomentView | None, context: Mapping[str, Any], now: Millis
) -> FloatArray:
    """The features of candidates in a moment: (n, d), every value in [-1, 1], the same for the same arguments."""
    if not candidates:
        return np.zeros((0, DIM))
    x, known = _known(candidates, hour_part(context, now))
    scores = [c.score for c in candidates]
    if not (min(scores) >= 0.0 and max(scores) <= 1.0):
        scores = [min(1.0, max(0.0, score)) for score in scores]
    x[:, SCORE] = scores
    x[:, FOUND:NEAR] = _WAYS.take([_way(c.via) for c in candidates], axis=0)
    x[:, POPULAR] = x[:, SCORE] * x[:, FOUND + VIA.index("popular")]
    for n, c in enumerate(candidates):
        if c.metres >= 0 or c.seconds >= 0 or c.item.hours:
            _place(x, n, c, now)
    _moment(x, known, moment)
    return x


def _place(x: FloatArray, n: int, candidate: Found, now: Millis) -> None:
    """Fill in one's distance, travel time and hours."""
    if candidate.metres >= 0:
        x[n, NEAR] = exp(-candidate.metres / NEAR_METRES)
    if candidate.seconds >= 0:
        x[n, QUICK] = exp(-candidate.seconds / QUICK_SECONDS)
    if candidate.open and candidate.item.hours:
        x[n, OPEN] = 1.0
        x[n, CLOSING] = 0 < candidate.closes_at - now <= CLOSING_SOON


def _moment(x: FloatArray, known: Sequence[_Known], moment: MomentView | None) -> None:
    """Fill in how each candidate fits the moment's type and need."""
    if moment is None:
        x[:, FIT:KIND] = 0.0
        return
    given = [min(1.0, max(0.0, moment.probabilities.get(intent, 0.0))) for intent in INTENTS]
    # All of it times one is quicker than a part of it.
    x *= [1.0] * FIT + [one for one in given for _ in KINDS] + [1.0] * (DIM - KIND)
    need = moment.need
    category = str(need.get("category", "")).casefold()
    if category:
        x[:, CATEGORY] = [one.category == category for one in known]
    brand = str(need.get("brand", "")).casefold()
    if brand:
        x[:, BRAND] = [one.brand == brand for one in known]
    asked = _words(str(need.get("query", "")))
    if asked:
        none, all_ = asked.isdisjoint, len(asked)
        x[:, TITLE] = [0.0 if none(one.words) else len(asked & one.words) / all_ for one in known]
    low, high = _whole(need.get("price_from")), _whole(need.get("price_to"))
    if low or high:
        currency = str(need.get("currency", ""))
        x[:, PRICE] = [_price(one.item, low, high, currency) for one in known]


def _whole(value: str | int | None) -> int:
    return value if isinstance(value, int) else 0


def _price(item: Item, low: int, high: int, currency: str) -> float:
    """1 within the wanted range of minor units, -1 outside, 0 for what has no price or one of another currency; 0 is an
    open end.
    """
    amount = beside(item.price.amount, item.price.currency, currency) if item.price is not None else None
    if amount is None:
        return 0.0
    return 1.0 if amount >= low and (not high or amount <= high) else -1.0


def features(
    candidate: Found, moment: MomentView | None, context: Mapping[str, Any], now: Millis
) -> tuple[tuple[int, float], ...]:
    """One candidate's features, sparse: (index, value) in rising order of index."""
    return sparse(matrix([candidate], moment, context, now)[0])


def sparse(row: FloatArray) -> tuple[tuple[int, float], ...]:
    """A row (d,) as (index, value) pairs, zeros left out."""
    return tuple([(index, value) for index, value in enumerate(row.tolist()) if value])


def dense(pairs: Sequence[tuple[int, float]], dim: int = DIM) -> FloatArray:
    """(index, value) pairs as a row (d,); pairs beyond ``dim`` (of a later release's features) are left out."""
    row = np.zeros(dim)
    for index, value in pairs:
        if 0 <= index < dim:
            row[index] = value
    return row


def explain(x: FloatArray, theta: FloatArray, limit: int = 2) -> tuple[str, ...]:
    """The reasons that weigh most for one row ``x`` (d,) under weights ``theta`` (d,), heaviest first, in the person's
    words.

    Only what speaks for the item and can be said to a person counts; none may be left.
    """
    return heaviest(sparse(x), theta.tolist(), limit)


def heaviest(pairs: Sequence[tuple[int, float]], theta: Sequence[float], limit: int = 2) -> tuple[str, ...]:
    """As ``explain``, of a row's (index, value) pairs."""
    pull = sorted([(-w, index) for index, value in pairs if index in WORDS and (w := value * theta[index]) > 0.0])
    return tuple(dict.fromkeys([WORDS[index] for _, index in pull]))[:limit]
