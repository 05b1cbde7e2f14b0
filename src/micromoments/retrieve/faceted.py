"""The search of a shop: words and filters in, a page of items with facets, highlights and "did you mean" out.

An item must hold every word that was asked for, in one of its forms: stemmed, mistyped and put right, by a synonym, or
as the end of a word not typed yet. Where hardly any item holds them all, all but one will do, and then any of the
words; those that hold more still go first, and the answer says so.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from micromoments.core.item import KINDS, Item, Kind
from micromoments.retrieve.document import MAX_TEXT, PLAIN, STEMMED
from micromoments.retrieve.looked import Looked, Order, Query, Wanted
from micromoments.retrieve.narrow import EVERYTHING, FACETS, Narrow
from micromoments.retrieve.shelf import MAX_VALUES
from micromoments.retrieve.written import UNSPACED, is_unspaced

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from micromoments.core.event import Millis
    from micromoments.retrieve.search import Search

MAX_REACH = 1_000
"""The farthest row of an answer that can be paged to; who goes farther should narrow the search."""
FEW = 5
"""Found items below which not all the words are insisted on."""
SNIPPET = 160
"""Characters of an item's text that are shown around the words found."""
_WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")


class Look(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A search of a shop.

    ``words`` are what a person typed; none lists everything that fits ``narrow``. ``kinds`` empty are all. ``prefix``
    says that the last word may be unfinished. ``offset`` and ``limit`` choose the page, up to ``MAX_REACH``.
    """

    words: str = ""
    kinds: tuple[Kind, ...] = ()
    narrow: Narrow = EVERYTHING
    order: Order = ""
    offset: int = 0
    limit: int = 20
    prefix: bool = False
    facets: bool = True


def asking(words: str, at: Millis, asked: Mapping[str, Any]) -> Look:
    """A ``Look`` of plain arguments: the fields of ``Look`` and of ``Narrow``, one string where several may stand.

    Raises:
        ValueError: a field that there isn't, or a value that it can't have.
    """
    given = {name: (value,) if name in _LISTS and isinstance(value, str) else value for name, value in asked.items()}
    narrow = {name: given.pop(name) for name in [*given] if name in Narrow.__struct_fields__}
    return msgspec.convert({**given, "words": words, "narrow": {"at": at, **narrow}}, Look)


_LISTS = frozenset({"kinds", "category", "brand", "tags"})


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A found item; ``title`` and ``text`` are HTML with what was asked for in ``<mark>``, ``text`` a stretch of it."""

    item: Item
    score: float
    title: str
    text: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a search.

    ``total`` counts all that fits, ``facets`` how many of it have each value (``kind``, ``category``, ``brand``,
    ``tags``, ``stock``), each without its own choice, the most frequent first. ``low`` and ``high`` are the lowest and
    highest price in minor units, -1 for none. ``meant`` is the query put right, empty where nothing was. ``relaxed``
    says that nothing held all the words.
    """

    matches: list[Match]
    total: int
    facets: dict[str, dict[str, int]]
    low: int
    high: int
    meant: str
    relaxed: bool


def look(search: Search, item: Callable[[str], Item | None], asked: Look) -> Found:
    """Answer a search."""
    kinds = tuple(dict.fromkeys(asked.kinds)) or KINDS
    read = search.read(asked.words, kinds, asked.prefix)
    if asked.words.strip() and not read.groups:
        # Stop words alone, or signs: nothing was asked for, and everything is no answer.
        return Found(matches=[], total=0, facets={}, low=-1, high=-1, meant="", relaxed=False)
    tried, pages = _tried(search, kinds, asked, read)
    terms = frozenset(term for group in tried.groups for term in group)
    found = [(one, score) for id, score in _merged(search, kinds, pages, terms, asked) if (one := item(id)) is not None]
    prices = [price for kind in kinds for price in (pages[kind].counts.low, pages[kind].counts.high) if price >= 0]
    # What was put right and finds nothing together with the rest wasn't meant.
    meant = {word: right for word, right in read.meant.items() if terms.intersection(STEMMED.analyze(" ".join(right)))}
    return Found(
        matches=[
            Match(item=one, score=round(score, 4), title=marked(one.title, terms), text=snippet(one.text, terms))
            for one, score in found
        ],
        total=sum(pages[kind].total for kind in kinds),
        facets=_facets(kinds, pages) if asked.facets else {},
        low=min(prices, default=-1),
        high=max(prices, default=-1),
        meant=_meant(asked.words, meant, found[0][0]) if found else "",
        relaxed=tried.least < len(read.groups),
    )


class Tried(NamedTuple):
    """What an item must hold: at least so many of these groups of words."""

    groups: tuple[tuple[str, ...], ...]
    least: int


def _tried(search: Search, kinds: tuple[Kind, ...], asked: Look, read: Query) -> tuple[Tried, dict[Kind, Looked]]:
    """What was found by all the words; or, where that is little, by all but one, or by any of them."""
    tried = Tried(read.groups, len(read.groups))
    # Characters of a script without spaces are no words: an item that shares one of them is about something else.
    if len(read.groups) < 2 or all(is_unspaced(group[0]) for group in read.groups):
        return tried, _pages(search, kinds, asked, tried)
    plain = msgspec.structs.replace(asked, facets=False)
    pages = _pages(search, kinds, plain, tried)
    before = sum(page.total for page in pages.values())
    # What was put right and holds together with the rest was meant.
    groups = read.groups if before else read.sure
    size = len(groups)
    for least in sorted({max(1, size - 1), 1}, reverse=True) if size else ():
        if before >= FEW:
            break
        looser = Tried(groups, least)
        more = _pages(search, kinds, plain, looser)
        if (now := sum(page.total for page in more.values())) > before:
            tried, pages, before = looser, more, now
    # Counting costs more than ranking, and is done once, for what is shown.
    return tried, _pages(search, kinds, asked, tried) if asked.facets else pages


def _pages(search: Search, kinds: tuple[Kind, ...], asked: Look, tried: Tried) -> dict[Kind, Looked]:
    """A page of each kind; those not chosen are counted only."""
    reach = min(MAX_REACH, asked.offset + asked.limit)
    narrow, order = asked.narrow, asked.order
    pages: dict[Kind, Looked] = {}
    for kind in KINDS if asked.facets else kinds:
        limit, facets = (reach, asked.facets) if kind in kinds else (0, False)
        pages[kind] = search.look(kind, Wanted(tried.groups, tried.least, narrow, limit, order, facets))
    return pages


def _meant(words: str, meant: dict[str, tuple[str, ...]], best: Item) -> str:
    """The query with what was mistyped put right: of equally near words the one that the best item has."""
    if not meant:
        return ""
    has = set(PLAIN.analyze(" ".join((best.title, best.brand, best.category, *best.tags))))
    right = {word: next((other for other in others if other in has), others[0]) for word, others in meant.items()}
    return " ".join(right.get(word, word) for word in PLAIN.analyze(words))


def _merged(
    search: Search, kinds: tuple[Kind, ...], pages: dict[Kind, Looked], terms: frozenset[str], asked: Look
) -> list[tuple[str, float]]:
    """The page's (id, score) over all kinds; scores of different kinds are made comparable as ``Search.find`` does."""
    scales = [1.0] * len(kinds)
    if len(kinds) > 1 and terms and not asked.order:
        scales = search.scales(sorted(terms), kinds)
    rows = [
        (row.key * scale, place, row.ord, row.id)
        for place, (kind, scale) in enumerate(zip(kinds, scales, strict=True))
        for row in pages[kind].rows
    ]
    if terms or asked.order:
        sign = 1 if asked.order == "price" else -1
        rows.sort(key=lambda row: (sign * row[0], row[3]))
    return [
        (id, score if terms and not asked.order else 0.0)
        for score, _, _, id in rows[asked.offset : asked.offset + asked.limit]
    ]


def _facets(kinds: tuple[Kind, ...], pages: dict[Kind, Looked]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {"kind": Counter()}
    counts["kind"].update({str(kind): page.total for kind, page in pages.items() if page.total})
    for facet in FACETS:
        counts[facet] = Counter()
        for kind in kinds:
            counts[facet] += pages[kind].counts.values.get(facet, Counter())
    return {
        name: dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_VALUES])
        for name, counted in counts.items()
    }


