"""Offers by what they are on (``core.offer`` reads them), and why one is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from micromoments.core.money import DIGITS
from micromoments.core.offer import Offer, Redemption, offer_of, units_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from micromoments.core.event import Event
    from micromoments.core.item import Item

K = TypeVar("K")
STRENGTH: dict[str, float] = {"items": 0.6, "categories": 0.45, "brands": 0.45, "": 0.25}
"""How likely an offer is right that is on what is wanted: by name, by its category or brand, on everything."""
REDEEMED = "Offer Redeemed"
"""The event that says it outright."""
IDS, CODES = ("offer_id", "offerId"), ("coupon", "coupons")
NAMING = frozenset((*IDS, *CODES, "products"))
"""Properties without which no offer is named; ``Offer Redeemed`` may have its item's id instead."""
MAX_PARTS = 50
"""Products of an order, and codes of one field, that are read."""
FOUND = 8
"""Offers that may be found for one request."""


def said(offer: Offer, title: str) -> str:
    """An offer in a person's words; ``title`` is what it is on, empty for everything."""
    on = f" on {title}" if title else ""
    match offer.gives:
        case "price_off":
            off = f"{offer.percent:g} % off" if offer.percent else f"{money(offer.amount, offer.currency)} off"
            text = f"{off} {title}".rstrip()
        case "points":
            text = f"{offer.times:g} times the points{on}"
        case "bundle":
            for_ = f"{offer.percent:g} % less" if offer.percent else money(offer.amount, offer.currency)
            text = f"{title} together for {for_}" if offer.amount else f"{title} together, {for_}"
        case _:
            text = f"free delivery{on}"
    if offer.least:
        text = f"{text} from {money(offer.least, offer.currency)}"
    return f"{text} with code {offer.code}" if offer.code else text


def money(amount: int, currency: str) -> str:
    """Minor units as people write them: ``5.00 EUR``."""
    digits = DIGITS.get(currency, 2)
    return f"{amount / 10**digits:.{digits}f} {currency}"


class Offers:
    """The offers of a catalogue by what they are on."""

    def __init__(self) -> None:
        self._offers: dict[str, Offer] = {}
        self._on: dict[tuple[str, str], set[str]] = {}
        self._codes: dict[str, set[str]] = {}
        self._takes: dict[str, Redemption] = {}
        self.rationed: set[str] = set()
        """Offers that one person may be served only so often."""

    def put(self, item: Item) -> None:
        """Take an offer as it is now."""
        if item.kind != "offer" and item.id not in self._offers:
            return
        self.drop(item.id)
        offer = offer_of(item)
        if offer is not None:
            self._offers[item.id] = offer
            if offer.most:
                self.rationed.add(item.id)
            if offer.code:
                self._codes.setdefault(offer.code.casefold(), set()).add(item.id)
            self._takes[item.id] = Redemption(item.id, item.budget or item.campaign, units_of(item), bool(offer.code))
            for key in _keys(offer):
                self._on.setdefault(key, set()).add(item.id)

    def drop(self, id: str) -> None:
        """Forget an offer, if it is one."""
        offer = self._offers.pop(id, None)
        if offer is None:
            return
        self.rationed.discard(id)
        del self._takes[id]
        if offer.code:
            _discard(self._codes, offer.code.casefold(), id)
        for key in _keys(offer):
            _discard(self._on, key, id)

    def redeemed(self, event: Event) -> tuple[Redemption, ...]:
        """The offers that an event names by id or by code, at most ``FOUND``, in the order of their ids."""
        if not self._takes or (NAMING.isdisjoint(event.properties) and event.event != REDEEMED):
            return ()
        ids, codes = _named(event.event or "", event.properties)
        found = {id for id in ids if id in self._takes}.union(*(self._codes.get(code, ()) for code in codes))
        return tuple(self._takes[id] for id in sorted(found)[:FOUND])

    def __len__(self) -> int:
        return len(self._offers)

    def on(
        self, wanted: Iterable[Item], category: str, get: Callable[[str], Item | None]
    ) -> Iterator[tuple[str, float, str, str]]:
        """Offers on these items, on the category, or on everything, as (id, strength, what it gives, the item that it
        was found by or empty); each once, at most ``FOUND``, the closest first.
        """
        seen: set[str] = set()
        for how, name, title, by in _asked(wanted, category):
            for id in sorted(self._on.get((how, name), ())):
                if id in seen:
                    continue
                seen.add(id)
                offer = self._offers[id]
                yield id, STRENGTH[how], said(offer, _title(offer, title, get)), by
                if len(seen) == FOUND:
                    return


def _title(offer: Offer, title: str, get: Callable[[str], Item | None]) -> str:
    """What an offer is on, in words: a bundle's items by their titles."""
    if offer.gives != "bundle":
        return title
    named = [item.title for id in offer.items if (item := get(id)) is not None]
    return " and ".join(named[:3]) if named else title


def _asked(wanted: Iterable[Item], category: str) -> Iterator[tuple[str, str, str, str]]:
    """(how, name, what to call it, the item it is about) of what offers may be on, the closest first."""
    items = list(wanted)
    for item in items:
        yield "items", item.id, item.title, item.id
    for item in items:
        if item.category:
            yield "categories", item.category, item.category, item.id
        if item.brand:
            yield "brands", item.brand, item.brand, item.id
    if category:
        yield "categories", category, category, ""
    yield "", "", "", ""


def _keys(offer: Offer) -> list[tuple[str, str]]:
    named = (("items", offer.items), ("categories", offer.categories), ("brands", offer.brands))
    return [(how, name) for how, names in named for name in names] or [("", "")]


def _discard(sets: dict[K, set[str]], key: K, id: str) -> None:
    """Take an id out of the set under a key, and let an empty set go."""
    sets[key].discard(id)
    if not sets[key]:
        del sets[key]


def _named(event: str, properties: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """The ids and the codes of offers that an event names: its own and its products'."""
    keys = (*IDS, "item_id") if event == REDEEMED else IDS
    parts = [properties]
    if isinstance(listed := properties.get("products"), list):
        parts += [one for one in listed[:MAX_PARTS] if isinstance(one, dict) and not NAMING.isdisjoint(one)]
    ids = {text for part in parts for key in keys for text in _texts(part.get(key))}
    return ids, {text.casefold() for part in parts for key in CODES for text in _texts(part.get(key))}


def _texts(value: Any) -> list[str]:
    told = value[:MAX_PARTS] if isinstance(value, list) else [value]
    return [text for one in told if isinstance(one, str) and (text := one.strip())]
