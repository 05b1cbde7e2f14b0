"""Feeds: a business's items as it publishes them anyway. A feed states all of its items: what it doesn't hold is gone.

``rows`` reads one file in one of the formats of ``FEEDS`` and gives an ``Item`` or a ``Bad`` for each entry.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from micromoments.core.event import Millis
from micromoments.core.item import Item, Money
from micromoments.core.money import meant, minor
from micromoments.sources.items import BadItem, checked
from micromoments.sources.opened import Bad, closed, split

FEEDS: Mapping[str, str] = {
    "items": "feed_items",
    "google-merchant": "feed_google",
    "schema-org": "feed_schema",
    "shopify-products": "feed_shopify",
    "osm": "feed_osm",
}
"""The formats, and the file that reads each."""
MAX_TEXT = 20_000
"""Characters of a text that are kept; more isn't searched anyway."""
MAX_TITLE = 1_000
_pack = msgspec.msgpack.Encoder().encode
"""Whether an item can be kept: no store holds a whole number of more than 64 bits."""
BROKEN = "broken_part"
"""The code of a part of a feed that can't be read: what stands in it isn't known, so nothing is taken for gone."""
_WITHIN = frozenset(
    {"a", "abbr", "b", "code", "em", "font", "i", "mark", "s", "small", "span", "strong", "sub", "sup", "u"}
)
"""Tags within a word or a line."""
NOT_NOW = frozenset({"outofstock", "soldout", "discontinued", "unavailable", "notavailable", "preorder", "backorder"})
"""What feeds call what can't be had now, in small letters without anything between them."""
_NAMES = (
    "$ USD, € EUR, £ GBP, ¥ JPY, ₹ INR, ₩ KRW, ₺ TRY, ₴ UAH, ₪ ILS, zł PLN, Kč CZK, Fr. CHF, "
    "US$ USD, R$ BRL, A$ AUD, C$ CAD, HK$ HKD"
)
_SIGNS: dict[str, str] = {sign: code for sign, _, code in (pair.partition(" ") for pair in _NAMES.split(", "))}
"""Signs and whose they mostly are, of several currencies the best known; ``kr`` says nothing alone."""
_SIGN = r"[A-Za-z]{0,2}\$|[€£¥₹₩₺₴₪]|zł|Kč|Fr\."
_PRICE = re.compile(rf"^\s*(?:([A-Za-z]{{3}}|{_SIGN})\s*)?([\d.,'’\s]+?)\s*([A-Za-z]{{3}}|{_SIGN})?\s*$")


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How a feed is read.

    ``now`` tells sales that run; ``currency`` is of prices that name none, ``timezone`` of places' hours. ``watch`` is
    told how many bytes of the file were read.
    """

    now: Millis
    currency: str = ""
    timezone: str = ""
    watch: Callable[[int], None] | None = None


class FeedError(ValueError):
    """A file that isn't the feed it was said to be: what was got, what was wanted."""


def rows(format: str, path: Path, reading: Reading) -> Iterator[Item | Bad]:
    """The entries of a feed, one at a time.

    Raises:
        FeedError: the file isn't such a feed; what came before is no whole feed.
        OSError: it can't be read.
    """
    module = import_module(f"micromoments.sources.{FEEDS[format]}")
    read: Callable[[Path, Reading], Iterator[Item | Bad]] = module.rows
    return read(path, reading)


def made(line: int, row: Any, make: Callable[[], Item | None]) -> Iterator[Item | Bad]:
    """What an entry makes: an item, nothing where it makes none, or a ``Bad`` with the reason."""
    try:
        item = make()
        if item is not None:
            _pack(checked(item))
            yield item
    except OverflowError:
        yield Bad(line, "number_out_of_range", "got an integer beyond 64 bits; wanted it as text", row)
    except BadItem as bad:
        yield Bad(line, bad.code, bad.detail, row)
    except (ValueError, TypeError, msgspec.ValidationError) as error:
        yield Bad(line, "invalid_item", str(error)[:200], row)


def money(text: object, currency: str = "") -> Money | None:
    """A price as feeds write it: ``15.00 USD``, ``USD 15``, ``1.234,50 EUR``, ``€ 4.50``, or an amount with its
    currency beside it. A sign of several currencies is the one beside it, where that is among them.

    Raises:
        BadItem: an amount that can't be read, or without a currency.
    """
    if text is None or text == "":
        return None
    found = _PRICE.match(str(text))
    if found is None:
        raise BadItem("bad_price", f"got {str(text)[:40]!r}; wanted an amount and a currency, such as 15.00 USD")
    told = found.group(1) or found.group(3) or currency
    code = meant(_SIGNS[told], currency.upper()) if told in _SIGNS else told.upper()
    if not code:
        raise BadItem("no_currency", f"got {str(text)[:40]!r} without a currency; say it with --currency")
    amount = minor(_plain(found.group(2)), code)
    if amount is None or amount < 0:
        raise BadItem("bad_price", f"got {str(text)[:40]!r}; wanted an amount and a currency, such as 15.00 USD")
    return Money(amount, code)


