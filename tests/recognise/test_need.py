"""Needs read from words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.recognise.need import named, need, topic
from micromoments.recognise.text import TextModel


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ("cheap trail running shoes under $80 near me", "trail running shoes"),
        ("how do i fix a leaking tap?", "fix a leaking tap"),
        ("what is the capital of peru", "capital of peru"),
        ("where can i buy a kettle", "kettle"),
        ("best coffee maker reviews", "coffee maker"),
        ("chicken tikka masala recipe", "chicken tikka masala"),
        ("nike pegasus 41 size 10", "nike pegasus 41 size 10"),
    ],
)
def test_query_without_intent_words(words: str, query: str) -> None:
    """What is left is what the need is about."""
    assert need(words).query == query


def test_price_range() -> None:
    """Prices become minor units; a bare number counts only where a limit is said."""
    assert (need("shoes under $80").price_from, need("shoes under $80").price_to) == (0, 8000)
    assert (
        need("laptop between 500 and 900 dollars").price_from,
        need("laptop between 500 and 900 dollars").price_to,
    ) == (50000, 90000)
    assert need("iphone 15").price_to == 0
    assert need("nike pegasus 41 size 10").price_from == 0


@pytest.mark.parametrize(
    ("words", "low", "high", "currency"),
    [
        ("laptops between €500 and €900", 50000, 90000, "EUR"),
        ("gifts £20 to £40", 2000, 4000, "GBP"),
        ("tv $500-$800", 50000, 80000, "USD"),
        ("laptops under 1,000 dollars", 0, 100000, "USD"),
        ("camera for less than ¥50000", 0, 50000, "JPY"),
        ("used car under 10k", 0, 1000000, ""),
        ("sofa around 300 euros", 0, 30000, "EUR"),
        ("running shoes over $100", 10000, 0, "USD"),
        ("shoes size 10 to 12", 0, 0, ""),
        ("open from 9 to 5", 0, 0, ""),
        ("laptop under 1.000 €", 0, 100000, "EUR"),
        ("tv for 1.299,99 €", 0, 129999, "EUR"),
        ("tv under $1,299.99", 0, 129999, "USD"),
        ("sofa 1.000 to 1.500 euros", 100000, 150000, "EUR"),
        ("watch under 1’200.50", 0, 120050, ""),
        ("laptop under 1 000 €", 0, 100000, "EUR"),
        ("laptop under 1\u202f299,50 €", 0, 129950, "EUR"),
        ("rug between 1\xa0000 and 2\xa0500 euros", 100000, 250000, "EUR"),
        ("sheets under 50 100% cotton", 0, 5000, ""),
        ("flat under 250.000.000 yen", 0, 250000000, "JPY"),
        ("tickets before under 12.5.2024", 0, 0, ""),
        ("shoes under 999,999,999,999,999,999,999 dollars", 0, 0, ""),
        ("shoes under 99999999999999999999999", 0, 0, ""),
    ],
)
def test_price_range_with_currency(words: str, low: int, high: int, currency: str) -> None:
    """A range carries the currency that its words name; yen have no minor unit; bare numbers are no range, nor are
    those that no price has; points, apostrophes and spaces part thousands as commas do.
    """
    found = need(words)

    assert (found.price_from, found.price_to, found.currency) == (low, high, currency)


@pytest.mark.parametrize(
    ("words", "own", "most", "currency"),
    [
        ("shoes under $80", "USD", 8000, "USD"),
        ("shoes under $80", "AUD", 8000, "AUD"),
        ("shoes under 80 dollars", "CAD", 8000, "CAD"),
        ("shoes under $80", "EUR", 8000, "USD"),
        ("shoes under US$80", "AUD", 8000, "USD"),
        ("shoes under 80 usd", "AUD", 8000, "USD"),
        ("shoes under $ 5.000", "CLP", 5000, "CLP"),
        ("shoes under ¥500", "CNY", 50000, "CNY"),
        ("shoes under £80", "AUD", 8000, "GBP"),
    ],
)
def test_a_sign_of_several_currencies(words: str, own: str, most: int, currency: str) -> None:
    """It is the project's own where that is written so; a code is no sign."""
    found = need(words, own)
    assert (found.price_to, found.currency) == (most, currency)


@pytest.mark.parametrize(
    ("words", "query", "place", "time"),
    [
        ("hotels in paris this weekend under 150 euros", "hotels", "paris", "this weekend"),
        ("restaurants in soho tonight at 8pm", "restaurants", "soho", "tonight 8pm"),
        ("directions to times square", "times square", "times square", ""),
        ("how to get to the airport", "airport", "airport", ""),
        ("pizza near central park open now", "pizza", "central park", "now"),
        ("shoes for running in the rain", "shoes for running in the rain", "", ""),
        ("how to train for a marathon in winter", "train for a marathon in winter", "", ""),
        ("train to manchester tomorrow morning", "train", "manchester", "tomorrow morning"),
    ],
)
def test_places_and_times_leave_the_query(words: str, query: str, place: str, time: str) -> None:
    """Named places and times are told apart from what is looked for; "in the rain" is no place."""
    found = need(words)

    assert (found.query, found.place, found.time) == (query, place, time)


def test_brand_and_kind_are_named() -> None:
    """Listed words name the brand and the kind of thing, as typed; of several things the last."""
    lexicon = TextModel.load().lexicon

    assert named(need("cheap nike running shoes under $80"), lexicon).brand == "nike"
    assert named(need("cheap nike running shoes under $80"), lexicon).category == "running shoes"
    assert named(need("capital of peru"), lexicon) == need("capital of peru")


def test_place_and_time() -> None:
    """Near me, a named place, and a phrase of time are taken out of the query."""
    assert need("pizza near me").place == "near me"
    assert need("hotels in new york").place == "new york"
    assert need("book a table in soho tonight").place == "soho"
    assert need("book a table in soho tonight").time == "tonight"
    assert need("starbucks open now").time == "now"


@given(st.text(max_size=300))
def test_never_fails(words: str) -> None:
    """Any text gives a need whose words are bounded."""
    assert len(need(words).words) <= 160


def test_topics_compare_without_small_words() -> None:
    """Two wordings of one need share topic words, plurals alike."""
    assert topic("trail running shoes") & topic("a trail shoe")
    assert not topic("how to") & topic("to do")
