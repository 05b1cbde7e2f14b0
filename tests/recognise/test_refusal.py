"""Refusals: what is named and not wanted, and what is asked for beside it."""

from __future__ import annotations

import pytest

from micromoments.core.moment import TYPES
from micromoments.recognise.refusal import asked
from micromoments.recognise.text import TextModel

MODEL = TextModel.load()

REFUSED = (
    "I don't need a plumber",
    "we didn't order any soup, thanks",
    "i’m not looking for a hotel",
    "nah, not interested in trainers",
    "i wasn't asking about flights",
    "please do not book a table",
    "could you stop sending me coupons",
    "no more reminders about the lamp",
    "we've already bought one",
    "no thank you i already have a kettle",
    "only browsing, thanks.",
    "i don't want you to book me a room",
    "not going on holiday anywhere",
    "way too pricey",
    "hide this coupon",
)


def best(query: str) -> str:
    """The likeliest type."""
    p = MODEL.probabilities(query)
    return TYPES[p.index(max(p))]


@pytest.mark.parametrize("query", REFUSED)
def test_what_is_refused_is_none(query: str) -> None:
    """Whoever refuses a thing wants none of it, though its name stands there; no word is told for another type."""
    assert asked(query) in {"", "thanks"}
    assert best(query) == "none"
    assert not {kind for _, kind, _ in MODEL.telling(query)} - {"none"}


@pytest.mark.parametrize(
    ("query", "left", "kind"),
    [
        ("i don't want to cook, where can i eat tonight", "where can i eat tonight", "go"),
        ("not buying, but how does a heat pump work", "how does a heat pump work", "know"),
        ("i don't want a new one so how do i mend a zip", "how do i mend a zip", "do"),
        ("i already have the tent. I need to buy a sleeping bag", "i need to buy a sleeping bag", "buy"),
        ("don't feel like cooking get me a pizza delivered", "get me a pizza delivered", "buy"),
        ("i don't want to cook somewhere near the park", "somewhere near the park", "go"),
        ("i don't want tea i don't want milk just find me a juice bar", "just find me a juice bar", "go"),
    ],
)
def test_what_is_asked_beside_a_refusal_counts(query: str, left: str, kind: str) -> None:
    """A refusal ends at a mark or where another clause opens, and that is read alone."""
    assert asked(query) == left
    assert best(query) == kind


@pytest.mark.parametrize(
    "query",
    [
        "how do i not burn rice",
        "shoes not leather",
        "i don't know where to eat",
        "stop a door from squeaking",
        "quit smoking",
        "do not disturb sign",
        "why don't people like decaf",
        "just looking for a sofa",
        "too big to fail explained",
        "i don't want to miss a thing lyrics",
        "no bake cheesecake",
        "already ripe avocado",
        "",
    ],
)
def test_what_only_has_a_not_in_it_is_left_alone(query: str) -> None:
    """Tasks, things without something, and what is called so refuse nothing."""
    assert asked(query) == query


def test_an_endless_refusal_costs_no_more() -> None:
    """Only the beginning of a text is looked at."""
    assert asked("no more " + "shoes " * 100_000) == "no more " + "shoes " * 100_000
    assert asked("i don't want " + "shoes " * 100_000) == ""
