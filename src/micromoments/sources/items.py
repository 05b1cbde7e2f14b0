"""An item from its JSON, as the catalogue's doors and files take it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from micromoments.core.fence import shape_of
from micromoments.core.hours import open_at
from micromoments.core.item import Item
from micromoments.core.offer import offer_of

MAX_ID = 256
MAX_TITLE = 1000
_FIELDS = frozenset(f.encode_name for f in msgspec.structs.fields(Item))
_convert = msgspec.convert


class BadItem(Exception):
    """An item that can't be taken; ``code`` is stable."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def read(value: dict[str, Any]) -> Item:
    """An item from its JSON. Prices and places may be objects or pairs, instants RFC 3339 or milliseconds.

    Raises:
        BadItem: a field that isn't right, or that there isn't: a misspelt one would be lost in silence.
    """
    if unknown := sorted(set(value) - _FIELDS):
        names = ", ".join(repr(name[:40]) for name in unknown[:5])
        raise BadItem("unknown_field", f"got {names}; what is your own belongs into attributes")
    # Earlier prices are the engine's to keep; an item that it gave may come back whole.
    shaped = {name: each for name, each in value.items() if each is not None and name != "past"}
    shaped |= {name: _pair(shaped[name], parts) for name, parts in _PAIRS.items() if name in shaped}
    shaped |= {name: _instant(name, shaped[name]) for name in ("validFrom", "validUntil") if name in shaped}
    try:
        item = _convert(shaped, Item)
    except (msgspec.ValidationError, ValueError) as error:
        raise BadItem("invalid_item", str(error)[:200]) from None
    return checked(item)


def checked(item: Item) -> Item:
    """The item, if the catalogue can take it.

    Raises:
        BadItem: its id, title, price or hours can't be, nor its geofence or offer.
    """
    if not 0 < len(item.id) <= MAX_ID or not item.id.isprintable():
        raise BadItem("bad_id", f"got an id of {len(item.id)} characters; wanted 1 to {MAX_ID} printable ones")
    if not 0 < len(item.title) <= MAX_TITLE:
        raise BadItem("bad_title", f"got a title of {len(item.title)} characters; wanted 1 to {MAX_TITLE}")
    if item.price is not None and not (len(item.price.currency) == 3 and item.price.currency.isalpha()):
        raise BadItem("bad_price", "got a currency that is not ISO 4217; wanted a code such as EUR, amount in cents")
    if item.hours:
        _check_hours(item)
    if item.attributes:
        _check_attributes(item)
    return item


_PAIRS = {"price": ("amount", "currency"), "location": ("lat", "lon")}


def _pair(value: Any, parts: tuple[str, str]) -> Any:
    """``[8900, "EUR"]`` for an object of two parts; an object as it is, if it has these parts and no others."""
    if isinstance(value, list) and len(value) == len(parts):
        return dict(zip(parts, value, strict=True))
    if isinstance(value, dict) and set(value) != set(parts):
        raise BadItem("invalid_item", f"got fields {sorted(map(str, value))[:5]}; wanted {parts[0]} and {parts[1]}")
    return value


def _instant(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        wanted = "wanted RFC 3339 such as 2026-11-23T00:00:00Z"
        raise BadItem("invalid_item", f"got {name} {value[:40]!r}; {wanted}") from None
    if moment.tzinfo is None:
        raise BadItem("invalid_item", f"got {name} {value[:40]!r} without an offset; add Z or +01:00")
    return int(moment.timestamp() * 1000)


def _check_hours(item: Item) -> None:
    """Hours that can't be read would make a place look closed, or open, for ever."""
    try:
        open_at(item, item.timezone or "UTC", 0)
    except ValueError as error:
        raise BadItem("bad_hours", str(error)[:200]) from None


def _check_attributes(item: Item) -> None:
    """Of the business's own only what the engine acts on must be right."""
    for code, read_it in (("bad_geofence", shape_of), ("bad_offer", offer_of)):
        try:
            read_it(item)
        except ValueError as error:
            raise BadItem(code, str(error)[:200]) from None
