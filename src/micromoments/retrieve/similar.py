"""What goes with what: decayed counts of items met in one session, and of items bought together.

An item-to-item model in the manner of session co-occurrence with linear decay by distance (Ludewig, Jannach 2018,
"Evaluation of session-based recommendation algorithms", association and sequential rules): when a session comes to an
item, it is tied to each of the last ``REACH`` items by 1, 1/2, 1/3 ..., and half as much backwards. Ties decay forward
like popular's counts. An event changes what the very next request gets. Memory is bounded: ``MAX_ROWS`` items, at most
``MAX_TIES`` each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from micromoments.core.settings import DAY
from micromoments.retrieve.popular import Clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from micromoments.core.event import Millis
    from micromoments.retrieve.trained import Trained

HALF_LIFE: Millis = 30 * DAY
REACH = 5
"""Items back in the session that a new one is tied to."""
BACKWARDS = 0.5
MAX_ROWS = 20_000
MAX_TIES = 36
KEPT_TIES = 24
FADING = 0.5
"""What an item of the session counts against the one after it, which says most of what comes next."""
PRIOR = 2.0
"""Ties' weight, in fresh events, that an item needs before half of its say is believed."""


class Ties:
    """Items and what they are tied to; rows in the order of their last event, the longest unheard of goes first."""

    def __init__(self) -> None:
        self.clock = Clock(HALF_LIFE)
        self.rows: dict[str, dict[str, float]] = {}
        self.trained: Trained | None = None
        """What a model of sessions learned until it was trained; the rows are then of what came since."""
        self.lent = 0
        """Snapshots that are being made of the rows: while there are any, a row is replaced and not changed."""

    def tie(self, item: str, recent: Sequence[str], weight: float, at: Millis) -> None:
        """A session came to ``item`` after ``recent`` (newest first) at an instant."""
        scale = self.clock.due(at)
        if scale != 1.0:
            self.rows = {one: {other: old * scale for other, old in row.items()} for one, row in self.rows.items()}
        weight *= self.clock.weight(at)
        for place, other in enumerate(recent[:REACH], 1):
            if other != item:
                self._add(other, item, weight / place)
                self._add(item, other, BACKWARDS * weight / place)
        while len(self.rows) > MAX_ROWS:
            del self.rows[next(iter(self.rows))]

    def _add(self, item: str, other: str, weight: float) -> None:
        row = self.rows.pop(item, None)
        if row is None:
            row = {}
        elif self.lent:
            row = dict(row)
        self.rows[item] = row
        row[other] = row.get(other, 0.0) + weight
        if len(row) > MAX_TIES:
            kept = sorted(row, key=lambda tied: (-row[tied], tied))[:KEPT_TIES]
            # The newcomer stays, or nothing new could ever grow beside what is settled.
            self.rows[item] = {tied: row[tied] for tied in dict.fromkeys([*kept, other])}

    def like(self, items: Sequence[str], at: Millis, n: int) -> list[tuple[str, float, str]]:
        """What goes with these items, the first weighing most, as (id, strength in (0, 1), the item that speaks most
        for it).

        Best first, ties by id. An item with few or old events has a weaker say.
        """
        prior = PRIOR * self.clock.read(at)
        totals: dict[str, float] = {}
        rows: list[tuple[str, float, Mapping[str, float]]] = []
        trained = self.trained
        say = 1.0
        for item in items:
            row = self.rows.get(item)
            if row:
                weight = sum(row.values())
                rows.append((item, say / (weight + prior), row))
            if trained is not None and (told := trained.row(item)):
                rows.append((item, say, told))
            say *= FADING
        for _, part, told_by in rows:
            for other, weight in told_by.items():
                totals[other] = totals.get(other, 0.0) + part * weight
        for item in items:
            totals.pop(item, None)
        best = sorted([(-strength, other) for other, strength in totals.items()])[:n]
        return [(other, min(-strength, 1.0), _because(rows, other)) for strength, other in best]


def _because(rows: Sequence[tuple[str, float, Mapping[str, float]]], other: str) -> str:
    """The item whose row speaks most for another."""
    found, most = rows[0][0], 0.0
    for item, part, row in rows:
        said = part * row.get(other, 0.0)
        if said > most:
            found, most = item, said
    return found
