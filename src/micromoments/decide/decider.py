"""From candidates to a decision: moment, eligibility, experiments, holdout, policy, slate. Pure, and whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from msgspec.structs import replace

from micromoments.core.decision import Assignment, Decision, PolicyRef, Refused, Request
from micromoments.core.effect import Reserve
from micromoments.core.event import SIMULATED, UNCOUNTED
from micromoments.core.moment import MomentView
from micromoments.core.offer import budget_of, units_of
from micromoments.core.person import Person
from micromoments.core.settings import MINUTE, Rule, Settings, Slot
from micromoments.decide import slate, targeting
from micromoments.decide.answer import Drawn, ranked, reservations, scored
from micromoments.decide.chance import Chance
from micromoments.decide.eligibility import consents, eligible, units_left
from micromoments.decide.experiment import HOLDOUT, WASHOUT, assign, holdout, policy_name, ramped, unit_of
from micromoments.decide.rules import Ruled, pins, plain, ruled
from micromoments.policy.base import FloatArray, Policy
from micromoments.policy.features import DIM, SUITS, matrix
from micromoments.policy.fixed import First

if TYPE_CHECKING:
    from micromoments.retrieve.ask import Candidate

NO_CONSENT = "no_consent"
"""In ``degraded``: without consent to personalise, the answer comes from the present moment alone, without history."""
NO_ANSWER = "no_answer"
"""In ``degraded``: somebody wanted to know something that no text of the catalogue answers."""
SHADOW = ("observe", "shadow")
"""Modes in which the policy decides beside what is served."""
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


def in_force(slot: Slot, person: Person, request: Request) -> Slot:
    """The slot as it is for one person: in a ramp, live for its share of people and shadow for the others."""
    if slot.mode != "ramp":
        return slot
    unit = unit_of(person, request.key, HOLDOUT + request.slot)
    return replace(slot, mode="live" if ramped(unit, request.slot, slot.ramp) else "shadow")


def policy_for(
    person: Person, request: Request, slot: Slot, settings: Settings, moments: Sequence[MomentView] = ()
) -> str:
    """The name of the policy that ``decide`` is to be given: an experiment's for the person's variant, else the
    slot's. ``moments`` are those that ``decide`` gets.
    """
    if not settings.experiments:
        return slot.policy
    return policy_name(slot, settings, _given(person, request, settings, pick(moments, slot, request)))


def _given(person: Person, request: Request, settings: Settings, moment: MomentView | None) -> tuple[Assignment, ...]:
    """The person's variants in the slot's experiments, whose conditions may speak of the moment."""
    if not settings.experiments:
        return ()
    known = _attributes(person, request, settings, moment)
    return assign(person, request.slot, settings, request.at, key=request.key, attributes=known)


def pinned(
    person: Person, moments: Sequence[MomentView], request: Request, slot: Slot, settings: Settings
) -> dict[str, Rule]:
    """The pins in force for a request, by name; ``decide`` has to be given what they cover among the candidates."""
    if all(rule.action != "pin" for rule in settings.rules.values()):
        return {}
    known = _attributes(person, request, settings, pick(moments, slot, request))
    return pins(request.slot, settings, request.at, known)


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
    unanswered: bool = False,
    share: float = 1.0,
) -> tuple[Decision, tuple[Reserve, ...]]:
    """Decide what one person gets in one slot now. The same arguments give the same decision.

    ``moments`` are those open that may be used, as views of ``request.at``: the caller leaves out what consent doesn't
    allow. ``candidates`` come from retrieval, best first. ``policy`` is the one that ``policy_for`` names,
    ``default_policy`` what a held-out person gets where the slot's default is ``popular``. In ``observe`` and
    ``shadow`` the default is served, nobody is held out or exposed to an experiment, and ``scored`` tells what
    ``policy`` would have done. When a reservation is refused, give the others back and decide again with that budget's
    ``budgets_left`` at 0. ``general`` gives the slot's default, as to somebody held out. ``unanswered`` notes that what
    they wanted to know nothing here answers. Under a guard ``share`` is the policy's, under 1.
    """
    now, live, moment = request.at, slot.mode == "live", pick(moments, slot, request)
    held, unit, kept = holdout(person, request.slot, slot, now, key=request.key)
    treated = live and not held and not general
    field = _field(person, request, candidates, slot, settings, budgets_left, moment, unit)
    exposed = _exposed(person, request, settings, field, moment) if treated else ()
    by, ref = (policy, PolicyRef(policy.name, policy.version)) if treated else _default(slot, default_policy)
    draw = _Draw(field, slot, settings, budgets_left)
    beside = _beside(slot, policy, default_policy, seed, share if treated else 1.0)
    drawn, would, ref = draw.both(by, ref, policy, request, beside, treated=treated, seed=seed)
    may, x, scores = field.may, field.x, cast(list[float], by.score(field.x).tolist())
    decision = Decision(
        id=request.id,
        at=now,
        slot=request.slot,
        key=request.key,
        person=person.id,
        surrogate=person.surrogate,
        moment=moment,
        moments=tuple(m.id for m in moments),
        items=ranked(may, x, drawn, scores, by, now),
        propensity=prod(drawn.propensities),
        policy=ref,
        config_version=config_version,
        experiments=(*exposed, kept) if kept is not None and live else exposed,
        holdout=held and live,
        degraded=(() if consents(person, "personalise", settings) else (NO_CONSENT,)) + (NO_ANSWER,) * unanswered,
        considered=len(candidates),
        refused=tuple(field.refused),
        scored=scored(may, scores if would is None else policy.score(x).tolist(), (would or drawn).first),
        until=now + round(slot.window_minutes * MINUTE),
        digest=request.digest,
        marks=request.marks | person.marks & CARRIED,
        mode=slot.mode,
        goal=slot.goal,
        unit=unit,
        channel=slot.channel,
        would=() if would is None else tuple([may[row].item.id for row in would.rows]),
        rules=() if field.rules is None else field.rules.names,
        rule_cost=draw.cost(by, drawn, treated=treated, seed=seed),
        guard=_guard(slot, beside, share, drawn, would, treated=treated),
        apprentice=policy.name if slot.mode in SHADOW and not general else "",
    )
    return decision, reservations(decision.id, now, [may[row] for row in drawn.rows], settings)


def _exposed(
    person: Person, request: Request, settings: Settings, field: _Field, moment: MomentView | None
) -> tuple[Assignment, ...]:
    """What the person is exposed to: variants of experiments, and of rules that are measured."""
    given = tuple([one for one in _given(person, request, settings, moment) if one.unit != WASHOUT])
    return given if field.rules is None else (*given, *field.rules.given)


def _beside(slot: Slot, policy: Policy, popular: Policy, seed: int, share: float) -> slate.Beside | None:
    """What the slate is weighed against: under a guard the default, in shadow the policy, which has no share there."""
    if slot.mode in SHADOW:
        return slate.Beside(policy, 0.0, slot.floor, Chance(seed ^ 2))
    return slate.Beside(_default(slot, popular)[0], 1.0 - share, 0.0, Chance(seed ^ 2)) if share < 1.0 else None


def _guard(
    slot: Slot, beside: slate.Beside | None, share: float, drawn: Drawn, would: Drawn | None, *, treated: bool
) -> tuple[float, ...]:
    """``Decision.guard`` of what was drawn beside another policy. Of a list of theirs the first position counts, and
    what they said was its probability.
    """
    if beside is None or not drawn.rows:
        return ()
    if would is not None and drawn.theirs:
        return (slot.guard, 0.0, float(would.first[drawn.rows[0]]) / drawn.propensities[0], 1.0)
    return (slot.guard, share, beside.main, beside.beside) if treated else (slot.guard, 0.0, beside.beside, beside.main)


class _Field(NamedTuple):
    """Who may be drawn, and who not: ``x`` (n, d) has a row for each of ``may``, ``before`` for those that rules left
    out as well (``x`` itself where they left nobody out).
    """

    may: Sequence[Candidate]
    refused: list[Refused]
    rules: Ruled | None
    x: FloatArray
    before: FloatArray


def _field(
    person: Person,
    request: Request,
    candidates: Sequence[Candidate],
    slot: Slot,
    settings: Settings,
    budgets_left: Mapping[str, int],
    moment: MomentView | None,
    unit: str,
) -> _Field:
    """The eligible after the rules."""
    may: list[Candidate] = []
    refused: list[Refused] = []
    now, context = request.at, {"timezone": settings.timezone, **request.context}
    if slot.mode != "off":
        may, refused = eligible(candidates, person, slot, settings, request, now, budgets_left, moment)
    if plain(slot, settings):
        x = matrix(may, moment, context, now)
        return _Field(may, refused, None, x, x)
    known = _attributes(person, request, settings, moment)
    rules = ruled(may, request.slot, slot, settings, now, unit, known)
    x = matrix(rules.may, moment, context, now)
    before = x if len(rules.may) == len(may) else matrix(may, moment, context, now)
    return _Field(rules.may, refused + rules.refused, rules, x, before)


def theirs(may: Sequence[Candidate], request: Request) -> Drawn | None:
    """What the business's own system shows, as the request's context says under ``theirs`` (``named``, the first
    first); ``None`` where it doesn't. In shadow that is what is served.
    """
    ids = request.context.get("theirs")
    if not isinstance(ids, list):
        return None
    place = {one.item.id: row for row, one in enumerate(may)}
    given: dict[str, float] = {}
    for id, p in map(named, ids):
        if id in place:
            given.setdefault(id, p)
    rows = [place[id] for id in given]
    first = np.zeros(len(may))
    first[rows[:1]] = 1.0
    return Drawn(rows, [given[may[row].item.id] for row in rows], first, theirs=True)


def named(one: object) -> tuple[str, float]:
    """An entry of ``theirs``: an id, or ``{"id", "propensity"}`` where their system draws; 1 where it doesn't say."""
    if not isinstance(one, Mapping):
        return str(one), 1.0
    said = one.get("propensity")
    likely = isinstance(said, int | float) and not isinstance(said, bool) and 0.0 < said <= 1.0
    return str(one.get("id")), float(cast(float, said)) if likely else 1.0


