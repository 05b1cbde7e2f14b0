"""Units of budgets on behalf of decisions: taken before the answer, given back where the answer changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from math import ceil

from micromoments.core.effect import Reserve, Settle, Spend
from micromoments.core.event import TRUSTED, Millis
from micromoments.core.item import Item
from micromoments.core.offer import coded, units_of
from micromoments.core.record import EventRecord, Record
from micromoments.core.settings import DAY, Budget
from micromoments.core.when import gone, within
from micromoments.ports import Budgets

KNOWN_FOR: Millis = 30 * DAY
"""How long a budget knows by its id what was spent of it."""
log = logging.getLogger(__name__)


def allowed(budget: Budget, now: Millis) -> int:
    """The units that may have been used by now: none before it starts or after it ends; paced evenly, the share of its
    time that has gone by, rounded up so that it starts with one.
    """
    if not within(budget.starts, budget.ends, now):
        return 0
    if budget.pacing == "fast":
        return budget.units
    return min(budget.units, ceil(budget.units * gone(budget.starts, budget.ends, now)) or 1)


def spending(effect: Settle | Spend, record: Record, get: Callable[[str], Item | None]) -> Settle | Spend:
    """An effect on budgets as it is to be performed: a goal that the business's own server tells of redeems its item
    even after the hold; ``get`` says of which budget.
    """
    if isinstance(effect, Spend) or not (effect.spend and effect.item):
        return effect
    item = get(effect.item)
    trusted = isinstance(record, EventRecord) and record.marks & TRUSTED
    # A campaign without a budget spends nothing: ``settled`` knows which there are.
    budget = item.budget or item.campaign if item is not None else ""
    if item is None or not budget or coded(item.attributes) or not trusted:
        return effect
    # One decision's offer is redeemed once, however many goals it reaches.
    return Spend(
        id=f"{effect.reservation}:goal", budget=budget, units=units_of(item), held=effect.reservation, at=record.at
    )


def settled(store: Budgets, configured: Mapping[str, Budget], effect: Settle | Spend, now: Millis) -> bool:
    """End a reservation, or spend units of a budget; twice is once. Units that aren't held any more are taken anew, and
    False where the budget has no more: it is never passed, and somebody gave what it can't pay for.

    A history that is brought in spends nothing: what was given before a budget began, or longer ago than its ids are
    known. Units that one redemption takes anew may be those of later days: pacing is for what is served.
    """
    if isinstance(effect, Settle):
        store.settle(effect.reservation, effect.spend)
        return True
    budget = configured.get(effect.budget)
    if budget is None or effect.at + KNOWN_FOR <= now or not within(budget.starts, "", effect.at):
        return True
    until = effect.at + KNOWN_FOR
    if not store.reserve(effect.budget, effect.units, budget.units, effect.id, until, effect.held):
        log.warning(
            "an offer was redeemed that nothing was held for, and budget %r has no %d units left: nothing spent (%s); "
            "hold units for as long as the offer is good, or ask for a decision with it before it is granted",
            effect.budget,
            effect.units,
            effect.id,
        )
        return False
    store.settle(effect.id, spend=True)
    return True


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
