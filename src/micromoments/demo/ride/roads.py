"""The town's roads as cars use them: a graph of the drawn streets, quickest ways, and places along them over time.

Everything here is worked out from the town's plan and is the same on every start, so a way that was interrupted by a
crash is found again.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import hypot
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

SPEED = {"main": 13.0, "street": 10.0, "lane": 6.5}
"""Metres a second on an empty road, by its kind; cars don't go on paths."""
NEAR = 14.0
"""Metres within which the end of a street meets the street beside it."""
WALK = 1.3
"""Metres a second from a place to the road beside it."""

Place = tuple[float, float]
Floats = NDArray[np.float64]


class Way(msgspec.Struct, frozen=True):
    """A way: its points, the second at which an unhindered car passes each, and its length in metres."""

    points: tuple[Place, ...]
    times: tuple[float, ...]
    metres: float

    @property
    def seconds(self) -> float:
        """How long it takes unhindered."""
        return self.times[-1]

    def at(self, seconds: float) -> Place:
        """Where a car is after so many seconds; its ends before and after."""
        if seconds <= 0 or len(self.points) == 1:
            return self.points[0]
        if seconds >= self.seconds:
            return self.points[-1]
        n = bisect_right(self.times, seconds) - 1
        span = self.times[n + 1] - self.times[n]
        part = (seconds - self.times[n]) / span if span else 0.0
        (ax, ay), (bx, by) = self.points[n], self.points[n + 1]
        return (ax + (bx - ax) * part, ay + (by - ay) * part)

    def nearest(self, at: Place) -> float:
        """The second of this way at which a car is closest to a place: how far along it somebody has come."""
        best, found = float("inf"), 0.0
        for n, (a, b) in enumerate(pairwise(self.points)):
            part, apart = _project(at, a, b)
            if apart < best - 1e-9:
                best, found = apart, self.times[n] + part * (self.times[n + 1] - self.times[n])
        return found


class Spot(msgspec.Struct, frozen=True):
    """A place on a road: between the nodes ``u`` and ``v``, and the seconds from it to each."""

    u: int
    v: int
    to_u: float
    to_v: float
    at: Place
    apart: float
    """Metres from the place that was asked for."""


