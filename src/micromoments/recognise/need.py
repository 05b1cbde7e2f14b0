"""What a moment is about, read from the words: the query without its intent words, place, time, price range."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from micromoments.core.moment import Need
from micromoments.core.money import DIGITS, meant
from micromoments.recognise.features import CLASS, classes_of, pair_bits, tokens

MAX_WORDS = 160
"""Characters of a person's own words that are kept."""

_NEAR = re.compile(
    r"\b(?:near (?:me|here|by)|nearby|close (?:to (?:me|here|home)|by)|around (?:me|here|the corner)|in my area|"
    r"closest|nearest|within walking distance|within \d+ (?:miles?|km|minutes))\b"
)
_NAME = r"((?:the\s+)?[^\W\d_][\w'.-]*(?:\s+[^\W\d_][\w'.-]*){0,2})\s*$"
_PLACE = re.compile(rf"\b(?:in|near|at|around|close to|downtown)\s+{_NAME}")
_BOUND = re.compile(
    rf"(?:^|\b)(?:directions?|route|way|drive|ride|taxi|cab|uber|bus|buses|trains?|flights?|tickets?|fly|navigate|"
    rf"take me|get|far is it|traffic)\b.*?\bto\s+{_NAME}"
)
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_TIME = re.compile(
    r"\b(?:right now|now|today|tonight|tomorrow(?: (?:morning|afternoon|evening|night))?|"
    r"(?:this|next|over the) (?:morning|afternoon|evening|weekend|week|month)|"
    rf"(?:on |this |next )?{_DAY}(?: (?:morning|afternoon|evening|night))?|"
    r"at (?:noon|midnight|\d{1,2}(?::\d\d)? ?(?:am|pm)|\d{1,2}:\d\d|\d{1,2}(?= *$))|asap|open late|24 hours)\b"
)
_SIGNS = r"(?:us\$|[$€£¥₹])"
_NAMES = r"(?:dollars?|euros?|pounds?|quid|yen|rupees?|usd|eur|gbp|jpy|inr|bucks|[$€£¥₹])"
_WRITTEN = r"\d{1,3}(?:[.,'’ ]\d{3}(?!\d|\s?%)){1,3}(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,2})?"
_AMOUNT = rf"(?:{_SIGNS}\s?)?({_WRITTEN})(?![.,'’]?\d)(k\b)?(?:\s?{_NAMES})?"
"""No more digits than that: what is no amount of money is no bound, and no store holds a whole number past 64 bits."""
_GROUPED = re.compile(r"(\d{1,3}(?:[.,'’ ]\d{3})+)(?:[.,](\d{1,2}))?")
_BETWEEN = re.compile(rf"(?:\b(?:between|from)\s+)?{_AMOUNT}(?:\s+(?:and|to)\s+|\s?[-–]\s?){_AMOUNT}")
_UNDER = re.compile(
    rf"(?:\b(?:for )?(?:under|below|less than|up to|max(?:imum)?|cheaper than|no more than)\s+|<\s?){_AMOUNT}"
)
_OVER = re.compile(rf"(?:\b(?:over|above|more than|at least|from)\s+|>\s?){_AMOUNT}")
_ABOUT = re.compile(rf"\b(?:around|about|for)\s+{_AMOUNT}")
_CURRENCIES = (
    ("EUR", re.compile(r"€|\beur(?:os?)?\b|\d\s?euros?\b")),
    ("GBP", re.compile(r"£|\bgbp\b|\bpounds?\b|\bquid\b")),
    ("JPY", re.compile(r"¥|\bjpy\b|\byen\b")),
    ("INR", re.compile(r"₹|\binr\b|\brupees?\b")),
    ("USD", re.compile(r"\$|\busd\b|\bdollars?\b|\bbucks\b")),
)
_CODE = re.compile(r"\b(?:usd|gbp|jpy|inr)\b|\bus\$")
"""What names one currency and no other."""
_NOWHERE = frozenset(
    """
    home bed bulk stock general winter summer spring fall autumn oven microwave rain snow sun dark shower pan water
    public english spanish french german italian japanese chinese python java javascript excel word windows black
    white red blue green grey gray gold silver pink brown men women kids love school college class person style
    advance minutes hours days pounds dollars least work life history sleep pregnancy children adults dogs cats
    space math chemistry movies me my your town front
    """.split()  # noqa: SIM905 - a list of words reads as words
)
"""Words after "in" or "at" that name no place."""
_ASKED = re.compile(
    r"^(?:(?:hi|hey|hello|ok|please|can you|could you|would you|will you|i want to|i want|i need to|i need|"
    r"i'd like to|i'd like|i would like(?: to)?|i'm looking for|i am looking for|looking for|help me|show me|"
    r"find me|tell me(?: about)?|get me|give me|find|search for|look for|where can i (?:buy|get|find|eat)|"
    r"where to (?:buy|get|find|eat)|where is|where are|how (?:do i|do you|can i|to|would i)|what is|what's|"
    r"what are|who is|who was|when is|when does|why (?:is|are|do|does)|"
    r"how (?:much|many|long|far) (?:is|are|does|do)|directions to|navigate to|take me to|route to|how to get to|"
    r"buy|order|purchase|shop for|shop|price of|cost of|best|top|cheap|cheapest|affordable|good|an|a|the|some|"
    r"any|my|is there|are there|is|are)\s+)+"
)
_TAIL = re.compile(
    r"\s+(?:recipes?|reviews?|prices?|deals?|for sale|on sale|sale|online|tutorial|step by step|diy|explained|"
    r"meaning|definition|directions|hours|opening hours|open|please|thanks|for me|\?)+$"
)
_SPACES = re.compile(r"\s+")
_BRAND: Final = 1 << CLASS["brand"]
_PRODUCT: Final = 1 << CLASS["product"]
_TRAVEL = frozenset({"directions", "direction", "get", "route", "navigate", "take me", "way", "drive", "map"})
"""What is left of a query that only asks for the way: then it is about the place."""
_STOP = frozenset(
    "a an the of to for in on at my your with and or is are do i me near by from it how what where".split()  # noqa: SIM905
)


