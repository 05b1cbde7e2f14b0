"""Sensitive needs on a labelled list: recall and false alarms are part of the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from micromoments.core.settings import Recognition
from micromoments.recognise.sensitive import Detector, detector, sensitive

SENSITIVE = {
    "pregnancy": [
        "am i pregnant",
        "early pregnancy signs",
        "abortion clinic near me",
        "ivf cost",
        "birth control side effects",
        "ovulation test kit",
        "missed period what to do",
    ],
    "health": [
        "breast cancer stages",
        "std testing near me",
        "hiv test",
        "antidepressants and alcohol",
        "how to stop a panic attack",
        "therapist near me",
        "suicide hotline",
        "diabetic shoes",
        "erectile dysfunction pills",
        "symptoms of lupus",
        "rehab centers in ohio",
        "i feel depressed",
        "insulin pump",
        "yeast infection cream",
        "lump in my breast",
    ],
    "religion": [
        "mosque near me",
        "ramadan prayer times",
        "converting to islam",
        "synagogue in brooklyn",
        "leaving the church",
        "sunday mass times",
        "hijab styles",
    ],
    "sexuality": [
        "gay bars in chicago",
        "am i bisexual",
        "lgbtq therapist",
        "gender dysphoria test",
        "sex toys",
        "coming out to parents",
        "condoms",
        "transgender clinic",
    ],
    "money": [
        "payday loan no credit check",
        "how to file for bankruptcy",
        "can't pay my rent",
        "debt consolidation",
        "food bank near me",
        "facing eviction help",
        "gambling addiction help",
        "unemployment benefits",
    ],
    "minors": ["i'm 14 and want a boyfriend", "fake id", "i am 12 years old", "teen pregnancy help"],
}
HARMLESS = [
    "trail running shoes", "how to fix a leaking tap", "capital of peru", "coffee near me", "cancer zodiac sign",
    "church's chicken near me",
    "christian louboutin heels", "detox tea", "4 stroke engine oil", "great depression causes",
    "i'm 15 minutes away", "nike pegasus 41",
    "baby stroller", "yoga mat", "vitamin c serum", "protein powder", "temple run game", "doctor who season 2",
    "heart shaped necklace",
    "credit card rewards", "bank of america hours", "loan calculator", "how to play guitar", "pizza delivery",
    "flights to tel aviv",
    "wedding dress", "swimsuit", "dating app icons", "shot glasses", "running with asics", "stroke width in svg",
    "kids bike 16 inch",
    "i am 10 minutes late", "history of rome", "chicken tikka masala", "standing desk", "cold brew coffee",
    "light therapy lamp",
    "back to school supplies", "prayer plant care", "noise cancelling headphones", "blood orange juice",
    "rainbow cake", "pride and prejudice",
]  # fmt: skip


def test_recall_and_category() -> None:
    """At least nine in ten of the labelled sensitive queries are caught, as something sensitive."""
    rows = [(category, query) for category, queries in SENSITIVE.items() for query in queries]
    caught = [query for _, query in rows if sensitive(query)]

    assert len(caught) / len(rows) >= 0.9, [q for _, q in rows if q not in caught]


def test_false_alarms() -> None:
    """At most one in forty of the harmless queries raises an alarm."""
    alarms = [query for query in HARMLESS if sensitive(query)]

    assert len(alarms) / len(HARMLESS) <= 0.025, alarms


def told(part: str) -> list[tuple[str, str]]:
    """(category, query) of one part of the queries written by another route than the list; "-" is harmless."""
    lines = Path(__file__).with_name("sensitive_needs.tsv").read_text(encoding="utf-8").splitlines()
    return [(kind, query) for of, kind, query in (line.split("\t") for line in lines) if of == part]


@pytest.mark.parametrize("part", ["look", "kept", "fresh"])
def test_queries_written_by_another_route(part: str) -> None:
    """Of queries written before the list was widened, two parts read for it and one kept aside, 19 in 20 are caught."""
    rows = told(part)
    wanted = [query for kind, query in rows if kind != "-"]
    missed = [query for query in wanted if not sensitive(query)]
    alarms = [query for kind, query in rows if kind == "-" and sensitive(query)]

    assert len(missed) / len(wanted) <= 0.05, missed
    assert len(alarms) / (len(rows) - len(wanted)) <= 0.05, alarms


def test_settings_add_words() -> None:
    """A project's own words are found beside those that ship; the same words make one detector."""
    given = Recognition(sensitive={"custody": ("visitation schedule",)})
    found = detector(given.sensitive)

    assert found("our visitation schedule") == "custody"
    assert found("payday loan") == "money"
    assert detector({"custody": ("visitation schedule",)}) is found
    assert detector({})("our visitation schedule") is None


def test_category_is_told() -> None:
    """The category names why something is forgotten."""
    assert sensitive("abortion clinic near me") == "pregnancy"
    assert sensitive("PAYDAY LOAN") == "money"


def test_extensible() -> None:
    """A business adds its own words and categories; a bad category is refused."""
    own = Detector({"arms": ("hunting rifle",), "health": ("cpap mask",)})

    assert own("hunting rifle for sale") == "arms"
    assert own("cpap mask") == "health"
    assert own("am i pregnant") == "pregnancy"
    with pytest.raises(ValueError, match="rename"):
        Detector({"two words": ("x",)})


def test_a_long_text_is_read_and_not_kept() -> None:
    """What is longer than any query is looked through each time: kept by the thousand it would fill the memory."""
    detect = Detector({})
    page = "shoes and " * 3_000

    assert (detect(page), detect(f"{page}am i pregnant")) == (None, "pregnancy")
    assert detect("am i pregnant quiz") == "pregnancy"
    assert list(detect._seen) == ["am i pregnant quiz"]
