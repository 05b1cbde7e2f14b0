"""Histories as GA4's export to BigQuery, Snowplow's enriched events and Shopify's orders have them, unmapped."""

from __future__ import annotations

import gzip
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from micromoments.core.event import Event
from micromoments.sources.files import Read, Source
from micromoments.sources.history import ENRICHED
from micromoments.sources.mapping import Format, MappingError, Shape
from micromoments.sources.opened import Bad
from tests.retrieve.shop import ms

NOW = ms("2026-11-25T12:00Z")


def read(path: Path, format: Format) -> tuple[list[Event], list[Bad], Source]:
    """The events and bad rows of a file."""
    source = Source(path, Shape(), now=NOW, format=format)
    found = list(source.rows())
    return (
        [row.arrival.event for row in found if isinstance(row, Read)],
        [row for row in found if isinstance(row, Bad)],
        source,
    )


def param(key: str, **value: Any) -> dict[str, Any]:
    """One of GA4's parameters, with its empty kinds."""
    return {
        "key": key,
        "value": {"string_value": None, "int_value": None, "float_value": None, "double_value": None, **value},
    }


GA4: list[dict[str, Any]] = [
    {"event_date": "20210131", "event_timestamp": "1612069510766593", "event_name": "session_start"},
    {
        "event_timestamp": "1612069510766593",
        "event_name": "page_view",
        "event_params": [
            param("page_title", string_value="Home"),
            param("page_location", string_value="https://shop.example.com/"),
            param("ga_session_id", int_value="661084800"),
        ],
        "user_id": None,
        "user_pseudo_id": "1026454.4271112504",
        "device": {"category": "mobile", "language": "en-us", "mobile_model_name": "iPhone"},
        "geo": {"country": "United States", "city": "Chicago"},
        "platform": "WEB",
        "items": [],
    },
    {
        "event_timestamp": "1612069520000000",
        "event_name": "view_search_results",
        "event_params": [param("search_term", string_value="trail shoes")],
        "user_pseudo_id": "1026454.4271112504",
    },
    {
        "event_timestamp": "1612069530000000",
        "event_name": "view_item",
        "event_params": [param("currency", string_value="USD"), param("value", double_value=89.5)],
        "user_pseudo_id": "1026454.4271112504",
        "user_id": "ana",
        "items": [
            {"item_id": "p1", "item_name": "Trail shoe", "item_category": "Shoes", "price": 89.5, "quantity": None}
        ],
    },
    {
        "event_timestamp": "1612069540000000",
        "event_name": "purchase",
        "event_params": [param("transaction_id", string_value="T1"), param("currency", string_value="USD")],
        "user_id": "ana",
        "user_pseudo_id": "1026454.4271112504",
        "ecommerce": {"transaction_id": "T1", "purchase_revenue": 99.5, "tax_value": 5.0},
        "items": [{"item_id": "p1", "price": 89.5, "quantity": "1"}, {"item_id": "p2", "price": 5.0, "quantity": "2"}],
    },
    {"event_name": "scroll", "user_pseudo_id": "x"},
]


def test_ga4_as_json_lines(tmp_path: Path) -> None:
    """BigQuery's JSON, where whole numbers are text: pages, searches, items and orders under Segment's names."""
    path = tmp_path / "events_20210131.json.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, GA4)).encode()))
    events, bad, source = read(path, "ga4-bigquery")
    assert source.skipped == 1
    assert [one.code for one in bad] == ["no_timestamp"]
    page, search, viewed, order = events
    assert (page.type, page.name, page.anonymous_id) == ("page", "Home", "1026454.4271112504")
    assert dict(page.context)["sessionId"] == "661084800"
    assert (search.event, search.properties["query"]) == ("Products Searched", "trail shoes")
    assert (viewed.event, viewed.user_id, viewed.properties["product_id"]) == ("Product Viewed", "ana", "p1")
    assert (viewed.properties["price"], viewed.properties["currency"]) == (89.5, "USD")
    assert order.event == "Order Completed"
    assert (order.properties["order_id"], order.properties["revenue"]) == ("T1", 99.5)
    assert [product["product_id"] for product in order.properties["products"]] == ["p1", "p2"]
    assert order.properties["products"][1]["quantity"] == 2


