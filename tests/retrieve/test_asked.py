"""Who is answered, and what of a text answers."""

from __future__ import annotations

from micromoments.core.item import Item
from micromoments.retrieve.catalog import Ask, Catalog


def test_what_is_put_as_a_question_is_answered_in_any_moment() -> None:
    """Somebody who seems to be buying, and asks, gets the answer first; who only names things gets none."""
    shop = Catalog()
    soup = {"question": "Can I freeze pea soup?", "answer": "Yes, for a month."}
    shop.apply({"soup": Item(id="soup", kind="article", title="Pea soup", attributes={"faq": [soup]})})
    buys = (0.0, 0.0, 0.0, 0.9, 0.1)
    asked = shop.candidates(Ask(at=0, words="can I freeze pea soup", moment_type="buy", probabilities=buys))
    assert asked[0].answer is not None
    assert asked[0].answer.text == "Yes, for a month."
    for words in ("freeze pea soup", "can you show me pea soup", "can you find soup to freeze"):
        named = shop.candidates(Ask(at=0, words=words, moment_type="buy", probabilities=buys))
        assert not any(one.answer for one in named)


def test_a_question_in_a_text_is_no_answer_and_tells_what_the_next_sentence_is_about() -> None:
    """Of a plain list of questions and answers the answer is given, though it says none of the words; and numbers of
    days that somebody wonders about needn't stand in it.
    """
    text = (
        "Can I return a helmet? Unworn helmets can be returned within 45 days. "
        "Do you ship abroad? Yes, to all of Europe."
    )
    shop = Catalog()
    shop.apply({"faq": Item(id="faq", kind="article", title="FAQ", text=text)})
    for question, wanted in (
        ("can i return a helmet", "Unworn helmets can be returned within 45 days."),
        ("can i return a helmet after 60 days", "Unworn helmets can be returned within 45 days."),
        ("do you ship abroad", "Yes, to all of Europe."),
    ):
        found = shop.answer(question)
        assert found is not None
        assert found.text == wanted
        assert text[found.start : found.end] == wanted
