"""Needs read from words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.recognise.need import need, topic


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
