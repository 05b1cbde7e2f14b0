"""Fair prices: what of a price may be personal, what has to be said beside it, and what an answer may claim.

A base price is the same for everyone; only an offer may be personal, and then the answer says so, why, and in a text to
be shown beside the price (Directive 2011/83/EU, article 6(1)(ea)). A reduction shows the lowest price of the 30 days
before it (Directive 98/6/EC, article 6a). Scarcity and countdowns come from stock and validity alone.
"""

from __future__ import annotations

from typing import Any

from micromoments.core.event import Millis
from micromoments.core.fairness import names, protected_in
from micromoments.core.item import Item, Past
from micromoments.core.settings import DAY

LOOK_BACK: Millis = 30 * DAY
MAX_PAST = 16
"""Earlier prices kept of an item: the lowest of the oldest ones are joined past that."""
FEW = 5
"""So few pieces left are said."""
OF_EVERYONE = frozenset(
    {"item", "now", "moment", "query", "device", "lat", "lon", "timezone", "location", "channel", "zone"}
)
"""What a condition may name without being about the person."""
_CLAIMED = """
only_left stock_left left countdown ends_in ends_at hurry scarcity urgency last_chance selling_fast viewers
people_viewing was was_price list_price original_price compare_at compare_at_price regular_price
lowest_price_30_days reduced
"""
CLAIMS = frozenset(_CLAIMED.split())
"""Attributes that would claim scarcity, a countdown or a former price: an answer never passes them on."""
PERSONAL_TEXT = "This is a personal offer: it was chosen for you by automated decision-making."


def of_person(condition: object) -> tuple[str, ...]:
    """The traits of the person that a condition names."""
    return tuple(dict.fromkeys(p for p in names(condition) if p.partition(".")[0] not in OF_EVERYONE and p != "id"))


def personal(item: Item) -> bool:
    """Whether an item is a personal offer: it says so, or its condition asks of the person."""
    if item.attributes.get("personalised") is True:
        return True
    return item.kind == "offer" and item.condition is not None and bool(of_person(item.condition))


def public(item: Item, now: Millis) -> bool:
    """Whether everybody may see an item now: it is valid, has no condition, and isn't a personal offer."""
    valid = (item.valid_from or 0) <= now and (item.valid_until is None or now < item.valid_until)
    return valid and item.condition is None and not personal(item)


def unfair(item: Item) -> tuple[str, str] | None:
    """Why an item may not be served to anyone, as code and words; ``None`` where nothing is against it."""
    if item.kind != "offer":
        if item.attributes.get("personalised") is True and item.price is not None:
            return "personal_price", f"got a personal price of a {item.kind}; base prices are the same for everyone"
        return None
    found = protected_in(item.condition) if item.condition is not None else ""
    if found and not item.attributes.get("lawful_basis"):
        return "protected_trait", f"got a condition on {found}; no offer goes by it without a lawful_basis"
    return None


def remember(item: Item, before: Item | None, now: Millis) -> Item:
    """The item with the prices that it had in the last 30 days, for its next reduction."""
    from msgspec.structs import replace

    past = () if before is None else tuple(p for p in before.past if p.until > now - LOOK_BACK)
    if before is not None and before.price is not None and before.price != item.price:
        past = (*past, Past(now, before.price.amount, before.price.currency))
    while len(past) > MAX_PAST:
        a, b, *rest = past
        past = (Past(b.until, min(a.amount, b.amount), b.currency), *rest)
    return item if past == item.past else replace(item, past=past)


def lowest(item: Item) -> int | None:
    """The lowest price of the 30 days before the present one began, where the present one is below the one before it;
    ``None`` where nothing was reduced. Minor units of the item's currency.
    """
    if item.price is None:
        return None
    earlier = [p for p in item.past if p.currency == item.price.currency]
    if not earlier or item.price.amount >= earlier[-1].amount:
        return None
    since = earlier[-1].until - LOOK_BACK
    return min(p.amount for p in earlier if p.until > since)


def shown(item: Item, now: Millis) -> dict[str, Any]:
    """What an answer says of an item beside its own attributes: real scarcity, real endings, reductions, sponsors and
    why an offer is personal.
    """
    said: dict[str, Any] = {}
    if item.stock is not None and 0 < item.stock <= FEW:
        said["stock_left"] = item.stock
    if item.valid_until is not None and item.valid_until > now:
        said["ends_at"] = item.valid_until
    before = lowest(item)
    if before is not None and item.price is not None:
        said["lowest_price_30_days"] = {"amount": before, "currency": item.price.currency}
    if personal(item):
        of = ", ".join(of_person(item.condition))
        said["personalised"] = True
        said["personal_reason"] = item.attributes.get("personal_reason") or (
            f"your {of}" if of else "what you did here"
        )
        said["personal_text"] = item.attributes.get("personal_text") or PERSONAL_TEXT
    if item.attributes.get("sponsored"):
        said["label"] = str(item.attributes.get("label") or "Sponsored")
    return said


def passed_on(item: Item) -> dict[str, Any]:
    """The item's own attributes without those that would claim what only the engine knows."""
    attributes = item.attributes
    if CLAIMS.isdisjoint(attributes):
        return attributes
    return {name: value for name, value in attributes.items() if name not in CLAIMS}
