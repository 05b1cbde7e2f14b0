"""An item's text cut into passages: sentences, entries of lists, and whole sections, each with where it stands.

Markdown and HTML are read for their headings and lists and left out of what is shown. A passage is a stretch of the
text as it was put: ``text[start:end]``.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any, NamedTuple

from micromoments.retrieve.document import MAX_TEXT, STEMMED
from micromoments.retrieve.guides import guide_of
from micromoments.retrieve.otherwise import also

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from micromoments.core.item import Item

MAX_PASSAGE = 1_200
"""Characters of the longest passage; a longer section is left to its sentences."""
MAX_PASSAGES = 400
"""Passages of an item that are looked at."""
MAX_ENTRIES = 50
"""Questions of an item's ``faq`` that are read."""
_HEADING = re.compile(r"#{1,6}\s+(?P<name>.+)|<h[1-6][^<>]{0,300}>(?P<tag>.*)</h[1-6]>", re.IGNORECASE)
_ENTRY = re.compile(r"\s*(?:(?:[-*+•]|\d{1,3}[.)])\s+|<li[^<>]{0,300}>)", re.IGNORECASE)
_SILENT = re.compile(r"!\[[^\]]{0,300}\]\([^)]{0,300}\)|\{\{.*\}\}|[-*_=\s]{3,}|</?[a-z][^<>]{0,300}>|", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|p|/p|div|/div|li|/li|ul|/ul|ol|/ol)\b[^<>]{0,300}>", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])[\"”’)]?\s+(?=[\"“‘(]?[A-ZÀ-Þ0-9])")
_SHORT = re.compile(r"\b(?:e\.g|i\.e|approx|no|st|dr|mr|mrs|vs|min|max|ca|tbsp|tsp|oz|lb)\.$", re.IGNORECASE)
_YES = re.compile(r"(?:yes|no|nearly|mostly|usually|sometimes|rarely|never|always|sure)[.!]", re.IGNORECASE)
"""What is half an answer without the sentence after it."""
_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\([^()]{0,300}\)")
_MARKS = re.compile(r"</?[a-zA-Z][^<>]{0,300}>|\*{1,3}|`+|(?<!\w)_{1,2}|_{1,2}(?!\w)")


class Passage(NamedTuple):
    """A stretch of an item's text. ``field`` is ``text``, ``faq/0`` for the first entry of ``attributes.faq``, or the
    attribute of a guide that says it (``steps``, ``needed`` for its tools and materials, ``minutes``).

    ``text`` is what is shown, ``terms`` its stemmed words, ``around`` those of the heading above it, which is in lower
    case; ``whole`` marks a section of several entries or sentences.
    """

    field: str
    start: int
    end: int
    text: str
    heading: str
    terms: frozenset[str]
    around: frozenset[str]
    whole: bool


def plain(text: str) -> str:
    """Text without Markdown's and HTML's marks, its white space as one space; lines stay lines."""
    said = unescape(_MARKS.sub("", _LINK.sub(r"\1", text)))
    lines = (" ".join(_entryless(line).split()) for line in said.splitlines())
    return "\n".join(line for line in lines if line)


def _entryless(line: str) -> str:
    entry = _ENTRY.match(line)
    return line[entry.end() :] if entry is not None else line


def passages(item: Item) -> tuple[Passage, ...]:
    """The passages of an item's text and of its ``attributes.faq``, in their order."""
    found = [*_of_faq(item), *_of_text(item.text[:MAX_TEXT])]
    return tuple(found[:MAX_PASSAGES])


def _of_faq(item: Item) -> Iterator[Passage]:
    told: Any = item.attributes.get("faq")
    for place, entry in enumerate(told[:MAX_ENTRIES] if isinstance(told, list) else ()):
        question, answer = (entry.get("question"), entry.get("answer")) if isinstance(entry, dict) else (None, None)
        if isinstance(question, str) and isinstance(answer, str) and answer.strip():
            answer = answer[:MAX_PASSAGE]
            # What was asked counts as said: the answer to "Can I freeze it?" may be a mere "Yes, for a month".
            terms = frozenset(STEMMED.analyze(f"{question[:MAX_PASSAGE]} {answer}"))
            yield Passage(f"faq/{place}", 0, len(answer), plain(answer), question.lower(), terms, frozenset(), False)


