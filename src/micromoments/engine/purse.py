"""Units of budgets on behalf of decisions: taken before the answer, given back where the answer changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from micromoments.core.effect import Reserve, Settle, Spend
from micromoments.core.event import Millis
from micromoments.core.settings import DAY, Budget
from micromoments.core.when import gone, within
from micromoments.ports import Budgets

KNOWN_FOR: Millis = 30 * DAY
"""How long a budget knows by its id what was spent of it."""
ENDLESS = 1 << 53
"""A limit that no budget reaches."""


def allowed(budget: Budget, now: Millis) -> int:
    """The units that may have been used by now: none before it starts or after it ends; paced evenly, the share of its
    time that has gone by, rounded up so that it starts with one.
    """
    if not within(budget.starts, budget.ends, now):
        return 0
    if budget.pacing == "fast":
        return budget.units
    return min(budget.units, ceil(budget.units * gone(budget.starts, budget.ends, now)) or 1)


def settled(store: Budgets, configured: Mapping[str, Budget], effect: Settle | Spend, now: Millis) -> None:
    """End a reservation, or spend units whatever is left of their budget; twice is once. A history that is brought in
    spends nothing: what was given before a budget began, or longer ago than its ids are known.
    """
    if isinstance(effect, Settle):
        store.settle(effect.reservation, effect.spend)
        return
    budget = configured.get(effect.budget)
    if budget is None or effect.at + KNOWN_FOR <= now or not within(budget.starts, "", effect.at):
        return
    store.reserve(effect.budget, effect.units, ENDLESS, effect.id, effect.at + KNOWN_FOR)
    store.settle(effect.id, spend=True)
    if effect.held:
        store.settle(effect.held, spend=False)


class Purse:
    """The configured budgets of a project over the store that counts them."""

    def __init__(self, store: Budgets, configured: Mapping[str, Budget]) -> None:
        self._store = store
        self.configured = configured

    def left(self, now: Millis) -> dict[str, int]:
        """The units that each budget has left now, as its pacing allows."""
        used = self._store.used
        return {name: max(0, allowed(b, now) - sum(used(name))) for name, b in self.configured.items()}

    def reserve(self, reserves: Sequence[Reserve], left: dict[str, int], taken: set[str], now: Millis) -> bool:
        """Take the units of each reservation. Where one is refused ``left`` says 0, so that the next draw is made
        without it: False. What was ``taken`` is held until the last draw, which may want it again.
        """
        for r in reserves:
            budget = self.configured.get(r.budget)
            limit = allowed(budget, now) if budget is not None else 0
            if not self._store.reserve(r.budget, r.units, limit, r.id, r.until):
                left[r.budget] = 0
                return False
            taken.add(r.id)
        return True

    def give_back(self, ids: set[str]) -> None:
        """Give back what was taken for draws that were not answered."""
        for id in sorted(ids):
            self._store.settle(id, spend=False)

    def expire(self, now: Millis) -> None:
        """Give back the reservations whose time is over."""
        self._store.expire(now)
