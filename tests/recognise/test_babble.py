"""What isn't words says nothing, whatever its letters resemble."""

from __future__ import annotations

import pytest

from micromoments.recognise.features import tokens
from micromoments.recognise.text import EMPTY, NOTHING, TextModel

MODEL = TextModel.load()


@pytest.mark.parametrize(
    "query",
    [
        "lkjhgf hjkl",
        "zxcvbnm qwertyuiop",
        "xkcdqz vbnmk",
        "e480bd7beae047378b75ebb15cbbd98e",
        "8802c06a-86f4-e1cc-c119-b76eff163a9d",
        "for (int i = 0; i < n; i++) { x += a[i]; }",
        '{"a": 1, "b": [2, 3]}',
        "</script><script>alert(1)</script>",
        "${jndi:ldap://a/b}",
        "???",
        "$$ ?",
        "🍕🍕 🍔",
        "где купить кроссовки",
        "最近的咖啡店",
        "أين أقرب صيدلية",
        "πού είναι το φαρμακείο",
        "a " * 5_000,
        "how to " * 1_500,
        "x" * 10_000,
        "\u0301" * 10_000,
        "ﷺ" * 3_000,
        "\x00" * 10_000,
        "\ud800" * 100,
    ],
)
def test_babble_says_nothing(query: str) -> None:
    """Keys hit at random, ids, code, marks, another alphabet and the same over and over are as no words at all."""
    assert MODEL.loglik(query) == NOTHING
    assert MODEL.probabilities(query) == EMPTY


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ('27" monitor (4k) under $300', 3),
        ("fjallraven kanken", 3),
        ("ssd 2tb m.2 [nvme]", 3),
        ("how to write a for loop in c++", 2),
        ("what does x=y mean in maths", 0),
        ("fitzgerald", 0),
        ("iphone 15 купить", 3),
    ],
)
def test_strange_words_are_words(query: str, kind: int) -> None:
    """Names, brackets, measures and a word of another alphabet beside known ones leave a query one."""
    p = MODEL.probabilities(query)

    assert p != EMPTY
    assert p[kind] == max(p[:4])


def test_long_texts_are_cut_before_they_are_normalised() -> None:
    """One letter that stands for eighteen isn't spelled out ten thousand times."""
    assert len("".join(tokens("ﷺ" * 10_000))) <= 240