def of_guide(item: Item, name: Callable[[str], str]) -> Iterator[Passage]:
    """What a guide's attributes say: its steps, what it needs (``name`` gives an id's words), how long it takes."""
    guide = guide_of(item)
    if guide is None:
        return
    for field, heading, parts in (
        ("steps", "steps", [step.text for step in guide.steps]),
        ("needed", "you need", [name(one) for one in guide.needed]),
        ("tools", "tools", [name(one) for one in guide.tools]),
        ("materials", "materials", [name(one) for one in guide.materials]),
    ):
        if said := "\n".join([line for part in parts if (line := plain(part))])[:MAX_PASSAGE]:
            terms = frozenset(STEMMED.analyze(said))
            yield Passage(field, 0, len(said), said, heading, terms, frozenset(STEMMED.analyze(heading)), True)
    if guide.minutes:
        said = f"{guide.minutes:g} minutes"
        terms = frozenset(STEMMED.analyze(f"{said} take time"))
        yield Passage("minutes", 0, len(said), said, "time", terms, frozenset(), False)


def _of_text(text: str) -> Iterator[Passage]:
    for heading, spans in _sections(text):
        around = frozenset(STEMMED.analyze(heading))
        asked = frozenset[str]()
        for start, end in spans:
            if (said := plain(text[start:end])) and any(c.isalnum() for c in said):
                terms = frozenset(STEMMED.analyze(said)) | also(said)
                # A question answers nothing; what it asks counts as said by the sentence after it.
                if said.endswith("?"):
                    asked = terms
                    continue
                yield Passage("text", start, end, said, heading, terms | asked, around, False)
                asked = frozenset()
        if len(spans) > 1:
            start, end = spans[0][0], spans[-1][1]
            if end - start <= MAX_PASSAGE:
                said = plain(text[start:end])
                yield Passage("text", start, end, said, heading, frozenset(STEMMED.analyze(said)), around, True)


def _sections(text: str) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """The headings in lower case, each with the spans of the sentences and entries below it.

    A heading below another keeps the upper one's words, as "For the sauce" below "Ingredients" does.
    """
    upper, heading, spans = "", "", list[tuple[int, int]]()
    paragraph: tuple[int, int] | None = None
    for start, end, apart in _lines(text):
        line = text[start:end]
        bare = line.strip()
        named, silent = _HEADING.fullmatch(bare), _SILENT.fullmatch(bare) is not None
        if paragraph and (apart or named or silent or _ENTRY.match(line)):
            spans += sentences(text, *paragraph)
            paragraph = None
        if named:
            if spans:
                yield heading, spans
            name = plain(named["name"] or named["tag"] or "").rstrip("# ").lower()
            below = bare.startswith("###") or bare[:3].lower() in ("<h3", "<h4")
            upper = upper if below else name
            heading, spans = (f"{upper} {name}".strip() if below else name), []
        elif entry := _ENTRY.match(line):
            paragraph = (start + entry.end(), end)
        elif not silent:
            paragraph = (paragraph[0] if paragraph else start, end)
    if paragraph:
        spans += sentences(text, *paragraph)
    if spans:
        yield heading, spans


def _lines(text: str) -> Iterator[tuple[int, int, bool]]:
    """The spans of lines, and whether each stands apart from the one before; HTML's blocks are such lines."""
    start = 0
    for found in re.finditer(r"\n", text):
        yield from _blocks(text, start, found.start())
        start = found.end()
    yield from _blocks(text, start, len(text))


def _blocks(text: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    if "<" not in text[start:end]:
        yield start, end, False
        return
    last, apart = start, False
    for found in _BREAK.finditer(text, start, end):
        if found.start() > last:
            yield last, found.start(), apart
        # An entry keeps its tag, by which it is known.
        last, apart = (found.start() if found.group().lower().startswith("<li") else found.end()), True
    if last < end:
        yield last, end, apart


def sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The spans of the sentences between two places of a text, without white space around them."""
    spans: list[tuple[int, int]] = []
    begin = start
    for found in _SENTENCE.finditer(text, start, end):
        short = _SHORT.search(text[max(begin, found.start() - 10) : found.start()])
        if short or _YES.fullmatch(text[begin : found.start()].strip()):
            continue
        spans.append((begin, found.start()))
        begin = found.end()
    spans.append((begin, end))
    trimmed = []
    for first, last in spans:
        body = text[first:last]
        lead = len(body) - len(body.lstrip())
        if body.strip():
            trimmed.append((first + lead, first + len(body.rstrip())))
    return trimmed
