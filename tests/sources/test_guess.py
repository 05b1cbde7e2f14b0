"""How a file that nobody described is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from micromoments.sources.files import Read, Source
from micromoments.sources.guess import guess
from micromoments.sources.mapping import MappingError

NOW = 1_800_000_000_000
CLICKS = """timestamp,visitorid,event,itemid,transactionid
1433221332117,257597,view,355908,
1433221332118,257597,transaction,355908,4000
"""
SHOP = """event_time,event_type,product_id,category_code,price,user_id,user_session
2019-10-01 00:00:00 UTC,cart,4,shoes,35.79,5413,72d
"""


def events(path: Path) -> list[tuple[str | None, str, int]]:
    """Who, what and when of the rows that a guess reads."""
    guessed = guess(path)
    source = Source(path, guessed.shape, now=NOW, format=guessed.format)
    read = [row.arrival for row in source.rows() if isinstance(row, Read)]
    return [(a.event.user_id or a.event.anonymous_id, a.event.event or a.event.name or "", a.occurred) for a in read]


def put(path: Path, text: str) -> Path:
    """A text file."""
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            CLICKS,
            [("257597", "Product Viewed", 1_433_221_332_117), ("257597", "Order Completed", 1_433_221_332_118)],
        ),
        (
            SHOP,
            [("5413", "Product Added", 1_569_888_000_000)],
        ),
        (
            "InvoiceNo;StockCode;Quantity;InvoiceDate;UnitPrice;CustomerID\n5;8A;6;12/31/2010 08:26;2.55;17850\n",
            [("17850", "Order Completed", 1_293_783_960_000)],
        ),
        ("user;ts;search term\na;1569888000;tent\n", [("a", "Products Searched", 1_569_888_000_000)]),
    ],
    ids=["clicks", "shop", "invoices", "searches"],
)
def test_columns_are_told_by_their_names(tmp_path: Path, text: str, wanted: list[tuple[str, str, int]]) -> None:
    """Exports as shops and analytics tools write them are read without a mapping, under the standard event names."""
    assert events(put(tmp_path / "export.csv", text)) == wanted


def test_json_is_told_by_its_looks(tmp_path: Path) -> None:
    """JSON lines, an array over several lines, and nested objects are read whatever the file is called."""
    rows = [{"user": {"id": 7}, "visitor": "v", "action": "purchase", "at": {"ts": 1_569_888_000}}]
    lines = put(tmp_path / "lines.log", "\n".join(json.dumps(row) for row in rows))
    array = put(tmp_path / "array.json", json.dumps(rows, indent=1))
    assert events(lines) == events(array) == [("v", "Order Completed", 1_569_888_000_000)]


def test_named_formats_are_told_by_their_fields(tmp_path: Path) -> None:
    """A Segment file needs no mapping, nor does a row of GA4's export."""
    call = {"type": "track", "userId": "a", "event": "Tent Pitched", "timestamp": "2020-01-01T00:00:00Z"}
    assert events(put(tmp_path / "calls.dump", json.dumps(call))) == [("a", "Tent Pitched", 1_577_836_800_000)]
    row = {"event_name": "search", "event_timestamp": "1569888000000000", "user_pseudo_id": "d", "event_params": []}
    assert events(put(tmp_path / "ga.jsonl", json.dumps(row))) == [("d", "Products Searched", 1_569_888_000_000)]


def test_a_file_that_says_nobody_is_refused(tmp_path: Path) -> None:
    """Without a column that says who and when there is no guess; the message names the columns and what to do."""
    with pytest.raises(MappingError, match=r"columns a, b; none of these names says who did it nor when .* --map"):
        guess(put(tmp_path / "x.csv", "a,b\n1,2\n"))


def test_shipped_mappings_are_found(shared: Path) -> None:
    """The shared files are read by the mappings that ship for them."""
    data = shared / "data"
    assert "'retailrocket'" in guess(data / "sessions" / "retailrocket_events.tsv.gz").words
    assert "'starbucks-transcript'" in guess(data / "offers" / "starbucks_transcript.json.gz").words


def test_shopifys_export_of_orders_is_read(tmp_path: Path) -> None:
    """The CSV that a shop saves from its admin: an order once, by its first line; unpaid and refunded ones left out."""
    head = "Name,Email,Financial Status,Paid at,Currency,Total,Created at,Lineitem quantity,Lineitem name,Phone\n"
    rows = [
        "#1001,ana@example.com,paid,2026-09-01 08:01:00 +0200,EUR,35.00,2026-09-01 08:00:00 +0200,1,Mug,\n",
        "#1001,ana@example.com,,,,,2026-09-01 08:00:00 +0200,2,Cup,\n",
        "#1002,bo@example.com,refunded,2026-09-02 08:01:00 +0200,EUR,9.00,2026-09-02 08:00:00 +0200,1,Mug,\n",
        "#1003,,paid,2026-09-03 08:01:00 +0200,EUR,12.50,2026-09-03 08:00:00 +0200,1,Mug,+4930123\n",
    ]
    path = put(tmp_path / "orders_export.csv", head + "".join(rows))
    guessed = guess(path)
    assert "'shopify-orders-csv'" in guessed.words
    source = Source(path, guessed.shape, now=NOW, format=guessed.format)
    read = [row.arrival.event for row in source.rows() if isinstance(row, Read)]
    assert [(one.user_id, one.event, float(one.properties["revenue"])) for one in read] == [
        ("ana@example.com", "Order Completed", 35.0),
        ("+4930123", "Order Completed", 12.5),
    ]


