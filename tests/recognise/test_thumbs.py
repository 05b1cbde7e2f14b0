"""What thumbs type for short words is read as the words."""

from __future__ import annotations

import pytest

from micromoments.core.moment import TYPES
from micromoments.recognise.text import TextModel
from micromoments.recognise.thumbs import spelled

MODEL = TextModel.load()


@pytest.mark.parametrize(
    ("typed", "meant", "kind"),
    [
        ("how 2 bleed a radiator", "how to bleed a radiator", "do"),
        ("y do dogs howl", "why do dogs howl", "know"),
        ("wot is a stock split", "what is a stock split", "know"),
        ("somewhere 2 eat nr the station 2nite", "somewhere to eat near the station tonight", "go"),
        ("r u open and can u deliver 2 me", "are you open and can you deliver to me", "go"),
        ("hw do i descale a kettle", "how do i descale a kettle", "do"),
        ("whr can i park", "where can i park", "go"),
        ("need 2 buy a fone", "need to buy a phone", "buy"),
        ("cya thnx", "bye thanks", "none"),
    ],
)
def test_thumbs_change_nothing(typed: str, meant: str, kind: str) -> None:
    """A query typed by thumbs is answered as if it had been spelled in full."""
    assert spelled(typed.split()) == meant.split()
    assert MODEL.probabilities(typed) == MODEL.probabilities(meant)
    p = MODEL.probabilities(typed)
    assert TYPES[p.index(max(p))] == kind


@pytest.mark.parametrize(
    "query",
    [
        "u bolt clamp",
        "rent a van or get u haul",
        "what size drill bit for m8",
        "b4 envelopes",
        "11 countryside plz",
        "do cows chew cud",
        "angkor wat opening hours",
        "need 2 tickets for hamlet",
        "best 2 player games",
        "r programming",
        "chanel nr 5",
        "galaxy s 2 case",
        "2 bedroom flat",
        "type r exhaust",
        "y connector",
        "vitamin k",
        "bath 4 people",
        "k2",
    ],
)
def test_what_stands_for_itself_stays(query: str) -> None:
    """Digits and letters that are themselves aren't taken for words."""
    assert spelled(query.split()) == query.split()


def test_what_was_typed_is_told() -> None:
    """Words that tell are told as they stand, so that a page can mark them."""
    assert {"how", "2"} <= {word for word, kind, _ in MODEL.telling("how 2 bleed a radiator") if kind == "do"}
