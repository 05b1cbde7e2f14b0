"""What a need names of a thing to buy (brand, category, price) as a soft preference among what was found.

What doesn't fit falls behind what does; nothing is left out, for people name a price and take what costs a little more,
and nothing rises, so that a category named in passing never puts a product before a place near by.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from micromoments.core.item import Item, Kind
from micromoments.core.money import beside

OTHER_BRAND: Final = 0.75
OTHER_CATEGORY: Final = 0.9
OFF_PRICE: Final = 0.6
"""What is left of the score of an item of another brand, of another category, or out of the price range."""
NEARLY: Final = 0.1
"""Share of the bound by which a price may pass it and lose half as much."""
WIDER: Final = 3
"""How many times as many are searched where a brand or price is named, as the best by words may all be others."""
OF_KINDS: Final[frozenset[Kind]] = frozenset({"product", "offer"})


class Wish(NamedTuple):
    """What was named: as the catalogue writes it, empty for nothing; prices in minor units, both inclusive, 0 for open.

    ``currency`` is empty where none was named: then they are hundredths, and any price is compared.
    """

    brand: str = ""
    category: str = ""
    price_from: int = 0
    price_to: int = 0
    currency: str = ""

    @property
    def narrows(self) -> bool:
        """Whether it names what words alone may not find."""
        return bool(self.brand or self.price_from or self.price_to)

    def left(self, item: Item) -> float:
        """What is left of an item's score, in (0, 1]: 1 if it fits, or if what was named isn't known of it."""
        if item.kind not in OF_KINDS:
            return 1.0
        left = 1.0
        if self.brand and item.brand and item.brand.casefold() != self.brand.casefold():
            left *= OTHER_BRAND
        if self.category and item.category and item.category.casefold() != self.category.casefold():
            left *= OTHER_CATEGORY
        if (self.price_from or self.price_to) and item.price is not None:
            left *= self._priced(item.price.amount, item.price.currency)
        return left

    def _priced(self, price: int, currency: str) -> float:
        amount = beside(price, currency, self.currency)
        if amount is None:
            return 1.0
        over = self.price_to and amount - self.price_to
        short = self.price_from - amount
        if over <= 0 and short <= 0:
            return 1.0
        near = over <= NEARLY * self.price_to and short <= NEARLY * self.price_from
        return (1.0 + OFF_PRICE) / 2 if near else OFF_PRICE


def wish(named: Mapping[str, str], price_from: int, price_to: int, currency: str) -> Wish | None:
    """The wish in a need, or ``None`` if it names nothing."""
    if not (named or price_from or price_to):
        return None
    return Wish(named.get("brand", ""), named.get("category", ""), price_from, price_to, currency)
