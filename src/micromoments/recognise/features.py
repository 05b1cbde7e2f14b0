"""From a query to the rows of the text model's weight table.

Two kinds of row. *Cues* are hand-made: which lists the words stand in (products, places, task verbs
...), where in the query, and beside which small words; each has a fixed row. *Grams* are learned spellings: words,
pairs of words and letters within words, hashed by CRC-32 into a fixed number of rows. Everything that depends on
one word only is kept in a bounded cache, so that typing on costs only what is new.

Weighting (Weinberger et al. 2009 for the hashing): a query of n words scales word and letter rows by 1/sqrt(n), letters
of one word share one unit, cues count 0.5, so that a long query isn't surer only for being long.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple
from zlib import crc32

CLASSES: Final = (
    "product", "brand", "model", "attribute", "deal", "retailer", "place_kind", "chain", "cuisine", "place_name",
    "do_verb", "task_object", "dish", "ingredient", "know_topic", "know_thing", "person", "device", "entity", "animal",
    "disease", "time", "near", "unit", "small", "gerund", "name", "food", "noun", "adjective", "number", "unknown",
)  # fmt: skip
"""The lists a word can stand in; the order is part of the weights' format. The last eight include shapes of words."""
CLASS: Final[Mapping[str, int]] = {name: i for i, name in enumerate(CLASSES)}
N_CLASSES: Final = len(CLASSES)

SMALL_WORDS: Final = tuple(
    """
    a an the my your his her our their this that these those some any no i you we he she it they me
    us is are was were be am do does did can could will would should may how what when where who
    whom whose which why to of for from in on at by with without near under over between into onto
    about around vs or and if not than then there here please need want find get show tell give make
    take best top good new open now ? $
    """.split()  # noqa: SIM905 - a list of words reads as words
)
"""Words with a row of their own beside each class: "how to <verb>", "near <place>", "with <product>"."""
SMALL: Final[Mapping[str, int]] = {word: i for i, word in enumerate(SMALL_WORDS)}
N_SMALL: Final = len(SMALL_WORDS)

BIAS: Final = 0
HAS: Final = 1
FIRST: Final = HAS + N_CLASSES
LAST: Final = FIRST + N_CLASSES
PAIR: Final = LAST + N_CLASSES
ENDS: Final = PAIR + N_CLASSES * N_CLASSES
BEFORE: Final = ENDS + N_CLASSES * N_CLASSES
AFTER: Final = BEFORE + N_SMALL * N_CLASSES
OPENS: Final = AFTER + N_SMALL * N_CLASSES
LENGTH: Final = OPENS + N_SMALL * N_CLASSES
BARE: Final = LENGTH + 16
CUES: Final = BARE + 2 * N_CLASSES
"""Rows of cues; grams follow."""
GRAM_BITS: Final = 17
GRAMS: Final = 1 << GRAM_BITS
ROWS: Final = CUES + GRAMS

MAX_WORDS: Final = 24
MAX_CHARS: Final = 240
MAX_KINDS: Final = 3
"""Classes of one word that take part in cues, the telling ones first."""
CUE: Final = 0.5
"""The value of a cue's row."""
LONGEST_MODEL: Final = 20
"""Letters and digits of a number of a model or an article; longer ones are ids and hashes."""
CACHE: Final = 20_000
"""Words remembered before the cache is emptied; about 10 MB at the worst."""

_WORD = re.compile(r"[$€£?]|[^\W_]+(?:['’.\-/+&][^\W_]+)*", re.UNICODE)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:st|nd|rd|th)?")
_MEASURE = re.compile(r"\d+(?:[.,/x]\d+)*(?:gb|tb|mb|oz|ml|cm|mm|kg|lb|lbs|ft|in|inch|mah|hz|w|v|k|qt|l|g|p|pc|pcs)?")


class Word(NamedTuple):
    """What one word brings by itself: its rows with values (at n = 1), its classes, its small-word number or -1."""

    rows: tuple[tuple[int, float], ...]
    kinds: tuple[int, ...]
    small: int
    known: bool
    text: str
    bits: int


