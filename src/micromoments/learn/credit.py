"""What a policy may learn from an outcome of its decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from micromoments.core.event import UNCOUNTED

if TYPE_CHECKING:
    from micromoments.core.decision import Decision, Ranked
    from micromoments.core.outcome import Outcome

CLICK_REWARD = 0.3
GOAL_REWARD = 1.0


class Lesson(NamedTuple):
    """One served item and its reward in all, [0, 1]; ``was`` is what was learned of it before, ``None`` for nothing."""

    item: Ranked
    reward: float
    was: float | None = None


def credit(decision: Decision, outcome: Outcome) -> tuple[Lesson, ...]:
    """What a policy learns of an outcome, under the cascade model (Craswell et al. 2008).

    A person looks from the top: what stands above the item that was acted on was seen and passed over (reward 0), what
    stands below may not have been seen (nothing). *Ignored*, a dismissal of the whole, an unsubscribing and a complaint
    are 0 for every item; a goal that no item in particular earned is the first one's. What comes later touches only its
    own item.
    """
    if outcome.reward is None or (decision.marks | outcome.marks) & UNCOUNTED:
        return ()
    place = next((n for n, item in enumerate(decision.items) if item.id == outcome.item), -1)
    if outcome.what in {"ignored", "dismissed", "unsubscribed", "complained"}:
        return tuple(Lesson(item, 0.0) for n, item in enumerate(decision.items) if place in {-1, n})
    place, was = max(place, 0), outcome.before
    # An outcome of an earlier release says nothing of what was learned before; its reward being less does.
    first = outcome.reward >= (CLICK_REWARD if outcome.what == "clicked" else GOAL_REWARD) or outcome.worth is not None
    above = decision.items[:place] if was is None and first else ()
    whole = min(GOAL_REWARD, max(0.0, (was or 0.0) + outcome.reward))
    return (*(Lesson(item, 0.0) for item in above), *(Lesson(i, whole, was) for i in decision.items[place : place + 1]))
