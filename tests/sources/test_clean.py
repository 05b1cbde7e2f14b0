"""Clean input: who is marked, and what is scrubbed out of free text."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import msgspec
import pytest

from micromoments.core.event import BOT, INTERNAL, TEST, WITHHELD, Arrival
from micromoments.core.settings import Intake
from micromoments.recognise.sensitive import sensitive
from micromoments.sources import segment
from micromoments.sources.clean import Cleaner, luhn, scrub_text

NOW = 1_795_448_665_000
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def arrive(properties: dict[str, Any] | None = None, *, at: int = NOW, **fields: Any) -> Arrival:
    """One event."""
    payload = {"type": "track", "event": "A", "userId": "u", "properties": properties or {}, **fields}
    return segment.arrival(payload, received_at=at)


def marks(arrival: Arrival, intake: Intake | None = None, *, agent: str = "", ip: str = "") -> int:
    """The marks that cleaning gives it."""
    return Cleaner(intake or Intake(), sensitive).clean(arrival, agent=agent, ip=ip).marks


def test_crawlers_are_bots_by_their_agent() -> None:
    """A crawler that runs scripts is marked, by its request or by its context; people are not."""
    assert marks(arrive(), agent=GOOGLEBOT) == BOT
    assert marks(arrive(context={"userAgent": GOOGLEBOT}), agent=CHROME) == BOT
    assert marks(arrive(), agent=CHROME) == 0


def test_nothing_is_kept_of_agents_and_addresses_that_are_too_long() -> None:
    """Senders choose both: thousands of long ones don't grow memory, and a crawler is known by its beginning."""
    cleaner = Cleaner(Intake(internal_ips=("10.0.0.0/8",)), sensitive)
    cleaner.clean(arrive(context={"userAgent": "x", "ip": "10.0.0.1"}))
    tracemalloc.start()
    try:
        for n in range(60):
            said = {"userAgent": f"{n}" + "x" * 30_000, "ip": f"{n}" + "1" * 1_000}
            assert cleaner.clean(arrive(context=said)).marks == 0
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 600_000
    assert cleaner.clean(arrive(context={"userAgent": GOOGLEBOT + " " * 600})).marks == BOT


def test_servers_of_the_business_are_no_bots() -> None:
    """An SDK on a server sends with a library's agent, about people."""
    for agent in ("python-requests/2.34", "Go-http-client/1.1", "analytics-python/2.4.0"):
        assert marks(arrive(), agent=agent) == 0


def test_more_than_people_do_in_a_minute_is_a_bot() -> None:
    """Behaviour tells too: past the rate an id is marked, by event time, and others are not."""
    cleaner = Cleaner(Intake(max_events_per_minute=5), sensitive)
    got = [cleaner.clean(arrive()).marks for _ in range(7)]
    assert got == [0, 0, 0, 0, 0, BOT, BOT]
    assert cleaner.clean(arrive(userId="other")).marks == 0
    assert cleaner.clean(arrive(at=NOW + 60_000)).marks == 0


def test_internal_people_are_marked_by_id_domain_and_address() -> None:
    """The business's own people stay out of the counts however they are known."""
    intake = Intake(internal_ids=("boss",), internal_domains=("shop.example",), internal_ips=("10.0.0.0/8",))
    assert marks(arrive(userId="boss"), intake) == INTERNAL
    assert marks(arrive(traits={"email": "Ana@Shop.example"}), intake) == INTERNAL
    assert marks(arrive(), intake, ip="10.1.2.3") == INTERNAL
    assert marks(arrive(context={"ip": "10.1.2.3"}), intake, ip="8.8.8.8") == INTERNAL
    assert marks(arrive(traits={"email": "ana@notshop.example"}), intake, ip="8.8.8.8") == 0


