"""Finds of single sources, as notes by item: what is offered on what is wanted, what is popular where the person is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from micromoments.retrieve import reasons
from micromoments.retrieve.popular import Note

if TYPE_CHECKING:
    from micromoments.core.geo import Point
    from micromoments.core.item import Kind
    from micromoments.retrieve.ask import Ask, Via
    from micromoments.retrieve.sources import Sources

Found = dict[str, list[Note]]
LOCAL_STRENGTH = 0.45
"""Strength of being the most popular where the person is."""
TALKING = 4
"""Recent items, or past purchases, that are asked what goes with them."""
LOCAL = 12
"""Items that are popular where the person is which may be found."""


def note(found: Found, id: str, strength: float, via: Via, reason: str) -> None:
    """Say of an item how strongly it was found, how, and why."""
    notes = found.get(id)
    if notes is None:
        found[id] = [(-strength, via, reason)]
    else:
        notes.append((-strength, via, reason))


def offered(sources: Sources, ask: Ask, found: Found) -> None:
    """Offers on what the person looks at, which is history, on what their words found, and on everything."""
    items, get = sources.items, sources.items.get
    looked = [id for id in ask.recent[:TALKING] if id in items]
    best = sorted(found, key=lambda id: (min(found[id])[0], id))[:TALKING] if ask.words else []
    wanted = [item for id in dict.fromkeys([*looked, *best]) if (item := items[id]).stock != 0]
    recent = frozenset(looked)
    for id, strength, gives, by in sources.offers.on(wanted, ask.category, get):
        because = f"{gives}; {reasons.looked_at(items[by].title)}" if by in recent else gives
        note(found, id, strength, "similar" if by in recent else "offer", because)


def here(sources: Sources, ask: Ask, point: Point, worth: dict[Kind, float], found: Found) -> None:
    """What is popular where the person is, of the need's category first."""
    items, wanted = sources.items, ask.category
    here = [(id, share) for id, share in sources.local.best(point, ask.at) if id in items and items[id].kind in worth]
    mine = [one for one in here if wanted and items[one[0]].category == wanted]
    for id, share in dict([*mine[:LOCAL], *here[:LOCAL]]).items():
        category = wanted if wanted == items[id].category else ""
        note(found, id, share * LOCAL_STRENGTH, "popular", reasons.popular_here(category))
