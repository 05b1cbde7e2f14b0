"""``rank``: one of the actions that came with a request, for nobody in particular. Pure, like ``decide``.

What is served is drawn from the slot's policy; a slot in ``shadow`` or ``observe`` serves the first action, and the
policy learns from what comes of it (an apprentice). Under a guard the first action is the default.
"""

from __future__ import annotations

from collections.abc import Mapping

from micromoments.core.decision import Decision, PolicyRef, Ranked, Request, Scored
from micromoments.core.effect import Reserve
from micromoments.core.person import Person
from micromoments.core.settings import MINUTE
from micromoments.decide import decider, slate
from micromoments.decide.chance import Chance
from micromoments.flow.view import View
from micromoments.policy.actions import rows
from micromoments.policy.features import sparse

NEEDS_ITEMS = frozenset({"popular", "rules"})
"""Policies that read an item's own features, which an action has none of."""
APPRENTICE = "apprentice"
"""In ``degraded``: the first action was served, and the policy only learns from it."""


def acting(policy: str) -> str:
    """The policy that chooses among actions where the slot names this one."""
    return "adaptive" if policy in NEEDS_ITEMS else policy


def rank(
    person: Person,
    request: Request,
    view: View,
    seed: int,
    budgets_left: Mapping[str, int],  # noqa: ARG001 as decide takes; actions draw on none
) -> tuple[Decision, tuple[Reserve, ...]]:
    """Choose one of ``request.actions``, which holds at least one; the same arguments give the same decision.

    ``scored`` has all of them with their probabilities, in the request's order.
    """
    slot = decider.in_force(view.slot(request.slot), person, request)
    policy = view.policies[f"{request.slot}:{acting(slot.policy)}"]
    x = rows(request.actions, request.context)
    rng = Chance(seed)
    own = slate.mixture(policy, x, slot.floor, rng).tolist()
    first = [1.0] + [0.0] * (len(own) - 1)
    share = view.share(request.slot, slot) if slot.mode == "live" else 0.0
    p = [share * a + (1.0 - share) * b for a, b in zip(own, first, strict=True)] if share < 1.0 else own
    row = slate.pick(p, rng)
    scores = policy.score(x).tolist()
    ref = PolicyRef("off", 0) if slot.mode == "off" else PolicyRef(policy.name, policy.version)
    chosen = request.actions[row][0]
    decision = Decision(
        id=request.id,
        at=request.at,
        slot=request.slot,
        key=request.key,
        person=person.id,
        surrogate=person.surrogate,
        moment=None,
        moments=(),
        items=(
            Ranked(
                id=chosen,
                kind="offer",
                title=chosen,
                score=scores[row],
                propensity=p[row],
                reasons=(),
                features=sparse(x[row]),
            ),
        ),
        propensity=p[row],
        policy=ref,
        config_version=view.config_version,
        experiments=(),
        holdout=False,
        degraded=(APPRENTICE,) if slot.mode in ("shadow", "observe") else (),
        considered=len(request.actions),
        refused=(),
        scored=tuple(Scored(id, s, q) for (id, _), s, q in zip(request.actions, scores, p, strict=True)),
        until=request.at + round(slot.window_minutes * MINUTE),
        digest=request.digest,
        marks=request.marks,
        guard=(slot.guard, share, own[row] / p[row], first[row] / p[row]) if share < 1.0 and slot.mode != "off" else (),
    )
    return decision, ()
