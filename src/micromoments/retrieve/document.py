"""An item as the index knows it: its words by weight, its labels, and how both are written into a document.

A word of the title counts as ``TITLE``, a word of brand, category or tags as ``LABELS``, in one field (see ``shelf``).
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import tantivy
from xxhash import xxh3_64_intdigest

from micromoments.retrieve.guides import guide_of
from micromoments.retrieve.narrow import Labels, labels_of
from micromoments.retrieve.written import Analyzer, hyphened, sizes, spaced

if TYPE_CHECKING:
    from micromoments.core.item import Item

TITLE, LABELS = 5, 3
"""How often a word counts; in the text once. Measured in ``benchmarks/quality/search.py`` against 3 and 2."""
MAX_TEXT = 20_000
"""Characters of an item's text that are searched."""


def _analyzers() -> tuple[Analyzer, Analyzer]:
    def plain() -> tantivy.TextAnalyzerBuilder:
        return (
            tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
            .filter(tantivy.Filter.remove_long(40))
            .filter(tantivy.Filter.lowercase())
            .filter(tantivy.Filter.ascii_fold())
        )

    stemmed = plain().filter(tantivy.Filter.stopword("english")).filter(tantivy.Filter.stemmer("english"))
    return Analyzer(plain().build()), Analyzer(stemmed.build())


PLAIN, STEMMED = _analyzers()
"""The words as written (lower case, without accents), and as searched (without stop words, stemmed)."""


FORMAT = 3
"""Of the index on disk; another number, or another tantivy, and it is built anew."""
DIGEST = f"{FORMAT}-{TITLE}-{LABELS}-{''.join(c if c.isalnum() else '.' for c in version('tantivy'))}"
"""What an index on disk was made by, as a folder's name."""


KEPT = ("who", "mark", "length")
"""The fields by which an index on disk knows an item again: the hashes of ``known_by``, and how many words it has."""
_encode = msgspec.msgpack.Encoder().encode


def schema(*, kept: bool = False) -> tantivy.Schema:
    """The fields of a document; with ``kept`` those too by which an item is known again after a restart."""
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("ord", indexed=True, fast=True)
    builder.add_text_field("words", tokenizer_name="stemmed", index_option="freq")
    builder.add_text_field("plain", tokenizer_name="plain", index_option="basic")
    for field in ("category", "brand", "tags"):
        builder.add_text_field(field, tokenizer_name="raw", index_option="basic", fast=True)
    for field in ("price", "since", "until"):
        builder.add_integer_field(field, indexed=True, fast=True)
    for field in ("stock", "targeted"):
        builder.add_boolean_field(field, indexed=True, fast=True)
    if kept:
        for name in KEPT:
            builder.add_unsigned_field(name, fast=True)
    return builder.build()


def document_of(ord_: int, words: Words, *, kept: bool = False) -> tantivy.Document:
    """A document of the index; ``ord_`` is the item's number, ``kept`` as in ``schema``."""
    labels = words.labels
    document = tantivy.Document()
    document.add_unsigned("ord", ord_)
    document.add_text("words", words.words)
    document.add_text("plain", words.plain)
    for facet in ("category", "brand", "tags"):
        for value in labels.of(facet):
            document.add_text(facet, value)
    if labels.price >= 0:
        document.add_integer("price", labels.price)
    document.add_integer("since", labels.since)
    document.add_integer("until", labels.until)
    document.add_boolean("stock", labels.stock)
    document.add_boolean("targeted", labels.targeted)
    if kept:
        for column, number in zip(KEPT, (*words.known, words.length), strict=True):
            document.add_unsigned(column, number)
    return document


def mark_of(item: Item) -> int:
    """A 64-bit hash of all of an item that is indexed: two items with the same need no indexing anew."""
    guide = guide_of(item)
    needed = (guide.steps, guide.needed, guide.skill) if guide is not None else ()
    return xxh3_64_intdigest(_encode((item.kind, item.id, item.title, item.text[:MAX_TEXT], labels_of(item), needed)))


def known_by(item: Item) -> tuple[int, int]:
    """64-bit hashes of an item's id, and of all of it that is indexed. Two of a million ids share one in 37 million."""
    return xxh3_64_intdigest(item.id.encode()), mark_of(item)


class Words(NamedTuple):
    """What of an item is searched: all its words by weight, those worth completing and correcting, and its labels."""

    words: str
    plain: str
    labels: Labels
    known: tuple[int, int]
    """By what it is known again; see ``known_by``."""

    @property
    def length(self) -> int:
        """About how many words there are, as ``Shelf`` averages them."""
        return self.words.count(" ") + 1


def words_of(item: Item) -> Words:
    """The searched part of an item."""
    labels = " ".join((item.brand, item.category, *item.tags))
    title, text = item.title, item.text
    if (guide := guide_of(item)) is not None:
        text = " ".join((text, guide.skill, *(step.text for step in guide.steps), *guide.needed))
    if more := " ".join(filter(None, (sizes(title), hyphened(title)))):
        title = f"{title} {more}"
    words = f"{(title + ' ') * TITLE}{(labels + ' ') * LABELS}{text[:MAX_TEXT]}"
    return Words(spaced(words), spaced(f"{title} {labels}"), labels_of(item), known_by(item))
