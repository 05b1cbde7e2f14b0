"""From clicks to the table that the live recommender asks: sessions are told apart, a model is learned from them, and
what it says after each item alone is written down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from micromoments.retrieve.nextitem.model import NextItems, Plan
from micromoments.retrieve.similar import Ties
from micromoments.retrieve.trained import MOST, Trained

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from micromoments.core.event import Millis

GAP: Millis = 30 * 60_000
"""Milliseconds without a click after which a new session begins."""
PLAN = Plan(most=400_000, fitted=15_000)
"""What is learned from for a table: some minutes of one core at the most."""
HELD = 0.1
"""The newest part of the sessions, on which a table is examined."""
CASES = 5_000
FIRST = 20
TALKING = 4


class Exam(NamedTuple):
    """How often the next item, new to the session, was among the first 20, and the mean of 1/rank (0 beyond 20)."""

    hit_rate: float
    reciprocal_rank: float


class Examined(NamedTuple):
    """What a table and plain counts, both of the older sessions, say of the newest ones' next items."""

    cases: int
    trained: Exam
    counted: Exam

    @property
    def better(self) -> bool:
        """Whether the table is worth using: as good or better on both figures."""
        return self.cases > 0 and all(new >= old for new, old in zip(self.trained, self.counted, strict=True))


def sessions_of(clicks: Iterable[tuple[int, Millis, str]]) -> list[list[str]]:
    """Sessions of at least two items, ordered by their last click, out of (who, when, item) in any order.

    A click on what was clicked just before says nothing of what comes next, and is left out.
    """
    found: list[tuple[Millis, list[str]]] = []
    session: list[str] = []
    before, last = -1, 0
    for who, at, item in sorted(clicks):
        if who != before or at - last > GAP:
            session = []
            found.append((at, session))
        if not session or session[-1] != item:
            session.append(item)
        before, last = who, at
        found[-1] = (at, session)
    return [session for _, session in sorted(found, key=lambda one: one[0]) if len(session) > 1]


def learn(sessions: Sequence[Sequence[str]], at: Millis, plan: Plan = PLAN) -> Trained:
    """A table out of sessions, oldest first."""
    model = NextItems(sessions, plan)
    ids, others, shares = model.after_each(MOST)
    return Trained(ids, others, shares, at=at, sessions=len(sessions), clicks=sum(len(one) for one in sessions))


def examine(sessions: Sequence[Sequence[str]], plan: Plan = PLAN) -> Examined:
    """Hold a table against counts: both learn from the older sessions, and rank the next items of the newest."""
    cut = round(len(sessions) * (1.0 - HELD))
    trained, counted = Ties(), Ties()
    trained.trained = learn(sessions[:cut], 0, plan)
    for session in sessions[:cut]:
        for place, item in enumerate(session):
            counted.tie(item, list(dict.fromkeys(session[:place][::-1])), 1.0, 0)
    cases = [
        (list(dict.fromkeys(session[:end][::-1])), session[end])
        for session in sessions[cut:]
        for end in range(1, len(session))
        if session[end] not in session[:end]
    ][-CASES:]
    return Examined(len(cases), _ranked(trained, cases), _ranked(counted, cases))


def _ranked(ties: Ties, cases: Sequence[tuple[list[str], str]]) -> Exam:
    ranks = []
    for seen, following in cases:
        told = [id for id, _, _ in ties.like(seen[:TALKING], 0, FIRST)]
        ranks.append(1.0 / (told.index(following) + 1) if following in told else 0.0)
    got = np.array(ranks or [0.0])
    return Exam(round(float((got > 0).mean()), 4), round(float(got.mean()), 4))
