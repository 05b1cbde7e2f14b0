"""What a policy is held against besides other policies: the best list that is the same for all, known only to whoever
knows everything, and how much had to be learned until it was better.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from micromoments.core.event import Millis
from micromoments.core.settings import DAY
from micromoments.simulate.tally import Tally
from micromoments.simulate.world import World

PLACES = 3
SAMPLE = 400
"""Visits by which the best list is chosen."""


def best_fixed(world: World, start: Millis, days: int, places: int = PLACES) -> tuple[list[str], Tally]:
    """The list of so many items that is worth most of all lists that are the same for everybody, by the truth, built
    greedily; and what serving it to everybody is worth (``orders`` and ``revenue`` are left at 0: nobody lives it).
    """
    end = start + days * DAY
    visits = sorted(world.visits(start, days), key=lambda visit: (min(visit.asks_at, end), visit.number))
    some = visits[:: max(1, len(visits) // SAMPLE)]
    chosen: list[str] = []
    for _ in range(places):
        rest = [item.id for item in world.items if item.id not in chosen]
        chosen.append(max(rest, key=lambda id: sum(world.worth(visit, [*chosen, id]) for visit in some)))
    tally = Tally.of(len(world.consumers))
    for visit in visits:
        worth = world.worth(visit, chosen)
        tally.worth[visit.consumer.number] += worth
        tally.visits[visit.consumer.number] += 1
        tally.each.append(worth)
    return chosen, tally


def until_better(mine: Sequence[float], theirs: Sequence[float], learned: Sequence[int]) -> int | None:
    """Outcomes that had been learned when the sum of what was earned, visit by visit, came above the other's for good;
    ``None`` where it never did.
    """
    ahead = [total > 0.0 for total in accumulate(a - b for a, b in zip(mine, theirs, strict=True))]
    if not ahead or not ahead[-1]:
        return None
    behind = [n for n, one in enumerate(ahead) if not one]
    return learned[behind[-1] + 1] if behind else 0
