"""Buying again: what a person bought that is used up, about when it is due.

That an item is used up, and how long it lasts, is told by the first of these that knows: the item's own attributes
(``rebuyable`` is true, ``rebuy_days`` is the usual time between two purchases, 30 unless something else tells; false
means never), the person's own purchases where there were three or more, what others' tell of it or of its category
(``retrieve.habits``). A person's own few intervals are averaged with the usual one (a gamma prior of one interval on a
Poisson rate; Schmittlein, Morrison, Colombo 1987, "Counting your customers").

The strength peaks when the interval has passed, and falls by the logarithm of how far off it is, faster before than
after: who is late may still come, who bought yesterday won't. What few come back for speaks more softly.
"""

from __future__ import annotations

from math import exp, isfinite, log
from typing import TYPE_CHECKING, NamedTuple

from micromoments.core.settings import DAY
from micromoments.retrieve import reasons

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from micromoments.core.event import Millis
    from micromoments.core.item import Item
    from micromoments.retrieve.habits import Habit

USUAL_DAYS = 30.0
STRENGTH = 0.7
"""At the usual time, of what is surely bought again."""
EARLY, LEARNED_EARLY, LATE = 0.35, 1.0, 1.0
"""Standard deviations, in the logarithm of the time passed over the usual time; an interval that was learned is less
sure than one that the shop names.
"""
OTHERS = 1.0
"""Purchases as which the share of others who come back counts."""
CHOSEN_EARLY = 2.0
"""The deviation by which the few are chosen, where many are due: who comes often comes before it is time, too."""
OWN = 3
"""Days on which somebody bought an item before that alone says that they buy it again and again."""
WORTH_TELLING = 0.05
MOST = 6


class Due(NamedTuple):
    """When somebody is likely to buy an item again: the days between two purchases, how sure it is that there is a
    next, how exactly the days are known (a deviation of the time before), whose habit it is, and the share of others
    who have it.
    """

    days: float
    chance: float
    early: float
    own: bool = False
    learned: bool = False
    share: float = 0.0


def named_days(item: Item) -> float:
    """The days between two purchases that an item names, 0 for none."""
    days = item.attributes.get("rebuy_days")
    known = isinstance(days, int | float) and not isinstance(days, bool) and isfinite(days) and days > 0
    return float(days) if known and days is not None else 0.0


def habit_of(item: Item, days: tuple[int, ...], learned: Habit | None) -> Due | None:
    """When an item is bought again, by somebody who bought it on these days; ``None`` for what isn't used up."""
    said = item.attributes.get("rebuyable")
    if said is False:
        return None
    if said is True and (named := named_days(item)):
        return Due(named, 1.0, EARLY)
    own, times = len(days) >= OWN, max(0, len(days) - 1)
    if not (own or learned or said is True):
        return None
    passed = days[-1] - days[0] if times else 0
    usual, share = learned if learned is not None else (0.0, 0.0)
    every = (passed + usual) / (times + 1) if usual else passed / times if own else USUAL_DAYS
    if said is True:
        return Due(every, 1.0, LEARNED_EARLY if own or usual else EARLY, own, usual > 0, share)
    chance = (times + OTHERS * share) / (times + OTHERS)
    return Due(every, chance, LEARNED_EARLY, own, usual > 0, share)


def habits_of(
    items: Mapping[str, Item],
    bought: Iterable[str],
    days: Mapping[str, tuple[int, ...]],
    learned: Callable[[Item], Habit | None],
) -> dict[str, Due]:
    """Of items that were bought those that are bought again and again, be it long before they are due.

    Args:
        items: all that exist.
        bought: ids of what the person bought.
        days: on which days each was bought, since the epoch, in order; the newest purchases alone.
        learned: what others' purchases say of an item.
    """
    found = ((id, items[id]) for id in bought if id in items)
    told = ((id, habit_of(item, days.get(id, ()), learned(item))) for id, item in found)
    return {id: when for id, when in told if when is not None}


def due(habits: Mapping[str, Due], bought: Mapping[str, Millis], at: Millis) -> list[tuple[str, float, str]]:
    """What of that may be wanted again at an instant, by when each was bought last.

    At most ``MOST`` as (id, strength in (0, 1), the reason), strongest first, ties by id. Where there are more, those
    go first that are bought most often: a day's chance is what counts.
    """
    found: list[tuple[float, str, float, float]] = []
    for id, when in habits.items():
        passed = (at - bought[id]) / DAY if id in bought else 0.0
        if passed > 0:
            off = log(passed / when.days)
            strength = STRENGTH * when.chance * _near(off, when.early)
            if strength > WORTH_TELLING:
                a_day = when.chance / when.days * _near(off, max(when.early, CHOSEN_EARLY))
                found.append((-a_day, id, strength, passed))
    chosen = [(id, strength, _reason(habits[id], passed)) for _, id, strength, passed in sorted(found)[:MOST]]
    return sorted(chosen, key=lambda one: (-one[1], one[0]))


def _near(off: float, early: float) -> float:
    """How near it is to when it is due, 1 at that time; ``off`` is the logarithm of the time passed over the usual."""
    return exp(-0.5 * (off / (early if off < 0 else LATE)) ** 2)


def _reason(when: Due, passed: float) -> str:
    if when.own:
        return reasons.bought_every(when.days)
    return reasons.bought_lately(passed, when.days, when.share) if when.learned else reasons.bought_before(passed)
