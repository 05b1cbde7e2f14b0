"""``decide``: one request answered for one person. Pure over the view; the draw's seed comes from the decision's id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any

from msgspec.structs import replace

from micromoments.core.decision import Decision, Request
from micromoments.core.effect import Reserve
from micromoments.core.geo import Point
from micromoments.core.moment import MomentView, Reading, Trace
from micromoments.core.person import Person
from micromoments.core.settings import Rule, Slot
from micromoments.decide import decider
from micromoments.decide.eligibility import consents
from micromoments.decide.experiment import holdout
from micromoments.decide.rules import covers
from micromoments.flow import people
from micromoments.flow.view import DEFAULT, View, refuses
from micromoments.policy.actions import SLOT
from micromoments.retrieve.catalog import Ask, Candidate

MAX_THEIRS = 50
"""Items of the business's own choice that a decision in shadow is compared with."""
SPARE = 4
"""Items of a pin beyond a slot's positions that become candidates."""
MAX_HAVE = 100
"""Things that a caller says the person has which are read."""


def seed_of(decision_id: str) -> int:
    """The seed of a decision's draw: 64 bits of its id's hash, so that it can be drawn once more and compared."""
    return int.from_bytes(blake2b(decision_id.encode(), digest_size=8).digest(), "big")


def decide(
    person: Person, request: Request, view: View, seed: int, budgets_left: Mapping[str, int]
) -> tuple[Decision, tuple[Reserve, ...]]:
    """Choose what to serve one person in one slot now.

    ``budgets_left`` are units that each budget has left, for the pre-check; the reservations among the effects are what
    decides. A person who refused personalisation gets the slot's default; one who has not said yes is answered from the
    moment alone, without history, and ``degraded`` says so.
    """
    if request.slot == SLOT:
        raise ValueError(f"got slot {SLOT!r}, which is for actions that come with a rank; wanted another slot's name")
    slot = decider.in_force(view.slot(request.slot), person, request)
    general = refuses(person, "personalise")
    known = Person(id=person.id, surrogate=person.surrogate) if general else person
    reading, traces = read(known, request, view)
    by_mid = {t.mid: t for t in traces}
    moments = [view.recogniser.view(m, by_mid, request.at) for m in reading.open]
    personal = request.linked and consents(person, "personalise", view.settings)
    held, _, _ = holdout(person, request.slot, slot, request.at, key=request.key)
    if (held or general) and slot.mode == "live":
        # The control is what would be served without us: the request's own words and place count, the moment doesn't.
        asked = ask(known, request, slot, [], [], personal=False)
        if personal:
            # Nor is it refused as bought what is bought again and again: those who aren't held out get it.
            asked = replace(asked, purchases=known.purchases)
    else:
        asked = ask(known, request, slot, moments, traces, personal)
    query = request.context.get("query")
    if isinstance(query, str) and view.recogniser.reader.private(query):
        # Answered from these words, which stand nowhere afterwards: the decision is kept, and must not hold them.
        asked = replace(asked, quoted=False)
        moments = [replace(m, need={}, evidence=[]) for m in moments]
    name = f"{request.slot}:{decider.policy_for(person, request, slot, view.settings, moments)}"
    candidates = view.catalog.candidates(asked)
    if slot.mode in decider.SHADOW and isinstance(request.context.get("theirs"), list):
        found = {one.item.id for one in candidates}
        named = (id for id, _ in map(decider.named, request.context["theirs"][:MAX_THEIRS]))
        if beside := tuple(id for id in named if id not in found):
            candidates = [*candidates, *view.catalog.candidates(replace(asked, only=beside))]
    if not request.items:
        pins = decider.pinned(person, moments, request, slot, view.settings)
        if pins and (more := _unfound(pins, view, candidates, request.limit or slot.limit)):
            candidates = [*candidates, *view.catalog.candidates(replace(asked, only=more))]
    return decider.decide(
        replace(person, bought={}, dismissed=person.dismissed) if not personal else person,
        moments,
        request,
        candidates,
        slot=slot,
        settings=view.settings,
        policy=view.policies[name],
        default_policy=view.policies[DEFAULT],
        config_version=view.config_version,
        seed=seed,
        budgets_left=budgets_left,
        general=general,
        unanswered=unanswered(asked, candidates),
        share=view.share(request.slot, slot) if name == f"{request.slot}:{slot.policy}" else 1.0,
    )


def _unfound(pins: Mapping[str, Rule], view: View, candidates: Sequence[Candidate], limit: int) -> tuple[str, ...]:
    """What pins cover and retrieval didn't find: of each as many as there are positions, and a few to spare for those
    that turn out not to be eligible.
    """
    found = {one.item.id for one in candidates}
    more: dict[str, None] = {}
    for name, rule in pins.items():
        known = view.catalog.covered.first(f"{name} {rule.where}", partial(covers, rule), limit + SPARE)
        more.update(dict.fromkeys(id for id in known if id not in found))
    return tuple(more)


