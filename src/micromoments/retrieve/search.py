"""Search by words over all kinds: synonyms, the last word as a prefix, and typing errors put right.

Typing errors: a word that no item has is replaced by the nearest that one does (optimal string alignment: insert,
delete, replace, swap neighbours), one edit for words of 4 to 7 letters, two for longer ones. Short unknown words are
only touched where the rest of the query finds little, because "cheap" isn't "cheat".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log

from micromoments.core.item import KINDS, Item, Kind
from micromoments.retrieve.ask import Hit
from micromoments.retrieve.shelf import PLAIN, STEMMED, Shelf, words_of

MAX_COMPLETIONS = 12
MAX_REMEMBERED = 4096
"""Corrections, and items with those like them, that are kept until an item changes."""
MAX_ANSWERS = 1024
"""Answers to words that are kept until an item changes."""
CORRECTABLE = 4
"""Letters of the shortest word that is put right."""
SURELY_MISTYPED = 6
"""Letters from which an unknown word is put right even where the query finds enough without it."""
MAX_SYNONYM_WORDS = 4
MAX_QUERY = 256
"""Characters of a query that are read."""
MAX_CORRECTED = 3
"""Words of a query that are put right: looking for the nearest word costs as much as a search."""


class Search:
    """One shelf for each kind, and what is common to them."""

    def __init__(self, item: Callable[[str], Item | None], synonyms: Mapping[str, Sequence[str]]) -> None:
        self._item = item
        self._shelves: dict[Kind, Shelf] = {kind: Shelf() for kind in KINDS}
        self._kinds: dict[str, Kind] = {}
        self._corrections: dict[tuple[str, tuple[Kind, ...]], str] = {}
        self._asked: dict[tuple[str, tuple[tuple[Kind, int], ...]], list[list[tuple[str, float]]]] = {}
        self._alike: dict[tuple[str, int], list[tuple[str, float]]] = {}
        self._synonyms: dict[tuple[str, ...], list[str]] = {}
        for words, others in synonyms.items():
            key = tuple(STEMMED.analyze(words))[:MAX_SYNONYM_WORDS]
            if key:
                self._synonyms[key] = [term for other in others for term in STEMMED.analyze(other)]

    def put(self, item: Item) -> None:
        """Make an item found, in place of its older self."""
        before = self._kinds.get(item.id)
        if before is not None and before != item.kind:
            self._shelves[before].drop(item.id)
        self._kinds[item.id] = item.kind
        self._shelves[item.kind].put(item.id, words_of(item))
        self._forget()

    def drop(self, id: str) -> None:
        """Make an item not found."""
        kind = self._kinds.pop(id, None)
        if kind is not None:
            self._shelves[kind].drop(id)
            self._forget()

    def _forget(self) -> None:
        """What was worked out from the items that there were."""
        self._corrections.clear()
        self._asked.clear()
        self._alike.clear()

    def settle(self) -> None:
        """Commit what waits on every shelf."""
        for shelf in self._shelves.values():
            shelf.settle()

    def terms(self, words: str, kinds: tuple[Kind, ...], prefix: bool = False) -> list[str]:
        """The stemmed words to search for, with synonyms and corrections, each once, in the order of the query."""
        words = words[:MAX_QUERY]
        terms = STEMMED.analyze(words)
        extra = self._synonymous(terms) if self._synonyms else []
        if prefix and words[-1:].isalnum() and (completed := self._complete(PLAIN.analyze(words)[-1], kinds)):
            return list(dict.fromkeys(terms + extra + completed))
        known = [any(self._shelves[kind].count(term) for kind in kinds) for term in terms]
        if not all(known):
            extra += self._corrected(words, kinds, enough=any(known))
        return list(dict.fromkeys(terms + extra))

    def _synonymous(self, terms: list[str]) -> list[str]:
        longest = max(map(len, self._synonyms))
        found: list[str] = []
        for start in range(len(terms)):
            for end in range(start + 1, min(len(terms), start + longest) + 1):
                found += self._synonyms.get(tuple(terms[start:end]), ())
        return found

    def _complete(self, start: str, kinds: tuple[Kind, ...]) -> list[str]:
        counts: dict[str, int] = {}
        for kind in kinds:
            for word, n in self._shelves[kind].completions(start, MAX_COMPLETIONS).items():
                counts[word] = counts.get(word, 0) + n
        best = sorted(counts, key=lambda word: (-counts[word], word))[:MAX_COMPLETIONS]
        return [term for word in best for term in STEMMED.analyze(word)]

    def _corrected(self, words: str, kinds: tuple[Kind, ...], *, enough: bool) -> list[str]:
        least = SURELY_MISTYPED if enough else CORRECTABLE
        found: list[str] = []
        tried = 0
        for word in PLAIN.analyze(words):
            if len(word) < least or word.isdigit() or tried == MAX_CORRECTED:
                continue
            stems = STEMMED.analyze(word)
            if stems and not any(self._shelves[kind].count(stem) for kind in kinds for stem in stems):
                tried += 1
                found += STEMMED.analyze(self.correct(word, kinds))
        return found

    def correct(self, word: str, kinds: tuple[Kind, ...]) -> str:
        """The nearest word that items of these kinds have in their title, brand, category or tags; empty for none.

        Of equally near words the one that occurs more often goes first, then the alphabet decides.
        """
        key = (word, kinds)
        if key not in self._corrections:
            if len(self._corrections) >= MAX_REMEMBERED:
                self._corrections.clear()
            self._corrections[key] = self._nearest(word, kinds)
        return self._corrections[key]

    def _nearest(self, word: str, kinds: tuple[Kind, ...]) -> str:
        allowed = 1 if len(word) < 8 else 2
        near: dict[str, tuple[int, int]] = {}
        for kind in kinds:
            shelf = self._shelves[kind]
            ids, seen = shelf.near_words(word, allowed, 20)
            for id in ids:
                if (item := self._item(id)) is not None:
                    seen.update(PLAIN.analyze(words_of(item).plain))
            for other in seen:
                # A mistyped first letter is rare, and demanding it keeps chance likenesses out.
                if other[0] == word[0] and (away := edits(word, other, allowed)) <= allowed:
                    count = sum(shelf.count(stem) for stem in STEMMED.analyze(other))
                    near[other] = (away, near.get(other, (0, 0))[1] - count)
        return min(near, key=lambda other: (near[other], other), default="")

    def find(
        self,
        words: str,
        kinds: Sequence[Kind] = (),
        category: str = "",
        limit: int = 20,
        prefix: bool = False,
    ) -> list[Hit]:
        """The best items for words, as hits, best first, ties by id; see ``Catalog.search``."""
        kinds = tuple(kinds) or KINDS
        terms = self.terms(words, kinds, prefix)
        if not terms:
            return []
        if len(kinds) == 1:
            return [Hit(id, round(score, 4)) for id, score in self.on(kinds[0], terms, limit, category)]
        scales = self._scales(terms, kinds)
        hits = [
            Hit(id, round(score * scale, 4))
            for kind, scale in zip(kinds, scales, strict=True)
            if scale
            for id, score in self.on(kind, terms, limit, category)
        ]
        hits.sort(key=lambda hit: (-hit.score, hit.id))
        return hits[:limit]

    def on(
        self, kind: Kind, terms: Sequence[str], limit: int, category: str = "", only: Sequence[str] = ()
    ) -> list[tuple[str, float]]:
        """The best of one kind for stemmed words, as (id, score); scores compare within the kind alone."""
        return self._shelves[kind].search(terms, limit, category, only)

    def each(
        self, words: str, wanted: tuple[tuple[Kind, int], ...], only: Sequence[str] = ()
    ) -> list[list[tuple[str, float]]]:
        """The best of each kind for words, at most so many, as ``on`` gives them. Kept until an item changes, for many
        people ask for the same; not to be written.
        """
        key = (words, wanted)
        if only or key not in self._asked:
            terms = self.terms(words, tuple([kind for kind, _ in wanted]))
            found = [self.on(kind, terms, limit, only=only) for kind, limit in wanted] if terms else []
            if only:
                return found
            if len(self._asked) >= MAX_ANSWERS:
                self._asked.clear()
            self._asked[key] = found
        return self._asked[key]

    def alike(self, item: Item, limit: int, only: Sequence[str] = ()) -> list[tuple[str, float]]:
        """The items of an item's kind that share most with its title, brand and category, itself among them: (id,
        score), best first. Kept until an item changes; not to be written.
        """
        key = (item.id, limit)
        if only or key not in self._alike:
            terms = self.terms(f"{item.title} {item.brand} {item.category}", (item.kind,))
            found = self.on(item.kind, terms, limit, only=only)
            if only:
                return found
            if len(self._alike) >= MAX_REMEMBERED:
                self._alike.clear()
            self._alike[key] = found
        return self._alike[key]

    def _scales(self, terms: Sequence[str], kinds: tuple[Kind, ...]) -> list[float]:
        """What makes scores of different kinds comparable: all kinds' rarity of the words over the kind's own.

        A word in one of ten offers looks common there though it is rare among ten thousand products.
        """
        sizes = [len(self._shelves[kind]) for kind in kinds]
        counts = [[self._shelves[kind].count(term) for term in terms] for kind in kinds]
        overall = [_rarity(sum(sizes), sum(column)) for column in zip(*counts, strict=True)]
        scales: list[float] = []
        for size, row in zip(sizes, counts, strict=True):
            own = sum(_rarity(size, n) for n in row if n)
            scales.append(sum(rarity for rarity, n in zip(overall, row, strict=True) if n) / own if own else 0.0)
        return scales


def _rarity(size: int, n: int) -> float:
    return log(1 + (max(0, size - n) + 0.5) / (n + 0.5))


def edits(a: str, b: str, most: int) -> int:
    """How many letters must be inserted, deleted, replaced or swapped with a neighbour to turn ``a`` into ``b``.

    The optimal string alignment distance (a letter is touched once). More than ``most`` is told as ``most + 1``.
    """
    if abs(len(a) - len(b)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)
