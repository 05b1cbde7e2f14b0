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

WORDS: Final = "data/sensitive.txt"
"""The list that ships, beside this module: a constant of the package, like its code."""
HARMLESS: Final = "harmless"
"""The section of phrases that are set aside before anything is looked for."""
SEEN: Final = 8192
"""Texts whose answer is kept."""


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


def _compile(given: Mapping[str, str]) -> re.Pattern[str]:
    groups = []
    for name, text in given.items():
        if name != HARMLESS:
            words = "|".join(t.replace(".?", "\0").replace(".", "[ -]").replace("\0", "[ -]?") for t in text.split())
            groups.append(f"(?P<{name}>{words})")
    return re.compile(rf"(?<![\w'-])(?:{'|'.join(groups)})(?![\w-])")


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
        self._pattern = _compile(given)
        self._seen: dict[str, str | None] = {}

    def __call__(self, text: str) -> str | None:
        """The category of a sensitive need that the words tell, or ``None``."""
        try:
            return self._seen[text]
        except KeyError:
            found = self._pattern.search(_harmless().sub(" ", text.lower().replace("’", "'")))
        if len(self._seen) >= SEEN:
            self._seen.clear()
        told = self._seen[text] = found.lastgroup if found else None
        return told


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
