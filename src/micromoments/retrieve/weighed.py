"""What a passage is worth as the answer to a question, and how often passages of that worth were right."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from micromoments.retrieve.document import STEMMED
from micromoments.retrieve.otherwise import also
from micromoments.retrieve.questions import OPENING, TIME, Sort, answers

if TYPE_CHECKING:
    from micromoments.core.item import Item, Kind
    from micromoments.retrieve.passages import Passage

AROUND = 0.85
"""What a word counts that stands in the heading alone, or of a whole section in it but not in the title."""
STRAY, WHOLLY_STRAY, DENSE = 0.7, 0.6, 0.8
"""What is left of a passage where title, labels and heading have none of the question's words, less where the passage
lacks one as well, and what comes back by the share of its own words that were asked for: a short one that says just
that needs no title.
"""
LACKING = 0.1
"""What a word weighs that is missed."""
MISSED, UNSAID = 0.2, 0.7
"""What is left where a passage of no special sort lacks a word of that weight, or where neither it nor title and labels
have the verb of what was asked, such as lasts, and nothing else of it is the passage's own.
"""
ALL, REPEATED, TITLED = 0.95, 0.5, 0.3
"""Where the title says all that was asked, a passage answers that says half of it again, or that begins an
article whose title is about little else.
"""
NAMED_FIRST, AGAIN, ACTING, FIRST, LATER = 0.5, 0.75, 1.3, 0.6, 0.02
"""What counts in order, of equals: a line such as ``Cook time: 90 min`` which names what was asked; what the title says
and the passage again; the verb of what was asked (takes, costs, keeps); being the first of an item all about it;
less for each place further down.
"""
MEASURED = ((0.0, 0.0), (0.3, 0.06), (0.45, 0.13), (0.55, 0.5), (0.65, 0.6), (0.75, 0.88), (0.9, 0.92), (1.0, 0.96))
"""Worth, and the share of best passages of that worth that were right, among 505 questions over recipes, products, a
town's articles and the texts of five businesses; between them in proportion. ADR 0071 has what it came to on others.
"""
_FIGURE = re.compile(r"\W*[\w ]{1,24}: *[\d/.,½¼¾-]+(?: \w+)?\W*")
"""A line that says a number by its name, such as ``Servings: 4``."""


class Asked(NamedTuple):
    """A question read: its words' forms with what each weighs, in one; the words to search for; whether it begins as
    questions do, and its verbs; else as in ``questions.Question``.
    """

    terms: tuple[tuple[frozenset[str], float], ...]
    words: str
    sort: Sort | None
    thing: str
    how_to: bool
    asks: bool
    verbs: frozenset[str]


class About(NamedTuple):
    """What an item is about: stems of its title, these and its labels', and the share of the title that was asked."""

    kind: Kind
    labels: frozenset[str]
    meant: float


def about(item: Item, asked: Asked) -> About:
    """What an item is about, as far as a question goes."""
    title = frozenset(STEMMED.analyze(item.title)) | also(item.title)
    labels = title.union(STEMMED.analyze(" ".join((item.brand, item.category, *item.tags))))
    meant = sum([any(term in forms for forms, _ in asked.terms) for term in title]) / max(1, len(title))
    return About(item.kind, labels, meant)


class Shares(NamedTuple):
    """Shares of what was asked, by weight: that the passage, its heading, title or labels have; that it alone has; that
    title or labels have, and that they and it have; that the weightiest word has which is nowhere.
    """

    said: float
    own: float
    titled: float
    repeated: float
    missing: float
    held: int


def _shares(passage: Passage, labels: frozenset[str], asked: Asked, *, whole: bool) -> Shares:
    said = own = titled = repeated = missing = 0.0
    held = 0
    for forms, weight in asked.terms:
        here = not forms.isdisjoint(passage.terms)
        held += here
        if not forms.isdisjoint(labels):
            said += weight
            titled += weight
            if here and not (asked.sort is TIME and forms & OPENING):
                repeated += weight
        elif here:
            said += weight * (AROUND if whole else 1.0)
            own += weight
        elif not forms.isdisjoint(passage.around):
            said += weight * AROUND
            titled += weight
        else:
            missing = max(missing, weight)
    return Shares(said, own, titled, repeated, missing, held)


def weigh(passage: Passage, place: int, item: About, asked: Asked) -> tuple[float, float] | None:
    """What a passage at its place is worth, in (0, 1], and what tells equals apart; ``None`` if it doesn't answer."""
    sort = asked.sort
    whole = sort is not None and sort.headed
    directions = passage.field == "steps" or (
        passage.field == "text" and passage.whole and item.kind == "guide" and item.meant >= 0.5
    )
    steps = asked.how_to and sort is None and directions
    if not steps and (passage.whole != whole or not answers(sort, asked.thing, passage.text, passage.heading)):
        return None
    if sort is None and _FIGURE.fullmatch(passage.text):
        return None
    shares = _shares(passage, item.labels, asked, whole=whole)
    # Without one of these the title says what the item is about, not that this passage answers.
    if not shares.said or not (sort or shares.own or steps or _told_by_title(shares, place, item, asked)):
        return None
    worth = shares.said
    if passage.field == "text" and not shares.titled:
        left = STRAY if item.kind == "article" and shares.missing <= LACKING else WHOLLY_STRAY
        worth *= min(1.0, left + DENSE * shares.held / max(1, len(passage.terms)))
    if sort is None and shares.missing > MISSED:
        worth *= UNSAID
    if asked.verbs and not shares.own and asked.verbs.isdisjoint(passage.terms | item.labels):
        worth *= UNSAID
    order = item.meant + shares.own + AGAIN * shares.repeated + _named(passage.text, asked) - LATER * min(10, place)
    order += ACTING * (not asked.verbs.isdisjoint(passage.terms))
    order += FIRST * (not place and sort is not None and not shares.own)
    return round(worth, 6), order


def _told_by_title(shares: Shares, place: int, item: About, asked: Asked) -> bool:
    if item.kind != "article" or not asked.asks or shares.said <= ALL:
        return False
    return shares.repeated >= REPEATED or (not place and item.meant >= TITLED)


def confidence(worth: float) -> float:
    """How likely a passage of that worth is right, as it was measured."""
    i = min(len(MEASURED) - 1, bisect_right(MEASURED, (worth, 1.0)))
    (low, least), (high, most) = MEASURED[i - 1], MEASURED[i]
    return round(least + (most - least) * min(1.0, (worth - low) / (high - low)), 4)


def _named(text: str, asked: Asked) -> float:
    label, colon, _ = text[:40].partition(":")
    if not colon:
        return 0.0
    words = frozenset(STEMMED.analyze(label))
    return NAMED_FIRST if any(not forms.isdisjoint(words) for forms, _ in asked.terms) else 0.0