def least(prices: Iterable[Money], currency: str = "") -> Money | None:
    """The lowest of several prices of one thing: of those in the feed's own currency, else in that of the first, as
    amounts of two currencies can't be compared.
    """
    found = list(prices)
    told = {price.currency for price in found}
    own = currency.upper() if currency.upper() in told else found[0].currency if found else ""
    return min((price for price in found if price.currency == own), key=lambda price: price.amount, default=None)


def _plain(amount: str) -> str:
    """An amount with a point for its fraction and nothing else: the last mark is the fraction's, if at most two digits
    follow it, or if it stands alone as a point.
    """
    amount = re.sub(r"[\s'’]", "", amount)
    last = max(amount.rfind("."), amount.rfind(","))
    if last < 0:
        return amount
    whole, fraction = re.sub(r"[.,]", "", amount[:last]), amount[last + 1 :]
    alone = amount.count(".") + amount.count(",") == 1
    if len(fraction) <= 2 or (alone and amount[last] == "."):
        return f"{whole}.{fraction}"
    return whole + fraction


def plain(text: object) -> str:
    """A text without markup, its white space made single."""
    if text is None:
        return ""
    words = str(text)
    if "<" in words or "&" in words:
        parser = _Text()
        parser.feed(words)
        parser.close()
        words = "".join(parser.parts)
    return " ".join(words.split())[:MAX_TEXT]


class _Text(HTMLParser):
    """What of HTML is read."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """Scripts and styles say nothing; tags other than those of a line part words."""
        self._silent += tag in ("script", "style")
        self.parts += () if tag in _WITHIN else (" ",)

    def handle_endtag(self, tag: str) -> None:
        """The end of what says nothing."""
        self._silent = max(0, self._silent - (tag in ("script", "style")))
        self.parts += () if tag in _WITHIN else (" ",)

    def handle_data(self, data: str) -> None:
        """Text."""
        if not self._silent:
            self.parts.append(data)


def title(text: object) -> str:
    """A title without markup, of a length that is taken."""
    return plain(text)[:MAX_TITLE]


def kept(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes without those that say nothing."""
    return {name: value for name, value in attributes.items() if value not in (None, "", [], {}, ())}


def cells(text: Iterable[str], width: int, delimiter: str, name: str) -> Iterator[list[str]]:
    """The rows of CSV below its header of so many cells.

    Raises:
        FeedError: a cell without an end; or the file stops in the middle of its last row: it is being written, or was
            cut off.
    """
    try:
        yield from _cells(text, width, delimiter, name)
    except csv.Error as error:
        raise FeedError(f"got {name}, which can't be read as CSV ({error}); wanted the whole feed") from None


def headed(first: str, delimiter: str, name: str) -> list[str]:
    """The names in the first line of CSV.

    Raises:
        FeedError: it is none.
    """
    try:
        return next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error as error:
        raise FeedError(f"got {name}, whose first line can't be read as CSV ({error}); wanted a feed") from None


def _cells(text: Iterable[str], width: int, delimiter: str, name: str) -> Iterator[list[str]]:
    record, short, quoted = list[str](), False, False
    fresh = list[str]()

    def lines() -> Iterator[str]:
        for line in text:
            fresh.append(line)
            yield line

    for _, row in split(lines(), width, delimiter):
        if isinstance(row, csv.Error):
            raise row
        if fresh:  # rows that were taken for one come from the same lines
            quoted = quoted or _quoted(record, delimiter)
            record = fresh.copy()
            fresh.clear()
        if len(row) < width:
            if not (short or record[-1].endswith(("\n", "\r"))):
                raise FeedError(f"got {name}, which stops after {len(row)} of {width} cells; wanted the whole feed")
            short = True  # whoever leaves out empty cells at the end does so in other rows too
        yield row
    if not closed(record, delimiter) and (quoted or not closed(record[-1:], delimiter, width)):
        raise FeedError(f"got {name}, which stops within a quoted cell; wanted the whole feed")


def _quoted(record: list[str], delimiter: str) -> bool:
    """Whether lines have a cell that is quoted by the book."""
    return any('"' in line for line in record) and closed(record, delimiter)
