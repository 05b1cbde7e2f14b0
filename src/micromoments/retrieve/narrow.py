"""What narrows a search: category, brand, tags, price and stock; and what of an item that is asked of.

The same filter is a clause of tantivy's for what is committed, and a test in Python for the few items that wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
import tantivy

from micromoments.core.event import Millis

if TYPE_CHECKING:
    from micromoments.core.item import Item

Facet = Literal["category", "brand", "tags", "stock"]
FACETS: tuple[Facet, ...] = ("category", "brand", "tags", "stock")
"""What found items are counted by, beside their kind and price."""
FOREVER = (1 << 62) - 1
"""An instant after every validity."""
_Q = tantivy.Query
_MUST, _SHOULD = tantivy.Occur.Must, tantivy.Occur.Should
INTEGER = tantivy.FieldType.Integer
Clause = tuple[tantivy.Occur, tantivy.Query]


class Labels(NamedTuple):
    """What of an item is filtered and counted by. ``price`` is in minor units, -1 for none; ``until`` is exclusive."""

    category: str
    brand: str
    tags: tuple[str, ...]
    price: int
    stock: bool
    since: Millis
    until: Millis
    targeted: bool

    @property
    def bounded(self) -> bool:
        """Whether not everybody may see it always."""
        return self.targeted or self.since > 0 or self.until < FOREVER

    def of(self, facet: Facet) -> tuple[str, ...]:
        """Its values of one facet."""
        if facet == "stock":
            return ("true" if self.stock else "false",)
        if facet == "tags":
            return tuple(dict.fromkeys(tag for tag in self.tags if tag))
        value = self.category if facet == "category" else self.brand
        return (value,) if value else ()


def labels_of(item: Item) -> Labels:
    """The labels of an item."""
    return Labels(
        item.category,
        item.brand,
        item.tags,
        -1 if item.price is None else item.price.amount,
        item.stock is None or item.stock > 0,
        item.valid_from or 0,
        FOREVER if item.valid_until is None else item.valid_until,
        item.condition is not None or item.attributes.get("personalised") is True,
    )


class Narrow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A filter. Within a field any of its values will do; every field that is given must fit.

    ``price_from`` and ``price_to`` are whole minor units, both inclusive; an item without a price fits neither.
    ``at`` leaves out what isn't valid at an instant, and what is meant for some people only; 0 asks neither.
    """

    category: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    price_from: int | None = None
    price_to: int | None = None
    in_stock: bool = False
    at: Millis = 0

    def without(self, facet: Facet) -> Narrow:
        """The filter as it would be if nothing were chosen of one facet."""
        if facet == "stock":
            return msgspec.structs.replace(self, in_stock=False)
        return msgspec.structs.replace(self, **{facet: ()})

    def priceless(self) -> Narrow:
        """The filter as it would be if no price were asked for."""
        return msgspec.structs.replace(self, price_from=None, price_to=None)

    def chooses(self, facet: Facet) -> bool:
        """Whether something is chosen of a facet."""
        return self.in_stock if facet == "stock" else bool(getattr(self, facet))

    def fits(self, labels: Labels) -> bool:
        """Whether an item fits."""
        if self.at and (labels.targeted or not labels.since <= self.at < labels.until):
            return False
        if self.in_stock and not labels.stock:
            return False
        if (self.price_from is not None or self.price_to is not None) and not (
            max(0, self.price_from or 0) <= labels.price <= (FOREVER if self.price_to is None else self.price_to)
        ):
            return False
        return all(
            not (chosen := getattr(self, facet)) or any(value in chosen for value in labels.of(facet))
            for facet in ("category", "brand", "tags")
        )

    def clauses(self, schema: tantivy.Schema, *, bounded: bool) -> list[Clause]:
        """The filter as tantivy's clauses, none of which scores; ``bounded`` says whether any item's validity is."""
        fields = [(field, getattr(self, field)) for field in ("category", "brand", "tags")]
        # A few terms side by side: tantivy's set of terms walks the dictionary, and takes three times as long.
        found = [
            _Q.boolean_query([(_SHOULD, _Q.term_query(schema, field, value, "basic")) for value in chosen])
            for field, chosen in fields
            if chosen
        ]
        if self.price_from is not None or self.price_to is not None:
            found.append(_Q.range_query(schema, "price", INTEGER, max(0, self.price_from or 0), self.price_to))
        if self.in_stock:
            found.append(_Q.term_query(schema, "stock", True))
        if self.at and bounded:
            found.append(_Q.range_query(schema, "since", INTEGER, None, self.at))
            found.append(_Q.range_query(schema, "until", INTEGER, self.at, None, include_lower=False))
            found.append(_Q.term_query(schema, "targeted", False))
        return [(_MUST, _Q.const_score_query(each, 0.0)) for each in found]


EVERYTHING = Narrow()