Lexicon = Mapping[int, int]
"""CRC-32 of a word or pair of words -> bit set over ``CLASSES``."""


def tokens(text: str) -> list[str]:
    """The words of a query: lower case, NFKC, marks dropped but ``? $``; at most ``MAX_WORDS``.

    >>> tokens("Nike Pegasus 41, size 10?")
    ['nike', 'pegasus', '41', 'size', '10', '?']
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text[: 4 * MAX_CHARS])
        text = text.replace("’", "'").replace("€", "$").replace("£", "$")
    return _WORD.findall(text[:MAX_CHARS].lower())[:MAX_WORDS]


def titled(text: str) -> bool:
    """Whether a query is written as a title: capitals at the first word and at all others but small ones.

    >>> [titled(text) for text in ("Erase Ubuntu", "Erase ubuntu", "ERASE UBUNTU", "Weather")]
    [True, False, False, False]
    """
    if text.islower() or text.isupper():
        return False
    first, *rest = text[:MAX_CHARS].split() or [""]
    content = [word for word in rest if word[0].isalpha() and word.lower() not in SMALL]
    return first[:1].isupper() and bool(content) and all(word[0].isupper() for word in content)


def gram(text: str, seed: int) -> int:
    """The row of a gram: CRC-32 with the seed of its kind, folded into the table."""
    return CUES + (crc32(text.encode(), seed) & (GRAMS - 1))


def stems(word: str) -> Iterable[str]:
    """Likely base forms of an English word, likeliest first (plural, possessive, -ing, -ed)."""
    if word.endswith(("'s", "s'")):
        yield word[:-2]
    if word.endswith("ies"):
        yield word[:-3] + "y"
    elif word.endswith(("ses", "xes", "shes", "ches")):
        yield word[:-2]
    elif word.endswith("s") and not word.endswith("ss"):
        yield word[:-1]


def gerund_bases(word: str) -> Iterable[str]:
    """Base forms that a word in -ing may come from: fixing -> fix, making -> make, cutting -> cut."""
    root = word[:-3]
    yield root
    yield root + "e"
    if len(root) > 2 and root[-1] == root[-2]:
        yield root[:-1]
    if root.endswith("y"):
        yield root[:-1] + "ie"


_DO_VERB = 1 << CLASS["do_verb"]
GERUND: Final = 1 << CLASS["gerund"]
"""The bit of a word that is listed only as the -ing of a task verb."""


def classes_of(word: str, lexicon: Lexicon) -> int:
    """The bit set of the lists that a word stands in, by itself, by its stem, or by its shape."""
    bits = lexicon.get(crc32(word.encode()), 0)
    if not bits:
        for stem in stems(word):
            bits = lexicon.get(crc32(stem.encode()), 0) & ~_DO_VERB
            if bits:
                break
    if word.endswith("ing") and len(word) > 5:
        for base in gerund_bases(word):
            if lexicon.get(crc32(base.encode()), 0) & _DO_VERB:
                bits |= GERUND
                break
    if len(word) > LONGEST_MODEL:
        return bits
    if word[0].isdigit():
        if _NUMBER.fullmatch(word):
            bits |= 1 << CLASS["number"]
        elif _MEASURE.fullmatch(word):
            bits |= 1 << CLASS["number"] | 1 << CLASS["unit"]
        else:
            bits |= 1 << CLASS["model"]
    elif not bits and "-" not in word and any(c.isdigit() for c in word):
        bits |= 1 << CLASS["model"]
    return bits


@lru_cache(maxsize=8192)
def kinds_of(bits: int) -> tuple[int, ...]:
    """The first ``MAX_KINDS`` classes of a bit set, or ``unknown``."""
    found = [i for i in range(N_CLASSES) if bits >> i & 1]
    return tuple(found[:MAX_KINDS]) or (CLASS["unknown"],)


def letters(word: str) -> list[str]:
    """The letter grams of a word: all of 3 and 4 letters with its borders marked.

    >>> letters("tap")
    ['<ta', 'tap', 'ap>', '<tap', 'tap>']
    """
    marked = f"<{word[:24]}>"
    return [marked[i : i + n] for n in (3, 4) for i in range(len(marked) - n + 1)]


def analyse(word: str, lexicon: Lexicon, vocabulary: frozenset[int]) -> Word:
    """All that one word brings by itself. ``known`` means listed, small, or seen in training."""
    small = SMALL.get(word, -1)
    bits = classes_of(word, lexicon) if small < 0 else 1 << CLASS["small"]
    grams = letters(word)
    share = 0.8 / len(grams) ** 0.5 if grams else 0.0
    rows = [(gram(word, 1), 1.0)] + [(gram(g, 2), share) for g in grams]
    known = bool(bits) or small >= 0 or crc32(word.encode()) in vocabulary
    return Word(tuple(rows), kinds_of(bits), small, known, word, bits)


def cue_rows(words: list[Word], pairs: Mapping[int, int]) -> list[int]:
    """The rows of a query's cues, each once. ``pairs``: position -> bit set of the listed pair that starts there."""
    kinds = [w.kinds for w in words]
    for at, bits in pairs.items():
        kinds[at] = kinds[at + 1] = kinds_of(bits)
    n = len(words)
    end = n - 2 if n > 1 and words[-1].text == "?" else n - 1
    first, last = kinds[0], kinds[end]
    rows = {BIAS, LENGTH + min(n, 15)}
    bare = _neighbours(words, kinds, rows)
    opener = words[0].small
    for k in first:
        rows.add(FIRST + k)
    for k in last:
        rows.add(LAST + k)
        if bare:
            rows.add(BARE + (N_CLASSES if n == 1 else 0) + k)
        if opener >= 0:
            rows.add(OPENS + opener * N_CLASSES + k)
        if n > 1:
            for other in first:
                rows.add(ENDS + other * N_CLASSES + k)
    return sorted(rows)


