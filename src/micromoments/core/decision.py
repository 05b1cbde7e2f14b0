"""Decisions: ranked items for one person, moment and slot, each with its propensity and reasons."""

from __future__ import annotations

from typing import Any

import msgspec

from micromoments.core.event import Millis
from micromoments.core.item import Kind
from micromoments.core.moment import MomentView


class Ranked(msgspec.Struct, frozen=True, array_like=True, kw_only=True, gc=False):
    """One served item. ``propensity`` is its probability given the positions above it; it has no default.

    ``features`` are what the policy saw, for learning: (index, value) pairs of a sparse vector.
    """

    id: str
    kind: Kind
    title: str
    score: float
    propensity: float
    reasons: tuple[str, ...]
    attributes: dict[str, Any] = {}
    features: tuple[tuple[int, float], ...] = ()
    campaign: str = ""
    category: str = ""


class Refused(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A candidate that could not be served, and why: a code (``closed``, ``out_of_stock``, ``cap``) and its words."""

    id: str
    code: str
    detail: str


class Scored(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An eligible candidate's score and its probability of the first position."""

    id: str
    score: float
    propensity: float


class PolicyRef(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Which policy decided, and which version of it: the count of outcomes that it had learned."""

    name: str
    version: int


class Assignment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A person's variant in an experiment; ``unit`` is the id at first exposure, kept through merges, ``version`` the
    experiment's ``bucket_version`` under which it was dealt.
    """

    key: str
    variant: str
    unit: str
    at: Millis
    version: int = 0


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of ``decide``.

    ``items`` restricts the candidates to these ids. ``context`` is the caller's (``lat``, ``lon``, ``device``,
    ``query``, ``timezone``, ``minutes`` at hand, ``have`` (a list of what they have) are understood). ``linked`` says
    whether history of other ids of the person may be used.
    ``actions``, each an id and its features (any JSON), are what is chosen from instead of the catalogue.
    ``fresh`` says that the id was made for this request, so that nobody can have used it before.
    """

    id: str
    slot: str
    key: str
    at: Millis
    context: dict[str, Any] = {}
    limit: int = 0
    items: tuple[str, ...] = ()
    linked: bool = True
    digest: str = ""
    marks: int = 0
    actions: tuple[tuple[str, Any], ...] = ()
    fresh: bool = False


class Decision(msgspec.Struct, frozen=True, array_like=True, kw_only=True, gc=False):
    """What was decided, whole: enough to answer, to explain and to learn from, without drawing again.

    ``propensity`` is the product over the positions. ``digest`` is that of the request's body: the same id with another
    body is refused. ``considered`` counts the candidates before anything was refused. ``simulated`` and bots' decisions
    carry their ``marks``. In shadow ``would`` are the ids that the policy would have served. ``rules`` are the
    merchandisers' rules that touched it, ``rule_cost`` what they took of the score that the policy expects of the first
    position. ``guard`` is there where a policy and its default were drawn from together (or, in shadow, beside each
    other): the slot's guard, the policy's share, and the importance weights of what was served: the probability that
    the policy, and that the default, would have served it, over ``propensity``. ``apprentice`` is the policy that
    learns beside what decided.
    """

    id: str
    at: Millis
    slot: str
    key: str
    person: str
    surrogate: int
    moment: MomentView | None
    moments: tuple[str, ...]
    items: tuple[Ranked, ...]
    propensity: float
    policy: PolicyRef
    config_version: str
    experiments: tuple[Assignment, ...]
    holdout: bool
    degraded: tuple[str, ...]
    considered: int
    refused: tuple[Refused, ...]
    scored: tuple[Scored, ...]
    until: Millis
    digest: str
    marks: int = 0
    mode: str = "live"
    goal: str = ""
    unit: str = ""
    channel: str = ""
    would: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    rule_cost: float = 0.0
    guard: tuple[float, ...] = ()
    apprentice: str = ""
