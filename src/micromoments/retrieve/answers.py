"""Answers: the passage of an item that answers a question, as it stands there, or none.

The items with most of the question's words are looked at, passage by passage. A passage is worth the share of the
question's words, weighted by how rare they are, that it or its heading and title hold; a question that asks for a
duration, an amount, a temperature or the like is only answered by a passage that has one. Below ``CONFIDENT`` there is
no answer: a wrong one is worse than none. ``benchmarks/quality/answers.py`` measures it; ADR 0038 has the figures.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, NamedTuple

from micromoments.retrieve.ask import Answer
from micromoments.retrieve.document import STEMMED
from micromoments.retrieve.passages import Passage, of_guide, passages
from micromoments.retrieve.questions import LIGHT, Sort, answers, derived, read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from micromoments.core.item import Item, Kind
    from micromoments.retrieve.search import Search

ANSWERING: tuple[Kind, ...] = ("article", "guide", "product")
"""Kinds whose texts answer questions."""
LOOKED_AT = 12
"""Items of each kind whose passages are looked at."""
CONFIDENT = 0.7
"""Below this there is no answer; chosen on one half of the judged questions."""
AROUND = 0.85
"""What a word counts that stands in the heading alone, or of a whole section in it but not in the title."""
STRAY, DENSE = 0.6, 0.8
"""What is left of a passage where title, labels and heading have none of the question's words, and what comes back by
the share of its own words that were asked for: a short one that says just that needs no title.
"""
NAMED_FIRST = 0.5
"""What it counts in order that a passage is a line such as ``Cook time: 90 min`` which names what was asked."""
LIGHT_WEIGHT = 0.3
"""What a word counts that says hardly anything."""
MAX_QUESTION = 512
"""Characters of a question that are read."""
MAX_REMEMBERED = 512
"""Items whose passages, and questions whose answers, are kept."""


class Asked(NamedTuple):
    """A question read: its words' forms with what each weighs, in one; else as in ``questions.Question``."""

    terms: tuple[tuple[frozenset[str], float], ...]
    words: str
    sort: Sort | None
    thing: str
    how_to: bool


class Answers:
    """Answers from the texts of items, over a search; what is worked out is kept until an item changes."""

    def __init__(self, search: Search, get: Callable[[str], Item | None]) -> None:
        self._search = search
        self._get = get
        self._passages: dict[str, tuple[Item, tuple[Passage, ...]]] = {}
        self._asked: dict[tuple[str, tuple[Kind, ...]], tuple[Answer, ...]] = {}

    def forget(self) -> None:
        """An item changed: answers are worked out anew."""
        self._asked.clear()

    def find(self, words: str, kinds: Sequence[Kind] = ANSWERING) -> tuple[Answer, ...]:
        """The best passage of each item that answers, best first; empty where none does well enough."""
        key = (words[:MAX_QUESTION], tuple(kinds))
        if key not in self._asked:
            if len(self._asked) >= MAX_REMEMBERED:
                self._asked.clear()
            self._asked[key] = tuple([one for one in self.considered(*key) if one.confidence >= CONFIDENT])
        return self._asked[key]

    def considered(self, words: str, kinds: tuple[Kind, ...]) -> list[Answer]:
        """The best passage of each item looked at, best first, ties by id, however poor."""
        asked = self._read(words, kinds)
        if asked is None:
            return []
        found: list[tuple[float, float, str, Answer]] = []
        for hits in self._search.each(asked.words, tuple([(kind, LOOKED_AT) for kind in kinds])):
            for id, _ in hits:
                if (item := self._get(id)) is not None and (best := self._best(item, asked)) is not None:
                    worth, order, passage = best
                    found.append((-worth, -order, id, _answer(item, passage, worth)))
        found.sort(key=lambda one: one[:3])
        return [answer for *_, answer in found]

    def _read(self, words: str, kinds: tuple[Kind, ...]) -> Asked | None:
        question = read(words)
        if not question.words:
            return None
        content = " ".join(question.words)
        size = self._search.size(kinds)
        terms: list[tuple[frozenset[str], float]] = []
        for group in self._search.read(content, kinds).groups:
            forms = group + tuple([one for one in derived(group[0]) if self._search.count(one, kinds)])
            n = sum([self._search.count(form, kinds) for form in forms])
            rarity = log(1 + (max(0, size - n) + 0.5) / (n + 0.5))
            terms.append((frozenset(forms), rarity * (LIGHT_WEIGHT if forms[0] in LIGHT else 1.0)))
        total = sum([weight for _, weight in terms])
        if not total:
            return None
        return Asked(
            tuple([(forms, weight / total) for forms, weight in terms]),
            content,
            question.sort,
            question.thing,
            question.how_to,
        )

    def _name(self, id: str) -> str:
        """What a guide needs, by its title where it is an item."""
        item = self._get(id)
        return item.title if item is not None else id

    def _best(self, item: Item, asked: Asked) -> tuple[float, float, Passage] | None:
        kept = self._passages.get(item.id)
        if kept is None or kept[0] is not item:
            if len(self._passages) >= MAX_REMEMBERED:
                self._passages.clear()
            kept = self._passages[item.id] = (item, passages(item))
        title = frozenset(STEMMED.analyze(item.title))
        about = title.union(STEMMED.analyze(" ".join((item.brand, item.category, *item.tags))))
        meant = sum([any(term in forms for forms, _ in asked.terms) for term in title]) / max(1, len(title))
        best: tuple[float, float, Passage] | None = None
        for place, passage in enumerate((*kept[1], *of_guide(item, self._name))):
            worth, own = _worth(passage, about, asked)
            # Of equals the one whose item's title was asked for, then the one that says more of it, then the earlier.
            order = meant + own - 0.02 * min(10, place)
            if worth and (best is None or (worth, order) > best[:2]):
                best = (worth, order, passage)
        return best


