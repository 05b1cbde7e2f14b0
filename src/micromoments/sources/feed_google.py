"""Google Merchant Center's product feeds: RSS 2.0 or Atom with the ``g:`` fields, or tab-separated text.

Source: https://support.google.com/merchants/answer/7052112 (product data specification).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree as ET

from micromoments.core.item import Item
from micromoments.sources.feed import NOT_NOW, FeedError, Reading, cells, headed, kept, made, money, plain, title
from micromoments.sources.items import BadItem
from micromoments.sources.opened import Bad, open_bytes, text_of

_MANY = frozenset({"additional_image_link", "product_type", "product_highlight", "promotion_id"})
_DETAILS = (
    "gtin", "mpn", "color", "size", "material", "pattern", "gender", "age_group", "condition", "item_group_id",
    "shipping_weight", "custom_label_0", "custom_label_1", "custom_label_2", "custom_label_3", "custom_label_4",
)  # fmt: skip
Row = dict[str, list[str]]


def rows(path: Path, reading: Reading) -> Iterator[Item | Bad]:
    """The products of a feed."""
    with open_bytes(path, reading.watch) as file:
        head = file.read(512)
        file.seek(0)
        read = _xml if head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<" else _text
        for line, row in enumerate(read(file, path.name), 1):
            yield from made(line, row, lambda row=row: _item(row, reading))  # type: ignore[misc]


def _xml(file: BinaryIO, name: str) -> Iterator[Row]:
    """Entries of RSS or Atom, one at a time; what was read is let go."""
    root: ET.Element | None = None
    found = False
    try:
        for event, element in ET.iterparse(file, events=("start", "end")):  # noqa: S314 expat bounds its entities
            if root is None:
                root = element
            if event == "end" and _local(element.tag) in ("item", "entry"):
                found = True
                row: Row = {}
                for child in element:
                    text = child.get("href") or child.text or ""
                    row.setdefault(_local(child.tag), []).append(text.strip())
                yield row
                element.clear()
                root.clear()
    except ET.ParseError as error:
        raise FeedError(f"got {name}, whose XML can't be read ({error}); wanted a whole RSS or Atom feed") from None
    if not found and (root is None or _local(root.tag) not in ("rss", "feed", "RDF")):
        raise FeedError(f"got {name}, XML without item or entry; wanted a Google Merchant feed")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2].rpartition(":")[2]


def _text(file: BinaryIO, name: str) -> Iterator[Row]:
    text = text_of(file)
    first = text.readline().lstrip("\ufeff")
    delimiter = max("\t,|", key=first.count)
    header = [cell.strip().lower().replace(" ", "_") for cell in headed(first, delimiter, name)]
    if "id" not in header or "title" not in header:
        raise FeedError(f"got {name}, whose first line has no id and title; wanted a Google Merchant feed")
    for row in cells(text, len(header), delimiter, name):
        named = zip(header, row, strict=False)
        yield {name: [cell.strip()] for name, cell in named if cell.strip()}
    text.detach()


def _item(row: Row, reading: Reading) -> Item:
    def one(name: str) -> str:
        return next((value for value in row.get(name, ()) if value), "")

    price = money(one("price"), reading.currency)
    sale = money(one("sale_price"), reading.currency)
    on_sale = sale is not None and _runs(one("sale_price_effective_date"), reading.now)
    path = [part.strip() for part in (one("product_type") or one("google_product_category")).split(">") if part.strip()]
    if path and path[-1].isdigit():
        path = []
    availability = re.sub(r"[\s-]+", "_", one("availability").rpartition("/")[2].strip().lower())
    more = {name: one(name) for name in _DETAILS} | {
        "availability": availability,
        "highlights": [plain(value) for value in row.get("product_highlight", ())],
        "images": row.get("additional_image_link", ())[:10],
        "google_product_category": one("google_product_category"),
    }
    return Item(
        id=one("id"),
        kind="product",
        title=title(one("title")),
        text=plain(one("description")),
        category=path[-1] if path else "",
        brand=one("brand"),
        tags=tuple(dict.fromkeys(part for part in (*path[:-1], one("color")) if part)),
        url=one("link"),
        image=one("image_link"),
        price=sale if on_sale else price,
        stock=0 if availability.replace("_", "") in NOT_NOW else None,
        valid_until=_instant(one("expiration_date")),
        attributes=kept(more),
    )


def _runs(dates: str, now: int) -> bool:
    """Whether a sale of these dates (``from/to``, ISO 8601) runs; one without dates does."""
    if not dates:
        return True
    start, _, end = dates.partition("/")
    first, last = _instant(start), _instant(end)
    return (first or 0) <= now and (last is None or now < last)


def _instant(text: str) -> int | None:
    if not text.strip():
        return None
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadItem("bad_date", f"got {text[:40]!r}; wanted ISO 8601 such as 2026-11-23T00:00+01:00") from None
    # A date without an offset is UTC in Merchant Center.
    return int(at.timestamp() * 1000) if at.tzinfo else int(at.replace(tzinfo=UTC).timestamp() * 1000)
