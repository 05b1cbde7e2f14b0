"""The parts of a decision, put into words and numbers: served items, scores of all, reservations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from micromoments.core.decision import Ranked, Scored
from micromoments.core.effect import Reserve
from micromoments.core.event import Millis
from micromoments.core.offer import budget_of, coded, reservation, units_of
from micromoments.core.settings import MINUTE, Settings
from micromoments.decide import fair
from micromoments.policy.base import FloatArray, Policy
from micromoments.policy.features import heaviest, sparse
from micromoments.retrieve import answers, reviews

if TYPE_CHECKING:
    from micromoments.retrieve.ask import Candidate

MAX_REASONS = 4
MAX_WEIGHED = 16
"""Policies whose weights are remembered for as long as they learn nothing."""
HOLD_MINUTES = 60.0
"""How long a reservation holds of a budget that says nothing of it."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What came of the draw: rows of the eligible by position, the propensity of each given those above it, and the
    first position's distribution (n,). ``theirs`` says that the business's own system drew.
    """

    rows: list[int]
    propensities: list[float]
    first: FloatArray
    theirs: bool = False


def ranked(
    may: Sequence[Candidate], x: FloatArray, drawn: Drawn, scores: Sequence[float], by: Policy, at: Millis
) -> tuple[Ranked, ...]:
    """The served items, with what a page needs to show them and why they are there: retrieval's reasons come first,
    then the features that weigh most for the policy. ``x`` is (n, d), a row for each of ``may``, ``scores`` what the
    policy holds of them; what may be claimed of an item is as of ``at``.
    """
    if not drawn.rows:
        return ()
    weights = _weights(by, x.shape[1])
    return tuple(
        [
            _ranked(may[row], sparse(x[row]), scores[row], given, weights, at)
            for row, given in zip(drawn.rows, drawn.propensities, strict=True)
        ]
    )


_WEIGHED: dict[int, tuple[Policy, int, list[float]]] = {}
"""By its identity a policy, the version that it had, and its ``_weights`` then."""


def _weights(by: Policy, dim: int) -> list[float]:
    """What a policy of a version holds of every feature alone (d,), for the words of why something is served."""
    known = _WEIGHED.get(id(by))
    if known is not None and known[0] is by and known[1] == by.version:
        return known[2]
    weights: list[float] = by.score(_each_alone(dim)).tolist()
    if len(_WEIGHED) >= MAX_WEIGHED:
        _WEIGHED.clear()
    _WEIGHED[id(by)] = (by, by.version, weights)
    return weights


@lru_cache(maxsize=4)
def _each_alone(dim: int) -> FloatArray:
    """Every feature alone: (d, d)."""
    alone = np.eye(dim)
    alone.flags.writeable = False
    return alone


def _ranked(
    candidate: Candidate,
    pairs: tuple[tuple[int, float], ...],
    score: float,
    given: float,
    weights: Sequence[float],
    at: Millis,
) -> Ranked:
    item = candidate.item
    why = dict.fromkeys((*candidate.reasons, *heaviest(pairs, weights)))
    shown: dict[str, Any] = {}
    if item.url:
        shown["url"] = item.url
    if item.image:
        shown["image"] = item.image
    if item.price is not None:
        shown["price"] = {"amount": item.price.amount, "currency": item.price.currency}
    if candidate.metres >= 0:
        shown["metres"] = candidate.metres
    if candidate.closes_at:
        shown["closes_at"] = candidate.closes_at
    said = fair.shown(item, at)
    if candidate.answer is not None:
        said["answer"] = answers.shown(candidate.answer)
    if "reviews" in item.attributes and (summary := reviews.summed(item)) is not None:
        said["review_summary"] = reviews.shown(summary)
    return Ranked(
        id=item.id,
        kind=item.kind,
        title=item.title,
        score=score,
        propensity=given,
        reasons=tuple(why)[:MAX_REASONS],
        attributes={**shown, **fair.passed_on(item), **said},
        features=pairs,
        campaign=item.campaign,
        category=item.category,
    )


def scored(may: Sequence[Candidate], scores: Sequence[float], first: FloatArray) -> tuple[Scored, ...]:
    """Every eligible candidate with its score and its probability of the first position."""
    return tuple(
        [Scored(candidate.item.id, score, p) for candidate, score, p in zip(may, scores, first.tolist(), strict=True)]
    )


def reservations(decision: str, at: Millis, served: Sequence[Candidate], settings: Settings) -> tuple[Reserve, ...]:
    """What has to be taken of budgets before the answer: one reservation an item that draws on one, by position."""
    out = []
    for item in (candidate.item for candidate in served):
        if budget := budget_of(item, settings.budgets):
            configured = settings.budgets.get(budget)
            hold = configured.hold_minutes if configured is not None else HOLD_MINUTES
            out.append(
                Reserve(
                    id=reservation(decision, item.id, coded=coded(item.attributes)),
                    budget=budget,
                    units=units_of(item),
                    decision=decision,
                    until=at + round(hold * MINUTE),
                )
            )
    return tuple(out)