def test_ga4_as_parquet_is_the_same(tmp_path: Path) -> None:
    """An export to Parquet gives the same events under the same message ids, so that both together count once."""
    rows = [{"ecommerce": None, **deepcopy(row), "event_timestamp": int(row["event_timestamp"])} for row in GA4[1:5]]
    for row in rows:
        for each in row.get("event_params", ()):
            whole = each["value"]["int_value"]
            each["value"]["int_value"] = None if whole is None else int(whole)
        for each in row.get("items", ()):
            each["quantity"] = int(each["quantity"]) if each.get("quantity") else None
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "events.parquet")
    (tmp_path / "events.json").write_text("\n".join(map(json.dumps, GA4[1:5])))
    stored, _, _ = read(tmp_path / "events.parquet", "ga4-bigquery")
    said, _, _ = read(tmp_path / "events.json", "ga4-bigquery")
    assert [one.message_id for one in stored] == [one.message_id for one in said]
    assert [one.properties for one in stored] == [one.properties for one in said]


def enriched(**columns: str) -> str:
    """A line of Snowplow's enriched events."""
    told = {"app_id": "shop", "platform": "web", "domain_userid": "d-1", "derived_tstamp": "2026-11-20 10:00:00.123"}
    return "\t".join((told | columns).get(name, "") for name in ENRICHED)


UNSTRUCT = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"


def test_snowplow_enriched(tmp_path: Path) -> None:
    """Tab-separated enriched events mean what the tracker's do: pages, own events, searches; pings are left out."""
    ue = {
        "schema": "iglu:com.snowplowanalytics.snowplow/site_search/jsonschema/1-0-0",
        "data": {"terms": ["red", "hat"]},
    }
    lines = [
        enriched(
            event="page_view", event_id="e1", page_url="https://shop.example/a?b=1", page_title="Shoes", user_id="ana"
        ),
        enriched(event="page_ping", event_id="e2"),
        enriched(event="unstruct", event_id="e3", unstruct_event=json.dumps({"schema": UNSTRUCT, "data": ue})),
        enriched(event="struct", event_id="e4", se_category="video", se_action="play", se_value="3"),
        "too\tfew",
    ]
    path = tmp_path / "part-0.tsv"
    path.write_text("\n".join(lines) + "\n")
    events, bad, source = read(path, "snowplow-enriched")
    assert source.skipped == 1
    assert [one.code for one in bad] == ["wrong_width"]
    page, search, video = events
    assert (page.type, page.name, page.user_id, page.anonymous_id) == ("page", "Shoes", "ana", "d-1")
    assert page.message_id == "e1"
    assert (search.event, search.properties["query"]) == ("Products Searched", "red hat")
    assert (video.event, video.properties["value"]) == ("play", 3)


def test_snowplow_enriched_happened_when_it_says(tmp_path: Path) -> None:
    """The derived clock is the event's, to the millisecond."""
    path = tmp_path / "part-0.tsv"
    path.write_text(enriched(event="page_view", event_id="e1", page_url="https://a.example/") + "\n")
    (row,) = Source(path, Shape(), now=NOW, format="snowplow-enriched").rows()
    assert isinstance(row, Read)
    assert row.arrival.occurred == ms("2026-11-20T10:00:00.123Z")


ORDER: dict[str, Any] = {
    "id": 450789469,
    "created_at": "2026-01-10T11:00:00-05:00",
    "processed_at": "2026-01-10T11:00:05-05:00",
    "currency": "USD",
    "total_price": "409.94",
    "subtotal_price": "398.00",
    "total_tax": "11.94",
    "total_discounts": "10.00",
    "discount_codes": [{"code": "TENOFF", "amount": "10.00", "type": "fixed_amount"}],
    "test": False,
    "cancelled_at": None,
    "source_name": "web",
    "total_shipping_price_set": {"shop_money": {"amount": "0.00", "currency_code": "USD"}},
    "customer": {"id": 207119551, "email": "bob@example.com"},
    "line_items": [
        {
            "id": 1,
            "product_id": 632910392,
            "sku": "IPOD",
            "title": "IPod Nano",
            "price": "199.00",
            "quantity": 2,
            "vendor": "A",
        }
    ],
}


@pytest.mark.parametrize("form", ["answer", "pretty", "lines"])
def test_shopify_orders(tmp_path: Path, form: str) -> None:
    """The Admin API's answer, pretty or not, or one order a line: completed orders by customer; tests are left out."""
    orders = [ORDER, {**ORDER, "id": 2, "test": True}, {**ORDER, "id": 3, "customer": None}, {"id": 4}]
    texts = {
        "answer": json.dumps({"orders": orders}),
        "pretty": json.dumps({"orders": orders}, indent=2),
        "lines": "\n".join(map(json.dumps, orders)),
    }
    path = tmp_path / "orders.json"
    path.write_text(texts[form])
    events, bad, source = read(path, "shopify-orders")
    assert source.skipped == 1
    assert [one.code for one in bad] == ["no_order"]
    known, guest = events
    assert (known.event, known.user_id, known.message_id) == ("Order Completed", "207119551", "shopify-order-450789469")
    assert (known.properties["revenue"], known.properties["currency"], known.properties["coupon"]) == (
        409.94,
        "USD",
        "TENOFF",
    )
    assert known.properties["products"][0]["product_id"] == "632910392"
    assert "email" not in json.dumps(known.properties)
    assert guest.anonymous_id == "order-3"