@pytest.mark.parametrize("value", [True, 1, "true", "yes"])
def test_test_orders_are_marked(value: object) -> None:
    """An order that says it is a test is one."""
    assert marks(arrive({"test": value})) == TEST
    assert marks(arrive({"test": False})) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shoes for ana@example.com please", "shoes for [email] please"),
        ("call +49 151 2345 6789 now", "call [phone] now"),
        ("call (415) 555-2671", "call [phone]"),
        ("call 0151 23456789", "call [phone]"),
        ("my card 4111 1111 1111 1111 fails", "my card [card] fails"),
        ("card 4111111111111111", "card [card]"),
        ("tel: 13800138000", "tel: [phone]"),
        ("pay de89370400440532013000 today", "pay [account] today"),
        ("refund FI21 1234 5600 0007 85, thanks", "refund [account], thanks"),
        ("not DE89370400440532013001", "not DE89370400440532013001"),
        ("part de89370400440532013000x", "part de89370400440532013000x"),
        ("isbn 978-3-16-148410-0", "isbn 978-3-16-148410-0"),
        ("films of 1999, 2000 and 2001 or 1999 2000 2001", "films of 1999, 2000 and 2001 or 1999 2000 2001"),
        ("balls 10 20 30 40 50", "balls 10 20 30 40 50"),
        ("trail shoes size 42 under 100", "trail shoes size 42 under 100"),
        ("barcode 4006381333931", "barcode 4006381333931"),
        ("on 2026-11-23 10:15", "on 2026-11-23 10:15"),
        ("host 192.168.100.100", "host 192.168.100.100"),
        ("order 1234567", "order 1234567"),
        ("iphone 15 pro max 256", "iphone 15 pro max 256"),
    ],
)
def test_contact_data_is_scrubbed_and_nothing_else(text: str, expected: str) -> None:
    """E-mails, phones and cards go; sizes, prices, barcodes, dates and addresses of machines stay."""
    assert scrub_text(text) == expected


def test_luhn_checks_digits() -> None:
    """The check digit tells a card from any other number."""
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")


def test_scrubbing_rewrites_the_body_too() -> None:
    """What is kept in the log is as clean as what is read of it."""
    got = Cleaner(Intake(), sensitive).clean(arrive({"query": "write ana@example.com", "price": 3}, x=[1]))
    assert got.event.properties == {"query": "write [email]", "price": 3}
    assert json.loads(got.body)["properties"]["query"] == "write [email]"
    assert json.loads(got.body)["x"] == [1]


def test_addresses_of_pages_lose_their_mails() -> None:
    """A newsletter link that carries an e-mail doesn't keep it."""
    page = {"url": "https://shop.example/?email=ana%40example.com", "title": "Hello"}
    got = Cleaner(Intake(), sensitive).clean(arrive(context={"page": page}))
    assert got.event.context["page"]["url"] == "https://shop.example/?email=[email]"


def test_traits_sent_on_purpose_stay() -> None:
    """An identify with an e-mail keeps it, and its body byte for byte."""
    sent = segment.arrival({"type": "identify", "userId": "u", "traits": {"email": "a@b.example"}}, received_at=NOW)
    assert Cleaner(Intake(), sensitive).clean(sent) is sent


def test_clean_events_are_not_touched() -> None:
    """Nothing to do gives the very same arrival, free text or not."""
    for properties in ({"query": "trail shoes"}, {"price": 3.5}, {"message": ["a", {"b": 1}]}):
        sent = arrive(properties)
        assert Cleaner(Intake(), sensitive).clean(sent) is sent


def test_scrubbing_can_be_switched_off() -> None:
    """A business that must keep the words as they are may."""
    sent = arrive({"query": "ana@example.com"})
    assert Cleaner(Intake(scrub=False), sensitive).clean(sent) is sent


def test_words_of_a_sensitive_need_are_withheld() -> None:
    """They are gone from the event and from its body, and with them the address and title that repeat them."""
    page = {"url": "https://x.example/s?q=hiv+test", "search": "?q=hiv+test", "title": "hiv test", "locale": "en"}
    got = Cleaner(Intake(), sensitive).clean(arrive({"query": "am i pregnant", "results": 3}, context={"page": page}))
    assert got.event.properties == {"query": WITHHELD, "results": 3}
    assert got.event.context["page"] == {"url": WITHHELD, "search": WITHHELD, "title": WITHHELD, "locale": "en"}
    assert b"pregnant" not in got.body
    assert b"hiv" not in got.body
    assert msgspec.json.decode(got.body)["properties"] == got.event.properties


def test_a_page_that_was_searched_for_is_withheld_by_its_address() -> None:
    """A page view whose address carries the words leaves neither; an innocent one is left as it was."""
    for asked, kept in (("?q=bankruptcy+help", False), ("?q=trail+shoes", True), ("", True)):
        sent = arrive(context={"page": {"url": f"https://x.example/s{asked}", "search": asked}})
        assert (Cleaner(Intake(), sensitive).clean(sent) is sent) == kept


def test_withheld_words_say_nothing() -> None:
    """What stands in their place is read as a sensitive need again, so it opens no moment."""
    assert sensitive(WITHHELD) == "withheld"
