"""Is a number of the settings within its range?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from micromoments.config.mistakes import Found, Place


def number(
    value: float, place: Place, *, least: float, most: float | None = None, below: bool = False
) -> Iterator[Found]:
    """The value is at least ``least``, and at most ``most`` (under it, where ``below``)."""
    too_much = most is not None and (value >= most if below else value > most)
    if value < least or too_much:
        end = "" if most is None else f" and {'under' if below else 'at most'} {most:g}"
        share = most is not None and most <= 1 < value <= 100
        yield Found(
            place, f"{value:g}", f"at least {least:g}{end}", f"write {value / 100:g} for {value:g} %" if share else ""
        )


def above_zero(value: float, place: Place) -> Iterator[Found]:
    """The value is more than 0."""
    if value <= 0:
        yield Found(place, f"{value:g}", "more than 0")


LONGEST = {"days": 365_000, "hours": 8_760_000, "minutes": 525_600_000}
"""A thousand years: beyond, instants leave what stores and clocks can hold."""


def span(value: float, place: Place, unit: Literal["days", "hours", "minutes"]) -> Iterator[Found]:
    """A stretch of time is more than 0, and at most a thousand years."""
    if not 0 < value <= LONGEST[unit]:
        yield Found(place, f"{value:g}", f"more than 0 and at most {LONGEST[unit]} {unit} (a thousand years)")
