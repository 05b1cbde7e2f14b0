"""Answers: the passage of an item that answers a question, as it stands there, or none.

The items with most of the question's words, or of words that say the same, are looked at, passage by passage. A passage
is worth the share of the question's words, weighted by how rare they are, that it or its heading and title hold; a
question that asks for a duration, an amount, a price or the like is only answered by a passage that has one. How often
passages of that worth were right is the answer's confidence; below ``CONFIDENT`` there is no answer: a wrong one is
worse than none. ``benchmarks/quality/answers.py`` measures it; ADR 0078 has the figures.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from micromoments.retrieve.ask import Answer
from micromoments.retrieve.document import PLAIN, STEMMED
from micromoments.retrieve.otherwise import ALIKE, meant
from micromoments.retrieve.passages import Passage, of_guide, passages
from micromoments.retrieve.questions import ASKING, HOURS, LIGHT, NEED, NEEDED, OPENING, TIME, VERBS, derived, read
from micromoments.retrieve.search import SURELY_MISTYPED, Search
from micromoments.retrieve.weighed import Asked, about, confidence, weigh

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from micromoments.core.item import Item, Kind
    from micromoments.retrieve.questions import Question

ANSWERING: tuple[Kind, ...] = ("article", "guide", "product")
"""Kinds whose texts answer questions."""
LOOKED_AT = 12
"""Items of each kind whose passages are looked at."""
CONFIDENT = 0.85
"""Below this there is no answer."""
LIGHT_WEIGHT = 0.15
"""What a word counts that says hardly anything."""
MAX_QUESTION = 512
"""Characters of a question that are read."""
MAX_REMEMBERED = 512
"""Items whose passages, and questions whose answers, are kept."""


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
        found = self._among(asked, kinds)
        if not found and NEEDED.search(words):
            # No list of what is needed: a sentence may say it.
            found = self._among(asked._replace(sort=NEED), kinds)
        if not found and asked.thing:
            # No number beside what is counted: the sentence may say it in another unit.
            found = self._among(asked._replace(thing=""), kinds)
        return found

    def _among(self, asked: Asked, kinds: tuple[Kind, ...]) -> list[Answer]:
        found: list[tuple[float, float, str, Answer]] = []
        for hits in self._search.each(asked.words, tuple([(kind, LOOKED_AT) for kind in kinds])):
            for id, _ in hits:
                if (item := self._get(id)) is not None and (best := self._best(item, asked)) is not None:
                    worth, order, passage = best
                    found.append((-worth, -order, id, _answer(item, passage, worth)))
        found.sort(key=lambda one: one[:3])
        return [answer for *_, answer in found]

    def _read(self, words: str, kinds: tuple[Kind, ...]) -> Asked | None:
        question = read(meant(words))
        terms = self._terms(question, kinds) if question.words else ()
        total = sum([weight for _, weight in terms])
        if not total:
            return None
        typed = PLAIN.analyze(words)
        others = [form for forms, _ in terms for form in sorted(forms) if form in ALIKE]
        return Asked(
            terms=tuple([(forms, weight / total) for forms, weight in terms]),
            words=" ".join(dict.fromkeys((*typed, *question.words, *others))),
            sort=question.sort,
            thing=question.thing,
            how_to=question.how_to,
            asks=len(typed) > 1 and typed[0] in ASKING,
            verbs=VERBS.intersection(STEMMED.analyze(words)),
        )

    def _terms(self, question: Question, kinds: tuple[Kind, ...]) -> tuple[tuple[frozenset[str], float], ...]:
        """The forms of each word of a question, other words for it among them, and how much the word says."""
        terms: list[tuple[frozenset[str], float]] = []
        size = self._search.size(kinds)
        query = self._search.read(" ".join(question.words), kinds)
        # A short word that no text has is another word, rather than a mistyped one: lift isn't left.
        short = [others for word, others in query.meant.items() if len(word) < SURELY_MISTYPED]
        guessed = frozenset(stem for others in short for other in others for stem in STEMMED.analyze(other))
        for group in query.groups:
            one = group[0]
            related = [other for other in derived(one) if self._search.count(other, kinds)]
            hours = question.sort is TIME and one in OPENING
            alike = (*OPENING, *HOURS) if hours else ALIKE.get(one, ())
            forms = frozenset((one, *related, *alike, *[form for form in group if form not in guessed]))
            n = sum([self._search.count(form, kinds) for form in forms])
            rarity = log(1 + (max(0, size - n) + 0.5) / (n + 0.5))
            if one.isdigit() and (not n or one in question.spans):
                # Of 60 days somebody wonders; the text that answers says its own number.
                continue
            light = hours or one in LIGHT
            terms.append((forms, rarity * (LIGHT_WEIGHT if light else 1.0)))
        return tuple(terms)

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
        told = about(item, asked)
        best: tuple[float, float, Passage] | None = None
        for place, passage in enumerate((*kept[1], *of_guide(item, self._name))):
            weighed = weigh(passage, place, told, asked)
            if weighed is not None and (best is None or weighed > best[:2]):
                best = (*weighed, passage)
        return best


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
        confidence=confidence(worth),
    )


def shown(answer: Answer) -> dict[str, object]:
    """An answer as ``attributes.answer`` of a served item has it."""
    source = {"item": answer.item, "title": answer.title, "field": answer.field}
    span = {"start": answer.start, "end": answer.end}
    link = {"url": answer.url} if answer.url else {}
    return {"text": answer.text, "confidence": answer.confidence, "source": {**source, **link, **span}}
