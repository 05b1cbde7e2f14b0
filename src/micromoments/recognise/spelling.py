"""A slip of the finger in a word that nobody wrote down: the listed word that was meant, where that is plain.

Two letters swapped, a letter doubled or one of a double left out: what fingers do most, and what hardly makes one word
of another. The first letter stands. Taking any other letter for a slip was tried, and reads names as words.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from zlib import crc32

from micromoments.recognise.features import Lexicon

LEAST: Final = 4
"""Letters of a word that may hide another."""
MOST: Final = 16


def mended(word: str, lexicon: Lexicon) -> str:
    """The listed word that ``word`` is but for one slip, or ``word``; its plural like itself.

    >>> listed = {crc32(text): 1 for text in (b"shoe", b"running", b"tap")}
    >>> mended("sheos", listed), mended("runing", listed), mended("ttap", listed), mended("zebu", listed)
    ('shoes', 'running', 'tap', 'zebu')
    """
    if not (LEAST <= len(word) <= MOST and word.isascii() and word.isalpha()):
        return word
    for other in _slips(word):
        if crc32(other.encode()) in lexicon or (other[-1] == "s" and crc32(other[:-1].encode()) in lexicon):
            return other
    return word


def _slips(word: str) -> Iterator[str]:
    """The words one slip away, likeliest first."""
    for i in range(1, len(word) - 1):
        if word[i] != word[i + 1]:
            yield word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    for i in range(1, len(word)):
        if word[i] == word[i - 1]:
            yield word[:i] + word[i + 1 :]
        yield word[: i + 1] + word[i:]