def test_shopifys_refunds_take_back_what_was_paid_back(tmp_path: Path) -> None:
    """An order counts as it was placed, and each refund by what went back; one that paid nothing back says nothing."""
    line = ORDER["line_items"][0]
    refunds = [
        {
            "id": 5,
            "created_at": "2026-11-12T09:00:00-05:00",
            "refund_line_items": [{"quantity": 1, "subtotal": 195.0, "total_tax": 5.97, "line_item": line}],
            "transactions": [
                {"kind": "refund", "status": "success", "amount": "200.97"},
                {"kind": "refund", "status": "failure", "amount": "200.97"},
            ],
        },
        {"id": 6, "created_at": "2026-11-13T09:00:00-05:00", "refund_line_items": [], "transactions": []},
        {
            "id": 7,
            "created_at": "2026-11-14T09:00:00-05:00",
            "refund_line_items": [{"subtotal": 1.0, "total_tax": 0.1}],
        },
    ]
    path = tmp_path / "orders.json"
    path.write_text(json.dumps({"orders": [{**ORDER, "current_total_price": "207.87", "refunds": refunds}]}))
    events, bad, _ = read(path, "shopify-orders")
    assert not bad
    assert [(one.event, one.properties["revenue"]) for one in events] == [
        ("Order Completed", 409.94),
        ("Order Refunded", 200.97),
        ("Order Refunded", 1.1),
    ]
    back = events[1]
    assert (back.user_id, back.message_id, back.properties["order_id"]) == (
        "207119551",
        "shopify-refund-450789469",
        "450789469",
    )
    assert (back.properties["products"][0]["product_id"], back.properties["products"][0]["quantity"]) == (
        "632910392",
        1,
    )


def test_shopify_orders_as_the_admin_saves_them(tmp_path: Path) -> None:
    """The CSV from the admin's page: an order's lines are its products, whatever stands in its notes; order and refund
    have the ids that the Admin API's have.
    """
    head = (
        "Name,Email,Financial Status,Currency,Total,Discount Code,Created at,Lineitem quantity,Lineitem name,"
        "Lineitem price,Lineitem sku,Notes,Cancelled at,Refunded Amount,Id,Source\n"
    )
    first = '#1,b@example.com,partially_refunded,EUR,37,TEN,2025-11-24 11:00:00 -0500,2,"Mug, ""L""",9,M-B,'
    rows = [
        f'{first}"a\nb",,12.5,1,web\n',
        "#1,b@example.com,,,,,2025-11-24 11:00:00 -0500,1,Lid,12.00,LID,,,,,\n",
        "#2,,paid,EUR,12.50,,2025-11-25 09:00:00 +0200,1,Mug,12.50,M-R,,,,5002,pos\n",
        "#3,eve@example.com,voided,EUR,1.00,,2025-11-25 09:00:00 +0200,1,Mug,1.00,M-R,,,,5003,web\n",
        "#4,eve@example.com,paid,EUR,1.00,,2025-11-25 09:00:00 +0200,1,Mug,1.00,M,,2025-11-26 09:00:00 +0200,,5004,\n",
        "#5,too,short\n",
    ]
    path = tmp_path / "orders_export.csv"
    path.write_text(head + "".join(rows))
    (order, back, guest), bad, source = read(path, "shopify-orders")
    assert (source.skipped, [one.code for one in bad]) == (2, ["wrong_width"])
    assert (order.event, order.user_id, order.message_id) == (
        "Order Completed",
        "b@example.com",
        "shopify-order-1",
    )
    assert [(one["sku"], one["quantity"]) for one in order.properties["products"]] == [("M-B", 2), ("LID", 1)]
    assert order.properties["products"][0]["name"] == 'Mug, "L"'
    assert (order.properties["revenue"], order.properties["coupon"]) == (37.0, "TEN")
    assert (back.event, back.properties["revenue"]) == ("Order Refunded", 12.5)
    both = tmp_path / "orders.json"
    told = {"id": 77, "created_at": "2026-11-12T09:00:00-05:00", "transactions": [{"amount": "12.5"}]}
    both.write_text(json.dumps({"orders": [{**ORDER, "id": 1, "refunds": [told]}]}))
    assert [one.message_id for one in read(both, "shopify-orders")[0]] == [order.message_id, back.message_id]
    assert (guest.anonymous_id, guest.context["channel"]) == ("order-5002", "store")


