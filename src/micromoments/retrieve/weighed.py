"""What a passage is worth as the answer to a question, and how often passages of that worth were right."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from micromoments.retrieve.document import STEMMED
from micromoments.retrieve.otherwise import also
from micromoments.retrieve.questions import CLOCK, OPENING, TIME, Sort, answers

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
"""What is left where a passage of no special sort lacks a word of that weight; where neither it nor title and labels
have the verb of what was asked, such as lasts, and nothing else of it is the passage's own.
"""
ELSEWHERE = 0.6
"""What is left where it begins with another thing than the title says, or is about another of those that this names."""
ALL, REPEATED, TITLED = 0.95, 0.5, 0.3
"""Where the title says all that was asked, a passage answers that says half of it again, or that begins an
article whose title is about little else.
"""
NAMED_FIRST, AGAIN, ACTING, FIRST, LATER = 0.5, 0.75, 1.3, 0.6, 0.02
"""What counts in order, of equals: a line such as ``Cook time: 90 min`` which names what was asked; what the title says
and the passage again; the verb of what was asked (takes, costs, keeps); being the first of an item all about it;
less for each place further down.
"""
MEASURED = (
    (0.0, 0.0),
    (0.25, 0.2),
    (0.4, 0.4),
    (0.5, 0.5),
    (0.65, 0.7),
    (0.7, 0.86),
    (0.8, 0.87),
    (0.9, 0.96),
    (1.0, 0.96),
)
"""Worth, and the share of best passages of that worth that were right, among 1,154 questions over recipes, products, a
town's articles and the texts of 22 businesses; between them in proportion. ADR 0078 has what it came to on others.
"""
_SEVERAL = re.compile(r"\b(?:and|or)\b|[,&/]", re.IGNORECASE)
_STANDS = re.compile(
    r"\W*(?:it|they|this|that|these|those|you|we|one|from|about|around|up to|at (?:least|most)|for|in all|free|allow|"
    r"\d|half|two|three|four|five|six|seven|eight|nine|ten|twelve|(?:price|cost|fee|weight|size)s?\b|costs?|takes?|lasts?|"
    r"adults?|mon|tues|wednes|thurs|fri|satur|sun|daily)",
    re.IGNORECASE,
)
"""How a sentence begins that may be about what the title says; another begins with what it is about itself."""
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
    """What an item is about: stems of its title, these and its labels', the share of the title that was asked, and
    where the title names several things, such as "Sauna and pool", the stems of it that weren't; ``told`` is whether
    steps tell how it is done, as whose answer a sentence about it doesn't stand.
    """

    kind: Kind
    labels: frozenset[str]
    meant: float
    others: frozenset[str]
    told: bool


def about(item: Item, asked: Asked) -> About:
    """What an item is about, as far as a question goes."""
    title = frozenset(STEMMED.analyze(item.title)) | also(item.title)
    labels = title.union(STEMMED.analyze(" ".join((item.brand, item.category, *item.tags))))
    forms = frozenset().union(*[one for one, _ in asked.terms])
    others = title - forms if _SEVERAL.search(item.title) else frozenset[str]()
    return About(
        item.kind,
        labels,
        len(title & forms) / max(1, len(title)),
        others,
        item.kind == "guide" and bool(item.attributes.get("steps")),
    )


class Shares(NamedTuple):
    """Shares of what was asked, by weight: that the passage, its heading, title or labels have; that it alone has; that
    title or labels have, and that they and it have; that the weightiest word has which is nowhere; and that title or
    labels have, and it hasn't.
    """

    said: float
    own: float
    titled: float
    repeated: float
    missing: float
    held: int
    lacks: float


def _shares(passage: Passage, labels: frozenset[str], asked: Asked, *, whole: bool) -> Shares:
    said = own = titled = repeated = missing = lacks = 0.0
    held = 0
    for forms, weight in asked.terms:
        here = not forms.isdisjoint(passage.terms)
        held += here
        if not forms.isdisjoint(labels):
            said += weight
            titled += weight
            lacks += 0.0 if here else weight
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
    return Shares(said, own, titled, repeated, missing, held, lacks)


def weigh(passage: Passage, place: int, item: About, asked: Asked) -> tuple[float, float] | None:
    """What a passage at its place is worth, in (0, 1], and what tells equals apart; ``None`` if it doesn't answer."""
    sort = asked.sort
    whole = sort is not None and sort.headed
    directions = passage.field == "steps" or (
        passage.field == "text" and passage.whole and item.kind == "guide" and item.meant >= 0.5
    )
    steps = asked.how_to and sort is None and directions
    if item.told and asked.how_to and sort is None and passage.field == "text":
        return None
    if not steps and (passage.whole != whole or not answers(sort, asked.thing, passage.text, passage.heading)):
        return None
    if sort is TIME and OPENING.intersection(*[forms for forms, _ in asked.terms]) and not CLOCK.search(passage.text):
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
    if sort is not None and not sort.headed and passage.field == "text" and _elsewhere(passage, item, asked, shares):
        worth *= ELSEWHERE
    if shares.lacks and not item.others.isdisjoint(passage.terms):
        worth *= ELSEWHERE
    if asked.verbs and not shares.own and asked.verbs.isdisjoint(passage.terms | item.labels):
        worth *= UNSAID
    order = item.meant + shares.own + AGAIN * shares.repeated + _named(passage.text, asked) - LATER * min(10, place)
    order += ACTING * (not asked.verbs.isdisjoint(passage.terms))
    if passage.whole:
        order += sum([weight for forms, weight in asked.terms if not forms.isdisjoint(passage.around)])
    order += FIRST * (not place and sort is not None and not shares.own)
    return round(worth, 6), order


def _elsewhere(passage: Passage, item: About, asked: Asked, shares: Shares) -> bool:
    """Whether the title alone says what was asked, and the passage begins with something else."""
    if item.kind == "product" or shares.own or shares.repeated or not asked.verbs.isdisjoint(passage.terms):
        return False
    return _STANDS.match(passage.text) is None and ":" not in passage.text[:40]


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
