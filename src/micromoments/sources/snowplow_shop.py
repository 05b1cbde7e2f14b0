"""Snowplow's own shop and search events under the names that Segment's specification has for them.

Source: iglu-central, ``com.snowplowanalytics.snowplow`` (site_search, add_to_cart, ...) and
``com.snowplowanalytics.snowplow.ecommerce`` (snowplow_ecommerce_action with its entities).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_ACTIONS = {
    "product_view": "Product Viewed",
    "list_view": "Product List Viewed",
    "list_click": "Product Clicked",
    "add_to_cart": "Product Added",
    "remove_from_cart": "Product Removed",
    "checkout_step": "Checkout Step Viewed",
    "transaction": "Order Completed",
    "refund": "Order Refunded",
    "promo_view": "Promotion Viewed",
    "promo_click": "Promotion Clicked",
}
_OWN = {"add_to_cart": "Product Added", "remove_from_cart": "Product Removed"}
_PRODUCT = {
    "id": "product_id",
    "sku": "product_id",
    "name": "name",
    "category": "category",
    "brand": "brand",
    "variant": "variant",
    "price": "price",
    "unitPrice": "price",
    "currency": "currency",
    "quantity": "quantity",
}

Entities = Sequence[tuple[str, Mapping[str, Any]]]


def shopped(name: str, data: Mapping[str, Any], entities: Entities) -> tuple[str, dict[str, Any]]:
    """The event's name, and the properties that the standard name has beside those that were sent.

    ``name`` is the schema's, ``entities`` are the contexts by their schema's name.
    """
    if name == "site_search":
        terms = data.get("terms")
        words = " ".join(str(term) for term in terms) if isinstance(terms, list) else str(terms or "")
        return "Products Searched", {"query": words, "results": data.get("totalResults")}
    if name in _OWN:
        return _OWN[name], _product(data)
    action = data.get("type")
    if name == "snowplow_ecommerce_action" and isinstance(action, str) and action in _ACTIONS:
        return _ACTIONS[action], _entities(entities)
    return name, {}


def _entities(entities: Entities) -> dict[str, Any]:
    """What the entities of an e-commerce action say: one product at the top, several in ``products``, the order."""
    products = [_product(data) for name, data in entities if name == "product"]
    more: dict[str, Any] = dict(products[0]) if len(products) == 1 else {}
    if products:
        more["products"] = products
    for name, data in entities:
        if name == "transaction":
            more |= {"order_id": data.get("transaction_id"), "revenue": data.get("revenue")}
            more |= {"currency": data.get("currency"), "total": data.get("revenue")}
        elif name == "cart":
            more |= {"cart_id": data.get("cart_id"), "value": data.get("total_value")}
    return more


def _product(data: Mapping[str, Any]) -> dict[str, Any]:
    return {ours: data[theirs] for theirs, ours in _PRODUCT.items() if theirs in data}
