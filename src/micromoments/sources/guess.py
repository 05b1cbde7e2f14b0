"""How a file that nobody described may be read: its format, a mapping that ships with the package, or one guessed from
the names of its columns and what its first rows say.

A guess is told in words, so that it can be put right; it is never made where a mapping is given.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from micromoments.sources.history import ENRICHED
from micromoments.sources.mapped import pointed, written
from micromoments.sources.mapping import Field, Format, MappingError, Shape, preset, presets
from micromoments.sources.opened import Bad, objects, open_bytes
from micromoments.sources.segment import instant

LOOKED_AT = 20_000
"""Rows that a guess looks at."""
_KINDS = frozenset({"track", "page", "screen", "identify", "group", "alias"})
_FIELDS: Mapping[str, str] = {
    "userId": "userid customerid custid customer memberid member person personid accountid profileid contactid "
    "distinctid shopperid clientid user uid customernumber custno householdid kundennummer kundennr kundenid",
    "anonymousId": "anonymousid visitorid visitor deviceid cookieid userpseudoid fullvisitorid amplitudeid "
    "browserid sessionid session",
    "event": "event eventname eventtype action actiontype type behavior behaviour behaviortype behaviourtype activity "
    "activitytype interaction interactiontype aktion ereignis",
    "timestamp": "timestamp time ts eventtime eventtimestamp datetime date createdat occurredat happenedat servertime "
    "clienteventtime clienttime orderdate purchasedate transactiondate invoicedate eventdate localtime unixtime "
    "zeitpunkt zeitstempel datum horodatage fecha",
    "messageId": "messageid insertid",
    "properties.product_id": "productid itemid item product sku stockcode articleid contentid prodid asin "
    "artikelnr artikelnummer produktid",
    "properties.query": "query searchquery searchterm searchterms searchphrase search keyword keywords q "
    "suchbegriff suchwort sitesearchkeyword",
    "properties.results": "results resultcount resultscount numresults nresults numberofresults hits",
    "properties.category": "category categorycode categoryid categoryname productcategory catid",
    "properties.price": "price unitprice productprice itemprice",
    "properties.revenue": "revenue amount total ordertotal ordervalue totalprice totalamount grandtotal sales value "
    "umsatz betrag montant importe",
    "properties.currency": "currency currencycode",
    "properties.quantity": "quantity qty",
    "properties.order_id": "orderid ordernumber transactionid invoice invoiceno invoicenumber receiptid basketid",
    "properties.promotion_id": "promotionid offerid campaignid couponid",
    "context.channel": "channel platform",
    "context.device.type": "device devicetype devicecategory",
    "context.location.country": "country countrycode",
    "context.location.city": "city",
}
"""What columns are called, written as one word in small letters, the likeliest first."""
_EVENTS: Mapping[str, str] = {
    "Product Viewed": "view viewed productview viewproduct viewitem itemview detail click clicked pv artikelansicht "
    "produktansicht produktaufruf",
    "Product Added": "cart addtocart addcart add added basket tocart addtobasket warenkorb panier carrito carrello",
    "Product Removed": "removefromcart remove removed cartremove",
    "Checkout Started": "checkout begincheckout checkoutstarted",
    "Order Completed": "purchase purchased transaction order ordered orderplaced buy bought conversion sale "
    "checkoutcomplete orderpaid paid ecommerceorder kauf gekauft bestellung bestellt achat commande compra pedido "
    "acquisto ordine",
    "Order Refunded": "refund refunded return returned",
    "Products Searched": "search searched query suche gesucht recherche busqueda ricerca",
    "Product Added to Wishlist": "fav favorite favourite wishlist addtowishlist",
    "Promotion Delivered": "offerreceived promotionreceived couponreceived offerdelivered",
    "Promotion Viewed": "offerviewed promotionview viewpromotion couponviewed impression",
    "Coupon Applied": "offercompleted couponredeemed couponused redeemed",
}
_NAMED = {word: name for name, words in _EVENTS.items() for word in words.split()}
_DONE = "completed complete placed paid successful succeeded confirmed submitted"
_SPOKEN: Sequence[tuple[str, str, str, str]] = (
    ("Order Refunded", "refund refunded refunds", "", ""),
    ("Order Completed", "order", _DONE, ""),
    ("Order Completed", "purchase", f"{_DONE} made", ""),
    ("Order Completed", "transaction booking checkout", _DONE, ""),
    ("Product Removed", "remove removed", "cart basket bag trolley", ""),
    ("Product Added to Wishlist", "add added save saved", "wishlist favorites favourites", "removed"),
    ("Product Added", "add added", "cart basket bag trolley", ""),
    ("Checkout Started", "checkout", "start started begin began begun initiated", ""),
    ("Products Searched", "search searched searches", "", "result results click clicked opened selected cleared"),
    ("Product Viewed", "product item pdp", "view viewed views seen opened visited detail details",
     "list lists category review reviews cart basket added"),
)  # fmt: skip
"""What events are called in several words: a standard name, a word of the first and one of the second (where there are
any) that are among them, and words that mustn't be; of an order the likeliest first.
"""
_SEAM = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
"""Where words written together begin anew: ``productViewed``."""
_TIMES = (
    "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S.%f UTC", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S", "%m/%d/%y %H:%M", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y %H:%M", "%d-%m-%Y", "%d-%b-%Y",
    "%b %d, %Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%a %b %d %H:%M:%S %Y", "%d/%b/%Y:%H:%M:%S %z",
)  # fmt: skip


class Guess(NamedTuple):
    """How a file is read: its mapping and format, and the guess in words."""

    shape: Shape
    format: Format
    words: str


def guess(path: Path) -> Guess:
    """How a file is likely to be read.

    Raises:
        MappingError: no column says who, what or when; the message names the columns that there are.
    """
    form, header, rows = _head(path)
    if not rows:
        raise MappingError(f"got {path.name}, in which no row could be read; wanted rows of events")
    known = _known(header, rows[0])
    if known is not None:
        return Guess(Shape(), known, f"in the shape of {known}, which needs no mapping")
    for name in presets():
        shape = preset(name)
        if _fits(shape, header, rows):
            return Guess(shape, form, f"by the mapping {name!r} that ships with the package, whose columns it has")
    rows = [_opened(row) for row in rows]
    names = dict.fromkeys([*header, *(name for row in rows for name in _paths(row))])
    fields, words = _by_names(path, list(names), rows)
    return Guess(Shape(fields=fields), form, words)


def _head(path: Path) -> tuple[Format, Sequence[str], list[Mapping[str, Any]]]:
    """How it is written, the names of the columns, nested ones by dots, and the first rows as objects."""
    with open_bytes(path) as file:
        start = file.read(65_536)
    form: Format = "parquet" if start[:4] == b"PAR1" else "jsonl"
    if form == "jsonl" and start.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] not in (b"{", b"["):
        return "csv", *_cells(path)
    rows: list[Mapping[str, Any]] = []
    for _, row in objects(path, None, ()):
        if not isinstance(row, Bad):
            rows.append(row)
        if len(rows) >= LOOKED_AT:
            break
    return form, list(dict.fromkeys(name for row in rows for name in _paths(row))), rows


def _cells(path: Path) -> tuple[Sequence[str], list[Mapping[str, Any]]]:
    try:
        return _table(path)
    except csv.Error as error:
        raise ValueError(f"got {path.name}, which can't be read as CSV ({error}); wanted rows of events") from error


def _table(path: Path) -> tuple[Sequence[str], list[Mapping[str, Any]]]:
    with open_bytes(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
        first = text.readline()
        delimiter = max("\t,;|", key=first.count)
        header = next(csv.reader([first], delimiter=delimiter), [])
        if len(header) >= len(ENRICHED):
            return header, [dict(zip(ENRICHED, header, strict=False))]
        rows: list[Mapping[str, Any]] = []
        for cells in csv.reader(text, delimiter=delimiter):
            if len(cells) == len(header):
                rows.append({name: cell for name, cell in zip(header, cells, strict=True) if cell})
            if len(rows) >= LOOKED_AT:
                break
    return header, rows


def _opened(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row with the objects that are written as text in its cells."""
    return {name: found if (found := written(value)) is not None else value for name, value in row.items()}


