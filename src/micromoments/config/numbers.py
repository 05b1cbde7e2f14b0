"""Is a number of the settings within its range?"""

from __future__ import annotations

from collections.abc import Iterator

from micromoments.config.mistakes import Found, Place


def number(
    value: float, place: Place, *, least: float, most: float | None = None, below: bool = False
) -> Iterator[Found]:
    """The value is at least ``least``, and at most ``most`` (under it, where ``below``)."""
    too_much = most is not None and (value >= most if below else value > most)
    if value < least or too_much:
        end = "" if most is None else f" and {'under' if below else 'at most'} {most:g}"
        yield Found(place, f"{value:g}", f"at least {least:g}{end}")


def above_zero(value: float, place: Place) -> Iterator[Found]:
    """The value is more than 0."""
    if value <= 0:
        yield Found(place, f"{value:g}", "more than 0")
