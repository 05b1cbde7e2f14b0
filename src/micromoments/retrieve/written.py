"""Text as it is searched: scripts without spaces by characters, sizes in one piece, each accent in one form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from unicodedata import normalize

from micromoments.retrieve.compounds import PART_FROM

if TYPE_CHECKING:
    from collections.abc import Callable

    import tantivy

UNSPACED = (
    "\\u2e80-\\u2fdf\\u3005-\\u3007\\u3041-\\u3096\\u309d-\\u309f\\u30a1-\\u30fa\\u30fc-\\u30ff"
    "\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\uff66-\\uff9f\\U00020000-\\U0003ffff"
)
"""Han, Hiragana and Katakana, as a class of a regular expression."""
_CHARACTER = re.compile(f"[{UNSPACED}]")
_HYPHENED = re.compile(r"(?<![\w-])[^\W_]+(?:-[^\W_]+){1,2}(?![\w-])")
_SIZE = re.compile(r"(?<!\w)([a-z]{0,2}\d+)( ?)[x×]( ?)(\d+)", re.IGNORECASE)


def spaced(text: str) -> str:
    """A text with what is written without spaces apart, and accents in one piece with their letters."""
    if text.isascii():
        return text
    return _CHARACTER.sub(r" \g<0> ", normalize("NFC", text))


def is_unspaced(word: str) -> bool:
    """Whether a word is one character of a script without spaces."""
    return _CHARACTER.fullmatch(word) is not None


def sizes(text: str) -> str:
    """The sizes that a text has with spaces in between, such as M8 x 50, in one piece: ``M8x50``; else empty."""
    if " x " not in text and " X " not in text and "×" not in text:
        return ""
    return " ".join(f"{one}x{other}" for one, _, _, other in _SIZE.findall(text))


def hyphened(text: str) -> str:
    """The short words that a text has with hyphens, such as T-shirt or USB-C, in one piece: ``Tshirt``; else empty.

    Where each part has three letters or more, a query in one piece is taken apart instead (``compounds.split``).
    """
    if "-" not in text:
        return ""
    short = [word for word in _HYPHENED.findall(text) if min(map(len, word.split("-"))) < PART_FROM]
    return " ".join(word.replace("-", "") for word in short)


def sized(words: str, has: Callable[[str], bool]) -> str:
    """A query with its sizes in one piece where items have them so, else apart where they have the parts."""

    def put(found: re.Match[str]) -> str:
        one, before, after, other = found.groups()
        if has(f"{one}x{other}"):
            return f"{one}x{other}"
        return f"{one} {other}" if has(one) and has(other) and not (before or after) else found[0]

    return _SIZE.sub(put, words)


class Analyzer:
    """An analyzer of the index over text as it is searched; ``inner`` is the index's own, for text that is spaced."""

    def __init__(self, inner: tantivy.TextAnalyzer) -> None:
        self.inner = inner

    def analyze(self, text: str) -> list[str]:
        """The words of a text."""
        return self.inner.analyze(text if text.isascii() else spaced(text))
