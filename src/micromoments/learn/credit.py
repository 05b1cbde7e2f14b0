"""What a policy may learn from an outcome of its decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from micromoments.core.event import UNCOUNTED

if TYPE_CHECKING:
    from micromoments.core.decision import Decision, Ranked
    from micromoments.core.outcome import Outcome

CLICK_REWARD = 0.3
GOAL_REWARD = 1.0


def credit(decision: Decision, outcome: Outcome) -> tuple[tuple[Ranked, float], ...]:
    """What a policy learns of an outcome: (item, reward) pairs, under the cascade model (Craswell et al. 2008).

    A person looks from the top: what stands above the item that was acted on was seen and passed over (reward 0), what
    stands below may not have been seen (nothing). *Ignored*, a dismissal of the whole, an unsubscribing and a complaint
    are 0 for every item; a goal that no item in particular earned is the first one's. A later increment touches only
    its own item.
    """
    if outcome.reward is None or (decision.marks | outcome.marks) & UNCOUNTED:
        return ()
    place = next((n for n, item in enumerate(decision.items) if item.id == outcome.item), -1)
    if outcome.what in {"ignored", "dismissed", "unsubscribed", "complained"}:
        return tuple((item, 0.0) for n, item in enumerate(decision.items) if place in {-1, n})
    place = max(place, 0)
    whole = CLICK_REWARD if outcome.what == "clicked" else GOAL_REWARD
    above = decision.items[:place] if outcome.reward >= whole else ()
    return (*((item, 0.0) for item in above), *((item, outcome.reward) for item in decision.items[place : place + 1]))
