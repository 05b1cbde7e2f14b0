"""Shopify's orders as events: as the Admin API gives them, and as a shop saves them from its admin."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from micromoments.sources.mapped import BadRow, Skipped
from micromoments.sources.opened import Bad
from micromoments.sources.tables import said, stamp
from micromoments.sources.values import kept, number, record, rows_of, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from micromoments.sources.values import Row

NEVER = frozenset({"voided", "pending", "expired"})
"""What the export says of an order that was never paid."""
WHEN = ("processed_at", "created_at")
"""When a refund was paid."""


def shopify_order(row: Row) -> list[dict[str, Any]]:
    """An order as Shopify's Admin API gives it, and what was paid back of it. Tests and cancelled orders are left out.

    Source: https://shopify.dev/docs/api/admin-rest/latest/resources/order
    """
    if row.get("test") is True or row.get("cancelled_at"):
        raise Skipped
    if row.get("id") is None or not row.get("line_items"):
        raise BadRow("no_order", "got no id or no line_items; wanted an order of Shopify's Admin API")
    customer, shipping = record(row.get("customer")), record(row.get("total_shipping_price_set"))
    codes, refunds = rows_of(row.get("discount_codes")), rows_of(row.get("refunds"))
    known = said({"api": customer.get("id"), "csv": row.get("contact")}, "api", "csv")
    whose = {
        "type": "track",
        "userId": None if known is None else str(known),
        "anonymousId": f"order-{row['id']}" if known is None else None,
        "context": kept({
            "channel": {"web": "web", "pos": "store"}.get(str(row.get("source_name"))),
            "page": kept({"referrer": row.get("referring_site")}),
        }),
    }  # fmt: skip
    # What an order came to once refunds were taken off: only where these aren't told one by one.
    total = row.get("total_price") if refunds else said(row, "current_total_price", "total_price")
    told = {
        "order_id": str(row["id"]),
        "revenue": number(total),
        "subtotal": number(row.get("subtotal_price")),
        "tax": number(row.get("total_tax")),
        "discount": number(row.get("total_discounts")),
        "shipping": number(record(shipping.get("shop_money")).get("amount")),
        "coupon": codes[0].get("code") if codes else None,
        "coupons": [one.get("code") for one in codes] if len(codes) > 1 else None,
        "currency": row.get("currency"),
        "products": [_product(line) for line in rows_of(row["line_items"])],
    }
    order = {
        **whose,
        "event": "Order Completed",
        "messageId": f"shopify-order-{row['id']}",
        "timestamp": row.get("processed_at") or row.get("created_at"),
        "properties": kept(told),
    }
    back = sorted((one for one in refunds if _paid_back(one)), key=lambda one: str(said(one, *WHEN)))
    # The first goes by its order's id, as the admin's CSV tells of one alone: who imports both counts it once.
    return [kept(order), *(_refunded(row, whose, one, first=not n) for n, one in enumerate(back))]


def _product(line: Row, quantity: Any = None) -> dict[str, Any]:
    return kept({
        "product_id": None if line.get("product_id") is None else str(line["product_id"]),
        "sku": line.get("sku"),
        "name": line.get("title") or line.get("name"),
        "variant": line.get("variant_title"),
        "brand": line.get("vendor"),
        "price": number(line.get("price")),
        "quantity": whole(line.get("quantity") if quantity is None else quantity),
    })  # fmt: skip


def _paid_back(refund: Row) -> float:
    """What went back to the customer: what was really paid, else what the returned lines came to."""
    paid = [one for one in rows_of(refund.get("transactions")) if one.get("status", "success") == "success"]
    if paid:
        return sum(number(one.get("amount")) or 0.0 for one in paid if one.get("kind", "refund") == "refund")
    lines = rows_of(refund.get("refund_line_items"))
    return sum((number(one.get("subtotal")) or 0.0) + (number(one.get("total_tax")) or 0.0) for one in lines)


def _refunded(order: Row, whose: Row, refund: Row, *, first: bool) -> dict[str, Any]:
    lines = rows_of(refund.get("refund_line_items"))
    products = [_product(record(one.get("line_item")), one.get("quantity")) for one in lines]
    return kept({
        **whose,
        "event": "Order Refunded",
        "messageId": f"shopify-refund-{order['id'] if first else refund.get('id')}",
        "timestamp": said(refund, *WHEN),
        "properties": kept({
            "order_id": str(order["id"]),
            "revenue": round(_paid_back(refund), 2),
            "currency": order.get("currency"),
            "products": [one for one in products if one] or None,
        }),
    })  # fmt: skip


def exported(rows: Iterable[tuple[int, dict[str, Any] | Bad]]) -> Iterator[tuple[int, dict[str, Any] | Bad]]:
    """The orders of the admin's CSV as the Admin API would give them: lines of one name stand together, and the first
    has what the whole order came to. Who bought is known by e-mail address or phone alone there.

    Source: https://help.shopify.com/en/manual/fulfillment/managing-orders/exporting-orders
    """
    for name, lines in groupby(rows, lambda one: "" if isinstance(one[1], Bad) else str(one[1].get("Name") or "")):
        if name:
            group = [(line, row) for line, row in lines if not isinstance(row, Bad)]
            yield group[0][0], _order(name, [row for _, row in group])
        else:
            yield from lines


def _order(name: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
    first = lines[0]
    never = str(first.get("Financial Status") or "").lower() in NEVER
    back, code = number(first.get("Refunded Amount")) or 0.0, first.get("Discount Code")
    at = stamp(said(first, "Created at", "Paid at"))
    refund = {"created_at": at, "transactions": [{"amount": back}]}
    return {
        "id": said(first, "Id") or name,
        "contact": said(first, "Email", "Phone"),
        "created_at": at,
        "cancelled_at": said(first, "Cancelled at") or never or None,
        "currency": first.get("Currency"),
        "total_price": first.get("Total"),
        "subtotal_price": first.get("Subtotal"),
        "total_tax": first.get("Taxes"),
        "total_discounts": first.get("Discount Amount"),
        "total_shipping_price_set": {"shop_money": {"amount": first.get("Shipping")}},
        "discount_codes": [{"code": one.strip()} for one in str(code).split(",")] if code else [],
        "source_name": first.get("Source"),
        "line_items": [
            {
                "sku": line.get("Lineitem sku"),
                "title": line.get("Lineitem name"),
                "vendor": line.get("Vendor"),
                "price": line.get("Lineitem price"),
                "quantity": line.get("Lineitem quantity"),
            }
            for line in lines
        ],
        "refunds": [refund] if back else [],
    }
