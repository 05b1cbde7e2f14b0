"""From a record to a signal: behaviour, words, place, the way in and the hour, the strongest as the reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from micromoments.core.event import Event
from micromoments.core.moment import NONE, Need, Signal, Vector
from micromoments.core.record import EventRecord
from micromoments.core.settings import Settings
from micromoments.recognise.behaviour import (
    ARTICLE,
    GUIDE,
    MOST_READ,
    OF_KIND,
    PRODUCT,
    QUIET,
    SEARCHED,
    Act,
    act_of,
    act_of_page,
    arrival,
    canonical,
    path_in,
    plain,
    said,
)
from micromoments.recognise.need import named, need
from micromoments.recognise.place import BY, heading_of, hour, near, speed_of, timely
from micromoments.recognise.refusal import asked
from micromoments.recognise.sensitive import detector
from micromoments.recognise.text import TextModel
from micromoments.recognise.thumbs import in_full
from micromoments.recognise.weights import SHIPPED, Weights

_BITS: Final = {"know": 1, "go": 2, "do": 4, "buy": 8}
_ITEM_KEYS: Final = (
    "product_id",
    "item_id",
    "productId",
    "itemId",
    "content_id",
    "article_id",
    "guide_id",
    "place_id",
    "store_id",
    "sku",
    "id",
)
_TITLED: Final = 0.4
"""How much the title of a page that is read counts beside words that the person chose."""
_HERE: Final[Vector] = (0, 70, 0, 0, 0)
"""What "near me" adds to the words it stands in: whatever the thing is, it is to be had by going there."""
_HOW_TO: Final = re.compile(
    r"(?:\d+ )?(?:how[ -]to|build your own|make your own)\b|.*\b(?:diy|step[ -]by[ -]step|tutorial|walkthrough)\b",
    re.IGNORECASE,
)
"""Titles that say that they are instructions."""
_WHY: Final = re.compile(r"(?:\d+ )?(?:why|what (?:is|are|does|do|makes?)|how (?:does|do|did|is|are))\b", re.IGNORECASE)
"""Titles that say that they explain."""
_MASKED: Final = re.compile(r"\[(?:email|phone|card|account)\]")
"""What stands where something private was taken out: no word of the person's."""
_STRONGEST: Final = 600
MOST_TEXTS: Final = 8192
_LOOKS: Final = frozenset({PRODUCT, ARTICLE})


def _added(a: Vector, b: Vector) -> Vector:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4])


def _negative(a: Vector) -> Vector:
    return (-a[0], -a[1], -a[2], -a[3], -a[4])


def _did(label: str) -> str:
    """The reason of an event that only the company's log explains: its own name."""
    return 'did "' + label[:48].replace("{", "").replace("}", "") + '"'


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _linked(event: Event) -> Act | None:
    """What a link that brought the person in leads to: a deep link, a push, an e-mail."""
    return act_of_page("", path) if (path := path_in(event.event or "", event.properties)) else None


def _word(value: Any) -> str:
    if value is None:
        return ""
    if type(value) is str:
        return value[:96]
    return str(value)[:96] if isinstance(value, str | int) and not isinstance(value, bool) else ""


