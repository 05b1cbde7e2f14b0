"""Reviews summed up by what they say: sentences quoted as they stand, with how many reviews say so.

Each sentence of a review is put under what it is about and whether it praises or criticises: by its own words where
they tell, else by the review's stars. Nothing is written anew; the quote is the sentence that most reviews have, the
earliest of equals.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from micromoments.retrieve.document import PLAIN
from micromoments.retrieve.passages import sentences

if TYPE_CHECKING:
    from micromoments.core.item import Item

MAX_REVIEWS = 200
"""Reviews of an item that are read, the first ones."""
MAX_WORDS = 2_000
"""Characters of a review that are read."""
MAX_SAID = 5
"""Points of praise, and of criticism, that are told: those that most reviews make."""
PRAISING, CRITICISING = 4.0, 2.0
"""Stars (of five) from which a sentence without words that tell counts as praise, and up to which as criticism."""
NEGATED_BEFORE = 3
"""How many words before one a "not" still turns it."""
_TOPICS = {
    "price": "price priced prices money cheap expensive overpriced worth cost costs value affordable bargain",
    "delivery": "delivery delivered deliver shipping shipped ship arrived arrive arrives courier package packaging",
    "quality": "quality sturdy durable broke broken breaks cracked flimsy material materials solid build lasted worn",
    "as described": "described description picture pictures photo photos advertised pictured",
    "size and fit": "size sizes fit fits fitting tight loose small large narrow wide",
    "service": "service staff support helpful rude refund customer",
    "use": "easy use comfortable comfort uncomfortable works work worked",
    "look": "look looks looking design color colour beautiful stylish ugly",
    "taste": "taste tastes tasty flavor flavour delicious bland fresh",
    "buying again": "recommend recommended recommending again rebuy repurchase",
}
_PRAISE = """
good great excellent awesome amazing perfect love loved loves happy satisfied pleased impressed recommend
recommended fast quick comfortable beautiful stylish nice best sturdy durable solid delicious tasty fresh helpful
fantastic wonderful superb easy affordable bargain worth again works lovely brilliant better
"""
_CRITICISM = """
bad poor terrible awful disappointed disappointing dissatisfied unhappy waste broke broken cracked flimsy late slow
overpriced expensive uncomfortable ugly bland rude worst useless faulty defective horrible cheaply stopped returned
annoying worse mediocre
"""
_NEGATIONS = "not no never none nothing hardly barely isn wasn don didn doesn won wouldn couldn cannot without"
_THOUGH = frozenset(["though", "although", "however", "unfortunately", "sadly", "pity", "wish"])
"""Words of a sentence that says other than the review's stars."""
_ABOUT = {about: frozenset(words.split()) for about, words in _TOPICS.items()}
_GOOD, _BAD, _NOT = (frozenset(words.split()) for words in (_PRAISE, _CRITICISM, _NEGATIONS))


class Said(msgspec.Struct, frozen=True):
    """A point that reviews make: what about, a sentence of one of them, how many make it, and which one is quoted (its
    place among the reviews, from 0).
    """

    about: str
    quote: str
    count: int
    review: int


class Summary(msgspec.Struct, frozen=True):
    """Reviews summed up: how many there are, their mean stars (``None`` where none has any), and what they say most."""

    count: int
    rating: float | None
    praised: tuple[Said, ...]
    criticised: tuple[Said, ...]


def summed(item: Item) -> Summary | None:
    """What an item's ``attributes.reviews`` say; ``None`` without any.

    A review is an object with its words in ``comment``, ``text``, ``body`` or ``reviewBody`` and its stars, one to
    five, in ``rating``; other fields aren't read.
    """
    told: Any = item.attributes.get("reviews")
    if not isinstance(told, list) or not told:
        return None
    read = tuple(one for entry in told[:MAX_REVIEWS] if (one := _read(entry)) is not None)
    return _summed(read) if read else None


def shown(summary: Summary) -> dict[str, Any]:
    """A summary as ``attributes.review_summary`` of a served item has it."""
    said = {name: [msgspec.structs.asdict(one) for one in getattr(summary, name)] for name in ("praised", "criticised")}
    return {"count": summary.count, "rating": summary.rating, **said}


def _read(entry: Any) -> tuple[float | None, str] | None:
    if not isinstance(entry, Mapping):
        return None
    words = next((w for name in ("comment", "text", "body", "reviewBody") if isinstance(w := entry.get(name), str)), "")
    stars = entry.get("rating")
    if isinstance(stars, Mapping):
        stars = stars.get("ratingValue")
    given = stars if isinstance(stars, int | float) and not isinstance(stars, bool) and 0 < stars <= 5 else None
    if given is None and not words.strip():
        return None
    return (None if given is None else float(given)), words[:MAX_WORDS]


@lru_cache(maxsize=2048)
def _summed(reviews: tuple[tuple[float | None, str], ...]) -> Summary:
    """Kept by what was read: the same product is served again and again."""
    points: dict[tuple[bool, str], dict[int, list[str]]] = {}
    for place, (stars, words) in enumerate(reviews):
        for start, end in sentences(words, 0, len(words)):
            sentence = " ".join(words[start:end].split())
            if (good := _praises(sentence, stars)) is not None:
                points.setdefault((good, _about(sentence)), {}).setdefault(place, []).append(sentence)
    given = [stars for stars, _ in reviews if stars is not None]
    rating = round(sum(given) / len(given), 2) if given else None
    return Summary(len(reviews), rating, _most(points, good=True), _most(points, good=False))


def _most(points: dict[tuple[bool, str], dict[int, list[str]]], *, good: bool) -> tuple[Said, ...]:
    said = []
    for (praise, about), by in points.items():
        if praise is good:
            times: dict[str, int] = {}
            first: dict[str, tuple[int, str]] = {}
            for place, quoted in by.items():
                for sentence in quoted:
                    folded = sentence.casefold()
                    times[folded] = times.get(folded, 0) + 1
                    first.setdefault(folded, (place, sentence))
            best = max(times, key=lambda folded: (times[folded], -first[folded][0]))
            said.append(Said(about, first[best][1], len(by), first[best][0]))
    said.sort(key=lambda one: (-one.count, one.review, one.about))
    return tuple(said[:MAX_SAID])


def _about(sentence: str) -> str:
    """What most of the sentence's words are about; ``overall`` where none tells."""
    words = PLAIN.analyze(sentence)
    counts = {about: sum(word in known for word in words) for about, known in _ABOUT.items()}
    best = max(counts, key=lambda about: counts[about])
    return best if counts[best] else "overall"


def _praises(sentence: str, stars: float | None) -> bool | None:
    """Whether a sentence praises or criticises; ``None`` where neither it nor the stars tell."""
    words = PLAIN.analyze(sentence)
    sign = 0
    for place, word in enumerate(words):
        way = (word in _GOOD) - (word in _BAD)
        before = words[max(0, place - NEGATED_BEFORE) : place]
        # A "not" says nothing of what stands after "but".
        if way and not _NOT.isdisjoint(before[before.index("but") :] if "but" in before else before):
            way = -way
        sign += way
    if sign:
        return sign > 0
    if stars is None or CRITICISING < stars < PRAISING or not _THOUGH.isdisjoint(words):
        return None
    return stars >= PRAISING
