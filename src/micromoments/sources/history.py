"""Histories that others keep, as events in the Segment shape, without a mapping: GA4 in BigQuery, Snowplow, Shopify.

Each reader turns one row, an object, into an event, Shopify's into one more for each refund; rows that say nothing of a
person's intent are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from micromoments.sources.lenient import Rejected
from micromoments.sources.mapped import BadRow, Skipped
from micromoments.sources.segment import short_id
from micromoments.sources.shopify_orders import shopify_order
from micromoments.sources.snowplow import call
from micromoments.sources.values import Row, kept, number, record, rows_of, whole

Read = Callable[[Row], list[dict[str, Any]]]

GA4_NAMES = {
    "view_item": "Product Viewed",
    "view_item_list": "Product List Viewed",
    "select_item": "Product Clicked",
    "search": "Products Searched",
    "view_search_results": "Products Searched",
    "add_to_cart": "Product Added",
    "remove_from_cart": "Product Removed",
    "view_cart": "Cart Viewed",
    "add_to_wishlist": "Product Added to Wishlist",
    "begin_checkout": "Checkout Started",
    "add_shipping_info": "Checkout Step Completed",
    "add_payment_info": "Payment Info Entered",
    "purchase": "Order Completed",
    "in_app_purchase": "Order Completed",
    "refund": "Order Refunded",
    "view_promotion": "Promotion Viewed",
    "select_promotion": "Promotion Clicked",
    "share": "Product Shared",
    "sign_up": "Signed Up",
    "login": "Signed In",
}
"""GA4's recommended events under the names of Segment's specification; others keep their own."""
GA4_AUTOMATIC = frozenset({
    "session_start", "first_visit", "first_open", "user_engagement", "app_update", "os_update", "app_remove",
    "firebase_campaign", "ad_impression", "screen_resize",
})  # fmt: skip
"""What GA4 notes of its own accord, and no person did."""
ENRICHED = tuple(
    """
    app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id name_tracker v_tracker
    v_collector v_etl user_id user_ipaddress user_fingerprint domain_userid domain_sessionidx network_userid geo_country
    geo_region geo_city geo_zipcode geo_latitude geo_longitude geo_region_name ip_isp ip_organization ip_domain
    ip_netspeed page_url page_title page_referrer page_urlscheme page_urlhost page_urlport page_urlpath page_urlquery
    page_urlfragment refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery refr_urlfragment refr_medium
    refr_source refr_term mkt_medium mkt_source mkt_term mkt_content mkt_campaign contexts se_category se_action
    se_label se_property se_value unstruct_event tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state
    tr_country ti_orderid ti_sku ti_name ti_category ti_price ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min
    pp_yoffset_max useragent br_name br_family br_version br_type br_renderengine br_lang br_features_pdf
    br_features_flash br_features_java br_features_director br_features_quicktime br_features_realplayer
    br_features_windowsmedia br_features_gears br_features_silverlight br_cookies br_colordepth br_viewwidth
    br_viewheight os_name os_family os_manufacturer os_timezone dvce_type dvce_ismobile dvce_screenwidth
    dvce_screenheight doc_charset doc_width doc_height tr_currency tr_total_base tr_tax_base tr_shipping_base
    ti_currency ti_price_base base_currency geo_timezone mkt_clickid mkt_network etl_tags dvce_sent_tstamp
    refr_domain_userid refr_dvce_tstamp derived_contexts domain_sessionid derived_tstamp event_vendor event_name
    event_format event_version event_fingerprint true_tstamp
    """.split()  # noqa: SIM905 a list of words reads as words
)
"""The columns of Snowplow's enriched events, in the order of its tab-separated files."""
_TYPES = {
    "page_view": "pv", "page_ping": "pp", "struct": "se", "unstruct": "ue", "transaction": "tr",
    "transaction_item": "ti",
}  # fmt: skip
_SHORT = {
    "event_id": "eid", "user_id": "uid", "domain_userid": "duid", "network_userid": "nuid", "platform": "p",
    "v_tracker": "tv", "page_url": "url", "page_title": "page", "page_referrer": "refr", "useragent": "ua",
    "br_lang": "lang", "os_timezone": "tz", "domain_sessionid": "sid", "unstruct_event": "ue_pr", "contexts": "co",
    "se_category": "se_ca", "se_action": "se_ac", "se_label": "se_la", "se_property": "se_pr", "se_value": "se_va",
    "tr_orderid": "tr_id", "tr_affiliation": "tr_af", "tr_total": "tr_tt", "tr_tax": "tr_tx", "tr_shipping": "tr_sh",
    "tr_city": "tr_ci", "tr_state": "tr_st", "tr_country": "tr_co", "tr_currency": "tr_cu", "ti_orderid": "ti_id",
    "ti_sku": "ti_sk", "ti_name": "ti_nm", "ti_category": "ti_ca", "ti_price": "ti_pr", "ti_quantity": "ti_qu",
    "ti_currency": "ti_cu", "pp_xoffset_min": "pp_mix", "pp_xoffset_max": "pp_max", "pp_yoffset_min": "pp_miy",
    "pp_yoffset_max": "pp_may",
}  # fmt: skip
"""The tracker protocol's names of the columns that have one."""


