"""A shelf: the full-text index of one kind of items, searched by BM25 over weighted fields.

The index is tantivy's, in memory. One index a kind makes the filter by kind free, and keeps each kind's own statistics.
Field weights follow the simple extension of BM25 to weighted fields: a word of the title counts as three, a word of
brand, category or tags as two, in one field (Robertson, Zaragoza, Taylor 2004, "Simple BM25 extension to multiple
weighted fields"); it also lets tantivy stop early (block-max WAND), which separate boosted fields don't.

A commit costs some milliseconds, so an item just put first waits in a small overlay that is searched by the same
formula; it is found by the very next call. The overlay is committed when it grows past ``FRESH`` items.
"""

from __future__ import annotations

from collections import Counter
from math import log
from typing import TYPE_CHECKING, NamedTuple, cast

import tantivy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from micromoments.core.item import Item

FRESH = 256
"""Items that wait in the overlay at a search; more are committed first."""
MAX_WAITING = 20_000
"""Items that wait at all; more are committed at once, to bound memory in a bulk load."""
MAX_TEXT = 20_000
"""Characters of an item's text that are searched."""
MAX_TERMS = 24
"""Words of a query that count."""
K1, B = 1.2, 0.75
"""BM25's constants, as tantivy has them."""
HEAP = 32_000_000
"""Bytes that the writer may fill before it writes a segment of its own accord."""

_Q = tantivy.Query
_SHOULD, _MUST = tantivy.Occur.Should, tantivy.Occur.Must


def _analyzers() -> tuple[tantivy.TextAnalyzer, tantivy.TextAnalyzer]:
    def plain() -> tantivy.TextAnalyzerBuilder:
        return (
            tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
            .filter(tantivy.Filter.remove_long(40))
            .filter(tantivy.Filter.lowercase())
            .filter(tantivy.Filter.ascii_fold())
        )

    stemmed = plain().filter(tantivy.Filter.stopword("english")).filter(tantivy.Filter.stemmer("english"))
    return plain().build(), stemmed.build()


PLAIN, STEMMED = _analyzers()
"""The words as written (lower case, without accents), and as searched (without stop words, stemmed)."""


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("ord", indexed=True, fast=True)
    builder.add_text_field("words", tokenizer_name="stemmed", index_option="freq")
    builder.add_text_field("plain", tokenizer_name="plain", index_option="basic")
    builder.add_text_field("category", tokenizer_name="raw", index_option="basic")
    return builder.build()


class Words(NamedTuple):
    """What of an item is searched: all its words by weight, those worth completing and correcting, and its category."""

    words: str
    plain: str
    category: str


def words_of(item: Item) -> Words:
    """The searched part of an item; two items that differ elsewhere need no indexing anew."""
    labels = " ".join((item.brand, item.category, *item.tags))
    title = item.title
    return Words(
        f"{title} {title} {title} {labels} {labels} {item.text[:MAX_TEXT]}", f"{title} {labels}", item.category
    )