def marked(text: str, terms: frozenset[str]) -> str:
    """A text as HTML, with the words whose stem is among the terms in ``<mark>``."""
    out: list[str] = []
    done = 0
    for word in _WORD.finditer(text):
        if terms and not terms.isdisjoint(_stems(word.group())):
            out += escape(text[done : word.start()]), "<mark>", escape(word.group()), "</mark>"
            done = word.end()
    out.append(escape(text[done:]))
    return "".join(out).replace("</mark><mark>", "")


def snippet(text: str, terms: frozenset[str]) -> str:
    """The stretch of a text that holds most of the terms, as ``marked`` gives it; its beginning where it has none."""
    text = " ".join(text[:MAX_TEXT].split())
    hits = [(word.start(), stem) for word in _WORD.finditer(text) for stem in _stems(word.group()) if stem in terms]
    start = 0
    if hits:
        start = max(hits, key=lambda hit: (len({stem for at, stem in hits if 0 <= at - hit[0] < SNIPPET}), -hit[0]))[0]
        # A little before the first, from the start of a word.
        start = text.rfind(" ", 0, max(0, start - SNIPPET // 4)) + 1
    end = len(text) if len(text) - start <= SNIPPET else max(start + 1, text.rfind(" ", start, start + SNIPPET))
    return ("… " if start else "") + marked(text[start:end], terms) + (" …" if end < len(text) else "")


@lru_cache(maxsize=65_536)
def _stems(word: str) -> tuple[str, ...]:
    return tuple(STEMMED.analyze(word))