def ga4(row: Row) -> dict[str, Any]:
    """A row of GA4's export to BigQuery (``events_YYYYMMDD``), as JSON lines or Parquet.

    Source: https://support.google.com/analytics/answer/7029846 (BigQuery export schema).
    """
    name = str(row.get("event_name") or "")
    if name in GA4_AUTOMATIC:
        raise Skipped
    if not name:
        raise BadRow("no_event_name", "got no event_name; wanted a row of GA4's export")
    stamp = whole(row.get("event_timestamp"))
    if stamp is None:
        raise BadRow("no_timestamp", "got no event_timestamp; wanted when it happened, in microseconds")
    params = {str(p.get("key")): _value(p.get("value")) for p in rows_of(row.get("event_params"))}
    user, device = row.get("user_id"), row.get("user_pseudo_id")
    place = f"{row.get('event_bundle_sequence_id') or 0}-{row.get('batch_event_index') or 0}"
    one = {
        "messageId": short_id(f"ga4-{device or user}-{stamp}-{name}-{place}"),
        "userId": user or None,
        "anonymousId": device or None,
        "timestamp": datetime.fromtimestamp(stamp / 1e6, UTC).isoformat(),
        "context": _ga4_context(row, params),
    }
    page = {"url": params.get("page_location"), "title": params.get("page_title")}
    if name == "page_view":
        return kept({**one, "type": "page", "name": params.get("page_title"), "properties": kept(page)})
    if name == "screen_view":
        return kept({**one, "type": "screen", "name": params.get("firebase_screen"), "properties": kept(params)})
    own = {name: value for name, value in params.items() if name not in _GA4_SESSION}
    properties = {**own, **_ga4_shop(name, row, params)}
    return kept({**one, "type": "track", "event": GA4_NAMES.get(name, name), "properties": kept(properties)})


_GA4_SESSION = frozenset({
    "ga_session_id", "ga_session_number", "page_location", "page_title", "page_referrer", "engagement_time_msec",
    "session_engaged", "engaged_session_event", "entrances", "ignore_referrer", "batch_ordering_id", "batch_page_id",
})  # fmt: skip