class Shelf:
    """The items of one kind, by ids. Every put and drop shows in the next search."""

    def __init__(self) -> None:
        self._index = tantivy.Index(_schema())
        self._index.register_tokenizer("plain", PLAIN)
        self._index.register_tokenizer("stemmed", STEMMED)
        self._index.config_reader("manual")
        self._writer: tantivy.IndexWriter | None = None
        self._searcher = self._index.searcher()
        self._ords: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._next = 0
        self._fresh: dict[int, Words] = {}
        self._gone: list[int] = []
        self._overlay = _Overlay()
        self._mean = (0, 0)

    def __len__(self) -> int:
        return len(self._ords)

    def put(self, id: str, words: Words) -> None:
        """Add an item, or put its new words in place of the old."""
        self.drop(id)
        ord_ = self._next
        self._next += 1
        self._ords[id] = ord_
        self._ids[ord_] = id
        self._fresh[ord_] = words
        if len(self._fresh) > MAX_WAITING:
            self.settle()

    def drop(self, id: str) -> None:
        """Take an item away; one that isn't there is no error."""
        ord_ = self._ords.pop(id, -1)
        if ord_ < 0:
            return
        del self._ids[ord_]
        if self._fresh.pop(ord_, None) is None:
            self._gone.append(ord_)

    def settle(self) -> None:
        """Commit what waits, whatever its size; the answers stay the same."""
        if not (self._fresh or self._gone):
            return
        if self._writer is None:
            # One thread, so that the same calls make the same index.
            self._writer = self._index.writer(heap_size=HEAP, num_threads=1)
        for ord_ in self._gone:
            self._writer.delete_documents_by_term("ord", ord_)
        count, total = self._mean
        for ord_, (words, plain, category) in self._fresh.items():
            document = tantivy.Document()
            document.add_unsigned("ord", ord_)
            document.add_text("words", words)
            document.add_text("plain", plain)
            document.add_text("category", category)
            self._writer.add_document(document)
            total += words.count(" ") + 1
        self._mean = (count + len(self._fresh), total)
        self._writer.commit()
        self._index.reload()
        self._searcher = self._index.searcher()
        self._fresh.clear()
        self._gone.clear()
        self._overlay = _Overlay()

    def _ready(self) -> None:
        if len(self._fresh) > FRESH or len(self._gone) > FRESH or len(self._overlay.lengths) > 2 * FRESH:
            self.settle()
        if self._fresh:
            self._overlay.read(self._fresh)

    def count(self, term: str) -> int:
        """In how many items a stemmed word occurs, items on their way out included."""
        self._ready()
        return self._searcher.doc_freq("words", term) + len(self._overlay.postings.get(term, ()))

    def search(
        self, terms: Sequence[str], limit: int, category: str = "", only: Sequence[str] = ()
    ) -> list[tuple[str, float]]:
        """The best items for any of the stemmed words, as (id, score), best first, ties by id.

        Args:
            terms: stemmed words; the first ``MAX_TERMS`` count.
            limit: at most so many.
            category: only items of exactly this category; empty for all.
            only: only these ids; empty for all.
        """
        self._ready()
        terms = terms[:MAX_TERMS]
        if not terms or limit <= 0:
            return []
        found = self._committed(terms, limit, category, only)
        if self._fresh:
            found += self._waiting(terms, category, only)
        found.sort(key=_by_score)
        return found[:limit]

    def _committed(
        self, terms: Sequence[str], limit: int, category: str, only: Sequence[str]
    ) -> list[tuple[str, float]]:
        index, ids = self._index, self._ids
        schema = index.schema
        query = _Q.boolean_query([(_SHOULD, _Q.term_query(schema, "words", term, "freq")) for term in terms])
        narrow: list[tuple[tantivy.Occur, tantivy.Query]] = []
        if category:
            narrow.append((_MUST, _Q.const_score_query(_Q.term_query(schema, "category", category, "basic"), 0.0)))
        if only:
            these = [ord_ for id in only if (ord_ := self._ords.get(id, -1)) >= 0]
            narrow.append((_MUST, _Q.const_score_query(_Q.term_set_query(schema, "ord", these), 0.0)))
        if narrow:
            query = _Q.boolean_query([(_MUST, query), *narrow])
        # What was replaced since the last commit still has its place in the index.
        hits = self._searcher.search(query, limit + len(self._gone), count=False).hits
        if not hits:
            return []
        ords = cast("list[int]", self._searcher.fast_field_values("ord", [address for _, address in hits]))
        return [(id, score) for (score, _), ord_ in zip(hits, ords, strict=True) if (id := ids.get(ord_)) is not None]

    def _waiting(self, terms: Sequence[str], category: str, only: Sequence[str]) -> list[tuple[str, float]]:
        overlay = self._overlay
        size = self._searcher.num_docs + len(self._fresh)
        count, total = self._mean
        mean = (total + overlay.length) / max(1, count + len(overlay.lengths))
        scores: dict[int, float] = {}
        for term in terms:
            postings = overlay.postings.get(term)
            if not postings:
                continue
            n = self.count(term)
            idf = log(1 + (max(0, size - n) + 0.5) / (n + 0.5))
            for ord_, times in postings.items():
                norm = K1 * (1 - B + B * overlay.lengths[ord_] / mean)
                scores[ord_] = scores.get(ord_, 0.0) + idf * (1 + K1) * times / (times + norm)
        allowed = frozenset(only)
        return [
            (id, score)
            for ord_, score in scores.items()
            if (id := self._ids.get(ord_)) is not None
            and (not category or self._fresh[ord_].category == category)
            and (not allowed or id in allowed)
        ]

    def completions(self, prefix: str, limit: int) -> dict[str, int]:
        """The words as written that begin with a prefix, most frequent first, and in how many items each occurs."""
        self._ready()
        # A single letter begins too many words to look at them all.
        enough = 400 if len(prefix) < 2 else None
        found = Counter(dict(self._searcher.terms_with_prefix("plain", prefix, limit=enough)))
        for word, n in self._overlay.plain.items():
            if word.startswith(prefix):
                found[word] += n
        return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:limit])

    def near_words(self, word: str, distance: int, limit: int) -> tuple[list[str], set[str]]:
        """Where a word within an edit distance occurs: ids of committed items, and the words of the overlay."""
        self._ready()
        query = _Q.fuzzy_term_query(self._index.schema, "plain", word, distance, True)
        hits = self._searcher.search(query, limit, count=False).hits
        ords = (
            cast("list[int]", self._searcher.fast_field_values("ord", [address for _, address in hits])) if hits else []
        )
        ids = [id for ord_ in ords if (id := self._ids.get(ord_)) is not None]
        return ids, set(self._overlay.plain)


def _by_score(found: tuple[str, float]) -> tuple[float, str]:
    return -found[1], found[0]


class _Overlay:
    """The items that wait, read word by word at the first search after they were put."""

    __slots__ = ("length", "lengths", "plain", "postings")

    def __init__(self) -> None:
        self.postings: dict[str, dict[int, int]] = {}
        self.lengths: dict[int, int] = {}
        self.plain: Counter[str] = Counter()
        self.length = 0

    def read(self, fresh: dict[int, Words]) -> None:
        """Take in those not read yet, the last of ``fresh``. What left since is skipped by its number later."""
        for ord_, (words, plain, _) in reversed(fresh.items()):
            if ord_ in self.lengths:
                return
            terms = STEMMED.analyze(words)
            self.lengths[ord_] = len(terms)
            self.length += len(terms)
            for term in terms:
                self.postings.setdefault(term, {}).setdefault(ord_, 0)
                self.postings[term][ord_] += 1
            self.plain.update(set(PLAIN.analyze(plain)))
