"""What reviews say, pure: sentences counted by what they are about, each count with a sentence quoted as it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pkgutil import get_data

import msgspec

ABOUT = {
    "quality": "sturdy solid quality made wobble stabil robust qualität gebaut",
    "ease": "easy simple quick quickly handy einfach leicht handlich schnell",
    "cleaning": "clean cleaning rinse reinigen reinigung",
    "noise": "quiet loud noise leise laut",
    "size": "size fit fits small large short passt groß klein kurz heavy",
    "taste": "taste flavour schmeckt geschmack crema",
    "price": "price value worth cheap preis günstig",
}
"""The words by which a sentence is about something, in the reviews' languages."""
AGAINST = "not isn't doesn't don't too wish nothing zu nicht leider flat wobble expected"
"""Words that turn a sentence against it, unless a ``no`` or ``nobody`` turns it back."""
_WORD = re.compile(r"[\w'’]+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


class Review(msgspec.Struct, frozen=True):
    """What somebody wrote of a product. ``made_up`` for those that the demo came with; others are of buyers."""

    item: str
    stars: int
    by: str
    text: str
    lang: str = "en"
    made_up: bool = True


class Said(msgspec.Struct, frozen=True):
    """What is said about one thing: how many sentences for and against, and one of each, word for word."""

    about: str
    good: int
    bad: int
    quotes: tuple[tuple[str, str, str], ...]
    """(``good`` or ``bad``, the sentence, its language)."""


@cache
def shipped() -> tuple[Review, ...]:
    """The reviews that the demo comes with."""
    return tuple(
        msgspec.json.decode(get_data("micromoments.demo.shop", "data/reviews.json") or b"[]", type=list[Review])
    )


def summary(reviews: Sequence[Review]) -> list[Said]:
    """What the reviews say, most talked about first; every sentence counts once for each thing that it is about.

    >>> summary([Review("x", 5, "A", "Very quiet. Not easy to clean.")])[0].quotes
    (('bad', 'Not easy to clean.', 'en'),)
    """
    found: dict[str, list[tuple[str, str, str]]] = {}
    for review in reviews:
        for sentence in sentences(review.text):
            words = {word.lower() for word in _WORD.findall(sentence)}
            sign = _sign(sentence)
            for about, terms in ABOUT.items():
                if words & set(terms.split()):
                    found.setdefault(about, []).append((sign, sentence, review.lang))
    said = [_said(about, list(dict.fromkeys(quotes))) for about, quotes in found.items()]
    return sorted(said, key=lambda one: (-(one.good + one.bad), one.about))


def sentences(text: str) -> list[str]:
    """The sentences of a text, as they stand."""
    return [sentence for sentence in _SENTENCE.split(text.strip()) if sentence]


def _said(about: str, quotes: list[tuple[str, str, str]]) -> Said:
    good = [quote for quote in quotes if quote[0] == "good"]
    bad = [quote for quote in quotes if quote[0] == "bad"]
    return Said(about, len(good), len(bad), (*good[:1], *bad[:1]))


def _sign(sentence: str) -> str:
    words = [word.lower() for word in _WORD.findall(sentence)]
    against = sum(word in AGAINST.split() for word in words)
    turned = any(word in ("no", "nobody", "kein", "keine") for word in words)
    return "bad" if against and not turned else "good"