def _neighbours(words: list[Word], kinds: list[tuple[int, ...]], rows: set[int]) -> bool:
    """Adds the cues of each word and of its neighbour on the right; whether the query has no small word."""
    bare = True
    for i, word in enumerate(words):
        after = kinds[i + 1] if i + 1 < len(words) else ()
        if word.small >= 0:
            bare = False
            row = BEFORE + word.small * N_CLASSES
            for k in after:
                rows.add(row + k)
            continue
        small = words[i + 1].small if after else -1
        for k in kinds[i]:
            rows.add(HAS + k)
            if small >= 0:
                rows.add(AFTER + small * N_CLASSES + k)
            else:
                row = PAIR + k * N_CLASSES
                for other in after:
                    rows.add(row + other)
    return bare


def pair_bits(texts: list[str], lexicon: Lexicon) -> dict[int, int]:
    """Listed pairs of neighbouring words ("air fryer", "new york"), by the position of the first."""
    found = {}
    for i in range(len(texts) - 1):
        if texts[i] in SMALL or texts[i + 1] in SMALL:
            continue
        pair = f"{texts[i]} {texts[i + 1]}".encode()
        bits = lexicon.get(crc32(pair), 0)
        if not bits and pair.endswith(b"s"):
            bits = lexicon.get(crc32(pair[:-1]), 0)
        if bits:
            found[i] = bits
    return found


def pair_rows(texts: list[str], titles: Iterable[int] = ()) -> list[int]:
    """The rows of pairs of neighbouring words, borders included, and of the first three words as an opening; of a
    title, those of the classes of its first word (``titles``), as tasks and products are, and commands are not.
    """
    rows = [gram(f"{a} {b}", 3) for a, b in pairwise(texts)]
    rows.append(gram(f"^ {texts[0]}", 3))
    rows.append(gram(f"{texts[-1]} $", 3))
    if len(texts) > 2:
        rows.append(gram(" ".join(texts[:3]), 4))
    rows += [gram(f"{kind}", 5) for kind in titles]
    return rows


def scale(n: int) -> float:
    """By how much word and letter rows of a query of n words count."""
    return 1.0 / math.sqrt(n)