def unanswered(asked: Ask, candidates: Sequence[Candidate]) -> bool:
    """Whether somebody wants to know something, out of articles and guides among others, and nothing answers it."""
    wants = asked.moment_type == "know" and bool(asked.words) and asked.quoted and not asked.only
    readable = "article" in asked.kinds or "guide" in asked.kinds
    return wants and readable and all(one.answer is None for one in candidates)


def read(person: Person, request: Request, view: View) -> tuple[Reading, list[Trace]]:
    """The reading that a request may use, with its traces: all of the person's, or only those of the id that asks.

    Words in the request (``context.query``) count as being said now; they are not kept.
    """
    recogniser = view.recogniser
    if request.linked:
        traces, reading = people.merged(person.parts.values()), person.reading
    else:
        traces = people.only(person, request.key)
        reading = recogniser.fold(traces)
    reading = recogniser.settle(reading, request.at)
    query = request.context.get("query")
    if isinstance(query, str) and query.strip():
        typed = recogniser.typed(query[:512], request.at, mid=seed_of(request.id) >> 1)
        if typed is not None:
            reading = recogniser.fold([typed])
            traces = [*traces, typed]
    return reading, traces


def ask(
    person: Person,
    request: Request,
    slot: Slot,
    moments: list[MomentView],
    traces: list[Trace],
    personal: bool,
) -> Ask:
    """What to look for in the catalogue: the strongest need, the place, and what the person may be known by.

    Without ``personal`` only what was met since the open moments began is known.
    """
    context = request.context
    moment = max(moments, key=lambda m: (m.confidence, m.id), default=None)
    need: Mapping[str, Any] = moment.need if moment is not None else {}
    query = context.get("query")
    words = str(need.get("query") or (query if isinstance(query, str) else "") or "")
    since = 0 if personal else min((m.opened_at for m in moments), default=request.at)
    named = (t.signal.need.item for t in reversed(traces) if t.at >= since and t.signal.need.item)
    recent = tuple(dict.fromkeys(named))[:12]
    liked: dict[str, int] = {}
    if personal:
        for t in traces:
            if category := t.signal.need.category:
                liked[category] = liked.get(category, 0) + 1
    have = context.get("have")
    return Ask(
        kinds=slot.kinds,
        words=words[:256],
        category=str(need.get("category") or ""),
        moment_type=moment.type if moment is not None else "none",
        probabilities=five(moment),
        point=position(context),
        at=request.at,
        recent=recent,
        bought=frozenset(person.bought) if personal else frozenset(),
        dismissed=frozenset(person.dismissed),
        categories=liked,
        limit=100,
        only=request.items,
        timezone=str(context.get("timezone") or view_timezone(context)),
        bought_at=people.last_bought(person) if personal else {},
        purchases=person.purchases if personal else {},
        question=str(need.get("words") or words)[:512],
        minutes=at_hand(context),
        have=tuple([one for one in have[:MAX_HAVE] if isinstance(one, str)] if isinstance(have, list) else ()),
        price_from=int(need.get("price_from") or 0),
        price_to=int(need.get("price_to") or 0),
        currency=str(need.get("currency") or ""),
        within=slot.categories,
    )


def five(moment: MomentView | None) -> tuple[float, float, float, float, float]:
    """A moment's probabilities in the order of ``TYPES``; all on none where there is no moment."""
    if moment is None:
        return 0.0, 0.0, 0.0, 0.0, 1.0
    p = moment.probabilities
    return p["know"], p["go"], p["do"], p["buy"], p["none"]


def at_hand(context: Mapping[str, Any]) -> float:
    """The minutes that the caller says there are, 0 where it doesn't or they can't be."""
    minutes = context.get("minutes")
    known = isinstance(minutes, int | float) and not isinstance(minutes, bool) and 0 < minutes < 1e9
    return float(minutes) if known and minutes is not None else 0.0


def view_timezone(context: Mapping[str, Any]) -> str:
    """The zone that the caller's locale block names, empty where it doesn't."""
    locale = context.get("location")
    return str(locale.get("timezone") or "") if isinstance(locale, dict) else ""


def position(context: Mapping[str, Any]) -> Point | None:
    """The caller's position: ``lat`` and ``lon``, or Segment's ``location.latitude`` and ``.longitude``; ``None`` if
    absent or wrong.
    """
    location = context.get("location")
    lat, lon = context.get("lat"), context.get("lon")
    if isinstance(location, dict):
        lat, lon = location.get("latitude", lat), location.get("longitude", lon)
    if isinstance(lat, int | float) and isinstance(lon, int | float):
        try:
            return Point(float(lat), float(lon))
        except (ValueError, OverflowError):  # a whole number may have hundreds of digits
            return None
    return None