def _ga4_shop(name: str, row: Row, params: Row) -> dict[str, Any]:
    products = [
        kept({
            "product_id": item.get("item_id"),
            "name": item.get("item_name"),
            "brand": item.get("item_brand"),
            "category": item.get("item_category"),
            "variant": item.get("item_variant"),
            "price": number(item.get("price")),
            "quantity": whole(item.get("quantity")),
            "coupon": item.get("coupon"),
        })
        for item in rows_of(row.get("items"))
    ]  # fmt: skip
    order = record(row.get("ecommerce"))
    told: dict[str, Any] = {"query": params.get("search_term"), "list_id": params.get("item_list_id")}
    if len(products) == 1:
        told |= products[0]
    if products:
        told["products"] = products
    if GA4_NAMES.get(name) in ("Order Completed", "Order Refunded"):
        own = params.get("value") or order.get("refund_value" if name == "refund" else "purchase_revenue")
        told |= {
            "order_id": params.get("transaction_id") or order.get("transaction_id"),
            "revenue": number(own or row.get("event_value_in_usd")),
            "tax": number(params.get("tax") or order.get("tax_value")),
            "shipping": number(params.get("shipping") or order.get("shipping_value")),
            "coupon": params.get("coupon"),
        }
        if not own and row.get("event_value_in_usd"):
            return {**told, "currency": "USD"}
    if params.get("currency"):
        told["currency"] = params["currency"]
    return told


def _ga4_context(row: Row, params: Row) -> dict[str, Any]:
    device, geo = record(row.get("device")), record(row.get("geo"))
    platform = str(row.get("platform") or "").upper()
    return kept({
        "channel": {"WEB": "web", "IOS": "app", "ANDROID": "app"}.get(platform),
        "page": kept({"url": params.get("page_location"), "referrer": params.get("page_referrer")}),
        "device": kept({"type": device.get("category"), "model": device.get("mobile_model_name")}),
        "locale": device.get("language"),
        "sessionId": None if params.get("ga_session_id") is None else str(params["ga_session_id"]),
        "location": kept({"country": geo.get("country"), "city": geo.get("city")}),
    })  # fmt: skip


def enriched(row: Row) -> dict[str, Any]:
    """A row of Snowplow's enriched events: its columns by name, as the loaders name them.

    Source: https://docs.snowplow.io/docs/fundamentals/canonical-event (the atomic fields). What a row means is what the
    tracker protocol means by it (``sources.snowplow``).
    """
    kind = str(row.get("event") or "")
    if kind == "page_ping":
        raise Skipped
    fields = {short: _text(row[name]) for name, short in _SHORT.items() if row.get(name) not in (None, "")}
    stamp = next(
        (row[n] for n in ("true_tstamp", "derived_tstamp", "dvce_created_tstamp", "collector_tstamp") if row.get(n)),
        None,
    )
    if stamp is None:
        raise BadRow("no_timestamp", "got no derived_tstamp; wanted when it happened")
    try:
        at = stamp if isinstance(stamp, datetime) else datetime.fromisoformat(str(stamp).replace(" UTC", "Z"))
    except ValueError:
        raise BadRow("bad_timestamp", f"got {str(stamp)[:40]!r}; wanted such as 2026-11-25 12:00:00.123") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    fields |= {"e": _TYPES.get(kind, kind), "ttm": str(round(at.timestamp() * 1000))}
    try:
        return call(fields, "")
    except Rejected as bad:
        raise BadRow(bad.code, bad.detail) from None


def _one(read: Callable[[Row], dict[str, Any]]) -> Read:
    return lambda row: [read(row)]


HISTORIES: Mapping[str, Read] = {
    "ga4-bigquery": _one(ga4),
    "snowplow-enriched": _one(enriched),
    "shopify-orders": shopify_order,
}
"""The formats, and what makes the events of a row of each, one or more."""


def _value(value: Any) -> Any:
    """The one value that a parameter has; whole numbers are text in BigQuery's JSON."""
    if not isinstance(value, Mapping):
        return value
    if (text := value.get("string_value")) is not None:
        return text
    if (integer := value.get("int_value")) is not None:
        return whole(integer)
    told = value.get("double_value")
    return number(told if told is not None else value.get("float_value"))


def _text(value: Any) -> str:
    """A value as the tracker protocol has it: text, objects as JSON."""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else str(value)
