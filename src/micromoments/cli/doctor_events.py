"""The doctor's checks of what events say: their names, their fields, clicks, duplicates, money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from micromoments.cli.finding import Finding, error, note, ok, warning
from micromoments.core.event import Arrival
from micromoments.engine.intake import message_hash
from micromoments.recognise.behaviour import ACTS, act_of
from micromoments.sources.files import Read
from micromoments.sources.opened import Bad

MANY = 1_000_000
"""Hashes and ids that a check remembers; past it, it says that it looked at part of the file."""
_CLICKS = {"Decision Clicked": "decision_id", "Promotion Clicked": "promotion_id", "Product Clicked": "product_id"}
_SHOWN = {
    "Decision Seen": "decision_id",
    "Promotion Viewed": "promotion_id",
    "Product List Viewed": "product_id",
    "Product Viewed": "product_id",
}
_NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "Product Viewed": (("product_id", "sku"),),
    "Product Clicked": (("product_id", "sku"),),
    "Product Added": (("product_id", "sku"),),
    "Products Searched": (("query",),),
    "Order Completed": (("revenue", "total", "value"), ("product_id", "products", "order_id")),
    "Promotion Viewed": (("promotion_id", "name"),),
    "Decision Seen": (("decision_id",),),
    "Decision Clicked": (("decision_id",), ("item_id",)),
}
"""What a standard event is of little use without: one of each group. Source: Segment, "Spec: V2 E-commerce"."""


class Names:
    """Event names say something: standard ones, or such as their words tell."""

    name = "event names"

    def __init__(self) -> None:
        self._names: Counter[str] = Counter()

    def see(self, row: Read | Bad) -> None:
        """Count its name."""
        if isinstance(row, Read) and row.arrival.event.type == "track":
            name = row.arrival.event.event or ""
            if name in self._names or len(self._names) < 10_000:
                self._names[name] += 1

    def findings(self) -> Iterable[Finding]:
        """A finding for each of the commonest names that say nothing."""
        quiet = [(name, count) for name, count in self._names.most_common() if act_of(name) is None and not _ours(name)]
        for name, count in quiet[:10]:
            near = get_close_matches(name.lower(), list(ACTS), n=1, cutoff=0.6)
            todo = (
                f"did you mean {near[0].title()!r}?" if near else "a standard name, if it is one: see Segment's specs"
            )
            yield warning(
                self.name,
                f"{count:,} of {name[:60]!r}, which says nothing about a moment",
                "standard names",
                f"--rename; {todo}",
            )
        if len(quiet) > 10:
            yield note(self.name, f"{len(quiet) - 10} more names say nothing")
        if not quiet and self._names:
            yield ok(self.name, ", ".join(f"{name} {count:,}" for name, count in self._names.most_common(6)))


class Fields:
    """Standard events have what they are of little use without."""

    name = "fields"

    def __init__(self) -> None:
        self._totals: Counter[str] = Counter()
        self._missing: Counter[tuple[str, tuple[str, ...]]] = Counter()

    def see(self, row: Read | Bad) -> None:
        """Look for the properties that its name needs."""
        if isinstance(row, Bad) or (needed := _NEEDED.get(row.arrival.event.event or "")) is None:
            return
        name, properties = row.arrival.event.event or "", row.arrival.event.properties
        self._totals[name] += 1
        for group in needed:
            if all(properties.get(field) in (None, "") for field in group):
                self._missing[name, group] += 1

    def findings(self) -> Iterable[Finding]:
        """A finding for each property that is often missing."""
        for (name, group), count in sorted(self._missing.items()):
            share = count / self._totals[name]
            got = f"{count:,} of {self._totals[name]:,} {name} ({share:.0%}) without {' or '.join(group)}"
            todo = f"map properties.{group[0]}"
            yield warning(self.name, got, "it on every one", todo) if share > 0.05 else note(self.name, got, todo)
        if self._totals and not self._missing:
            yield ok(self.name, f"{', '.join(sorted(self._totals))} have what they need")


class Clicks:
    """What was clicked had been shown to that person before."""

    name = "clicks"

    def __init__(self) -> None:
        self._shown: set[tuple[str, str]] = set()
        self._clicks = self._without = self._line = 0

    def see(self, row: Read | Bad) -> None:
        """Remember what was shown; look it up for a click."""
        if isinstance(row, Bad):
            return
        event = row.arrival.event
        name, who = event.event or "", event.anonymous_id or event.user_id or ""
        if name in _CLICKS and (value := event.properties.get(_CLICKS[name])):
            self._clicks += 1
            if (who, str(value)) not in self._shown and len(self._shown) < MANY:
                self._without += 1
                self._line = self._line or row.line
        elif name in _SHOWN and len(self._shown) < MANY:
            self._shown.update((who, str(value)) for value in _values(event.properties, _SHOWN[name]))

    def findings(self) -> Iterable[Finding]:
        """How many clicks nothing was shown before."""
        if self._without:
            got = (
                f"{self._without:,} of {self._clicks:,} clicks on what was not shown to them before (line {self._line})"
            )
            wanted = "an event of what was shown before each click"
            yield warning(
                self.name,
                got,
                wanted,
                "import what was shown too: without it nothing can be learned from what was not clicked",
            )
        elif self._clicks:
            yield ok(self.name, f"{self._clicks:,}, each after it was shown")


class Duplicates:
    """Nothing is told twice: by message id, and by person, name, time and properties."""

    name = "duplicates"

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._told: set[int] = set()
        self._same_id = self._same = self._line = 0

    def see(self, row: Read | Bad) -> None:
        """Look it up, and remember it."""
        if isinstance(row, Bad) or len(self._told) >= MANY:
            return
        mid = message_hash(row.arrival.message_id)
        if mid in self._ids:
            self._same_id += 1
            return
        told = _told(row.arrival)
        if told in self._told:
            self._same += 1
            self._line = self._line or row.line
        self._ids.add(mid)
        self._told.add(told)

    def findings(self) -> Iterable[Finding]:
        """How many of each kind."""
        if self._same_id:
            yield note(self.name, f"{self._same_id:,} rows repeat a messageId", "nothing: import takes each once")
        if self._same:
            got = f"{self._same:,} rows tell the same of one person at one time under another id (line {self._line})"
            yield warning(
                self.name, got, "each event once", "map a messageId that says what is the same event, or remove them"
            )
        if not self._same and not self._same_id:
            yield ok(self.name, "none" if len(self._told) < MANY else f"none in the first {MANY:,} rows")


class Money:
    """Amounts are numbers, not negative, with a currency."""

    name = "money"

    def __init__(self) -> None:
        self._orders = self._unreadable = self._negative = self._without = 0

    def see(self, row: Read | Bad) -> None:
        """Look at an order's worth."""
        if isinstance(row, Bad) or row.arrival.event.event != "Order Completed":
            return
        properties = row.arrival.event.properties
        worth = next((properties[k] for k in ("revenue", "total", "value") if k in properties), None)
        if worth is None:
            return
        self._orders += 1
        currency = properties.get("currency")
        self._without += not (isinstance(currency, str) and len(currency) == 3)
        try:
            self._negative += float(worth) < 0
        except (TypeError, ValueError):
            self._unreadable += 1

    def findings(self) -> Iterable[Finding]:
        """What is wrong with amounts."""
        if self._unreadable:
            got = f"{self._unreadable:,} of {self._orders:,} orders with a worth that is no number"
            yield error(self.name, got, "a number in major units", 'add as = "number" to its field, or mend the file')
        if self._negative:
            got = f"{self._negative:,} of {self._orders:,} orders with a negative worth"
            yield warning(self.name, got, "0 or more", "send refunds as Order Refunded")
        if self._without:
            got = f"{self._without:,} of {self._orders:,} orders without a currency"
            yield note(self.name, got, "they count in the project's own: map properties.currency if it is another")
        if self._orders and not (self._unreadable or self._negative):
            yield ok(self.name, f"{self._orders:,} orders with a worth")


def _told(arrival: Arrival) -> int:
    event = arrival.event
    who = event.anonymous_id or event.user_id
    return hash((who, event.label, arrival.occurred, repr(sorted(event.properties.items(), key=str))))


def _values(properties: dict[str, Any], field: str) -> list[Any]:
    listed = properties.get("products")
    found = [p.get(field) for p in listed if isinstance(p, dict)] if isinstance(listed, list) else []
    return [value for value in (properties.get(field), *found) if value]


def _ours(name: str) -> bool:
    return name.startswith(("Decision ", "Moment ", "Consent "))
