"""Needs that are recognised in order to be forgotten: health, pregnancy, religion, sexuality, money trouble, minors.

A word list (``data/sensitive.txt``), not a model: it must be readable, extensible, and the same tomorrow. It errs
towards silence: a false alarm costs one answer from the moment alone, a miss keeps something that a person never
meant to tell. ``tests/recognise/sensitive_needs.tsv`` holds the labelled queries on which its recall and false alarms
are measured.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Final

from micromoments.core.event import WITHHELD

WORDS: Final = "data/sensitive.txt"
"""The list that ships, beside this module: a constant of the package, like its code."""
HARMLESS: Final = "harmless"
"""The section of phrases that are set aside before anything is looked for."""
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_STARTS = re.compile(r"(?<![\w'-])\w")
SEEN: Final = 8192
"""Texts whose answer is kept."""
SHORT: Final = 512
"""Characters up to which it is: a page that is no query would fill the memory with others like it."""


@cache
def terms() -> dict[str, str]:
    """The list that ships: section -> its patterns, on one line."""
    data = pkgutil.get_data(__package__, WORDS)
    if data is None:
        raise ValueError(
            f"got no {WORDS} in the package, wanted the list of sensitive words: install micromoments again"
        )
    found: dict[str, str] = {}
    section = ""
    for line in data.decode().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            joint = " | " if section == HARMLESS else " "
            found[section] = f"{found[section]}{joint}{line}" if section in found else line
    return found


def _closing(pattern: str) -> int:
    """Where the group that opens a pattern is closed."""
    depth = 0
    for at, letter in enumerate(pattern):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return at
    return len(pattern)


def _parts(group: str) -> list[str]:
    """The alternatives of a group, those of inner groups left together."""
    found, depth = [""], 0
    for letter in group:
        depth += (letter == "(") - (letter == ")")
        if letter == "|" and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return found


def _openings(pattern: str) -> frozenset[str]:
    """The letters and digits that a pattern can begin with; empty where that isn't plain to see.

    >>> sorted(_openings("(?:my|a).rash")), sorted(_openings("(?:no.)?loans?"))
    (['a', 'm'], ['l', 'n'])
    """
    if pattern[:1].isalnum():
        may_lack = pattern[1:2] == "?"
        return frozenset() if may_lack else frozenset(pattern[0])
    if not pattern.startswith("(?:"):
        return frozenset()
    end = _closing(pattern)
    within = [_openings(part) for part in _parts(pattern[3:end])]
    if pattern[end + 1 : end + 2] == "?":
        within.append(_openings(pattern[end + 2 :].lstrip(".")))
    return frozenset().union(*within) if all(within) else frozenset()


def _compile(given: Mapping[str, str]) -> dict[str, re.Pattern[str]]:
    """By first letter a pattern of all that may begin so, its groups named by category: a word is tried against few."""
    every = [
        (name, _openings(term), term.replace(".?", "\0").replace(".", "[ -]").replace("\0", "[ -]?"))
        for name, text in given.items()
        if name != HARMLESS
        for term in text.split()
    ]
    compiled = {}
    for letter in LETTERS:
        groups: dict[str, list[str]] = {}
        for name, openings, term in every:
            if not openings or letter in openings:
                groups.setdefault(name, []).append(term)
        joined = "|".join(f"(?P<{name}>{'|'.join(terms)})" for name, terms in groups.items())
        if joined:
            compiled[letter] = re.compile(rf"(?:{joined})(?![\w-])")
    return compiled


@cache
def _harmless() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(terms()[HARMLESS].split(' | '))})\b")


class Detector:
    """The word list with a business's own words beside it."""

    def __init__(self, extra: Mapping[str, tuple[str, ...]]) -> None:
        """``extra``: category -> plain words or phrases."""
        given = dict(terms())
        for name, words in extra.items():
            if not name.isidentifier() or name == HARMLESS:
                raise ValueError(f"got sensitive category {name!r}; wanted letters, digits and _ only: rename it")
            escaped = " ".join(re.escape(w.lower()).replace(r"\ ", ".").replace(r"\.", ".") for w in words)
            given[name] = f"{given[name]} {escaped}" if name in given else escaped
        self._patterns = _compile(given)
        self._seen: dict[str, str | None] = {}

    def __call__(self, text: str) -> str | None:
        """The category of a sensitive need that the words tell, or ``None``."""
        try:
            return self._seen[text]
        except KeyError:
            if text == WITHHELD:
                return "withheld"
            found = self._find(_harmless().sub(" ", text.lower().replace("’", "'")))
        if len(text) > SHORT:
            return found
        if len(self._seen) >= SEEN:
            self._seen.clear()
        self._seen[text] = found
        return found

    def _find(self, plain: str) -> str | None:
        for start in _STARTS.finditer(plain):
            pattern = self._patterns.get(plain[start.start()])
            found = pattern.match(plain, start.start()) if pattern is not None else None
            if found is not None:
                return found.lastgroup
        return None


def sensitive(text: str) -> str | None:
    """The category of a sensitive need that the words tell by the list that ships, or ``None``.

    >>> sensitive("am i pregnant quiz"), sensitive("trail running shoes")
    ('pregnancy', None)
    """
    return _made(())(text)


def detector(extra: Mapping[str, tuple[str, ...]]) -> Callable[[str], str | None]:
    """What finds sensitive needs under a project's settings; one is made for each set of words and kept."""
    return _made(tuple(sorted((name, tuple(words)) for name, words in extra.items()))) if extra else sensitive


@lru_cache(maxsize=8)
def _made(extra: tuple[tuple[str, tuple[str, ...]], ...]) -> Detector:
    return Detector(dict(extra))
