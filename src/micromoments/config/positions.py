"""On which line of a TOML file each value stands; the standard library's parser keeps no positions."""

from __future__ import annotations

import re

from micromoments.config.mistakes import Place

_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]")
_ASSIGNMENT = re.compile(rf"\s*({_DOTTED})\s*=")
_PART = re.compile(_KEY)


def lines_of(text: str) -> list[str]:
    """The lines of a TOML text: only a line feed ends one, whatever else looks like an end (U+2028, say)."""
    return text.removesuffix("\n").split("\n") if text else []


def line_numbers(text: str) -> dict[Place, int]:
    r"""Maps the place of each table and each value to its line.

    Args:
        text: a file that the TOML parser accepts.

    Returns:
        Lines from 1. What stands inside an inline table or a list has no entry: the line of its start serves.

    >>> line_numbers("name = 'a'\n[slots.home]\nlimit = 3\n")[("slots", "home", "limit")]
    3
    """
    lines: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    table: Place = ()
    quote = ""
    for number, line in enumerate(lines_of(text), 1):
        if quote:
            quote = "" if quote in line else quote
        elif header := _HEADER.match(line):
            table = _table(_parts(header[2]), counts, is_list=header[1] == "[[")
            for n in range(1, len(table) + 1):  # [slots.home] is where slots begins, too
                lines.setdefault(table[:n], number)
        elif assignment := _ASSIGNMENT.match(line):
            for n in range(1, len(parts := _parts(assignment[1])) + 1):
                lines.setdefault((*table, *parts[:n]), number)
            quote = _left_open(line)
    return lines


def _parts(dotted: str) -> Place:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _table(named: Place, counts: dict[Place, int], *, is_list: bool) -> Place:
    """The place that a header names: lists of tables on the way, and at its end, stand at their latest position."""
    place: Place = ()
    for part in named[:-1]:
        place = (*place, part)
        if place in counts:
            place = (*place, str(counts[place]))
    place = (*place, named[-1])
    if is_list:
        counts[place] = counts.get(place, -1) + 1
        place = (*place, str(counts[place]))
    return place


def _left_open(line: str) -> str:
    """The mark of a multi-line text that starts on a line and does not end there, else nothing."""
    return next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")
