"""What a moment is about, read from the words: the query without its intent words, place, time, price range."""

from __future__ import annotations

import re
from functools import lru_cache

from micromoments.core.moment import Need

MAX_WORDS = 160
"""Characters of a person's own words that are kept."""

_NEAR = re.compile(
    r"\b(?:near (?:me|here|by)|nearby|close (?:to me|by|to here)|around (?:me|here)|in my area|"
    r"closest|nearest|within walking distance)\b"
)
_PLACE = re.compile(
    r"\b(?:in|near|at|around|close to|to)\s+((?:the\s+)?[^\W\d_][\w'.-]*(?:\s+[^\W\d_][\w'.-]*){0,2})\s*$"
)
_TIME = re.compile(
    r"\b(?:right now|now|today|tonight|tomorrow(?: (?:morning|afternoon|evening|night))?|"
    r"this (?:morning|afternoon|evening|week|weekend)|next week|(?:on )?(?:mon|tues|wednes|thurs|fri|satur|sun)day|"
    r"at (?:noon|midnight|\d{1,2}(?::\d\d)? ?(?:am|pm)?)|asap|open late|24 hours)\b"
)
_AMOUNT = r"(?:[$€£]\s?)?(\d{1,6}(?:[.,]\d{1,2})?)(?:\s?(?:dollars|euros|pounds|usd|eur|gbp|bucks|[$€£]))?"
_BETWEEN = re.compile(rf"\b(?:between|from)\s+{_AMOUNT}\s+(?:and|to)\s+{_AMOUNT}")
_UNDER = re.compile(rf"\b(?:under|below|less than|up to|max(?:imum)?|cheaper than|within)\s+{_AMOUNT}")
_OVER = re.compile(rf"\b(?:over|above|more than|at least|from)\s+{_AMOUNT}")
_MONEY = re.compile(r"[$€£]|dollar|euro|pound|usd|eur|gbp|buck")
_ASKED = re.compile(
    r"^(?:(?:hi|hey|hello|ok|please|can you|could you|would you|will you|i want to|i want|i need to|i need|"
    r"i'd like to|i'd like|i would like(?: to)?|i'm looking for|i am looking for|looking for|help me|show me|"
    r"find me|tell me(?: about)?|get me|give me|find|search for|look for|where can i (?:buy|get|find|eat)|"
    r"where to (?:buy|get|find|eat)|where is|where are|how (?:do i|do you|can i|to|would i)|what is|what's|"
    r"what are|who is|who was|when is|when does|why (?:is|are|do|does)|"
    r"how (?:much|many|long|far) (?:is|are|does|do)|directions to|navigate to|take me to|route to|how to get to|"
    r"buy|order|purchase|shop for|shop|price of|cost of|best|top|cheap|cheapest|affordable|good|an|a|the|some|"
    r"any|my)\s+)+"
)
_TAIL = re.compile(
    r"\s+(?:recipes?|reviews?|prices?|deals?|for sale|on sale|sale|online|tutorial|step by step|diy|explained|"
    r"meaning|definition|directions|hours|opening hours|open|please|thanks|for me|\?)+$"
)
_SPACES = re.compile(r"\s+")
_STOP = frozenset(
    "a an the of to for in on at my your with and or is are do i me near by from it how what where".split()  # noqa: SIM905
)


def _minor(text: str) -> int:
    """An amount in words to minor units (two decimals)."""
    return round(float(text.replace(",", ".")) * 100)


def _prices(text: str) -> tuple[int, int, str]:
    """The price range in minor units (0: open), and the text without it. Bare numbers count beside "under" only."""
    if (found := _BETWEEN.search(text)) and _MONEY.search(found.group(0)):
        low, high = sorted((_minor(found.group(1)), _minor(found.group(2))))
        return low, high, text[: found.start()] + " " + text[found.end() :]
    if found := _UNDER.search(text):
        return 0, _minor(found.group(1)), text[: found.start()] + " " + text[found.end() :]
    if (found := _OVER.search(text)) and _MONEY.search(found.group(0)):
        return _minor(found.group(1)), 0, text[: found.start()] + " " + text[found.end() :]
    return 0, 0, text


@lru_cache(maxsize=4096)
def need(text: str) -> Need:
    """What a query is about.

    >>> need("cheap trail running shoes under $80 near me").query
    'trail running shoes'
    >>> need("book a table in soho tonight").place
    'soho'
    """
    words = _SPACES.sub(" ", text).strip()[:MAX_WORDS]
    rest = words.lower()
    place = time = ""
    if found := _TIME.search(rest):
        time = found.group(0).removeprefix("on ").removeprefix("at ")
        rest = rest[: found.start()] + " " + rest[found.end() :]
    price_from, price_to, rest = _prices(rest)
    if found := _NEAR.search(rest):
        place = "near me"
        rest = rest[: found.start()] + " " + rest[found.end() :]
    rest = _SPACES.sub(" ", rest).strip(" ?.!,")
    if not place and (found := _PLACE.search(rest)) and found.group(1) not in {"home", "bed"}:
        named = found.group(1).removeprefix("the ")
        if not _STOP.issuperset(named.split()) and not re.match(r"how to\b", rest):
            place = named
            rest = rest[: found.start()].strip() or named
    rest = _TAIL.sub("", _ASKED.sub("", rest + " ").strip()).strip(" ?.!,")
    return Need(query=rest, place=place, time=time, price_from=price_from, price_to=price_to, words=words)


@lru_cache(maxsize=4096)
def topic(query: str) -> frozenset[str]:
    """The words of a query by which two needs are compared: without small words, plurals alike."""
    return frozenset(w.removesuffix("s") for w in query.split() if w not in _STOP and len(w) > 1)