def _worth(passage: Passage, about: frozenset[str], asked: Asked) -> tuple[float, float]:
    """How well a passage answers, in [0, 1], and how much of what was asked stands in itself, to tell equals apart.

    ``about`` are the words of the item's title and labels.
    """
    sort, terms = asked.sort, passage.terms
    whole = sort is not None and sort.headed
    steps = asked.how_to and sort is None and passage.field == "steps"
    if not steps and (passage.whole != whole or not answers(sort, asked.thing, passage.text, passage.heading)):
        return 0.0, 0.0
    worth = own = repeated = 0.0
    stray, held = passage.field == "text", 0
    for forms, weight in asked.terms:
        here = not forms.isdisjoint(terms)
        held += here
        if not forms.isdisjoint(about):
            worth += weight
            repeated += weight / 2 if here else 0.0
            stray = False
        elif here:
            worth += weight * (AROUND if whole else 1.0)
            own += weight
        elif not forms.isdisjoint(passage.around):
            worth += weight * AROUND
            stray = False
    if sort is None and not own and not steps:
        # The title says what the item is about, not that this passage answers.
        return 0.0, 0.0
    if stray:
        worth *= min(1.0, STRAY + DENSE * held / max(1, len(terms)))
    return round(worth, 6), own + repeated + _named(passage.text, asked)


def _named(text: str, asked: Asked) -> float:
    label, colon, _ = text[:40].partition(":")
    if not colon:
        return 0.0
    words = frozenset(STEMMED.analyze(label))
    return NAMED_FIRST if any(not forms.isdisjoint(words) for forms, _ in asked.terms) else 0.0


def _answer(item: Item, passage: Passage, worth: float) -> Answer:
    return Answer(
        text=passage.text,
        item=item.id,
        kind=item.kind,
        title=item.title,
        url=item.url,
        field=passage.field,
        start=passage.start,
        end=passage.end,
        confidence=round(worth, 4),
    )


def shown(answer: Answer) -> dict[str, object]:
    """An answer as ``attributes.answer`` of a served item has it."""
    source = {"item": answer.item, "title": answer.title, "field": answer.field}
    span = {"start": answer.start, "end": answer.end}
    link = {"url": answer.url} if answer.url else {}
    return {"text": answer.text, "confidence": answer.confidence, "source": {**source, **link, **span}}
