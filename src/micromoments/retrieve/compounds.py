"""Words written as one or as two: "wheel barrow" for a wheelbarrow, "peatfree" for what is peat-free."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PART_FROM = 3
"""Letters of the shortest part."""


def joined(words: Sequence[str], known: Callable[[str], bool]) -> dict[int, list[str]]:
    """By the place of a word what it and a neighbour are as one word, where that is known."""
    found: dict[int, list[str]] = {}
    for place in range(len(words) - 1):
        one, other = words[place : place + 2]
        if min(len(one), len(other)) >= PART_FROM and known(whole := one + other):
            found.setdefault(place, []).append(whole)
            found.setdefault(place + 1, []).append(whole)
    return found


def split(word: str, known: Callable[[str], bool], together: Callable[[str, str], int]) -> tuple[str, str] | None:
    """A word that nothing has as two that something has ``together``, most often first; ``None`` where nothing has.

    Both parts in one item is what tells "peat free" from a carpet in a shop of cars and pets.
    """
    parts = [(word[:at], word[at:]) for at in range(PART_FROM, len(word) - PART_FROM + 1)]
    counted = [(together(*pair), pair) for pair in parts if known(pair[0]) and known(pair[1])]
    times, best = max(counted, default=(0, None))
    return best if times else None
