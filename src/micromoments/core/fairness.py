"""Traits by which nobody may be given or refused an offer, and which conditions ask of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_WORDS = """
age birthday birthdate gender sex sexuality race ethnicity ethnic nationality citizenship religion belief faith
disability disabled health illness pregnancy pregnant politics political union genetic genetics orientation
sexual_orientation marital_status skin_colour skin_color
"""
PROTECTED = frozenset(_WORDS.split())
"""Traits by which no offer may be given or kept, unless it names its ``lawful_basis`` (for seniors, say)."""


def names(condition: object) -> Iterator[str]:
    """The attributes that a condition asks of, as paths."""
    if isinstance(condition, Mapping):
        for name, below in condition.items():
            if str(name).startswith("$"):
                yield from names(below)
            else:
                yield str(name)
                yield from (f"{name}.{inner}" for inner in names(below))
    elif isinstance(condition, list | tuple):
        for one in condition:
            yield from names(one)


def protected_in(condition: object) -> str:
    """The first protected trait that a condition names; empty where it names none."""
    for path in names(condition):
        if path.partition(".")[0] != "item":
            for part in path.lower().replace("-", "_").split("."):
                if part in PROTECTED:
                    return path
    return ""