class Roads:
    """The roads of a town's plan."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.half: Place = (plan["halfWidth"], plan["halfHeight"])
        self._nodes: list[Place] = []
        self._near: list[dict[int, float]] = []
        self._build(plan["streets"])
        self.spot = lru_cache(16384)(self._spot)
        self.way = lru_cache(4096)(self._way)
        self._from = lru_cache(2048)(self._dijkstra)

    def seconds(self, start: Place, end: Place) -> float:
        """Seconds of the quickest way between two places."""
        return float(self.field(end, [start])[0])

    def field(self, target: Place, starts: Sequence[Place]) -> Floats:
        """Seconds from each of many places to one, shape (starts,)."""
        goal = self.spot(target)
        spots = [self.spot(start) for start in starts]
        if not spots:
            return np.empty(0)
        by_u, by_v = self._from(goal.u)[0] + goal.to_u, self._from(goal.v)[0] + goal.to_v
        to = np.minimum(by_u, by_v)
        us, vs = np.array([s.u for s in spots]), np.array([s.v for s in spots])
        to_us, to_vs = np.array([s.to_u for s in spots]), np.array([s.to_v for s in spots])
        best: Floats = np.minimum(to[us] + to_us, to[vs] + to_vs)
        for n, spot in enumerate(spots):  # on the same piece of road
            if (spot.u, spot.v) == (goal.u, goal.v):
                best[n] = min(best[n], abs(spot.to_u - goal.to_u))
        return best

    def corner(self, share: float) -> Place:
        """A place on a road; ``share`` in [0, 1) chooses which in the town, evenly by length."""
        n = int(np.searchsorted(self._summed, share * self._summed[-1], side="right"))
        a, b = self._a[n], self._b[n]
        part = 1 - (self._summed[n] - share * self._summed[-1]) / self._length[n]
        return (float(a[0] + (b[0] - a[0]) * part), float(a[1] + (b[1] - a[1]) * part))

    def inside(self, at: Place) -> bool:
        """Whether a place lies within the town."""
        return abs(at[0]) <= self.half[0] and abs(at[1]) <= self.half[1]

    # --- finding ways -----------------------------------------------------------------------------

    def _spot(self, at: Place) -> Spot:
        p = np.array(at)
        span = self._b - self._a
        part = np.clip(((p - self._a) * span).sum(1) / np.maximum(self._length**2, 1e-9), 0, 1)
        foot = self._a + span * part[:, None]
        apart = np.hypot(*(foot - p).T)
        n = int(np.argmin(apart))
        u, v = self._ends[n]
        whole = self._near[u][v]
        share = float(part[n])
        return Spot(u, v, whole * share, whole * (1 - share), (float(foot[n, 0]), float(foot[n, 1])), float(apart[n]))

    def _way(self, start: Place, end: Place) -> Way:
        a, b = self.spot(start), self.spot(end)
        if (a.u, a.v) == (b.u, b.v):
            return _timed([(a.at, 0.0), (b.at, abs(a.to_u - b.to_u))])
        choices = []
        for first, lead in ((a.u, a.to_u), (a.v, a.to_v)):
            for last, tail in ((b.u, b.to_u), (b.v, b.to_v)):
                choices.append((lead + float(self._from(last)[0][first]) + tail, first, last, lead, tail))
        _, first, last, lead, tail = min(choices)
        toward = self._from(last)[1]
        legs: list[tuple[Place, float]] = [(a.at, 0.0), (self._nodes[first], lead)]
        here = first
        while here != last:
            there = int(toward[here])
            legs.append((self._nodes[there], self._near[here][there]))
            here = there
        return _timed([*legs, (b.at, tail)])

    def _dijkstra(self, source: int) -> tuple[Floats, NDArray[np.int64]]:
        """Seconds from every node to one, and the next node on the way there."""
        best = [float("inf")] * len(self._nodes)
        toward = [source] * len(self._nodes)
        best[source] = 0.0
        todo = [(0.0, source)]
        while todo:
            far, here = heapq.heappop(todo)
            if far > best[here]:
                continue
            for near, takes in self._near[here].items():
                if far + takes < best[near]:
                    best[near], toward[near] = far + takes, here
                    heapq.heappush(todo, (best[near], near))
        return np.array(best), np.array(toward)

    # --- building the graph -----------------------------------------------------------------------

    def _build(self, streets: Sequence[dict[str, Any]]) -> None:
        pieces: list[tuple[Place, Place, float, int]] = [
            ((a[0], a[1]), (b[0], b[1]), SPEED[s["kind"]], n)
            for n, s in enumerate(streets)
            if s["kind"] in SPEED
            for a, b in pairwise(s["line"])
        ]
        cuts: list[set[float]] = [{0.0, 1.0} for _ in pieces]
        joins: list[tuple[Place, Place]] = []
        for i, (a, b, _, street) in enumerate(pieces):
            for j, (c, d, _, other) in enumerate(pieces[:i]):
                if street != other and _close((a, b), (c, d)):
                    _meet(i, j, ((a, b), (c, d)), cuts, joins)
        known: dict[Place, int] = {}
        for (a, b, speed, _), parts in zip(pieces, cuts, strict=True):
            places = [(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t) for t in sorted(parts)]
            for p, q in pairwise(places):
                self._join(known, p, q, speed)
        for p, q in joins:
            self._join(known, p, q, SPEED["lane"])
        self._keep_largest()
        edges = [(u, v) for u, nears in enumerate(self._near) for v in nears if u < v]
        self._ends = edges
        self._a = np.array([self._nodes[u] for u, _ in edges])
        self._b = np.array([self._nodes[v] for _, v in edges])
        self._length = np.hypot(*(self._b - self._a).T)
        inner = (np.abs(np.hstack([self._a, self._b])) <= np.array(self.half * 2)).all(1)
        self._summed = np.cumsum(self._length * inner)

    def _join(self, known: dict[Place, int], p: Place, q: Place, speed: float) -> None:
        ends = []
        for x, y in (p, q):
            place = (round(x), round(y))
            if place not in known:
                known[place] = len(self._nodes)
                self._nodes.append(place)
                self._near.append({})
            ends.append(known[place])
        u, v = ends
        if u != v:
            takes = hypot(self._nodes[u][0] - self._nodes[v][0], self._nodes[u][1] - self._nodes[v][1]) / speed
            self._near[u][v] = self._near[v][u] = min(takes, self._near[u].get(v, takes))

    def _keep_largest(self) -> None:
        """Only what can be reached from everywhere."""
        left, largest = set(range(len(self._nodes))), set[int]()
        while left:
            group, todo = set[int](), [min(left)]
            while todo:
                here = todo.pop()
                if here not in group:
                    group.add(here)
                    todo += self._near[here]
            left -= group
            largest = max(largest, group, key=len)
        renamed = {old: new for new, old in enumerate(sorted(largest))}
        self._near = [{renamed[v]: w for v, w in self._near[u].items()} for u in sorted(largest)]
        self._nodes = [self._nodes[u] for u in sorted(largest)]


def _timed(legs: Sequence[tuple[Place, float]]) -> Way:
    points, times, metres = [legs[0][0]], [0.0], 0.0
    for place, takes in legs[1:]:
        far = hypot(place[0] - points[-1][0], place[1] - points[-1][1])
        if far > 0.01:
            points.append(place)
            times.append(times[-1] + takes)
            metres += far
    return Way(tuple(points), tuple(times), metres)


def _project(p: Place, a: Place, b: Place) -> tuple[float, float]:
    """Where on a piece (0 to 1) a place is nearest to it, and how far away in metres."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    square = dx * dx + dy * dy
    part = max(0.0, min(1.0, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / square)) if square else 0.0
    return part, hypot(a[0] + dx * part - p[0], a[1] + dy * part - p[1])


