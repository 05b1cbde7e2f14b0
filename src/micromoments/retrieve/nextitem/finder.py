"""Candidates for the next item, and their clues: what near sessions, transitions and vectors say of each.

Near sessions vote as in VSTAN (Ludewig, Mauro, Latifi, Jannach 2021, "Empirical analysis of session-based
recommendation algorithms"): by shared items, the later the more, over the root of their length, the
younger the more. Everything that was found is put into one list, counted once by ``bincount``, cut to the best by a
fixed rule, and described by clues that don't depend on how many sessions there are.
"""

from __future__ import annotations

from itertools import accumulate
from math import log, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from micromoments.retrieve.nextitem.past import Habits, Past, habits
from micromoments.retrieve.nextitem.ties import Table, spread, tables
from micromoments.retrieve.nextitem.vectors import Vectors, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from micromoments.retrieve.nextitem.past import Floats, Ints
    from micromoments.retrieve.nextitem.vectors import Singles

BACK = 0.6
"""What the item before counts, against the one after it."""
HEAT = 0.1
"""Temperature of the vectors' say in the fixed rule."""
_STEPS = 127.0
"""Steps that a coordinate of a vector of length 1 is told in: a quarter of the memory to fetch, and errors far below
what tells two items apart.
"""
_FAR = 40
"""Clicks apart beyond which a vote counts as that far."""
_APART = np.arange(-_FAR, _FAR + 1)
_CLOSE: Floats = np.exp(-np.abs(_APART) / 2.0) * (1.0 + 0.5 * (_APART > 0))
"""What a near session's item counts by how far after the last shared one it stands."""
_PLAIN: Floats = np.array([1.0, 0.3, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0])
"""What each source counts in the fixed rule."""
CLUES = 47
"""How many clues a candidate has."""
HOPS = 2
"""How far an item's company reaches: those tied to it, and those tied to these."""
_LATER = 0.7 ** np.arange(8, dtype=np.float32)
"""What the newest clicks count where a session is read by its items' company."""


class Bounds(NamedTuple):
    """What a search may look at: ``neighbours`` vote, from ``sample`` latest sessions of each of ``reach`` items;
    ``talking`` items tell their ties, ``alike`` their nearest vectors; ``kept`` candidates get clues. Sessions lose
    half of their weight over ``half_life`` of the whole past. Only the ``compared`` items clicked most have nearest
    vectors, among themselves, as comparing each with each takes time in their square.
    """

    neighbours: int = 200
    sample: int = 400
    reach: int = 8
    talking: int = 4
    alike: int = 50
    told: int = 3
    kept: int = 80
    half_life: float = 0.6
    compared: int = 80_000


class Found(NamedTuple):
    """Candidates (n,), their clues (n, k), and the score of the fixed rule (n,)."""

    items: Ints
    clues: Singles
    plain: Floats


class _Votes(NamedTuple):
    """What the near sessions hold: items with a weight for being there, and how far after the last shared item."""

    items: Ints
    near: Floats
    away: Ints
    sessions: int


