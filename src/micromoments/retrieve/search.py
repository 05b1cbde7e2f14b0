"""Search by words over all kinds: synonyms, the last word as a prefix, and typing errors put right.

Typing errors: a word that no item has is replaced by the nearest that one does (optimal string alignment, as rapidfuzz
counts it: insert, delete, replace, swap neighbours), one edit for words of 4 to 7 letters, two for longer ones. Short
unknown words are only touched where the rest of the query finds little, because "cheap" isn't "cheat".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log

from rapidfuzz.distance import OSA

from micromoments.core.item import KINDS, Item, Kind
from micromoments.retrieve import compounds
from micromoments.retrieve.ask import Hit
from micromoments.retrieve.compounds import PART_FROM
from micromoments.retrieve.document import PLAIN, STEMMED
from micromoments.retrieve.looked import Looked, Query, Wanted
from micromoments.retrieve.narrow import EVERYTHING, Narrow
from micromoments.retrieve.shelf import MAX_TERMS, Shelf
from micromoments.retrieve.written import sized

MAX_COMPLETIONS = 12
MAX_REMEMBERED = 4096
"""Corrections that are kept until an item changes."""
MAX_ALIKE = 16_384
"""Items with those like them that are kept until an item changes, a kilobyte each; looking for them takes 50 us."""
MAX_ANSWERS = 1024
"""Answers to words that are kept until an item changes."""
CORRECTABLE = 4
"""Letters of the shortest word that is put right."""
SURELY_MISTYPED = 6
"""Letters from which an unknown word is put right even where the query finds enough without it."""
MAX_SYNONYM_WORDS = 4
MAX_QUERY = 256
"""Characters of a query that are read."""
MAX_MEANT = 3
"""Words that a mistyped one may mean, where several are equally near."""
Meaning = Callable[[str, int], Sequence[tuple[str, float]]]
"""The words nearest in meaning to one, at most so many, with their cosines, nearest first."""
SAME_MEANING = 0.75
"""The cosine from which a word stands for another that no item has."""
LOOKED_THROUGH = 40
"""Words near in meaning that are looked up among those that items have."""
MAX_CORRECTED = 3
"""Words of a query that are put right: looking for the nearest word costs as much as a search."""


class Search:
    """One shelf for each kind, and what is common to them."""

    def __init__(self, synonyms: Mapping[str, Sequence[str]], path: str = "", meaning: Meaning | None = None) -> None:
        self._meaning, self._on_disk = meaning, bool(path)
        self._every: dict[Kind, Shelf] = {kind: Shelf(f"{path}/{kind}" if path else "") for kind in KINDS}
        self._late: dict[str, Item] | None = None
        self._kinds: dict[str, Kind] = {}
        self._corrections: dict[tuple[str, tuple[Kind, ...]], tuple[str, ...]] = {}
        self._asked: dict[tuple[str, tuple[tuple[Kind, int], ...]], list[list[tuple[str, float]]]] = {}
        self._alike: dict[tuple[str, int], list[tuple[str, float]]] = {}
        self._synonyms: dict[tuple[str, ...], list[str]] = {}
        self._keys: list[str] = []
        for words, others in synonyms.items():
            key = tuple(STEMMED.analyze(words))[:MAX_SYNONYM_WORDS]
            if key:
                self._keys += PLAIN.analyze(words)
                self._synonyms[key] = [term for other in others for term in STEMMED.analyze(other)]

    @property
    def _shelves(self) -> dict[Kind, Shelf]:
        """The shelves with all that was put on them."""
        if self._late:
            late, self._late = self._late, None
            for item in late.values():
                self.put(item)
            self._late = {}
        return self._every

    def lazily(self) -> None:
        """From now on index what is put when it is first asked for: who only loads items never asks."""
        self._late = self._late or {}

    def put(self, item: Item) -> None:
        """Make an item found, in place of its older self."""
        if self._late is not None:
            self._late[item.id] = item
            self._forget()
            return
        before = self._kinds.get(item.id)
        if before is not None and before != item.kind:
            self._shelves[before].drop(item.id)
        self._kinds[item.id] = item.kind
        self._shelves[item.kind].put(item)
        self._forget()

    def drop(self, id: str) -> None:
        """Make an item not found."""
        kind = self._kinds.pop(id, None)
        if kind is not None:
            self._every[kind].drop(id)
        if self._late:
            self._late.pop(id, None)
        self._forget()

    def _forget(self) -> None:
        """What was worked out from the items that there were."""
        if self._corrections or self._asked or self._alike:
            self._corrections.clear()
            self._asked.clear()
            self._alike.clear()

    def settle(self) -> None:
        """Commit what waits on every shelf."""
        for shelf in self._shelves.values():
            shelf.settle()

    def beside(self) -> None:
        """From now on somebody commits what waits on each shelf that is ``unsettled``."""
        for shelf in self._shelves.values():
            shelf.beside()

    def unsettled(self) -> list[Shelf]:
        """The shelves on which so much waits that it should be committed."""
        return [shelf for shelf in self._every.values() if shelf.unsettled]

    def waiting(self) -> int:
        """How many items wait to be committed."""
        return sum([shelf.waiting for shelf in self._every.values()])

    def loaded(self) -> None:
        """All items were put: what an index on disk has beside them is gone."""
        for shelf in self._shelves.values():
            shelf.loaded()
        self.settle()

    def close(self) -> None:
        """Commit what waits, and let go of what is on disk; an index in memory just goes, and what is indexed lazily is
        found changed at the next start.
        """
        for shelf in self._every.values() if self._on_disk else ():
            shelf.close()

    def count(self, term: str, kinds: Sequence[Kind]) -> int:
        """In how many items of these kinds a stemmed word occurs."""
        return sum([self._shelves[kind].count(term) for kind in kinds])

    def size(self, kinds: Sequence[Kind]) -> int:
        """How many items of these kinds there are."""
        return sum([len(self._shelves[kind]) for kind in kinds])

    def terms(self, words: str, kinds: tuple[Kind, ...], prefix: bool = False) -> list[str]:
        """The stemmed words to search for, with synonyms and corrections, each once, in the order of the query."""
        words = sized(words[:MAX_QUERY], lambda word: self._has(word, kinds))
        terms = STEMMED.analyze(words)
        extra = self._synonymous(terms) if self._synonyms else []
        if prefix and words[-1:].isalnum() and (completed := self._complete(PLAIN.analyze(words)[-1], kinds)):
            return list(dict.fromkeys(terms + extra + completed))
        known = [any(self._shelves[kind].count(term) for kind in kinds) for term in terms]
        if not all(known):
            extra += self._corrected(words, kinds, enough=any(known))
        return list(dict.fromkeys(terms + extra))

    def read(self, words: str, kinds: tuple[Kind, ...], prefix: bool = False) -> Query:
        """A query word by word, each with its forms: stemmed, by a synonym, put right, or completed."""
        words = sized(words[:MAX_QUERY], lambda word: self._has(word, kinds))
        typed, apart = self._typed(words, kinds)
        stems = [STEMMED.analyze(word)[0] for word in typed]
        wholes = compounds.joined(typed, lambda word: self._has(word, kinds))
        ends = len(typed) - 1 if prefix and words[-1:].isalnum() else -1
        forms = [
            [
                stem,
                *self._covering(stems, place),
                *(STEMMED.analyze(whole)[0] for whole in wholes.get(place, ())),
                *(self._complete(word, kinds) if place == ends else ()),
            ]
            for place, (word, stem) in enumerate(zip(typed, stems, strict=True))
        ]
        known = [len(group) > 1 or any(self._shelves[kind].count(group[0]) for kind in kinds) for group in forms]
        groups, sure, meant = list[tuple[str, ...]](), list[tuple[str, ...]](), dict[str, tuple[str, ...]]()
        for word, group, is_known in zip(typed, forms, known, strict=True):
            right: tuple[str, ...] = ()
            if not is_known and len(word) >= CORRECTABLE and not word.isdigit() and len(meant) < MAX_CORRECTED:
                right = meant[word] = self.corrections(word, kinds)
                for other in right:
                    stem = STEMMED.analyze(other)[0]
                    group += [stem, *self._covering([stem], 0)]
            groups.append(tuple(dict.fromkeys(group)))
            if is_known or (right and (len(word) >= SURELY_MISTYPED or not any(known))):
                sure.append(groups[-1])
        put_right = {word: right for word, right in meant.items() if right}
        return Query(tuple(groups), tuple(sure), put_right | apart)

    def _typed(self, words: str, kinds: tuple[Kind, ...]) -> tuple[list[str], dict[str, tuple[str, ...]]]:
        """The words of a query that aren't stop words, each once; those that nothing has, nor a word near them, and
        that are two words written as one are taken apart, and told of.
        """
        typed: list[str] = []
        apart: dict[str, tuple[str, ...]] = {}
        tried = 0
        for word in dict.fromkeys(PLAIN.analyze(words)):
            if not STEMMED.analyze(word):
                continue
            pair = None
            if len(word) >= 2 * PART_FROM and tried < MAX_CORRECTED and not self._has(word, kinds):
                tried += 1
                pair = None if self.corrections(word, kinds) else self._split(word, kinds)
            typed += pair or (word,)
            if pair is not None:
                apart[word] = (" ".join(pair),)
        return typed[:MAX_TERMS], apart

    def _has(self, word: str, kinds: tuple[Kind, ...]) -> bool:
        """Whether an item of these kinds has a word, in some form."""
        stems = STEMMED.analyze(word)
        return bool(stems) and any(self._shelves[kind].count(stems[0]) for kind in kinds)

    def _split(self, word: str, kinds: tuple[Kind, ...]) -> tuple[str, str] | None:
        def together(one: str, other: str) -> int:
            both = tuple((STEMMED.analyze(part)[0],) for part in (one, other))
            wanted = Wanted(both, 2, EVERYTHING, 1)
            return sum(self._shelves[kind].look(wanted).total for kind in kinds)

        return compounds.split(word, lambda part: self._has(part, kinds), together)

    def _covering(self, stems: Sequence[str], place: int) -> list[str]:
        """What the synonyms say in place of a word, alone or as part of a phrase."""
        found: list[str] = []
        longest = max(map(len, self._synonyms), default=0)
        for start in range(max(0, place - longest + 1), place + 1):
            for end in range(place + 1, min(len(stems), start + longest) + 1):
                found += self._synonyms.get(tuple(stems[start:end]), ())
        return found

    def look(self, kind: Kind, wanted: Wanted) -> Looked:
        """One kind's page of an answer."""
        return self._shelves[kind].look(wanted)

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
        typed = PLAIN.analyze(words)
        wholes = compounds.joined(typed, lambda word: self._has(word, kinds))
        found = [stem for places in wholes.values() for whole in places for stem in STEMMED.analyze(whole)]
        tried = 0
        for word in typed:
            if len(word) < least or word.isdigit() or tried == MAX_CORRECTED:
                continue
            stems = STEMMED.analyze(word)
            if stems and not any(self._shelves[kind].count(stem) for kind in kinds for stem in stems):
                tried += 1
                found += STEMMED.analyze(self.correct(word, kinds) or " ".join(self._split(word, kinds) or ()))
        return found

    def correct(self, word: str, kinds: tuple[Kind, ...]) -> str:
        """The nearest word that items of these kinds have in their title, brand, category or tags; empty for none.

        Of equally near words the one that more items have goes first, then the alphabet decides.
        """
        return next(iter(self.corrections(word, kinds)), "")

    def corrections(self, word: str, kinds: tuple[Kind, ...]) -> tuple[str, ...]:
        """The nearest words, all equally near, likelier ones first; at most ``MAX_MEANT``."""
        key = (word, kinds)
        if key not in self._corrections:
            if len(self._corrections) >= MAX_REMEMBERED:
                self._corrections.clear()
            self._corrections[key] = self._nearest(word, kinds)
        return self._corrections[key]

    def _meant(self, word: str, kinds: tuple[Kind, ...]) -> tuple[str, ...]:
        """Words that items have and that mean about the same as one that none has; for words of the language only."""
        found: list[str] = []
        for other, cosine in self._meaning(word, LOOKED_THROUGH) if self._meaning is not None else ():
            if cosine < SAME_MEANING or len(found) == MAX_MEANT:
                break
            stems = STEMMED.analyze(other)
            if stems and any(self._shelves[kind].count(stem) for kind in kinds for stem in stems):
                found.append(other)
        return tuple(found)

    def _nearest(self, word: str, kinds: tuple[Kind, ...]) -> tuple[str, ...]:
        if alike := self._meant(word, kinds):
            return alike
        allowed = 1 if len(word) < 8 else 2
        near: dict[str, tuple[int, int]] = {}
        # What only texts have is likelier a chance likeness.
        for text in (False, True):
            found = [each for kind in kinds for each in self._shelves[kind].near_words(word, allowed, text=text)]
            found += [(OSA.distance(word, key), 0, key) for key in self._keys if key[0] == word[0]]
            for away, count, other in found:
                # Stop words are no words to search for.
                if away <= allowed and STEMMED.analyze(other):
                    near[other] = min(near.get(other, (away, 0)), (away, near.get(other, (0, 0))[1] - count))
            if near:
                break
        best = sorted(near, key=lambda other: (near[other], other))
        return tuple([other for other in best if near[other][0] == near[best[0]][0]][:MAX_MEANT])

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
        narrow = Narrow(category=(category,)) if category else EVERYTHING
        if not terms:
            return []
        if len(kinds) == 1:
            return [Hit(id, round(score, 4)) for id, score in self.on(kinds[0], terms, limit, narrow)]
        scales = self.scales(terms, kinds)
        hits = [
            Hit(id, round(score * scale, 4))
            for kind, scale in zip(kinds, scales, strict=True)
            if scale
            for id, score in self.on(kind, terms, limit, narrow)
        ]
        hits.sort(key=lambda hit: (-hit.score, hit.id))
        return hits[:limit]

    def on(
        self, kind: Kind, terms: Sequence[str], limit: int, narrow: Narrow = EVERYTHING, only: Sequence[str] = ()
    ) -> list[tuple[str, float]]:
        """The best of one kind for stemmed words, as (id, score); scores compare within the kind alone."""
        return self._shelves[kind].search(terms, limit, narrow, only)

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
            if len(self._alike) >= MAX_ALIKE:
                self._alike.clear()
            self._alike[key] = found
        return self._alike[key]

    def scales(self, terms: Sequence[str], kinds: tuple[Kind, ...]) -> list[float]:
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
