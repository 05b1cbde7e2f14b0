"""A shelf: the full-text index of one kind of items, searched by BM25 over weighted fields.

The index is tantivy's, in memory or, for a large catalogue, on disk. One a kind makes the filter by kind free, and has
the kind's own statistics. Weights follow the simple extension of BM25 to weighted fields: a word of the title counts as
five, a word of brand, category or tags as three, in one field (Robertson, Zaragoza, Taylor 2004, "Simple BM25 extension
to multiple weighted fields"); it also lets tantivy stop early (block-max WAND).

A commit costs some milliseconds, so an item just put first waits in a small overlay that is searched by the same
formula; it is found by the very next call. The overlay is committed when it grows past ``FRESH`` items: by the next
call, or, where somebody sees to that (``beside``), between calls and in a thread, which no call waits for.
"""

from __future__ import annotations

from collections import Counter
from math import log
from typing import TYPE_CHECKING, Any, cast

import tantivy

from micromoments.core.steps import at_once
from micromoments.retrieve import spelled
from micromoments.retrieve.document import PLAIN, STEMMED, document_of, schema, words_of
from micromoments.retrieve.looked import Counts, Looked, Row, Wanted
from micromoments.retrieve.narrow import EVERYTHING, FACETS, INTEGER, Facet, Narrow, labels_of
from micromoments.retrieve.overlay import Overlay
from micromoments.retrieve.trusted import Trusted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from micromoments.core.item import Item
    from micromoments.retrieve.document import Words

FRESH = 256
"""Items that wait in the overlay at a search; more are committed first."""
MAX_WAITING = 20_000
"""Items that wait at all; more are committed at once, to bound memory in a bulk load."""
MAX_TERMS = 24
"""Words of a query that count."""
K1, B = 1.2, 0.75
"""BM25's constants, as tantivy has them."""
HEAP = 32_000_000
"""Bytes that the writer may fill before it writes a segment of its own accord."""

_Q = tantivy.Query
_SHOULD, _MUST, _NOT = tantivy.Occur.Should, tantivy.Occur.Must, tantivy.Occur.MustNot
MAX_VALUES = 50
"""Values of a facet that are counted, the most frequent."""


