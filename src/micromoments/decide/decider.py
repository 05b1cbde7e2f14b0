"""From candidates to a decision: moment, eligibility, experiments, holdout, policy, slate. Pure, and whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from micromoments.core.decision import Decision, PolicyRef, Refused, Request
from micromoments.core.effect import Reserve
from micromoments.core.event import SIMULATED, UNCOUNTED
from micromoments.core.moment import MomentView
from micromoments.core.person import Person
from micromoments.core.settings import MINUTE, Settings, Slot
from micromoments.decide import slate
from micromoments.decide.answer import Drawn, ranked, reservations, scored
from micromoments.decide.eligibility import consents, eligible, units_left, units_of
from micromoments.decide.experiment import assign, holdout, policy_name
from micromoments.policy.base import FloatArray, Policy
from micromoments.policy.features import DIM, SUITS, matrix
from micromoments.policy.fixed import First

if TYPE_CHECKING:
    from micromoments.retrieve.ask import Candidate

NO_CONSENT = "no_consent"
"""In ``degraded``: without consent to personalise, the answer comes from the present moment alone, without history."""
CARRIED = UNCOUNTED | SIMULATED
"""Marks of a person that their decisions carry as well."""


def pick(moments: Sequence[MomentView], slot: Slot, request: Request) -> MomentView | None:
    """The moment to serve: of those open whose type a kind of the slot suits, the one most probable and urgent."""
    best: tuple[float, int, str] | None = None
    found = None
    for moment in moments:
        kinds = SUITS.get(moment.type, ())
        if moment.ended is not None or moment.expires_at <= request.at or not any(k in slot.kinds for k in kinds):
            continue
        rank = (moment.probabilities.get(moment.type, 0.0) * moment.urgency, moment.opened_at, moment.id)
        if best is None or rank > best:
            best, found = rank, moment
    return found


def policy_for(person: Person, request: Request, slot: Slot, settings: Settings) -> str:
    """The name of the policy that ``decide`` is to be given: an experiment's for the person's variant, else the
    slot's.
    """
    return policy_name(slot, settings, assign(person, request.slot, settings, request.at, key=request.key))


def decide(  # noqa: PLR0913 everything that it depends on, by name
    person: Person,
    moments: Sequence[MomentView],
    request: Request,
    candidates: Sequence[Candidate],
    *,
    slot: Slot,
    settings: Settings,
    policy: Policy,
    default_policy: Policy,
    config_version: str,
    seed: int,
    budgets_left: Mapping[str, int],
    general: bool = False,
) -> tuple[Decision, tuple[Reserve, ...]]:
    """Decide what one person gets in one slot now. The same arguments give the same decision.

    ``moments`` are those open that may be used, as views of ``request.at``: the caller leaves out what consent doesn't
    allow. ``candidates`` come from retrieval, best first. ``policy`` is the one that ``policy_for`` names,
    ``default_policy`` what a held-out person gets where the slot's default is ``popular``. In ``observe`` and
    ``shadow`` the default is served, nobody is held out or exposed to an experiment, and ``scored`` tells what
    ``policy`` would have done. When a reservation is refused, give the others back and decide again with that budget's
    ``budgets_left`` at 0.
    ``general`` gives the slot's default, as to somebody held out: the person refused to be treated as anyone in
    particular.
    """
    now, live = request.at, slot.mode == "live"
    moment = pick(moments, slot, request)
    held, unit, kept = holdout(person, request.slot, slot, now, key=request.key)
    treated = live and not held and not general
    exposed = assign(person, request.slot, settings, now, key=request.key) if treated else ()
    may: list[Candidate] = []
    refused: list[Refused] = []
    if slot.mode != "off":
        may, refused = eligible(candidates, person, slot, settings, request, now, budgets_left, moment)
    x = matrix(may, moment, {"timezone": settings.timezone, **request.context}, now)
    rng = slate.chance(seed)
    by, ref = (policy, PolicyRef(policy.name, policy.version)) if treated else _default(slot, default_policy)
    limit = 0 if ref.name in ("off", "nothing") else request.limit or slot.limit
    drawn = _draw(may, x, by, limit, slot.floor if treated else 0.0, rng, settings, budgets_left)
    shadow = slot.mode in ("observe", "shadow")
    first = slate.mixture(policy, x, slot.floor, rng) if shadow else drawn.first
    scores: list[float] = by.score(x).tolist()
    decision = Decision(
        id=request.id,
        at=now,
        slot=request.slot,
        key=request.key,
        person=person.id,
        surrogate=person.surrogate,
        moment=moment,
        moments=tuple(m.id for m in moments),
        items=ranked(may, x, drawn, scores, by),
        propensity=prod(drawn.propensities),
        policy=ref,
        config_version=config_version,
        experiments=(*exposed, kept) if kept is not None and live else exposed,
        holdout=held and live,
        degraded=() if consents(person, "personalise", settings) else (NO_CONSENT,),
        considered=len(candidates),
        refused=tuple(refused),
        scored=scored(may, policy.score(x).tolist() if shadow else scores, first),
        until=now + round(slot.window_minutes * MINUTE),
        digest=request.digest,
        marks=request.marks | person.marks & CARRIED,
        mode=slot.mode,
        goal=slot.goal,
        unit=unit,
    )
    return decision, reservations(decision.id, now, [may[row] for row in drawn.rows], settings)


def _default(slot: Slot, popular: Policy) -> tuple[Policy, PolicyRef]:
    """Who decides where the slot's policy doesn't, and what the decision says of it."""
    if slot.mode != "off" and slot.default == "popular":
        return popular, PolicyRef(popular.name, popular.version)
    return First(DIM), PolicyRef("off" if slot.mode == "off" else slot.default, 0)


def _draw(
    may: Sequence[Candidate],
    x: FloatArray,
    by: Policy,
    limit: int,
    floor: float,
    rng: np.random.Generator,
    settings: Settings,
    budgets_left: Mapping[str, int],
) -> Drawn:
    """Draw the slate from the eligible: no category fills it, and it takes no more of a budget than there is."""
    takes = [(c.item.budget, units_of(c.item)) for c in may] if any(c.item.budget for c in may) else []
    left = {budget: units_left(budget, settings, budgets_left) for budget, _ in takes if budget}
    groups = [c.item.category for c in may]
    return Drawn(*slate.draw(by, x, limit=limit, floor=floor, rng=rng, groups=groups, takes=takes, left=left))