def _close(one: tuple[Place, Place], other: tuple[Place, Place]) -> bool:
    """Whether two pieces can touch, by the boxes around them."""
    return all(
        min(one[0][k], one[1][k]) - NEAR <= max(other[0][k], other[1][k])
        and min(other[0][k], other[1][k]) - NEAR <= max(one[0][k], one[1][k])
        for k in (0, 1)
    )


def _meet(
    i: int,
    j: int,
    both: tuple[tuple[Place, Place], tuple[Place, Place]],
    cuts: list[set[float]],
    joins: list[tuple[Place, Place]],
) -> None:
    """Cut two pieces where they cross, or where an end of one is beside the other."""
    (a, b), (c, d) = both
    cross = (b[0] - a[0]) * (d[1] - c[1]) - (b[1] - a[1]) * (d[0] - c[0])
    if abs(cross) > 1e-9:
        t = ((c[0] - a[0]) * (d[1] - c[1]) - (c[1] - a[1]) * (d[0] - c[0])) / cross
        s = ((c[0] - a[0]) * (b[1] - a[1]) - (c[1] - a[1]) * (b[0] - a[0])) / cross
        if 0 <= t <= 1 and 0 <= s <= 1:
            cuts[i].add(t)
            cuts[j].add(s)
            return
    for n, piece, ends in ((i, (a, b), (c, d)), (j, (c, d), (a, b))):
        for end in ends:
            part, apart = _project(end, *piece)
            if apart <= NEAR:
                cuts[n].add(part)
                (px, py), (qx, qy) = piece
                joins.append((end, (px + (qx - px) * part, py + (qy - py) * part)))
