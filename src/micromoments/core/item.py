"""An item: something that can be served."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from micromoments.core.event import Millis
from micromoments.core.geo import Point

Kind = Literal["article", "guide", "place", "product", "offer"]
KINDS: tuple[Kind, ...] = ("article", "guide", "place", "product", "offer")


class Money(msgspec.Struct, frozen=True, gc=False):
    """An amount in whole minor units (cents, pence, yen) of an ISO 4217 currency."""

    amount: int
    currency: str


class Past(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A price that an item had until an instant."""

    until: Millis
    amount: int
    currency: str


class Item(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that can be served: an article, a guide, a place, a product or an offer.

    ``hours`` is an OpenStreetMap ``opening_hours`` expression, read in ``timezone`` (an IANA name); empty means always.
    ``stock`` is pieces left, ``None`` where it doesn't run out. ``valid_from`` and ``valid_until`` bound when it may be
    served. ``budget`` names the budget that serving it draws on, else its ``campaign`` does. ``attributes`` is the
    business's own, any JSON; ``steps`` (guides), ``materials`` (item ids) and the like live there. ``value`` is what
    one success is worth to the business, in minor units, for ranking. ``past`` are the prices of the last days; the
    engine keeps them.
    """

    id: str
    kind: Kind
    title: str
    text: str = ""
    category: str = ""
    brand: str = ""
    tags: tuple[str, ...] = ()
    url: str = ""
    image: str = ""
    price: Money | None = None
    location: Point | None = None
    hours: str = ""
    timezone: str = ""
    stock: int | None = None
    valid_from: Millis | None = None
    valid_until: Millis | None = None
    budget: str = ""
    campaign: str = ""
    value: int = 0
    priority: int = 0
    condition: dict[str, Any] | None = None
    attributes: dict[str, Any] = {}
    past: tuple[Past, ...] = ()


_write, _read = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Item).decode
_WIDE = 2**63


def unkept(item: Item) -> str:
    """Why no store can keep an item as it is, in words; empty where one can. A program may put into it what its types
    and JSON don't have.
    """
    price = item.price.amount if item.price is not None else 0
    try:
        _read(_write(item))
        wide = [n for n in (price, item.value, item.priority, item.stock or 0) if not -_WIDE <= n < _WIDE]
        wide += [n for n in (item.valid_from or 0, item.valid_until or 0) if not -_WIDE <= n < _WIDE]
    except (msgspec.MsgspecError, OverflowError, TypeError, ValueError) as error:
        return f"got what can't be kept ({error}); wanted plain values, and whole numbers of 64 bits"
    return f"got {wide[0]}; wanted whole numbers of 64 bits" if wide else ""


class Facet(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What ``step`` needs to know of an item that an event names, captured on the record as of arrival."""

    id: str
    kind: Kind
    title: str
    category: str
    brand: str


class Nearby(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The closest place to a reported position, captured on the record as of arrival; ``distance`` in metres.

    ``bearing`` is the direction in which it lies, whole degrees from north, -1 where unknown.
    """

    id: str
    title: str
    distance: int
    open: bool
    bearing: int = -1
