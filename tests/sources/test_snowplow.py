"""Snowplow's payloads become calls that are recognised, and nothing of them is lost."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from micromoments.sources import snowplow
from micromoments.sources.lenient import Rejected

UE = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"
CONTEXTS = "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1"
BASE = {"tv": "py-1", "p": "web", "eid": "e1", "duid": "d1", "aid": "wk", "tna": "t1"}


def described(schema: str, data: Any) -> dict[str, Any]:
    """Self-describing JSON."""
    return {"schema": schema, "data": data}


def packed(value: Any) -> str:
    """URL-safe base64 without padding, as trackers send it."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_long_title_costs_no_page_view() -> None:
    """A title longer than a name may be is whole among the properties, and the name is its beginning."""
    title = "Shoe " * 200
    one = snowplow.call({**BASE, "e": "pv", "page": title}, "new")
    assert (one["name"], one["properties"]["title"]) == (title[:512], title)


def test_a_page_view_is_a_page() -> None:
    """Address, title and referrer are the page's; the browser's id is the anonymousId, eid the messageId."""
    one = snowplow.call(
        {**BASE, "e": "pv", "url": "https://a.shop/x?y=1", "page": "X", "refr": "https://b/", "res": "800x600"}, "new"
    )
    assert (one["type"], one["name"], one["messageId"], one["anonymousId"]) == ("page", "X", "e1", "d1")
    assert one["properties"] == {"url": "https://a.shop/x?y=1", "title": "X", "referrer": "https://b/", "path": "/x"}
    assert one["context"]["page"]["search"] == "?y=1"
    assert one["context"]["screen"] == {"width": 800, "height": 600}
    assert one["context"]["snowplow"] == {"tv": "py-1", "p": "web", "aid": "wk", "tna": "t1", "res": "800x600"}


@pytest.mark.parametrize("base64_encoded", [True, False])
def test_self_describing_events_and_contexts_are_decoded(base64_encoded: bool) -> None:
    """The data are the properties as sent, the contexts whole, in JSON or in base64."""
    event = described(UE, described("iglu:shop.acme/video_watched/jsonschema/1-0-0", {"id": 7, "deep": {"a": [1]}}))
    around = described(CONTEXTS, [described("iglu:shop.acme/user/jsonschema/1-0-0", {"plan": "gold"})])
    fields = (
        {"ue_px": packed(event), "cx": packed(around)}
        if base64_encoded
        else {"ue_pr": json.dumps(event), "co": json.dumps(around)}
    )
    one = snowplow.call({**BASE, "e": "ue", **fields}, "new")
    assert one["event"] == "video_watched"
    assert one["properties"] == {"id": 7, "deep": {"a": [1]}}
    assert one["context"]["snowplow"]["contexts"] == around["data"]
    assert one["context"]["snowplow"]["schema"] == "iglu:shop.acme/video_watched/jsonschema/1-0-0"


def test_shop_events_carry_standard_names() -> None:
    """A site search, a cart and an order are what Segment's specification calls them."""
    own = "iglu:com.snowplowanalytics.snowplow"
    search = described(UE, described(f"{own}/site_search/jsonschema/1-0-0", {"terms": ["trail", "shoes"]}))
    one = snowplow.call({**BASE, "e": "ue", "ue_pr": json.dumps(search)}, "new")
    assert (one["event"], one["properties"]["query"]) == ("Products Searched", "trail shoes")
    action = f"{own}.ecommerce/snowplow_ecommerce_action/jsonschema/1-0-2"
    bought = described(UE, described(action, {"type": "transaction"}))
    around = [
        described(f"{own}.ecommerce/transaction/jsonschema/1-0-0", {"transaction_id": "o1", "revenue": 89}),
        described(f"{own}.ecommerce/product/jsonschema/1-0-0", {"id": "p1", "price": 89, "currency": "EUR"}),
    ]
    fields = {"ue_pr": json.dumps(bought), "co": json.dumps(described(CONTEXTS, around))}
    one = snowplow.call({**BASE, "e": "ue", **fields}, "new")
    assert one["event"] == "Order Completed"
    assert one["properties"]["order_id"] == "o1"
    assert one["properties"]["products"] == [{"product_id": "p1", "price": 89, "currency": "EUR"}]


def test_structured_events_orders_and_pings() -> None:
    """Each of the protocol's own types has a call; numbers are numbers."""
    one = snowplow.call({**BASE, "e": "se", "se_ca": "shop", "se_ac": "add-to-basket", "se_va": "2.5"}, "new")
    assert (one["event"], one["properties"]) == (
        "add-to-basket",
        {"category": "shop", "action": "add-to-basket", "value": 2.5},
    )
    sought = snowplow.call({**BASE, "e": "se", "se_ac": "Site Search", "se_la": "garden hose"}, "new")
    assert (sought["event"], sought["properties"]["query"]) == ("Site Search", "garden hose")
    order = snowplow.call({**BASE, "e": "tr", "tr_id": "o1", "tr_tt": "89", "tr_cu": "EUR"}, "new")
    assert (order["event"], order["properties"]["revenue"]) == ("Order Completed", 89)
    item = snowplow.call({**BASE, "e": "ti", "ti_id": "o1", "ti_sk": "p1", "ti_pr": "89.5", "ti_qu": "1"}, "new")
    assert item["properties"]["product_id"] == "p1"
    ping = snowplow.call({**BASE, "e": "pp", "url": "https://a/", "pp_may": "900"}, "new")
    assert ping["properties"] == {"url": "https://a/", "may": 900}


def test_the_person_is_the_best_id_there_is() -> None:
    """Uid is the user; without any id the event stands for itself, and isn't lost."""
    assert snowplow.call({**BASE, "e": "pp", "uid": "ana"}, "new")["userId"] == "ana"
    nobody = snowplow.call({"e": "pp", "eid": "e9"}, "new")
    assert nobody["anonymousId"] == "event:e9"
    assert "userId" not in nobody


def test_clocks_are_the_devices() -> None:
    """Dtm and stm correct each other; a true timestamp is believed."""
    one = snowplow.call({**BASE, "e": "pp", "dtm": "1700000000123", "stm": "1700000001000"}, "new")
    assert (one["originalTimestamp"], one["sentAt"]) == ("2023-11-14T22:13:20.123Z", "2023-11-14T22:13:21.000Z")
    true = snowplow.call({**BASE, "e": "pp", "dtm": "1", "ttm": "1700000000123"}, "new")
    assert true["timestamp"] == "2023-11-14T22:13:20.123Z"
    assert "originalTimestamp" not in true


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"e": "zz"}, "invalid_type"),
        ({}, "invalid_type"),
        ({"e": "ue"}, "no_event"),
        ({"e": "ue", "ue_px": "!"}, "malformed_base64"),
        ({"e": "ue", "ue_pr": "{"}, "malformed_json"),
        ({"e": "ue", "ue_pr": '{"data":{}}'}, "no_schema"),
        ({"e": "pv", "co": '{"data":[1]}'}, "no_schema"),
    ],
)
def test_what_cannot_be_read_is_named(fields: dict[str, str], code: str) -> None:
    """An event that isn't one of the protocol's is refused with a stable code."""
    with pytest.raises(Rejected) as caught:
        snowplow.call({**BASE, **fields}, "new")
    assert caught.value.code == code


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data":[{}]}', b'{"schema":"payload_data","data":{}}'])
def test_only_payload_data_is_a_batch(body: bytes) -> None:
    """Anything else is malformed."""
    with pytest.raises(Rejected):
        snowplow.posted(body)
