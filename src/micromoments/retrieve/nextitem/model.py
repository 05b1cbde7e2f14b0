"""A model of shop sessions: learned whole from past ones, asked for the next item."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from micromoments.retrieve.nextitem.blend import Blend
from micromoments.retrieve.nextitem.finder import CLUES, Bounds, Finder
from micromoments.retrieve.nextitem.past import fold
from micromoments.retrieve.nextitem.vectors import Shape, Vectors, backward, cases, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from micromoments.retrieve.nextitem.past import Ints, Past
    from micromoments.retrieve.nextitem.vectors import Singles


class Plan(NamedTuple):
    """How a model is learned. The last ``held`` of the sessions fit the blend, by at most ``fitted`` cases drawn
    evenly; then the vectors learn from the last ``again`` of all sessions once more, and the past is all of
    them. ``backward`` is how many cases read from a session's end are learned beside one read from its start. Of a
    longer past only the last ``most`` clicks are kept, which bounds memory and time.
    """

    held: float = 0.08
    fitted: int = 30_000
    least: int = 500
    epochs: int = 3
    backward: float = 0.5
    again: float = 0.3
    again_rate: float = 0.04
    most: int = 3_000_000
    shape: Shape = Shape()
    bounds: Bounds = Bounds()


class Lesson(NamedTuple):
    """What a blend learns from: clues of all candidates (n, k), where each case's start (cases + 1,), and the row of
    its next item (cases,). Cases whose next item wasn't found are left out; ``share`` is the part that was found.
    """

    clues: Singles
    starts: Ints
    right: Ints
    share: float


def lesson(finder: Finder, rows: Sequence[Sequence[int]], most: int, seed: int) -> Lesson:
    """At most ``most`` prefixes of these sessions, drawn evenly, with what the finder finds after each."""
    known = finder.habits.counts > 0
    prefixes = [
        (seen, row[end])
        for row in rows
        for end in range(1, len(row))
        if known[row[end]] and (seen := [item for item in row[:end] if known[item]])
    ]
    rng = np.random.Generator(np.random.PCG64(seed))
    chosen = [prefixes[i] for i in sorted(rng.permutation(len(prefixes))[:most])]
    asked = {item for seen, _ in chosen for item in seen[-finder.bounds.reach :]}
    finder.prepare(np.array(sorted(asked), dtype=np.int64))
    clues: Singles = np.empty((len(chosen) * finder.bounds.kept, CLUES), np.float32)
    starts, right = [0], []
    for seen, following in chosen:
        found = finder.find(seen)
        hit = np.flatnonzero(found.items == following)
        if len(hit):
            begin, end = starts[-1], starts[-1] + len(found.items)
            clues[begin:end] = found.clues
            right.append(begin + int(hit[0]))
            starts.append(end)
    return Lesson(clues[: starts[-1]], np.array(starts), np.array(right), len(right) / max(1, len(chosen)))


class NextItems:
    """A model of sessions, to be asked by one thread.

    Args:
        sessions: item ids, oldest first; later sessions are later in time.
        plan: see ``Plan``.
        seed: the same sessions and seed give the same model on one machine.
        say: told what is being done, for those who wait.
    """

    def __init__(
        self,
        sessions: Sequence[Sequence[str]],
        plan: Plan | None = None,
        seed: int = 0,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.plan = plan = plan or Plan()
        kept = _latest(sessions, plan.most)
        self._numbers: dict[str, int] = {}
        numbers = self._numbers
        rows = [[numbers.setdefault(id, len(numbers)) for id in session] for session in kept if session]
        self._ids = list(numbers)
        self._blend: Blend | None = None
        cut = int(len(rows) * (1.0 - plan.held))
        vectors = Vectors(len(numbers), plan.shape, seed)
        if sum(len(row) - 1 for row in rows[cut:]) < plan.least:
            cut = len(rows)
        early = fold(rows[:cut], len(numbers))
        say(f"vectors of {len(numbers):,} items")
        self._learn(vectors, early, plan.epochs, 0, 0.0)
        if cut < len(rows):
            say("the blend")
            self._fit(Finder(early, vectors, plan.bounds), rows[cut:], seed)
            early = fold(rows, len(numbers))
            say("what came last")
            self._learn(vectors, early, 1, int(len(rows) * (1 - plan.again)), plan.again_rate)
        self._finder = Finder(early, vectors, plan.bounds)
        if len(numbers):
            self._finder.prepare(np.arange(len(numbers)))

    def _learn(self, vectors: Vectors, past: Past, epochs: int, begin: int, rate: float) -> None:
        """Let vectors learn from the sessions from number ``begin`` on, and from a part of them read backwards."""
        reach = self.plan.shape.reach
        data = joined(cases(past, reach, begin), backward(past, reach, begin), self.plan.backward)
        if len(data.following):
            vectors.learn(data, np.bincount(past.flat, minlength=past.items).astype(float), epochs, rate)

    def _fit(self, finder: Finder, rows: Sequence[Sequence[int]], seed: int) -> None:
        """Fit the blend on the prefixes of sessions that the finder hasn't seen."""
        told = lesson(finder, rows, self.plan.fitted, seed)
        if len(told.right) >= self.plan.least // 2:
            self._blend = Blend(told.clues, told.starts, told.right, seed=seed)

    def predict(self, session: Sequence[str], n: int = 20) -> list[str]:
        """The ``n`` most likely next items after a session's items, oldest first; best first, ties by first appearance.

        Unseen ids say nothing; a session of none but these gets the frequent.
        """
        numbers, finder = self._numbers, self._finder
        seen = [number for id in session if (number := numbers.get(id)) is not None]
        order: list[int] = []
        if seen:
            found = finder.find(seen)
            scores = self._blend.score(found.clues) if self._blend is not None else found.plain
            order = found.items[np.lexsort((found.items, -scores))[:n]].tolist()
        if len(order) < n:
            had = set(order)
            order += [item for item in finder.frequent[: 2 * n].tolist() if item not in had]
        return [self._ids[item] for item in order[:n]]

    def after_each(self, n: int) -> tuple[list[str], NDArray[np.int32], NDArray[np.float16]]:
        """For each item that was met what comes after it alone, likeliest first, but for itself: the items, the numbers
        (items, n) of the others among these, -1 for none, and their chances.
        """
        counts = self._finder.habits.counts
        others = np.full((len(self._ids), n), -1, np.int32)
        shares = np.zeros((len(self._ids), n), np.float16)
        for item in np.flatnonzero(counts > 0).tolist():
            found = self._finder.find([item])
            if self._blend is not None:
                chance = self._blend.score(found.clues)
                chance = np.exp(chance - chance.max())
            else:
                chance = np.maximum(found.plain, 0.0).astype(np.float32)
            chance /= chance.sum() + np.float32(1e-9)
            order = np.lexsort((found.items, -chance))
            order = order[found.items[order] != item][:n]
            others[item, : len(order)] = found.items[order]
            shares[item, : len(order)] = chance[order]
        return self._ids, others, shares


def _latest(sessions: Sequence[Sequence[str]], most: int) -> Sequence[Sequence[str]]:
    """The last sessions whose clicks are at most ``most``."""
    total = 0
    for back, session in enumerate(reversed(sessions)):
        total += len(session)
        if total > most:
            return sessions[len(sessions) - back :]
    return sessions
