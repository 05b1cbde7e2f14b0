"""Items that wait for a commit of the index, searched by the same formula meanwhile."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from micromoments.retrieve.document import PLAIN, STEMMED

if TYPE_CHECKING:
    from micromoments.retrieve.document import Words


class Overlay:
    """The items that wait, read word by word at the first search after they were put."""

    __slots__ = ("length", "lengths", "plain", "postings")

    def __init__(self) -> None:
        self.postings: dict[str, dict[int, int]] = {}
        self.lengths: dict[int, int] = {}
        self.plain: Counter[str] = Counter()
        self.length = 0

    def read(self, fresh: dict[int, Words]) -> None:
        """Take in those not read yet, the last of ``fresh``. What left since is skipped by its number later."""
        for ord_, words in reversed(fresh.items()):
            if ord_ in self.lengths:
                return
            self.add(ord_, words)

    def add(self, ord_: int, words: Words) -> None:
        """Take in one item, the last of those that there are."""
        terms = STEMMED.analyze(words.words)
        self.lengths[ord_] = len(terms)
        self.length += len(terms)
        for term in terms:
            self.postings.setdefault(term, {}).setdefault(ord_, 0)
            self.postings[term][ord_] += 1
        self.plain.update(set(PLAIN.analyze(words.plain)))