def test_a_decimal_comma_is_read(tmp_path: Path) -> None:
    """Amounts as much of Europe writes them count for what they say."""
    text = "timestamp;user_id;event;revenue\n" + "".join(
        f"2026-10-01T08:00:0{n}Z;ana;Order Completed;{amount}\n"
        for n, amount in enumerate(["123,45", "1.234,50", "7.5"])
    )
    path = put(tmp_path / "orders.csv", text)
    guessed = guess(path)
    source = Source(path, guessed.shape, now=NOW, format=guessed.format)
    amounts = [row.arrival.event.properties["revenue"] for row in source.rows() if isinstance(row, Read)]
    assert [float(amount) for amount in amounts] == [123.45, 1234.5, 7.5]


POSTHOG = """uuid,event,properties,timestamp,distinct_id
1,search,"{""search_term"": ""tent, blue"", ""$device_type"": ""Mobile""}",2020-01-01T00:00:00+00:00,a
2,order placed,"{""product_id"": ""t1"", ""total"": 12.5, ""currency"": ""EUR""}",2020-01-01T00:01:00+00:00,a
3,left,not an object,2020-01-01T00:02:00+00:00,a
"""


def test_an_object_in_a_cell_is_looked_into(tmp_path: Path) -> None:
    """What stands in a cell as JSON counts as columns do; a cell that holds something else is passed over."""
    path = put(tmp_path / "posthog.csv", POSTHOG)
    guessed = guess(path)
    rows = [r.arrival.event for r in Source(path, guessed.shape, now=NOW).rows() if isinstance(r, Read)]
    assert [row.event for row in rows] == ["Products Searched", "Order Completed", "left"]
    assert rows[0].properties["query"] == "tent, blue"
    assert rows[0].context["device"] == {"type": "Mobile"}
    assert (rows[1].properties["product_id"], rows[1].properties["revenue"]) == ("t1", 12.5)
    assert not rows[2].properties


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("Purchase Completed", "Order Completed"),
        ("checkout_success_booking_confirmed", "Order Completed"),
        ("Search Performed", "Products Searched"),
        ("productDetailViewed", "Product Viewed"),
        ("Added To Basket", "Product Added"),
        ("Removed from Cart", "Product Removed"),
        ("Checkout Begun", "Checkout Started"),
        ("Refund Issued", "Order Refunded"),
        ("búsqueda", "Products Searched"),
        ("Product List Viewed", "Product List Viewed"),
        ("Search Result Clicked", "Search Result Clicked"),
        ("Order Updated", "Order Updated"),
        ("Purchase Failed", "Purchase Failed"),
    ],
)
def test_events_called_in_several_words(tmp_path: Path, called: str, name: str) -> None:
    """An event is told by the words that it is called by, and left as it is where they say something else."""
    row = {"user_id": "a", "event_type": called, "event_time": "2020-01-01 00:00:00.000000"}
    assert events(put(tmp_path / "amplitude.json", json.dumps(row))) == [("a", name, 1_577_836_800_000)]


def test_an_order_that_is_told_twice_counts_once(tmp_path: Path) -> None:
    """Where one event is the order already, no other that sounds like one becomes it too."""
    times = [("Checkout Completed", 1), ("Order Completed", 2), ("Purchase Completed", 3)]
    rows = [{"user_id": "a", "event": called, "ts": 1_577_836_800 + n} for called, n in times]
    told = [name for _, name, _ in events(put(tmp_path / "x.jsonl", "\n".join(json.dumps(row) for row in rows)))]
    assert told == [called for called, _ in times]


def test_times_are_told_by_what_stands_in_them(tmp_path: Path) -> None:
    """A column of times is found though nobody knows its name, as long as nothing else stands in it."""
    text = "visitorId\tserverTimePretty\ttype\nv\tJan 01, 2020 00:00:00\tsearch\n"
    assert events(put(tmp_path / "matomo.tsv", text)) == [("v", "Products Searched", 1_577_836_800_000)]
    with pytest.raises(MappingError, match="when it happened"):
        guess(put(tmp_path / "x.tsv", "visitorId\tlifetime\nv\tlong\n"))