def _default(slot: Slot, popular: Policy) -> tuple[Policy, PolicyRef]:
    """Who decides where the slot's policy doesn't, and what the decision says of it."""
    if slot.mode != "off" and slot.default == "popular":
        return popular, PolicyRef(popular.name, popular.version)
    return First(DIM), PolicyRef("off" if slot.mode == "off" else slot.default, 0)


def _attributes(person: Person, request: Request, settings: Settings, moment: MomentView | None) -> dict[str, Any]:
    """What the conditions of experiments and rules may speak of: traits only with consent, and never another id's."""
    personal = request.linked and consents(person, "personalise", settings)
    return targeting.attributes(person, request.context, request.key, moment, request.at, personal=personal)


class _Draw:
    """Draws a slate from the eligible: no category fills it, no budget is overdrawn, and the rules hold."""

    def __init__(self, field: _Field, slot: Slot, settings: Settings, budgets_left: Mapping[str, int]) -> None:
        may, rules = field.may, field.rules
        self._field, self._slot = field, slot
        takes = [(budget_of(c.item, settings.budgets), units_of(c.item)) for c in may] if settings.budgets else []
        self._takes = takes if any(budget for budget, _ in takes) else []
        self._left = {budget: units_left(budget, settings, budgets_left) for budget, _ in self._takes if budget}
        self._groups = [c.item.category for c in may]
        self._mind = slate.FREE
        if rules is not None or settings.exclusive:
            self._mind = slate.Mind(
                weights=rules.weights if rules is not None else (),
                tiers=rules.tiers if rules is not None else (),
                pins=rules.pins if rules is not None else {},
                campaigns=[c.item.campaign for c in may],
                exclusive=settings.exclusive,
            )

    def both(
        self,
        by: Policy,
        ref: PolicyRef,
        policy: Policy,
        request: Request,
        beside: slate.Beside | None,
        *,
        treated: bool,
        seed: int,
    ) -> tuple[Drawn, Drawn | None, PolicyRef]:
        """What is served, what ``policy`` would have served (in shadow), and who decided."""
        slot, rng = self._slot, Chance(seed)
        limit = request.limit or slot.limit
        shadow = slot.mode in SHADOW
        drawn = theirs(self._field.may, request) if shadow else None
        if drawn is not None:
            ref = PolicyRef("theirs", 0)
        else:
            most = 0 if ref.name in ("off", "nothing") else limit
            drawn = self._slate(by, most, slot.floor if treated else 0.0, rng, beside)
        return drawn, self._slate(policy, limit, slot.floor, rng) if shadow else None, ref

    def cost(self, by: Policy, drawn: Drawn, *, treated: bool, seed: int) -> float:
        """What the rules take of the score that a policy expects of the first position: over all rows, less over those
        that they left, with the distribution that was drawn from.
        """
        before, x, rules = self._field.before, self._field.x, self._field.rules
        if rules is None or not rules.names or not len(x):
            return 0.0
        free = slate.mixture(by, before, self._slot.floor if treated else 0.0, Chance(seed ^ 1))
        return float(free @ by.score(before) - drawn.first @ by.score(x))

    def _slate(self, by: Policy, limit: int, floor: float, rng: Chance, beside: slate.Beside | None = None) -> Drawn:
        return Drawn(
            *slate.draw(
                by,
                self._field.x,
                limit=limit,
                floor=floor,
                rng=rng,
                groups=self._groups,
                takes=self._takes,
                left=self._left,
                mind=self._mind,
                beside=beside,
            )
        )
