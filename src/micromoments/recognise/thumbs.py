"""What thumbs type for short words: "how 2 get 2 town", "wot time", "closest pub nr me".

The small words of a query say most about its type, and these stand for them, so they are read as what they stand for,
one word for one. Digits and letters that may be themselves are read so only beside words that make it plain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_PLAIN: Final[Mapping[str, str]] = {
    "ur": "your", "wots": "what's", "wats": "what's", "wher": "where", "whr": "where", "whrs": "where's",
    "pls": "please", "2moro": "tomorrow", "2morrow": "tomorrow", "tmrw": "tomorrow", "tomoz": "tomorrow",
    "2nite": "tonight", "2night": "tonight", "tonite": "tonight", "2day": "today", "2gether": "together",
    "anywer": "anywhere", "anywhr": "anywhere", "any1": "anyone", "some1": "someone", "gr8": "great", "l8r": "later",
    "fone": "phone", "fones": "phones", "duz": "does", "shud": "should", "wud": "would", "coz": "because",
    "cuz": "because", "ppl": "people", "abt": "about", "smth": "something", "lookin": "looking", "goin": "going",
    "gimme": "give", "soz": "sorry", "thnx": "thanks", "tysm": "thanks", "cya": "bye", "lmao": "lol", "rofl": "lol",
    "kk": "ok",
}  # fmt: skip
"""Spellings that are no other word, as "plz" (a plaza) and "b4" (paper) are."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_YOU: Final = _words("u you they we there these those")
_ASKING: Final = _words(
    "do does did can could will would should are r have if when what how where why give show tell help sell got get "
    "need want like love thank near for 4 to 2 with know think open deliver take"
)
_TURNS: Final = _words("is are do does did will can u you")
_WHAT: Final = _TURNS | _words("r time size day happens happened colour color kind about if a the")
_U: Final = _words("bolt bolts turn bend haul bahn")
_BESIDE: Final[Mapping[str, tuple[str, frozenset[str], frozenset[str]]]] = {
    "u": ("you", _ASKING, _ASKING),
    "r": ("are", _words("y") | _YOU, _YOU),
    "2": ("to", _words("how hw where wher"), _words("me us u you my")),
    "4": ("for", _words(""), _words("u you me us a an the my him her them")),
    "hw": ("how", _words(""), _TURNS | _words("to 2 much many long old tall far often big hot")),
    "wat": ("what", _words(""), _WHAT),
    "wot": ("what", _words(""), _WHAT),
    "wen": ("when", _words(""), _TURNS),
    "y": ("why", _words(""), _TURNS | _words("r am my isn't isnt won't wont can't cant doesn't doesnt don't dont")),
}
"""What may stand for itself: what it is, after which words or before which."""
_WISHING: Final = _words("need want have like way going got time things something somewhere")
_DOING: Final = _words("buy get go eat see know make find do be book learn order cook fix change sell try pay have")


def spelled(texts: list[str]) -> list[str]:
    """A query's words, (n,), each as it is spelled in full; as many, in the same order.

    >>> spelled("y r u open 2nite".split()), spelled("size 2 r clip".split())
    (['why', 'are', 'you', 'open', 'tonight'], ['size', '2', 'r', 'clip'])
    """
    full = [_PLAIN.get(text, text) for text in texts]
    for at, text in enumerate(texts):
        before = texts[at - 1] if at else ""
        after = texts[at + 1] if at + 1 < len(texts) else ""
        if text in _BESIDE and not (text == "u" and after in _U):
            meant, left, right = _BESIDE[text]
            if before in left or after in right or (text == "2" and before in _WISHING and after in _DOING):
                full[at] = meant
        elif text == "nr" and after.isalpha():
            full[at] = "near"
    return full


def in_full(text: str) -> str:
    """A text with its words spelled in full; the text itself where thumbs shortened nothing.

    >>> in_full("How 2 make pizza"), in_full("Pizza, now")
    ('how to make pizza', 'Pizza, now')
    """
    words = text.lower().split()
    full = spelled(words)
    return text if full == words else " ".join(full)
