"""What is wrong in a configuration file: where, what was got, what was wanted, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import msgspec

Place = tuple[str, ...]
"""Where a value stands: the keys from the top, list positions from 0 among them; ``("slots", "home", "limit")``."""


class Found(NamedTuple):
    """A mistake before its line is known. ``todo`` may be empty where what was wanted says it all."""

    place: Place
    got: str
    wanted: str
    todo: str = ""


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake of a file; ``line`` counts from 1, and is 0 where no line is to blame."""

    file: str
    line: int
    setting: str
    got: str
    wanted: str
    todo: str = ""

    def __str__(self) -> str:
        """The mistake in one line, in the form that editors and terminals turn into a link."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        setting = f"{self.setting}: " if self.setting else ""
        todo = f"; {self.todo}" if self.todo else ""
        return f"{where}: {setting}got {self.got}; wanted {self.wanted}{todo}"


class ConfigError(ValueError):
    """A configuration that can't be used; ``mistakes`` has every mistake found, in the order of the file's lines."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes: Sequence[Mistake] = tuple(sorted(mistakes, key=lambda m: (m.line, m.setting)))
        super().__init__("\n".join(map(str, self.mistakes)))


def located(found: Iterable[Found], file: Path | str, lines: dict[Place, int]) -> list[Mistake]:
    """Gives each mistake its line: that of the value, else that of the nearest table around it."""
    return [
        Mistake(
            file=str(file),
            line=line_of(f.place, lines),
            setting=".".join(f.place),
            got=f.got,
            wanted=f.wanted,
            todo=f.todo,
        )
        for f in found
    ]


def line_of(place: Place, lines: dict[Place, int]) -> int:
    """The line of a place, or of the longest part of it that has one; 0 where none has."""
    return next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), 0)


def meant(got: str, known: Iterable[str]) -> str:
    """What to do about a misspelt name; nothing where none that is known is near."""
    near = get_close_matches(got, list(known), n=1)
    return f"did you mean {near[0]}?" if near else ""


def shown(value: object) -> str:
    """A value as the file's author wrote it, shortened to 60 characters, with its kind."""
    kinds = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "a table",
    }
    if isinstance(value, dict | list):
        return kinds[type(value)]
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    kind = "" if isinstance(value, bool) else f" ({kinds.get(type(value), type(value).__name__)})"
    return f"{text if len(text) <= 60 else text[:57] + '...'}{kind}"
