"""Babble: what no person asked in words. Code, ids, marks alone, keys hit at random, another alphabet.

The readers of words add up what letters resemble, so "lkjhgf" leaned to buy and a hash of 32 letters was a model
number at 0.92. What isn't words is known by its form, and says nothing. Names that nobody listed ("fjallraven kanken")
are words: they have vowels, and no more consonants in a row than a tongue can bear.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from micromoments.recognise.features import MAX_CHARS

LONGEST: Final = 24
"""Letters of a word beyond which it is none; German ones without a dash are rarely longer."""
REPEATED: Final = 8
"""Words from which on at most two different ones are no query."""
_MARKS: Final = frozenset("?$£€")
_CODE: Final = re.compile(r"[{}<>\[\]\\|;=]|\(\)|://|\$\{|\.\./")
"""Marks of code, logs and addresses; three of them in a query are no query."""
_CODES: Final = 3
_KEYS: Final = re.compile(
    r"asdf|sdfg|dfgh|fghj|ghjk|hjkl|qwert|wertz|rtyu|yuio|zxcv|xcvb|cvbn|vbnm|lkjh|fdsa|poiu|(.)\1{3}"
    r"|^(..)\2{2,}$|^(...)\3+$"
)
"""Keys side by side on a keyboard, or the same ones again and again."""
_HARD: Final = re.compile(
    r"[bcdfghjklmnpqrstvwxz]{6}|^[bcdfghjklmnpqrstvwxz]{5}|q[bcdfgjkmnpqrstvwxz]|j[bdfgjkqvx]|x[jkqvz]|v[bcfgjkmpqx]"
)
"""What hardly a word has: six consonants in a row, five at its start, pairs of rare letters."""
_LATIN: Final = re.compile(r"[a-zà-ɏ]")


def coded(text: str) -> bool:
    """Whether a text is code, a log's line or an address rather than words.

    >>> coded("if (x == 1) { return; }"), coded('27" monitor (4k) <$300'), coded("what is a+b=c")
    (True, False, False)
    """
    return len(_CODE.findall(text, 0, MAX_CHARS)) >= _CODES


def wordless(words: Sequence[str]) -> bool:
    """Whether a query's words, as ``features.tokens`` gives them, are marks alone, or one thing over and over.

    >>> wordless(["?", "?"]), wordless(["a"] * 9), wordless(["how", "much", "$"])
    (True, True, False)
    """
    return (words[0] in _MARKS or len(words) >= REPEATED) and (
        _MARKS.issuperset(words) or (len(words) >= REPEATED and len(set(words)) <= 2)
    )


def gibberish(word: str) -> bool:
    """Whether a word that was never seen can't be one: of another alphabet, too long, or keys hit at random.

    >>> [gibberish(word) for word in ("asdfgh", "xkcdqz", "привет", "fjallraven", "kanken", "a" * 30)]
    [True, True, True, False, False, True]
    """
    if len(word) > LONGEST or not (word[0].isdigit() or _LATIN.search(word)):
        return True
    return len(word) > 3 and bool(_KEYS.search(word) or _HARD.search(word))
