"""What thumbs type for short words: "how 2 get 2 town", "wot time", "closest pub nr me".

The small words of a query say most about its type, and these stand for them, so they are read as what they stand for,
one word for one. Digits and letters that may be themselves are read so only beside words that make it plain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_PLAIN: Final[Mapping[str, str]] = {
    "u": "you", "ur": "your", "wot": "what", "wat": "what", "wots": "what's", "wats": "what's", "wher": "where",
    "whr": "where", "whrs": "where's", "hw": "how", "wen": "when", "nr": "near", "plz": "please", "pls": "please",
    "2moro": "tomorrow", "2morrow": "tomorrow", "tmrw": "tomorrow", "tomoz": "tomorrow", "2nite": "tonight",
    "2night": "tonight", "tonite": "tonight", "2day": "today", "2gether": "together", "anywer": "anywhere",
    "anywhr": "anywhere", "any1": "anyone", "some1": "someone", "b4": "before", "gr8": "great", "l8r": "later",
    "m8": "mate", "fone": "phone", "fones": "phones", "duz": "does", "shud": "should", "cud": "could", "wud": "would",
    "coz": "because", "cuz": "because", "ppl": "people", "abt": "about", "smth": "something", "lookin": "looking",
    "goin": "going", "gimme": "give", "soz": "sorry", "nvm": "nevermind", "thnx": "thanks", "tysm": "thanks",
    "cya": "bye", "lmao": "lol", "rofl": "lol", "kk": "ok",
}  # fmt: skip
"""Spellings that are no other word."""
_BEFORE_TO: Final = frozenset(
    "how where what want need like close near nearest closest best way going have try".split()  # noqa: SIM905
)
_AFTER_FOR: Final = frozenset({"you", "me", "us", "a", "an", "the", "my", "him", "her", "them"})
_BESIDE_ARE: Final = frozenset({"you", "they", "we"})
_AFTER_WHY: Final = frozenset(
    "do does did is are am my isn't isnt won't wont can't cant doesn't doesnt don't dont".split()  # noqa: SIM905
)


def spelled(texts: list[str]) -> list[str]:
    """A query's words, (n,), each as it is spelled in full; as many, in the same order.

    >>> spelled("y r u open 2nite".split()), spelled("size 2 r clip".split())
    (['why', 'are', 'you', 'open', 'tonight'], ['size', '2', 'r', 'clip'])
    """
    full = [_PLAIN.get(text, text) for text in texts]
    for at, text in enumerate(full):
        before = full[at - 1] if at else ""
        after = full[at + 1] if at + 1 < len(full) else ""
        if text == "r" and (not before or before == "y" or {before, after} & _BESIDE_ARE):
            full[at] = "are"
        elif text == "2" and before in _BEFORE_TO and after:
            full[at] = "to"
        elif text == "4" and before and after in _AFTER_FOR:
            full[at] = "for"
    if len(full) > 1 and full[0] == "y" and full[1] in _AFTER_WHY:
        full[0] = "why"
    return full


def in_full(text: str) -> str:
    """A text with its words spelled in full; the text itself where thumbs shortened nothing.

    >>> in_full("How 2 make pizza"), in_full("Pizza, now")
    ('how to make pizza', 'Pizza, now')
    """
    words = text.lower().split()
    full = spelled(words)
    return text if full == words else " ".join(full)