def _paths(row: Mapping[str, Any], prefix: str = "", depth: int = 3) -> Iterator[str]:
    for name, value in row.items():
        if isinstance(value, dict) and depth > 1:
            yield from _paths(value, f"{prefix}{name}.", depth - 1)
        else:
            yield f"{prefix}{name}"


def _known(header: Sequence[str], row: Mapping[str, Any]) -> Format | None:
    """The format of a row whose fields only one tool writes."""
    if len(header) >= len(ENRICHED) or {"collector_tstamp", "event_id"} <= row.keys():
        return "snowplow-enriched"
    if {"event_name", "event_timestamp"} <= row.keys() and row.keys() & {"event_params", "user_pseudo_id"}:
        return "ga4-bigquery"
    if "line_items" in row and row.keys() & {"processed_at", "created_at"}:
        return "shopify-orders"
    who = row.keys() & {"userId", "anonymousId"}
    when = row.keys() & {"timestamp", "originalTimestamp"}
    return "segment" if who and when and row.get("type") in _KINDS else None


def _fits(shape: Shape, header: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the file is one of a mapping: who, what and when by its columns, a further one, and only its events.

    A cell that is always there is a column of CSV; the first rows of JSON may lack what later ones have. A mapping that
    skips other events needs only one of its own.
    """
    there = {path: bool(set(field.columns) & set(header)) for path, field in shape.fields.items() if field.columns}
    needed = {path for path in there if "." not in path}
    if not all(there[path] for path in needed) or not any(there[path] for path in there.keys() - needed):
        return False
    event = shape.fields.get("event")
    if event is None or not event.values:
        return True
    known = [str(_at(row, event.columns[0])) in event.values for row in rows[:50]]
    return any(known) if event.otherwise == "skip" else all(known)


def _by_names(path: Path, header: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Field], str]:
    """The fields of a mapping by what the columns are called, and the guess in words."""
    columns = {_plain(name.rpartition(".")[2]): name for name in reversed(header)}
    found: dict[str, str] = {}
    for field, words in _FIELDS.items():
        name = next((columns[word] for word in words.split() if word in columns), None)
        if name is not None and name not in found.values():
            found[field] = name
    if "timestamp" not in found and (named := _timely(header, rows)):
        found["timestamp"] = named
    missing = [
        what
        for what, fields in (("who did it", ("userId", "anonymousId")), ("when it happened", ("timestamp",)))
        if not found.keys() & set(fields)
    ]
    if missing:
        raise MappingError(
            f"got {path.name} with the columns {', '.join(header)[:400]}; none of these names says "
            f"{' nor '.join(missing)}; say it with --map, such as --map userId=COLUMN,timestamp=COLUMN,event=COLUMN"
        )
    fields = {field: Field(column=name) for field, name in found.items()}
    fields["timestamp"] = _time(found["timestamp"], rows)
    constant = _what(fields, found, rows)
    if "properties.revenue" not in found and "properties.price" in found:
        fields["properties.revenue"] = Field(column=found["properties.price"])
        constant += ", an order is worth its price"
    for field in ("properties.revenue", "properties.price", "properties.results"):
        if field in fields and not _numbers(fields[field].columns[0], rows):
            del fields[field]
    told = ", ".join(f"{field}={found[field]}" for field in fields if field in found)
    words = f"by the names of its columns: {told}{constant}"
    if fields["timestamp"].format:
        words += f", times as {fields['timestamp'].format}"
    return fields, f"{words}; put it right with --map"


def _what(fields: dict[str, Field], found: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Make what happened a field: the column's values under standard names, or one name for all rows; in words."""
    if "event" not in found:
        name = (
            "Order Completed" if found.keys() & {"properties.order_id", "properties.revenue"}
            else "Products Searched" if "properties.query" in found
            else "Product Viewed"
        )  # fmt: skip
        fields["event"] = Field(value=name)
        return f", every row a {name}"
    spoken = sorted({str(value) for row in rows if (value := _at(row, found["event"])) is not None})
    values = _named(spoken)
    fields["event"] = Field(column=found["event"], values=values)
    return "".join(f", {value} is {name}" for value, name in values.items() if value != name)


def _named(spoken: Sequence[str]) -> dict[str, str]:
    """Standard names of events by what they are called, in one word or in several; only one is taken for the order,
    as an order that is told in two ways would count twice.
    """
    values = {value: _NAMED[_plain(value)] for value in spoken if _plain(value) in _NAMED}
    ordered = "Order Completed" in {*spoken, *values.values()}
    split = {value: set(re.findall(r"[a-z0-9]+", _SEAM.sub(" ", value).lower())) for value in spoken}
    for name, one, other, without in _SPOKEN:
        for value, words in split.items():
            fits = (
                words & set(one.split())
                and (not other or words & set(other.split()))
                and not words & set(without.split())
            )
            if not fits or value in values or value in _EVENTS or (ordered and name == "Order Completed"):
                continue
            values[value] = name
            ordered = ordered or name == "Order Completed"
    return values


def _time(column: str, rows: Sequence[Mapping[str, Any]]) -> Field:
    """How the times of a column are written: by their looks, or the pattern that reads most of them."""
    seen = [value for row in rows[:200] if (value := _at(row, column)) is not None]
    texts = [value for value in seen if isinstance(value, str)]
    if not texts or all(instant(text) is not None or _number(text) is not None for text in texts):
        return Field(column=column)
    read = {pattern: sum(_reads(text, pattern) for text in texts) for pattern in _TIMES}
    most = max(_TIMES, key=lambda pattern: read[pattern])
    plain = sum(instant(text) is not None or _number(text) is not None for text in texts)
    return Field(column=column, format=most) if read[most] > plain else Field(column=column)


def _timely(header: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """The first column whose name holds the word time or date, and in which only times are; else nothing."""
    for name in header:
        if re.search("time|date", name.lower()):
            seen = [value for row in rows[:200] if isinstance(value := _at(row, name), str)]
            field = _time(name, rows)
            if seen and all(_reads(text, field.format) if field.format else instant(text) is not None for text in seen):
                return name
    return ""


def _reads(text: str, pattern: str) -> bool:
    try:
        datetime.strptime(text, pattern)  # noqa: DTZ007 only whether it reads
    except ValueError:
        return False
    return True


def _numbers(column: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    seen = [value for row in rows[:200] if (value := _at(row, column)) is not None]
    return bool(seen) and all(not isinstance(value, dict | list) and _number(value) is not None for value in seen)


def _number(value: Any) -> float | None:
    try:
        return float(pointed(value))
    except (TypeError, ValueError):
        return None


def _at(row: Mapping[str, Any], column: str) -> Any:
    """The value at a column's path; a whole name with dots in it is one column."""
    if column in row:
        return row[column]
    value: Any = row
    for step in column.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _plain(name: str) -> str:
    """One word in small letters, without accents."""
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", name).lower())
