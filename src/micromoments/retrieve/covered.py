"""Items that a rule speaks of, kept by rule as items come and go, so that no decision looks through the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from micromoments.retrieve.popular import rank_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from micromoments.core.item import Item

MOST = 64
"""Rules that are kept; past it the one that came first is worked out anew when it is asked for again."""


class Covered:
    """By a rule's key: the items that its test holds for. The first question looks through all ``items`` once."""

    def __init__(self, items: Mapping[str, Item]) -> None:
        self._items = items
        self._tests: dict[str, Callable[[Item], bool]] = {}
        self._held: dict[str, set[str]] = {}
        self._order: dict[str, list[str]] = {}

    def first(self, key: str, test: Callable[[Item], bool], n: int) -> list[str]:
        """The ids of the ``n`` first that the test holds for, by priority, then the newest validity, then id. The same
        key has to come with the same test.
        """
        if key not in self._tests:
            if len(self._tests) >= MOST:
                self._forget(next(iter(self._tests)))
            self._tests[key] = test
            self._held[key] = {id for id, item in self._items.items() if test(item)}
        order = self._order.get(key)
        if order is None:
            items = self._items
            order = self._order[key] = sorted(self._held[key], key=lambda id: rank_of(items[id]))
        return order[:n]

    def put(self, item: Item) -> None:
        """An item came, or is another now."""
        for key, test in self._tests.items():
            held = self._held[key]
            if test(item):
                held.add(item.id)
            elif item.id in held:
                held.remove(item.id)
            else:
                continue
            self._order.pop(key, None)

    def drop(self, id: str) -> None:
        """An item went."""
        for key, held in self._held.items():
            if id in held:
                held.remove(id)
                self._order.pop(key, None)

    def _forget(self, key: str) -> None:
        del self._tests[key], self._held[key]
        self._order.pop(key, None)