def test_an_application_whose_name_begins_like_parquet(tmp_path: Path) -> None:
    """Enriched events of an application called Portal are cells, not Parquet."""
    path = tmp_path / "part-0.tsv"
    row = {**dict.fromkeys(ENRICHED, ""), "app_id": "Portal", "event": "page_view", "event_id": "e1"}
    row |= {"derived_tstamp": "2025-11-24 16:00:00.123", "domain_userid": "d1", "platform": "web"}
    path.write_text("\t".join(row.values()) + "\n")
    (event,), bad, _ = read(path, "snowplow-enriched")
    assert not bad
    assert (event.type, event.anonymous_id) == ("page", "d1")


def test_what_holds_no_rows_is_told(tmp_path: Path) -> None:
    """An empty file, or a mapping beside a format that needs none, is an error."""
    path = tmp_path / "empty.json"
    path.write_text("")
    with pytest.raises(MappingError, match="holds no rows"):
        list(Source(path, Shape(), now=NOW, format="shopify-orders").rows())


def test_ga4_tells_nothing_that_was_not_set_and_what_a_refund_takes_back(tmp_path: Path) -> None:
    """``(not set)`` is nothing; a refund's worth stands in its own field."""
    rows = [
        {
            "event_timestamp": "1612069510766593",
            "event_name": "view_item",
            "user_pseudo_id": "1",
            "items": [{"item_id": "H-20", "item_brand": "(not set)", "coupon": "(not set)", "price": 2.5}],
        },
        {
            "event_timestamp": "1612069510766594",
            "event_name": "refund",
            "user_pseudo_id": "1",
            "ecommerce": {"transaction_id": "T-1", "refund_value": 29.99},
        },
    ]
    path = tmp_path / "ga4.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    (viewed, refunded), bad, _ = read(path, "ga4-bigquery")
    assert not bad
    product = {"product_id": "H-20", "price": 2.5}
    assert viewed.properties == {**product, "products": [product]}
    assert refunded.properties == {"order_id": "T-1", "revenue": 29.99}


def test_a_line_of_an_order_that_is_no_product_names_none(tmp_path: Path) -> None:
    """Shopify's custom lines have no product; all codes of an order are told."""
    lines = [{"product_id": None, "title": "Engraving", "price": "5.00", "quantity": 1}]
    order = {
        "id": 7,
        "created_at": "2026-11-10T11:00:00Z",
        "total_price": "5.00",
        "line_items": lines,
        "discount_codes": [{"code": "TEN"}, {"code": "SHIP"}],
    }
    path = tmp_path / "orders.json"
    path.write_text(json.dumps({"orders": [order]}))
    (event,), bad, _ = read(path, "shopify-orders")
    assert not bad
    assert event.properties["products"] == [{"name": "Engraving", "price": 5.0, "quantity": 1}]
    assert (event.properties["coupon"], event.properties["coupons"]) == ("TEN", ["TEN", "SHIP"])


def test_what_a_client_sent_without_a_timestamp_happened_when_it_was_sent(tmp_path: Path) -> None:
    """Recorded calls of Segment's libraries are taken by ``sentAt``, else by ``receivedAt``."""
    calls = [
        {"type": "page", "anonymousId": "a", "messageId": "1", "sentAt": "2026-11-10T11:00:00Z"},
        {"type": "page", "anonymousId": "a", "messageId": "2", "receivedAt": "2026-11-10T11:00:01Z"},
        {"type": "page", "anonymousId": "a", "messageId": "3"},
    ]
    path = tmp_path / "calls.jsonl"
    path.write_text("\n".join(json.dumps(call) for call in calls))
    source = Source(path, Shape(), now=NOW, format="segment")
    found = [row.arrival.occurred if isinstance(row, Read) else row.code for row in source.rows()]
    assert found == [ms("2026-11-10T11:00Z"), ms("2026-11-10T11:00Z") + 1000, "no_timestamp"]


def test_a_row_of_another_age_costs_no_other(tmp_path: Path) -> None:
    """An instant that no calendar has is one bad row among the others."""
    rows = [
        {"event_name": "search", "user_pseudo_id": "a", "event_timestamp": at} for at in ("9" * 19, "1767323045000000")
    ]
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    (event,), (bad,), _ = read(path, "ga4-bigquery")
    assert (event.anonymous_id, bad.line, bad.code) == ("a", 1, "unreadable")