class Shelf:
    """The items of one kind, by ids. Every put and drop shows in the next search.

    Args:
        path: a folder of the index on disk, which may hold items from before; empty for one in memory.
    """

    def __init__(self, path: str = "") -> None:
        self._kept = bool(path)
        self._index = tantivy.Index(schema(kept=True), path=path, reuse=True) if path else tantivy.Index(schema())
        self._index.register_tokenizer("plain", PLAIN.inner)
        self._index.register_tokenizer("stemmed", STEMMED.inner)
        self._index.config_reader("manual")
        self._writer: tantivy.IndexWriter | None = None
        self._searcher = self._index.searcher()
        self._ords: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._fresh: dict[int, Words] = {}
        self._gone: list[int] = []
        self._overlay = Overlay()
        self._letters: spelled.Letters = {}
        self._mean = (0, 0)
        self._bounded = False
        self._trusted = Trusted(self._searcher)
        self._next = self._trusted.highest + 1
        self._beside = False
        self._taken: dict[int, Words] = {}
        self._going = 0
        self._turn = object()
        self._written = False

    def __len__(self) -> int:
        return len(self._ords)

    def put(self, item: Item) -> None:
        """Add an item, or put it in place of its older self."""
        self.drop(item.id)
        if self._trusted and self._adopt(item):
            return
        ord_ = self._next
        self._next += 1
        self._ords[item.id] = ord_
        self._ids[ord_] = item.id
        words = self._fresh[ord_] = words_of(item)
        self._bounded = self._bounded or words.labels.bounded
        if self._beside:
            self._overlay.add(ord_, words)
        if len(self._fresh) > MAX_WAITING and not self._beside:
            self.settle()

    def _adopt(self, item: Item) -> bool:
        """Take an item as the disk has it, where it is the same."""
        held = self._trusted.take(item)
        if held is None or not held.same:
            self._gone += [held.ord] if held is not None else []
            return False
        self._ords[item.id], self._ids[held.ord] = held.ord, item.id
        self._mean = (self._mean[0] + 1, self._mean[1] + held.length)
        self._bounded = self._bounded or labels_of(item).bounded
        return True

    def loaded(self) -> None:
        """All items were put: what else the disk had is gone."""
        self._gone += self._trusted.rest()

    def close(self) -> None:
        """Commit what waits, and let go of the folder."""
        self.settle()
        if self._writer is not None:
            self._writer.wait_merging_threads()
            self._writer = None

    def drop(self, id: str) -> None:
        """Take an item away; one that isn't there is no error."""
        ord_ = self._ords.pop(id, -1)
        if ord_ < 0:
            return
        del self._ids[ord_]
        if self._fresh.pop(ord_, None) is None or ord_ in self._taken:
            self._gone.append(ord_)

    def beside(self) -> None:
        """From now on somebody commits what waits as ``unsettled`` says, by ``settling`` and ``swapping``, and bounds
        how much waits.
        """
        self._beside = True

    @property
    def unsettled(self) -> bool:
        """Whether so much waits that it should be committed."""
        return len(self._fresh) > FRESH or len(self._gone) > FRESH or len(self._overlay.lengths) > 2 * FRESH

    @property
    def waiting(self) -> int:
        """How many items wait."""
        return len(self._fresh)

    def settle(self) -> None:
        """Commit what waits, whatever its size; the answers stay the same. Not while a thread commits."""
        self._turn = object()  # what a thread has not begun, it finds taken back
        if self._written:
            self._swap(Overlay())
        if self._fresh or self._gone:
            at_once(self.settling())()
            self._swap(Overlay())

    def settling(self) -> Generator[None, None, Callable[[], None]]:
        """``settle`` for who has other things to do: steps that return what commits, to be called in a thread;
        ``swapping`` comes then. Calls meanwhile are answered, and items put, as ever.
        """
        documents = []
        for ord_, words in list(self._fresh.items()):
            documents.append((ord_, words, document_of(ord_, words, kept=self._kept)))
            yield
        turn = self._turn = object()
        still, gone = [one for one in documents if one[0] in self._fresh], list(self._gone)
        self._taken, self._going, self._written = {ord_: words for ord_, words, _ in still}, len(gone), False

        def write() -> None:
            """Commit them, unless somebody else did."""
            if self._turn is turn:
                self._write([document for _, _, document in still], gone)
                self._written = True

        return write

    def _write(self, documents: Sequence[tantivy.Document], gone: Sequence[int]) -> None:
        if self._writer is None:
            # One thread, so that the same calls make the same index.
            self._writer = self._index.writer(heap_size=HEAP, num_threads=1)
        try:
            if gone:
                # By a query: tantivy-py makes a signed term of the number, which deletes nothing of an unsigned field.
                self._writer.delete_documents_by_query(_Q.term_set_query(self._index.schema, "ord", gone))
            for document in documents:
                self._writer.add_document(document)
            self._writer.commit()
        except BaseException:
            self._writer.rollback()  # or the next try would add them twice
            raise

    def swapping(self) -> Generator[None, None, None]:
        """Search what was committed, in steps: what was put meanwhile is read for an overlay of its own first."""
        turn, overlay = self._turn, Overlay()
        for ord_, words in list(self._fresh.items()):
            if ord_ not in self._taken:
                overlay.add(ord_, words)
                yield
        if self._turn is turn and self._written:
            self._swap(overlay)

    def _swap(self, overlay: Overlay) -> None:
        """From now on search what was committed, and beside it an overlay of what wasn't."""
        count, total = self._mean
        self._mean = (count + len(self._taken), total + sum(words.length for words in self._taken.values()))
        for ord_ in self._taken:
            self._fresh.pop(ord_, None)
        del self._gone[: self._going]
        self._index.reload()
        self._searcher = self._index.searcher()
        self._letters.clear()
        self._overlay = overlay
        self._taken, self._going, self._written = {}, 0, False

    def _ready(self) -> None:
        if self.unsettled and not self._beside:
            self.settle()
        if self._fresh:
            self._overlay.read(self._fresh)

    def count(self, term: str) -> int:
        """In how many items a stemmed word occurs, items on their way out included."""
        self._ready()
        return self._searcher.doc_freq("words", term) + len(self._overlay.postings.get(term, ()))

    def search(
        self, terms: Sequence[str], limit: int, narrow: Narrow = EVERYTHING, only: Sequence[str] = ()
    ) -> list[tuple[str, float]]:
        """The best items for any of the stemmed words, as (id, score), best first, ties by id.

        Args:
            terms: stemmed words; the first ``MAX_TERMS`` count.
            limit: at most so many.
            narrow: only items that fit.
            only: only these ids; empty for all.
        """
        self._ready()
        terms = terms[:MAX_TERMS]
        if not terms or limit <= 0:
            return []
        query = self._narrowed(self._any(terms), narrow, only)
        # What was replaced since the last commit still has its place in the index.
        found = self._hits(query, limit + len(self._gone))
        if self._fresh:
            allowed = frozenset(only)
            found += [
                (id, score)
                for ord_, score in self._waiting(terms).items()
                if (not allowed or self._ids[ord_] in allowed) and narrow.fits(self._fresh[ord_].labels)
                if (id := self._ids[ord_])
            ]
        found.sort(key=lambda one: (-one[1], one[0]))
        return found[:limit]

    def _any(self, terms: Sequence[str]) -> tantivy.Query:
        schema = self._index.schema
        return _Q.boolean_query([(_SHOULD, _Q.term_query(schema, "words", term, "freq")) for term in terms])

    def _narrowed(self, query: tantivy.Query, narrow: Narrow, only: Sequence[str] = ()) -> tantivy.Query:
        schema = self._index.schema
        clauses = narrow.clauses(schema, bounded=self._bounded)
        if only:
            these = [ord_ for id in only if (ord_ := self._ords.get(id, -1)) >= 0]
            clauses.append((_MUST, _Q.const_score_query(_Q.term_set_query(schema, "ord", these), 0.0)))
        return _Q.boolean_query([(_MUST, query), *clauses]) if clauses else query

    def _hits(self, query: tantivy.Query, limit: int) -> list[tuple[str, float]]:
        ids = self._ids
        hits = self._searcher.search(query, limit, count=False).hits
        if not hits:
            return []
        ords = cast("list[int]", self._searcher.fast_field_values("ord", [address for _, address in hits]))
        return [(id, score) for (score, _), ord_ in zip(hits, ords, strict=True) if (id := ids.get(ord_)) is not None]

    def _waiting(self, terms: Sequence[str]) -> dict[int, float]:
        """The scores of those that wait and have any of the words, by number."""
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
                if ord_ in self._fresh:
                    norm = K1 * (1 - B + B * overlay.lengths[ord_] / mean)
                    scores[ord_] = scores.get(ord_, 0.0) + idf * (1 + K1) * times / (times + norm)
        return scores

    def look(self, wanted: Wanted) -> Looked:
        """The best items that hold enough of the groups of words and fit, how many do, and what they are."""
        self._ready()
        if not self._ords:
            return Looked([], 0, Counts({}, -1, -1))
        query = self._grouped(wanted)
        if self._gone:
            # What was replaced since the last commit still has its place in the index.
            out = _Q.term_set_query(self._index.schema, "ord", self._gone)
            query = _Q.boolean_query([(_MUST, query), (_NOT, out)])
        found = self._searcher.search(self._narrowed(query, wanted.narrow), max(1, wanted.limit), **_order(wanted))
        ords = self._searcher.fast_field_values("ord", [address for _, address in found.hits]) if found.hits else []
        hits = [
            Row(id, float(key), ord_)
            for (key, _), ord_ in zip(found.hits, cast("list[int]", ords), strict=True)
            if (id := self._ids.get(ord_)) is not None
        ]
        total: int = found.count  # type: ignore[attr-defined] # the stub lacks what the class has
        waiting = self._matching(wanted)
        for ord_, score in waiting.items():
            labels = self._fresh[ord_].labels
            if wanted.narrow.fits(labels) and not (wanted.order and labels.price < 0):
                total += 1
                key = float(labels.price) if wanted.order else score
                hits.append(Row(self._ids[ord_], key, ord_))
        sign = 1 if wanted.order == "price" or not (wanted.order or wanted.groups) else -1
        hits.sort(key=lambda row: (sign * row.key, row.ord))
        counts = self._counts(query, wanted, waiting) if wanted.facets else Counts({}, -1, -1)
        return Looked(hits[: wanted.limit], total, counts)

    def _grouped(self, wanted: Wanted) -> tantivy.Query:
        if not wanted.groups:
            return _Q.const_score_query(_Q.all_query(), 0.0)
        schema = self._index.schema
        groups = [
            # The best of a word's forms counts, not how many of them an item has.
            _Q.disjunction_max_query([_Q.term_query(schema, "words", term, "freq") for term in group])
            for group in wanted.groups
        ]
        query = _Q.boolean_query([(_SHOULD, group) for group in groups], wanted.least)
        if wanted.order:
            # An item without a price has no place in an order by price.
            return _Q.boolean_query([(_MUST, query), (_MUST, _Q.range_query(schema, "price", INTEGER, 0, None))])
        return query

    def _matching(self, wanted: Wanted) -> dict[int, float]:
        """Those that wait and hold enough of the groups, with their scores."""
        if not self._fresh:
            return {}
        if not wanted.groups:
            return {ord_: float(ord_) for ord_ in self._fresh}
        scores: dict[int, float] = {}
        held: Counter[int] = Counter()
        for group in wanted.groups:
            best: dict[int, float] = {}
            for term in group:
                for ord_, score in self._waiting([term]).items():
                    best[ord_] = max(best.get(ord_, 0.0), score)
            for ord_, score in best.items():
                scores[ord_] = scores.get(ord_, 0.0) + score
            held.update(best.keys())
        return {ord_: score for ord_, score in scores.items() if held[ord_] >= wanted.least}

    def _counts(self, query: tantivy.Query, wanted: Wanted, waiting: dict[int, float]) -> Counts:
        """By facet, how many there are of each value; a facet's own choice doesn't narrow its counts."""
        narrow = wanted.narrow
        values: dict[Facet, Counter[str]] = {}
        alone: list[Facet] = [facet for facet in FACETS if narrow.chooses(facet)]
        for facets, by in [([f for f in FACETS if f not in alone], narrow), *(([f], narrow.without(f)) for f in alone)]:
            asked = {f: {"terms": {"field": f, "size": MAX_VALUES}} for f in facets}
            told = self._searcher.aggregate(self._narrowed(query, by), asked) if asked else {}
            for facet in facets:
                # A boolean's key is a number, its name stands beside it.
                counts = Counter(
                    {str(b.get("key_as_string", b["key"])): b["doc_count"] for b in told[facet]["buckets"]}
                )
                for ord_ in waiting:
                    if by.fits(labels := self._fresh[ord_].labels):
                        counts.update(labels.of(facet))
                values[facet] = counts
        free = narrow.priceless()
        told = self._searcher.aggregate(self._narrowed(query, free), {"price": {"stats": {"field": "price"}}})["price"]
        prices = [label.price for ord_ in waiting if free.fits(label := self._fresh[ord_].labels) and label.price >= 0]
        if told["count"]:
            prices += [round(told["min"]), round(told["max"])]
        return Counts(values, min(prices, default=-1), max(prices, default=-1))

    def completions(self, prefix: str, limit: int) -> dict[str, int]:
        """The words as written that begin with a prefix, most frequent first, and in how many items each occurs."""
        self._ready()
        return spelled.completions(self._searcher, self._overlay, prefix, limit)

    def near_words(self, word: str, most: int, *, text: bool = False) -> list[tuple[int, int, str]]:
        """The words near one, as ``spelled.near_words`` gives them."""
        self._ready()
        return spelled.near_words(self._searcher, self._overlay, self._letters, word, most, text=text)


def _order(wanted: Wanted) -> dict[str, Any]:
    """How tantivy is to order: by score, by price, or without words as they were put."""
    if not wanted.order and wanted.groups:
        return {}
    by = tantivy.Order.Desc if wanted.order == "-price" else tantivy.Order.Asc
    return {"order_by_field": "price" if wanted.order else "ord", "order": by}
