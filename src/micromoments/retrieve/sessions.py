"""The next item of a session, by its nearest past sessions: trained on whole sessions, for backtests and cold starts.

Vector session-kNN with the ingredients of VSTAN (Ludewig, Mauro, Latifi, Jannach 2021, "Empirical analysis of
session-based recommendation algorithms"; Garg et al. 2019, "Sequence and time aware neighborhood for session-based
recommendations"):

- a session is near by the items it shares, each weighing less the further back it lies in the present session, over the
  root of its length (cosine);
- an item of a near session weighs less the further it stands there from the last shared item;
- what stands after the last shared item weighs more than what stands before it;
- rare items weigh a little more (inverse document frequency).

Items that the session has had stay in: people go back to what they looked at. Of Diginetica's next items 19 in 100 were
in the session before, and half of them are the very last item again; leaving that one out costs 9 points of HR@20.
Ties go by the item's first appearance in training. An unseen item says nothing; a session of unseen items gets the most
frequent items. A prediction looks at no more than ``Tuning.sample`` places an item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


class Tuning(NamedTuple):
    """What shapes the neighbourhood; the defaults do well on the last tenth of Diginetica's training sessions.

    ``neighbours`` is how many sessions vote, ``sample`` how many of an item's latest are looked at, ``reach`` how many
    of the present session's items count. ``back`` and ``apart`` are the decays' lengths in items, ``rare`` the weight
    of rarity, ``follows`` what standing after the last shared item adds.
    """

    neighbours: int = 500
    sample: int = 1000
    reach: int = 10
    back: float = 1.5
    apart: float = 2.0
    rare: float = 0.2
    follows: float = 0.5


class Measured(NamedTuple):
    """How well a ranking did: the share of next items among the first 20, and the mean of 1/rank (0 beyond 20)."""

    hit_rate: float
    reciprocal_rank: float
    cases: int


class SessionNeighbours:
    """A model of sessions.

    Args:
        sessions: item ids, oldest first; later sessions are later in time.
        tuning: see ``Tuning``.
    """

    def __init__(self, sessions: Iterable[Sequence[str]], tuning: Tuning | None = None) -> None:
        self._tuning = tuning or Tuning()
        self._numbers: dict[str, int] = {}
        numbers = self._numbers
        rows = [[numbers.setdefault(id, len(numbers)) for id in session] for session in sessions]
        self._ids = list(numbers)
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        self._flat: Ints = np.array([item for row in rows for item in row], dtype=np.int64)
        self._starts: Ints = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        self._roots: Floats = np.sqrt(np.maximum(lengths, 1))
        self._session_of: Ints = np.repeat(np.arange(len(rows)), lengths)
        # Every item's places in the flat list, those of later sessions last.
        self._places: Ints = np.argsort(self._flat, kind="stable")
        counts = np.bincount(self._flat, minlength=len(numbers))
        self._place_starts: Ints = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        self._weights: Floats = 1.0 + self._tuning.rare * np.log(max(1, len(rows)) / np.maximum(counts, 1))
        self._frequent: Ints = np.argsort(-counts, kind="stable")

    def predict(self, session: Sequence[str], n: int = 20) -> list[str]:
        """The ``n`` most likely next items after a session's items, oldest first; best first."""
        numbers = self._numbers
        seen = [number for id in session if (number := numbers.get(id)) is not None]
        items, scores = self._vote(seen) if seen else (self._frequent[:0], np.zeros(0))
        if len(items) > n:
            best = np.argpartition(-scores, n - 1)[:n]
            items, scores = items[best], scores[best]
        order = items[np.lexsort((items, -scores))].tolist()
        if len(order) < n:
            had = set(order)
            order += [item for item in self._frequent[: 2 * n].tolist() if item not in had]
        return [self._ids[item] for item in order[:n]]

    def _vote(self, seen: list[int]) -> tuple[Ints, Floats]:
        """Items and their scores, from the sessions nearest to this one."""
        tuning = self._tuning
        recent = list(dict.fromkeys(reversed(seen)))[: tuning.reach]
        places = [
            self._places[
                max(self._place_starts[i], self._place_starts[i + 1] - tuning.sample) : self._place_starts[i + 1]
            ]
            for i in recent
        ]
        place = np.concatenate(places)
        back = np.exp(-np.arange(len(recent)) / tuning.back) * self._weights[recent]
        weight = np.repeat(back, [len(p) for p in places])
        sessions, first, inverse = np.unique(self._session_of[place], return_index=True, return_inverse=True)
        near = np.bincount(inverse, weight) / self._roots[sessions]
        if len(sessions) > tuning.neighbours:
            best = np.argpartition(-near, tuning.neighbours - 1)[: tuning.neighbours]
            sessions, first, near = sessions[best], first[best], near[best]
        begins, ends = self._starts[sessions], self._starts[sessions + 1]
        lengths = ends - begins
        at = np.repeat(begins - np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)[:-1]]), lengths)
        at += np.arange(int(lengths.sum()))
        away = at - np.repeat(place[first], lengths)
        vote = np.repeat(near, lengths) * np.exp(-np.abs(away) / tuning.apart)
        vote *= 1.0 + tuning.follows * (away > 0)
        items, where = np.unique(self._flat[at], return_inverse=True)
        return items, np.bincount(where, vote) * self._weights[items]


def measure(model: SessionNeighbours, cases: Iterable[tuple[Sequence[str], str]]) -> Measured:
    """HR@20 and MRR@20 over (session so far, next item); every case counts, unseen items too."""
    hits, reciprocal, total = 0, 0.0, 0
    for session, following in cases:
        total += 1
        ranked = model.predict(session)
        if following in ranked:
            hits += 1
            reciprocal += 1 / (ranked.index(following) + 1)
    return Measured(hits / max(1, total), reciprocal / max(1, total), total)
