"""An item as the index knows it: its words by weight, its labels, and how both are written into a document.

A word of the title counts as ``TITLE``, a word of brand, category or tags as ``LABELS``, in one field (see ``shelf``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import tantivy

from micromoments.retrieve.narrow import Labels, labels_of

if TYPE_CHECKING:
    from micromoments.core.item import Item

TITLE, LABELS = 5, 3
"""How often a word counts; in the text once. Measured in ``benchmarks/quality/search.py`` against 3 and 2."""
MAX_TEXT = 20_000
"""Characters of an item's text that are searched."""


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


def schema() -> tantivy.Schema:
    """The fields of a document."""
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
    return builder.build()


def document_of(ord_: int, words: Words) -> tantivy.Document:
    """A document of the index; ``ord_`` is the item's number."""
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
    return document


class Words(NamedTuple):
    """What of an item is searched: all its words by weight, those worth completing and correcting, and its labels."""

    words: str
    plain: str
    labels: Labels


def words_of(item: Item) -> Words:
    """The searched part of an item; two items that differ elsewhere need no indexing anew."""
    labels = " ".join((item.brand, item.category, *item.tags))
    title = item.title
    return Words(
        f"{(title + ' ') * TITLE}{(labels + ' ') * LABELS}{item.text[:MAX_TEXT]}", f"{title} {labels}", labels_of(item)
    )