def _minor(amount: str, thousands: str | None, currency: str) -> int:
    """An amount in words to minor units of its currency, hundredths where none is named; groups of three digits are
    thousands.
    """
    grouped = _GROUPED.fullmatch(amount)
    value = float(f"{re.sub(r'[^0-9]', '', grouped[1])}.{grouped[2] or 0}" if grouped else amount.replace(",", "."))
    return round(value * (1000 if thousands else 1) * 10.0 ** DIGITS.get(currency, 2))


def _currency(text: str, own: str) -> str:
    """The ISO 4217 code of the currency that a phrase names, or nothing; a sign or a name of several is the project's
    ``own`` where that is among them (a bare $ in Canada), else the best known.
    """
    code = next((code for code, pattern in _CURRENCIES if pattern.search(text)), "")
    return code if _CODE.search(text) else meant(code, own)


def _prices(text: str, own: str) -> tuple[int, int, str, str]:
    """The price range in minor units (0: open), its currency, and the text without it.

    Bare numbers count beside "under" and its like only: "size 10 to 12" and "from 9 to 5" are no prices.
    """
    for pattern in (_BETWEEN, _UNDER, _OVER, _ABOUT):
        found = pattern.search(text)
        if found is None:
            continue
        currency = _currency(found.group(0), own)
        if not currency and pattern is not _UNDER:
            continue
        amounts = sorted(
            _minor(found.group(i), found.group(i + 1), currency) for i in range(1, pattern.groups, 2) if found.group(i)
        )
        rest = text[: found.start()] + " " + text[found.end() :]
        if pattern is _UNDER:
            return 0, amounts[0], currency, rest
        if pattern is _OVER:
            return amounts[0], 0, currency, rest
        if pattern is _ABOUT:
            return 0, amounts[0], currency, rest
        return amounts[0], amounts[1], currency, rest
    return 0, 0, "", text


def _place(text: str) -> tuple[str, str]:
    """The place that a query ends with, and the query without it; the place itself where nothing else is left."""
    if re.match(r"(?:how to|how do i|ways to|what|who|why|when)\b(?!.*\b(?:weather|time|near|get to)\b)", text):
        return "", text
    found = _PLACE.search(text) or _BOUND.search(text)
    if found is None:
        return "", text
    named = found.group(1).removeprefix("the ")
    words = named.split()
    if _STOP.issuperset(words) or words[0] in _NOWHERE or (len(words) > 1 and words[-1] in _NOWHERE):
        return "", text
    return named, re.sub(r"\s+to$", "", text[: found.start(1)].rstrip()) if found.re is _BOUND else text[
        : found.start()
    ]


@lru_cache(maxsize=4096)
def need(text: str, own: str = "") -> Need:
    """What a query is about; ``own`` is the project's currency.

    >>> need("cheap trail running shoes under $80 near me").query
    'trail running shoes'
    >>> found = need("laptops between €500 and €900")
    >>> found.query, found.price_from, found.price_to, found.currency
    ('laptops', 50000, 90000, 'EUR')
    >>> need("book a table in soho tonight").place
    'soho'
    """
    words = _SPACES.sub(" ", text).strip()[:MAX_WORDS]
    rest = words.lower()
    price_from, price_to, currency, rest = _prices(rest, own)
    times = [found.group(0) for found in _TIME.finditer(rest)]
    time = " ".join(re.sub(r"^(?:on|at) ", "", t) for t in times[:2])
    rest = _TIME.sub(" ", rest)
    place = ""
    if _NEAR.search(rest):
        place = "near me"
        rest = _NEAR.sub(" ", rest)
    rest = _SPACES.sub(" ", rest).strip(" ?.!,")
    if not place:
        place, left = _place(_TAIL.sub("", rest))
        rest = left.strip() or place
    rest = _TAIL.sub("", _ASKED.sub("", rest + " ").strip()).strip(" ?.!,")
    if place not in {"", "near me"} and rest in _TRAVEL:
        rest = place
    return Need(
        query=rest, place=place, time=time, price_from=price_from, price_to=price_to, words=words, currency=currency
    )


def named(found: Need, lexicon: Mapping[int, int]) -> Need:
    """The need with the brand and the kind of thing that its words name, as typed, where lists know them.

    Of several things the last is what the need is about: "coffee table lamp" is about a lamp.
    """
    texts = tokens(found.query)
    brand = category = ""
    paired = pair_bits(texts, lexicon)
    spans = [(f"{texts[at]} {texts[at + 1]}", bits) for at, bits in sorted(paired.items())]
    inside = {i for at in paired for i in (at, at + 1)}
    spans += [(word, classes_of(word, lexicon)) for i, word in enumerate(texts) if i not in inside]
    spans.sort(key=lambda span: found.query.find(span[0]))
    for words, bits in spans:
        if bits & _BRAND:
            brand = brand or words
        elif bits & _PRODUCT:
            category = words
    return replace(found, brand=brand, category=category) if brand or category else found


@lru_cache(maxsize=4096)
def topic(query: str) -> frozenset[str]:
    """The words of a query by which two needs are compared: without small words, plurals alike."""
    return frozenset(w.removesuffix("s") for w in query.split() if w not in _STOP and len(w) > 1)
