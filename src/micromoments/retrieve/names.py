"""The brands and categories of the catalogue, found in a person's words: what a need names of what there is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal

from micromoments.core.item import Item

MOST_WORDS: Final = 4
"""Words of a name that is looked for; longer ones name nothing that anybody types."""
MAX_TOLD: Final = 4096
"""Words of which it is kept what they name."""
_WORD = re.compile(r"[^\W_]+")
Label = Literal["brand", "category"]
LABELS: Final[tuple[Label, ...]] = ("brand", "category")


def _key(text: str) -> str:
    """Words by which two spellings of a name are one: case, marks and plurals don't count."""
    words = _WORD.findall(text.casefold())
    return " ".join(word[:-1] if len(word) > 3 and word[-1] == "s" and word[-2] != "s" else word for word in words)


class Names:
    """How often each brand and category is written how; kept as items come and go."""

    def __init__(self) -> None:
        """No items, no names."""
        self._known: dict[Label, dict[str, Counter[str]]] = {label: {} for label in LABELS}
        self._keys: dict[str, str] = {}
        self._told: dict[str, dict[str, str]] = {}

    def add(self, items: Iterable[Item]) -> None:
        """Items that are new."""
        items = list(items)
        if len(items) == 1:
            self.change(None, items[0])
            return
        for label in LABELS:
            for name, times in Counter([getattr(item, label) for item in items]).items():
                self._count(label, name, times)

    def change(self, before: Item | None, after: Item | None) -> None:
        """An item was put in place of another, was new (no ``before``), or went (no ``after``)."""
        for label in LABELS:
            old = getattr(before, label) if before is not None else ""
            new = getattr(after, label) if after is not None else ""
            if old != new:
                self._count(label, old, -1)
                self._count(label, new, 1)

    def _count(self, label: Label, name: str, by: int) -> None:
        key = self._keys.get(name)
        if key is None:
            key = self._keys[name] = _key(name)
        if not key or key.count(" ") >= MOST_WORDS:
            return
        self._told.clear()
        known = self._known[label]
        spelt = known.get(key)
        if spelt is None:
            spelt = known[key] = Counter()
        spelt[name] += by
        if spelt[name] <= 0:
            del spelt[name]
            self._keys.pop(name, None)
        if not spelt:
            del known[key]

    def found(self, words: str) -> dict[str, str]:
        """The brand and the category that words name, as most items write them; of several the longest, then the last.
        Kept until a name comes or goes, for many people ask for the same; not to be written.

        >>> names = Names()
        >>> names.change(None, Item(id="1", kind="product", title="Pegasus", brand="Nike", category="Running shoes"))
        >>> names.found("cheap nike running shoe")
        {'brand': 'Nike', 'category': 'Running shoes'}
        """
        told = self._told.get(words)
        if told is None:
            if len(self._told) >= MAX_TOLD:
                self._told.clear()
            told = self._told[words] = self._find(words)
        return told

    def _find(self, words: str) -> dict[str, str]:
        texts = _key(words).split()
        told: dict[str, str] = {}
        for size in range(min(MOST_WORDS, len(texts)), 0, -1):
            for start in range(len(texts) - size, -1, -1):
                key = " ".join(texts[start : start + size])
                for label in LABELS:
                    if label not in told and (spelt := self._known[label].get(key)) is not None:
                        told[label] = min(spelt, key=lambda name: (-spelt[name], name))
        return {label: told[label] for label in LABELS if label in told}
