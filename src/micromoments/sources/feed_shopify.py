"""Shopify's products: ``/products.json``, the Admin API's answer, one product a line, or the CSV of the admin's export.

Sources: https://shopify.dev/docs/api/admin-rest/latest/resources/product and
https://help.shopify.com/en/manual/products/import-export/using-csv
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from micromoments.core.item import Item
from micromoments.sources.feed import FeedError, Reading, cells, headed, kept, least, made, money, plain, title
from micromoments.sources.opened import Bad, open_bytes, text_of
from micromoments.sources.values import whole

Product = dict[str, Any]


def rows(path: Path, reading: Reading) -> Iterator[Item | Bad]:
    """The products; drafts, archived and unpublished ones make no item."""
    with open_bytes(path, reading.watch) as file:
        head = file.read(64).lstrip(b"\xef\xbb\xbf \r\n\t")
        file.seek(0)
        read = _json if head[:1] in (b"{", b"[") else _csv
        for line, product in enumerate(read(file, path.name), 1):
            yield from made(line, product, lambda product=product: _item(product, reading))  # type: ignore[misc]


def _json(file: BinaryIO, name: str) -> Iterator[Product]:
    body = file.read().removeprefix(BOM_UTF8)
    try:
        values = [msgspec.json.decode(body)]
    except (msgspec.DecodeError, RecursionError):
        try:
            values = [msgspec.json.decode(line) for line in body.splitlines() if line.strip()]
        except (msgspec.DecodeError, RecursionError) as error:
            raise FeedError(f"got {name}, which is no JSON ({error}); wanted products as Shopify gives them") from None
    for answer in values:
        # An answer of the GraphQL API has its products one level deeper.
        inner = answer.get("data") if isinstance(answer, dict) else None
        value = inner if isinstance(inner, dict) else answer
        listed = value.get("products", value) if isinstance(value, dict) else value
        if isinstance(listed, dict):
            listed = _listed(listed) or [listed]
        if not isinstance(listed, list):
            raise FeedError(f"got {name}, without products; wanted an object with products, or one product a line")
        yield from (one for one in listed if isinstance(one, dict))


def _csv(file: BinaryIO, name: str) -> Iterator[Product]:
    """A product for each handle: its first row tells of it, the following ones of its other variants and images."""
    text = text_of(file)
    header = headed(text.readline(), ",", name)
    if "Handle" not in header:
        raise FeedError(f"got {name}, CSV without a Handle; wanted Shopify's export of products")
    product: Product = {}
    for line in cells(text, len(header), ",", name):
        row = dict.fromkeys(header, "") | dict(zip(header, line, strict=False))
        if row["Handle"] != product.get("handle"):
            if product:
                yield product
            product = {
                "handle": row["Handle"],
                "title": row.get("Title"),
                "body_html": row.get("Body (HTML)"),
                "vendor": row.get("Vendor"),
                "product_type": row.get("Type") or (row.get("Product Category") or "").rpartition(">")[2].strip(),
                "tags": row.get("Tags"),
                "status": (row.get("Status") or "active") if _published(row) else "draft",
                "variants": [],
                "images": [],
            }
        if row.get("Variant Price"):
            product["variants"].append(_variant(row))
        if row.get("Image Src"):
            product["images"].append({"src": row["Image Src"]})
    if product:
        yield product
    text.detach()


def _published(row: dict[str, str]) -> bool:
    """Spreadsheets write ``FALSE`` where the admin's export has ``false``."""
    return (row.get("Published") or "true").strip().lower() != "false"


def _variant(row: dict[str, Any]) -> Product:
    quantity = row.get("Variant Inventory Qty") or ""
    options = (row.get(f"Option{n} Value") for n in (1, 2, 3))
    return {
        "title": " / ".join(option for option in options if option),
        "price": row["Variant Price"],
        "compare_at_price": row.get("Variant Compare At Price"),
        "sku": row.get("Variant SKU"),
        "inventory_quantity": whole(quantity),
        "inventory_policy": row.get("Variant Inventory Policy"),
        **(
            {"inventory_management": tracker or None}
            if (tracker := row.get("Variant Inventory Tracker")) is not None
            else {}
        ),
    }


def _item(product: Product, reading: Reading) -> Item | None:
    if str(product.get("status") or "active").lower() != "active":
        return None
    if "published_at" in product and product["published_at"] is None:
        return None
    variants = _listed(product.get("variants"))
    priced = [(v, price) for v in variants if (price := money(_amount(v.get("price")), reading.currency))]
    prices = [price for v, price in priced if _to_be_had(v)] or [price for _, price in priced]
    images = [str(i.get("src") or i.get("url") or "") for i in _listed(product.get("images"))]
    tags = product.get("tags") or ()
    if isinstance(tags, str):
        tags = [tag.strip() for tag in tags.split(",")]
    handle = str(product.get("handle") or "")
    return Item(
        id=str(product.get("id") or handle).rpartition("/")[2],
        kind="product",
        title=title(product.get("title")),
        text=plain(product.get("body_html") or product.get("descriptionHtml") or product.get("description")),
        category=str(product.get("product_type") or product.get("productType") or ""),
        brand=str(product.get("vendor") or ""),
        tags=tuple(dict.fromkeys(str(tag) for tag in tags if tag)),
        url=str(product.get("onlineStoreUrl") or (f"/products/{handle}" if handle else "")),
        image=images[0] if images else "",
        price=least(prices, reading.currency),
        stock=_stock(variants),
        attributes=kept({"handle": handle, "variants": [_shown(v) for v in variants], "images": images[1:10]}),
    )


def _listed(value: Any) -> list[Product]:
    """A list of objects, or the nodes of a GraphQL connection."""
    if isinstance(value, dict):
        value = value.get("nodes") or [edge.get("node") for edge in _listed(value.get("edges"))]
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _amount(price: Any) -> Any:
    return f"{price.get('amount')} {price.get('currencyCode', '')}" if isinstance(price, dict) else price


def _shown(variant: Product) -> dict[str, Any]:
    names = ("id", "title", "sku", "price", "compare_at_price", "available", "inventory_quantity")
    return kept({name: variant.get(name) for name in names})


def _uncounted(variant: Product) -> bool:
    """Whether nobody counts a variant's pieces, or it is sold without any."""
    item = variant.get("inventoryItem")
    return (
        ("inventory_management" in variant and not variant["inventory_management"])
        or (isinstance(item, dict) and item.get("tracked") is False)
        or str(variant.get("inventory_policy") or variant.get("inventoryPolicy") or "").lower() == "continue"
    )


def _to_be_had(variant: Product) -> bool:
    """Whether a variant is for sale now, as far as is said."""
    said = variant.get("available", variant.get("availableForSale"))
    if said is not None:
        return bool(said)
    left = variant.get("inventory_quantity", variant.get("inventoryQuantity"))
    return _uncounted(variant) or not isinstance(left, int) or left > 0


def _stock(variants: list[Product]) -> int | None:
    """Pieces of all variants; 0 where none is for sale, None where it isn't counted or is sold without stock."""
    if not variants:
        return None
    said = [v.get("available", v.get("availableForSale")) for v in variants]
    if all(each is False for each in said):
        return 0
    counted = [v.get("inventory_quantity", v.get("inventoryQuantity")) for v in variants]
    if (
        any(_uncounted(v) for v in variants)
        or any(each is True for each in said)
        or not all(isinstance(n, int) for n in counted)
    ):
        return None
    return max(0, sum(max(0, n) for n in counted if isinstance(n, int)))
