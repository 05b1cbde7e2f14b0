"""The words of a shelf by how they are written: those that begin with some letters, those that are nearly another."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rapidfuzz import process
from rapidfuzz.distance import OSA

from micromoments.retrieve.document import STEMMED

if TYPE_CHECKING:
    import tantivy

    from micromoments.retrieve.overlay import Overlay

Letters = dict[tuple[str, bool], dict[str, tuple[int, str]]]
"""By first letter, and whether of all words: words as ``near_words`` measures them, kept until the index changes."""


def completions(searcher: tantivy.Searcher, overlay: Overlay, prefix: str, limit: int) -> dict[str, int]:
    """The words as written that begin with a prefix, most frequent first, and in how many items each occurs."""
    # A single letter begins too many words to look at them all.
    enough = 400 if len(prefix) < 2 else None
    found = Counter(dict(searcher.terms_with_prefix("plain", prefix, limit=enough)))
    for word, n in overlay.plain.items():
        if word.startswith(prefix):
            found[word] += n
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:limit])


def near_words(
    searcher: tantivy.Searcher, overlay: Overlay, letters: Letters, word: str, most: int, *, text: bool
) -> list[tuple[int, int, str]]:
    """The words within an edit distance that begin with the same letter, as (away, in how many items, word).

    A mistyped first letter is rare, and demanding it keeps chance likenesses out. Words are those of titles and
    labels as written, their stems measured too; with ``text`` the stems of all words.
    """
    known = _near(searcher, overlay, letters, word[0], text=text)
    near = process.extract(word, list(known), scorer=OSA.distance, score_cutoff=most, limit=None)
    return [(away, *known[form]) for form, away, _ in near]


def _near(
    searcher: tantivy.Searcher, overlay: Overlay, letters: Letters, letter: str, *, text: bool
) -> dict[str, tuple[int, str]]:
    """By what they are measured by, the words that begin with a letter, and in how many items each is."""
    known = letters.get((letter, text))
    if known is None:
        told = searcher.terms_with_prefix("words" if text else "plain", letter)
        known = letters[letter, text] = _forms(dict(told), text=text)
    waiting = overlay.postings if text else overlay.plain
    fresh = {word: 1 for word in waiting if word[0] == letter and word not in known}
    return known | _forms(fresh, text=text) if fresh else known


def _forms(words: dict[str, int], *, text: bool) -> dict[str, tuple[int, str]]:
    if text:
        return {word: (n, word) for word, n in words.items()}
    known = {word: (n, word) for word, n in words.items()}
    for word, n in sorted(words.items(), key=lambda pair: len(pair[0])):
        for stem in STEMMED.analyze(word):
            known.setdefault(stem, (n, word))
    return known