class Finder:
    """Finds candidates in the past; one thread, as scratch space is kept."""

    def __init__(self, past: Past, vectors: Vectors, bounds: Bounds | None = None) -> None:
        self.past, self.vectors, self.bounds = past, vectors, bounds or Bounds()
        self.habits: Habits = habits(past)
        self._fresh: Floats = 0.5 ** (
            np.arange(past.sessions - 1, -1, -1) / max(1, past.sessions) / self.bounds.half_life
        )
        distinct = np.bincount(past.visit_sessions, minlength=past.sessions)
        self._worth: Floats = self._fresh / np.sqrt(np.maximum(distinct, 1))
        self._after, self._before = tables(past, self._fresh)
        self._shared = np.zeros(past.sessions)
        self._slots: Ints = np.zeros(past.items, np.int64)
        self._unit = vectors.unit()
        self._unit[self.habits.counts == 0] = 0
        self._near = _in_steps(self._unit)
        self._company = _in_steps(spread((self._after, self._before), self._unit, HOPS))
        self._alike: dict[int, Ints] = {}
        most = np.argsort(-self.habits.counts, kind="stable")[: self.bounds.compared]
        self._compared: Ints = np.sort(most)
        self._lift: Floats = 1.0 + 0.2 * self.habits.rare
        self._say: list[float] = (0.3 + 0.1 * self.habits.rare).tolist()
        h = self.habits
        self._known = np.stack(
            [
                np.log1p(h.counts),
                np.log1p(h.lately),
                np.log1p(h.just_now),
                np.log((h.lately + 1) / (h.counts * 0.1 + 1)),
                np.log1p(h.unseen),
                np.log(h.again + 1e-4),
            ]
        ).astype(np.float32)
        self.frequent: Ints = np.argsort(-(h.counts + 5 * h.lately), kind="stable")[:1000]

    def prepare(self, items: Ints) -> None:
        """Work out the nearest vectors of these items, before they are asked for one by one."""
        among = self._compared
        items = np.intersect1d(items, among, assume_unique=True)
        rows = self.vectors.rows[items]
        wanted = rows + rows @ self.vectors.last
        unit = self._unit if len(among) == self.past.items else self._unit[among]
        found = among[nearest(unit, wanted, self.bounds.alike)]
        self._alike.update(zip(items.tolist(), found, strict=True))

    def find(self, session: list[int]) -> Found:
        """Candidates after a session of known items, oldest click first, at least one click."""
        recent = list(dict.fromkeys(session[::-1]))[: self.bounds.reach]
        votes = self._vote(recent)
        direct, direct_weight = self._direct(session[-1])
        after, after_weight, after_last = self._tied(self._after, recent)
        before, before_weight, _ = self._tied(self._before, recent)
        alike = [self._like(item) for item in recent[: self.bounds.told]]
        parts = [votes.items, direct, after, before, np.array(recent), *alike]
        items, where = self._distinct(np.concatenate(parts))
        n = len(items)
        voted_end, direct_end, after_end, before_end, own_end = accumulate([len(part) for part in parts[:5]])
        voted, led, own = where[:voted_end], where[direct_end:after_end], where[before_end:own_end]
        away = votes.away
        close = _CLOSE[np.minimum(np.maximum(away, -_FAR), _FAR) + _FAR]
        raw = np.empty((8, n))
        raw[0] = np.bincount(voted, votes.near * close, n)
        raw[0] *= self._lift[items]
        raw[1] = np.bincount(voted, votes.near, n)
        raw[2] = np.bincount(voted, votes.near * (away == 1), n)
        raw[3] = np.bincount(voted, votes.near * votes.near, n)
        raw[4] = np.bincount(where[voted_end:direct_end], direct_weight, n)
        raw[5] = np.bincount(led, after_weight, n)
        raw[6] = np.bincount(led[:after_last], after_weight[:after_last], n)
        raw[7] = np.bincount(where[after_end:before_end], before_weight, n)
        most = raw.max(1)
        most += 1e-9
        plain = _PLAIN / most @ raw
        place = np.full(n, 99)
        place[own] = np.arange(len(recent))
        plain[own] += 1.0
        angles = self._angles(session, recent)
        like = self._near[items].astype(np.float32) @ angles
        nearest_ = float(like[:, 0].max())
        plain += 1.5 * np.exp((like[:, 0] - nearest_) / HEAT)
        told = raw
        heads = (len(session), len(recent), votes.sessions, float(direct_weight.sum()), nearest_)
        if len(items) > self.bounds.kept:
            kept = np.argpartition(-plain, self.bounds.kept)[: self.bounds.kept]
            items, told, plain, place, like = items[kept], raw[:, kept], plain[kept], place[kept], like[kept]
        whole = raw.sum(1)
        whole += 1e-9
        clues = self._clues(items, told / most[:, None], told / whole[:, None], like, nearest_)
        self._own(clues, session, place, items, heads)
        clues[43:46] = self._met(items, session, angles[:, 0])
        return Found(items, clues.T, plain)

    def _distinct(self, all_: Ints) -> tuple[Ints, Ints]:
        """The items among these, each once, and where each of these stands there; no sorting, one slot an item."""
        slots, order = self._slots, np.arange(len(all_))
        slots[all_] = order
        items = all_[slots[all_] == order]
        slots[items] = order[: len(items)]
        return items, slots[all_]

    def _vote(self, recent: list[int]) -> _Votes:
        """The nearest sessions' items."""
        past, shared, sample = self.past, self._shared, self.bounds.sample
        sessions: list[Ints] = []
        clicks: list[Ints] = []
        weight = 1.0
        for place, item in enumerate(recent):
            end = past.visit_starts[item + 1]
            begin = max(past.visit_starts[item], end - sample // (1 + place))
            visited = past.visit_sessions[begin:end]
            so_far = shared[visited]
            shared[visited] = so_far + weight * self._say[item]
            new = so_far == 0
            sessions.append(visited[new])
            clicks.append(past.visit_clicks[begin:end][new])
            weight *= BACK
        session, click = np.concatenate(sessions), np.concatenate(clicks)
        near = shared[session] * self._worth[session]
        shared[session] = 0.0
        if len(session) > self.bounds.neighbours:
            best = np.argpartition(-near, self.bounds.neighbours)[: self.bounds.neighbours]
            session, click, near = session[best], click[best], near[best]
        starts = past.starts[session]
        lengths = past.starts[session + 1] - starts
        total = int(lengths.sum())
        at = np.arange(total) + np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
        return _Votes(past.flat[at], np.repeat(near, lengths), at - np.repeat(click, lengths), len(session))

    def _direct(self, item: int) -> tuple[Ints, Floats]:
        """What came straight after an item, the latest clicks of it, and what each counts."""
        past = self.past
        end = past.click_starts[item + 1]
        at = past.clicks[max(past.click_starts[item], end - self.bounds.sample) : end]
        at = at[~past.ends[at]]
        return past.flat[at + 1], self._fresh[past.session_of[at]]

    def _tied(self, table: Table, recent: list[int]) -> tuple[Ints, Floats, int]:
        """What is tied to the recent items, with weights, and how many of these are the last item's."""
        ids: list[Ints] = []
        weights: list[Floats] = []
        weight = 1.0
        for item in recent[: self.bounds.talking]:
            part = slice(table.starts[item], table.starts[item + 1])
            ids.append(table.ids[part])
            weights.append(weight * table.weights[part])
            weight *= BACK
        return np.concatenate(ids), np.concatenate(weights), len(ids[0])

    def _like(self, item: int) -> Ints:
        found = self._alike.get(item)
        if found is None:
            self.prepare(np.array([item]))
            found = self._alike.setdefault(item, self._compared[:0])
        return found

    def _angles(self, session: list[int], recent: list[int]) -> Singles:
        """(d, 4): the session's vector, its last item's, the mean of those before, and the click's before the last."""
        unit = self._unit[recent[:5]]
        angles = np.empty((unit.shape[1], 4), np.float32)
        angles[:, 0] = self.vectors.one(session)
        angles[:, 1] = unit[0]
        angles[:, 2] = unit[1:].sum(0) / (len(unit) - 1) if len(unit) > 1 else unit[0]
        angles[:, 3] = self._unit[session[-2]] if len(session) > 1 else unit[0]
        angles *= np.float32(1.0 / _STEPS)
        return angles

    def _met(self, items: Ints, session: list[int], angle: Singles) -> Singles:
        """(3, n): how near the candidates' company lies to the session's vector, to its clicks' company, its last's."""
        newest = session[: -len(_LATER) - 1 : -1]
        company = self._company[newest].astype(np.float32)
        told = np.empty((len(angle), 3), np.float32)
        told[:, 0] = angle
        whole = _LATER[: len(newest)] @ company
        told[:, 1] = whole / np.float32(_STEPS * sqrt(whole @ whole) + 1e-6)
        told[:, 2] = company[0] / np.float32(_STEPS * _STEPS)
        met: Singles = 5.0 * (self._company[items].astype(np.float32) @ told).T
        return met

    def _clues(self, items: Ints, share: Floats, part: Floats, like: Singles, most: float) -> Singles:
        """(k, n): what sources say, against their best and as a part of all; vectors; what is known of the item."""
        clues = np.empty((CLUES, len(items)), np.float32)
        clues[0:8] = np.log(share + 1e-3)
        clues[8:16] = np.log(part + 1e-4)
        clues[16:19], clues[46] = 5.0 * like.T[:3], 5.0 * like.T[3]
        clues[19] = clues[16] - 5.0 * most
        clues[20:26] = self._known[:, items]
        return clues

    def _own(
        self, clues: Singles, session: list[int], place: Ints, items: Ints, heads: tuple[int, int, int, float, float]
    ) -> None:
        """The clues of having been in this session, and those of the session as a whole."""
        last, known = session[-1], self._known
        length, distinct, sessions, followed, most = heads
        clues[26:35] = 0.0
        twice = length > 1 and session[-2] == last
        for at in np.flatnonzero(place < 99).tolist():
            item, back = int(items[at]), int(place[at])
            clues[26 + min(back, 3), at] = 1.0
            clues[30, at] = 1.0
            clues[31, at] = log(session.count(item) + 1.0)
            clues[32, at] = min(length, 10) / 5.0
            clues[33, at] = known[5, item]
            clues[34, at] = back == 0 and twice
        clues[35:43] = np.array(
            [
                log(length),
                distinct / length,
                known[0, last],
                known[5, last],
                log(sessions + 1.0),
                log(followed + 1.0),
                5.0 * most,
                known[1, last],
            ],
            np.float32,
        )[:, None]


def _in_steps(unit: Singles) -> NDArray[np.int8]:
    """Vectors of length 1 with each coordinate told in steps."""
    steps: NDArray[np.int8] = np.round(unit * _STEPS).astype(np.int8)
    return steps
