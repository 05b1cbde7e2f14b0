"""Guides: what one needs (time, tools, materials, skill), and how it fits who asks: the time at hand, what they have.

A guide is an item of that kind; what it needs stands in its attributes: ``steps`` (texts, or objects with ``text`` and
``minutes``), ``minutes`` (in all), ``tools`` and ``materials`` (ids of items, or names), ``skill`` (a word).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from micromoments.core.item import Item

MAX_NEEDED = 50
"""Steps, tools and materials of a guide that are read."""
MAX_MINUTES = 100_000
MAKEABLE = 0.6
"""Strength of having all that a guide needs; less by share."""
TOO_LONG = 0.3
"""What is left of a guide that takes longer than there is time."""
FOUND = 12
"""How many guides may be found by what somebody has."""


class Step(msgspec.Struct, frozen=True):
    """One step, and its minutes, 0 where they aren't said."""

    text: str
    minutes: float = 0.0


class Guide(msgspec.Struct, frozen=True):
    """What a guide needs. ``minutes`` are those said for the whole, else the sum of its steps', 0 for unknown."""

    steps: tuple[Step, ...]
    minutes: float
    tools: tuple[str, ...]
    materials: tuple[str, ...]
    skill: str

    @property
    def needed(self) -> tuple[str, ...]:
        """Tools and materials, each once."""
        return tuple(dict.fromkeys((*self.materials, *self.tools)))


def guide_of(item: Item) -> Guide | None:
    """What an item of kind ``guide`` needs; ``None`` for other kinds. What can't be read is left out."""
    if item.kind != "guide":
        return None
    told = item.attributes
    steps = tuple([step for one in _listed(told.get("steps")) if (step := _step(one)) is not None])
    skill = told.get("skill")
    return Guide(
        steps=steps,
        minutes=_minutes(told.get("minutes")) or sum([step.minutes for step in steps]),
        tools=_names(told.get("tools")),
        materials=_names(told.get("materials")),
        skill=skill if isinstance(skill, str) else "",
    )


class Guides:
    """Guides by what they need, so that what somebody has finds them. Every put and drop shows in the next call."""

    def __init__(self) -> None:
        self._guides: dict[str, Guide] = {}
        self._by_need: dict[str, set[str]] = {}

    def put(self, item: Item) -> None:
        """Take a guide in, in place of its older self; items of other kinds are passed over."""
        if item.kind != "guide" and item.id not in self._guides:
            return
        self.drop(item.id)
        guide = guide_of(item)
        if guide is None or not (guide.needed or guide.minutes):
            return
        self._guides[item.id] = guide
        for name in guide.needed:
            self._by_need.setdefault(name, set()).add(item.id)

    def drop(self, id: str) -> None:
        """Forget one; one that isn't there is no error."""
        guide = self._guides.pop(id, None)
        for name in guide.needed if guide is not None else ():
            self._by_need[name].discard(id)
            if not self._by_need[name]:
                del self._by_need[name]

    def having(self, have: Iterable[str]) -> list[tuple[str, float, str]]:
        """Guides by the share of what they need that somebody has: (id, strength, reason), best first, ties by id."""
        held: dict[str, int] = {}
        for name in dict.fromkeys(have):
            for id in self._by_need.get(name, ()):
                held[id] = held.get(id, 0) + 1
        found = [(id, n, len(self._guides[id].needed)) for id, n in held.items()]
        found.sort(key=lambda one: (-one[1] / one[2], one[0]))
        return [(id, MAKEABLE * n / of, _have(n, of)) for id, n, of in found[:FOUND]]

    def left(self, id: str, minutes: float) -> float:
        """What the time at hand leaves of a guide's worth: 1 where it fits, isn't said, or nobody said."""
        guide = self._guides.get(id)
        return TOO_LONG if guide is not None and 0 < minutes < guide.minutes else 1.0


def _have(n: int, of: int) -> str:
    return "you have all that it needs" if n == of else f"you have {n} of {of} things that it needs"


def _listed(value: Any) -> list[Any]:
    return list(value[:MAX_NEEDED]) if isinstance(value, list | tuple) else []


def _minutes(value: Any) -> float:
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_MINUTES
    return float(value) if known else 0.0


def _step(value: Any) -> Step | None:
    if isinstance(value, str):
        return Step(value) if value.strip() else None
    if isinstance(value, dict) and isinstance(text := value.get("text"), str) and text.strip():
        return Step(text, _minutes(value.get("minutes")))
    return None


def _names(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys([one for one in _listed(value) if isinstance(one, str) and one]))