class Reader:
    """Reads records under one project's settings (its goals fulfil moments)."""

    def __init__(self, text: TextModel, settings: Settings, weights: Weights = SHIPPED) -> None:
        """``text`` reads queries and titles; ``weights`` are what the company's log taught."""
        self._text = text
        self._learned = weights.acts
        self._kept: dict[tuple[str, float], Vector] = {}
        self._needs: dict[str, Need] = {}
        self._own = settings.currency
        self._goals: dict[str, int] = {}
        for goal in settings.goals.values():
            if goal.ends and not goal.where:
                bits = sum(_BITS[t] for t in goal.ends)
                self._goals[goal.event] = self._goals.get(goal.event, 0) | bits
        self._sensitive = detector(settings.recognition.sensitive)

    def private(self, text: str) -> bool:
        """Whether words tell a sensitive need, so that nothing may keep them."""
        return self._sensitive(text) is not None

    def words(self, query: str, why: str) -> Signal | None:
        """What words by themselves say; ``None`` if they say nothing."""
        about = self._need(query)
        if not about.words:
            return None
        return Signal(_added(self._asked(query, about), SEARCHED.weights), why, about, 1)

    def read(self, record: EventRecord) -> Signal | None:
        """What an event says; ``None`` if nothing or if it tells a sensitive need."""
        event = record.event
        if event.type not in {"track", "page", "screen"}:
            return None
        context, properties = event.context, event.properties
        if event.type == "track" and (plain := self._plain(record)) is not None:
            return plain
        page = _map(context.get("page"))
        url = str(properties.get("url") or page.get("url") or "")
        act = self._act(record, str(properties.get("path") or page.get("path") or ""), url)
        ends = self._goals.get(event.event or "", 0) | (act.ends if act else 0)
        if ends:
            return Signal(QUIET, act.why if act and act.ends else "done", self._item(record), 5, ends)
        if act is not None and act.closes:
            return Signal(QUIET, act.why, closes=_word(properties.get("moment_id")) or "*")
        query = _MASKED.sub(" ", said(properties, url)).strip() if act is None or act.why == "search" else ""
        title = "" if query else str(properties.get("title") or page.get("title") or "")[:MOST_READ]
        if self._told(query or title, record):
            return None
        weights, why, about, stage = self._behaved(record, act, query, title)
        if self._learned and (learned := self._learned.get(self.key(record))) is not None:
            base = act.weights if act is not None else QUIET
            weights, why = _added(weights, _added(learned, _negative(base))), why or _did(event.label)
        weights, why, about, metres = self._placed(record, weights, why, about)
        came, by = arrival(context) if event.type == "page" else (QUIET, "")
        if came is not QUIET:
            weights, why = _added(weights, came), why or by
        if max(map(abs, weights)) == 0:
            return None
        if weights[1] or query:
            device = _map(context.get("device")).get("type")
            weights = _added(
                weights, timely(hour(record.occurred, context.get("timezone")), device in ("mobile", "ios", "android"))
            )
        k, g, d, b, n = (max(-_STRONGEST, min(_STRONGEST, w)) for w in weights)
        return Signal((k, g, d, b, n), why, about, stage, metres=metres)

    def _plain(self, record: EventRecord) -> Signal | None:
        """The signal of an act that speaks for itself: no words, place, goal or hour to weigh; else None."""
        event, facets = record.event, record.facets
        act = act_of(event.event or "")
        if act is None or record.nearby is not None or event.event in self._goals or event.event == "Decision Clicked":
            return None
        if facets and act in _LOOKS:
            act = OF_KIND[facets[0].kind]
        weights = act.weights
        if act.ends or act.closes or act.why in {"search", "article", "video"} or weights[1] or weights is QUIET:
            return None
        page = event.context.get("page")
        title = event.properties.get("title") or (page.get("title") if isinstance(page, dict) else None)
        if title and self._sensitive(str(title)[:MOST_READ]):
            return None
        if facets and any(self._sensitive(f"{f.title} {f.category}") for f in facets):
            return None
        if self._learned:
            weights = self._learned.get(self.key(record), weights)
        return Signal(weights, act.why, self._item(record), act.stage)

    def key(self, record: EventRecord) -> str:
        """The name under which is learned what an event says by itself: its own in one spelling, with the kind of the
        item where that decides; a page without a name by the first part of its path.
        """
        event = record.event
        if event.type == "track":
            name = canonical(event.event or "")
            return f"{name} of {record.facets[0].kind}" if record.facets and act_of(name) is None else name
        name = plain(" ".join(x for x in (event.name, event.category) if x)[:MOST_READ])
        if not name:
            path = str(event.properties.get("path") or _map(event.context.get("page")).get("path") or "")
            name = "/" + path.strip("/").partition("/")[0].lower()[:48]
        return f"{event.type} {name}"

    def base(self, record: EventRecord) -> Act | None:
        """What an event says by itself as shipped, whatever its words, place and hour."""
        page = _map(record.event.context.get("page"))
        get = record.event.properties.get
        return self._act(record, str(get("path") or page.get("path") or ""), str(get("url") or page.get("url") or ""))

    def _act(self, record: EventRecord, path: str, url: str) -> Act | None:
        event = record.event
        if event.type == "track":
            act = act_of(event.event or "") or _linked(event)
            clicked = event.event == "Decision Clicked"
        else:
            name = " ".join(x for x in (event.name, event.category) if x)
            act = act_of_page(name, path or url.partition("?")[0].partition("//")[2].partition("/")[2])
            clicked = False
        if record.facets and (clicked or act in _LOOKS or (act is None and event.type != "track")):
            return OF_KIND[record.facets[0].kind]
        return act

    def _told(self, text: str, record: EventRecord) -> bool:
        """Whether words, items or place tell a sensitive need."""
        if text and self._sensitive(text):
            return True
        return any(self._sensitive(f"{f.title} {f.category}") for f in record.facets)

    def _weights(self, text: str, share: float) -> Vector:
        """What a text says, by its share; kept for the texts of late, as people ask alike."""
        kept = self._kept.get((text, share))
        if kept is None:
            if len(self._kept) >= MOST_TEXTS:
                self._kept.clear()
            k, g, d, b, n = (round(100 * share * x) for x in self._text.loglik(text))
            kept = self._kept[text, share] = (k, g, d, b, n)
        return kept

    def _asked(self, query: str, about: Need) -> Vector:
        """What words say that the person chose, and what it adds that they ask for it near them."""
        said = self._weights(query, 1.0)
        return _added(said, _HERE) if about.place == "near me" else said

    def _need(self, query: str) -> Need:
        """What a query is about, but for what it refuses beside that; kept for the queries of late."""
        kept = self._needs.get(query)
        if kept is None:
            if len(self._needs) >= MOST_TEXTS:
                self._needs.clear()
            # What is only refused is what the refusal is about, so that it counts against the moment of it.
            about = need(in_full(asked(query) or query), self._own)
            kept = self._needs[query] = named(replace(about, words=need(query).words), self._text.lexicon)
        return kept

    def _item(self, record: EventRecord) -> Need:
        get = record.event.properties.get
        if record.facets:
            facet = record.facets[0]
            category, brand = facet.category or _word(get("category")), facet.brand or _word(get("brand"))
            return Need("", category, facet.id, brand, words=facet.title[:96])
        item = _word(get("product_id")) or next((_word(get(k)) for k in _ITEM_KEYS if get(k)), "")
        return Need("", _word(get("category")), item, _word(get("brand")), words=_word(get("name") or get("title")))

    def _behaved(self, record: EventRecord, act: Act | None, query: str, title: str) -> tuple[Vector, str, Need, int]:
        """What the act and its words say: weights, reason, need, stage."""
        about = self._item(record)
        if query:
            found = self._need(query)
            base = act.weights if act is not None else SEARCHED.weights
            about = replace(
                found,
                category=about.category or found.category,
                item=about.item,
                brand=about.brand or found.brand,
            )
            return _added(self._asked(query, about), base), "search", about, max(act.stage if act else 1, 1)
        if act is not None:
            if title and act.why in {"article", "video"} and self._is(title, _HOW_TO, 2):
                return GUIDE.weights, GUIDE.why, about, GUIDE.stage
            if title and act.why == "video" and self._is(title, _WHY, 0):
                return ARTICLE.weights, act.why, about, ARTICLE.stage
            if title and act.why == "article":
                k, g, d, b, _ = self._weights(title.lower(), _TITLED)
                return _added(act.weights, (min(k, 0), min(g, 0), max(d, 0), min(b, 0), 0)), act.why, about, act.stage
            return act.weights, act.why, about, act.stage
        if title and record.event.type == "page":
            k, g, d, b, n = self._weights(title.lower(), _TITLED)
            if max(k, g, d, b) > max(n, 0):  # what lies open leans a moment; it takes more to open one
                read = replace(need(title[:160], self._own), item=about.item, category=about.category)
                return (k, g, d, b, 0), "title", read, 1
        return QUIET, "", about, 0

    def _is(self, title: str, form: re.Pattern[str], kind: int) -> bool:
        """Whether what is read or watched is of a kind by its title: it has the form, and its words are of the kind."""
        if form.match(title) is None:
            return False
        weights = self._weights(title[:160].lower(), 1.0)
        return weights[kind] == max(weights) and weights.count(weights[kind]) == 1

    def _placed(self, record: EventRecord, weights: Vector, why: str, about: Need) -> tuple[Vector, str, Need, int]:
        """Adds the closest place, where one was captured and it is no sensitive one."""
        nearby = record.nearby
        event: Event = record.event
        if nearby is None or self._sensitive(nearby.title):
            return weights, why, about, -1
        heading = heading_of(event.properties, event.context) if nearby.bearing >= 0 else None
        pull, code = near(nearby, speed_of(event.properties, event.context), heading)
        if not code or (not why and nearby.distance > BY):
            return weights, why, about, -1
        if why and max(weights[:NONE]) >= pull[1]:
            return _added(weights, pull), why, about, nearby.distance
        return (
            _added(weights, pull),
            code,
            replace(about, place=nearby.title, item=about.item or nearby.id),
            nearby.distance,
        )
