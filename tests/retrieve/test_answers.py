"""Answers: the passage that answers, verbatim and with its place, or none; and reviews in their own words."""

from __future__ import annotations

from time import process_time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micromoments.core.item import Item
from micromoments.retrieve.ask import Ask
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.passages import passages, plain
from micromoments.retrieve.reviews import Said, summed
from micromoments.retrieve.weighed import confidence

BOOTS = """## Care

Brush the mud off first. Wash leather boots by hand, **never** in a machine.

- Drying time: 24 hours
- Wax: 2 spoons of beeswax

## How to do it

1. Take the [laces](/laces) out.
2. Rub the wax in.
"""
FREEZE = {"question": "Can I freeze the soup?", "answer": "Yes, for a month."}
ITEMS = [
    Item(id="boots", kind="guide", title="Leather boots", text=BOOTS, url="https://shop.example/boots"),
    Item(id="soup", kind="article", title="Pea soup", text="It serves four people.", attributes={"faq": [FREEZE]}),
    Item(id="ship", kind="article", title="Shipping", text="<p>Delivery takes <b>3 days</b>.</p><p>It is free.</p>"),
    Item(id="secret", kind="article", title="Staff", text="The door code is 4711.", condition={"staff": True}),
]


def catalog() -> Catalog:
    """The items, to be asked."""
    made = Catalog()
    made.apply({item.id: item for item in ITEMS})
    return made


@pytest.mark.parametrize(
    ("question", "item", "text"),
    [
        ("how long do leather boots dry?", "boots", "Drying time: 24 hours"),
        ("how much beeswax for my boots", "boots", "Wax: 2 spoons of beeswax"),
        ("can I wash leather boots in a machine", "boots", "Wash leather boots by hand, never in a machine."),
        ("how many people does the pea soup serve", "soup", "It serves four people."),
        ("can you freeze pea soup", "soup", "Yes, for a month."),
        ("how long does delivery take", "ship", "Delivery takes 3 days."),
        ("how to do leather boots", "boots", "Take the laces out.\nRub the wax in."),
    ],
)
def test_the_passage_that_answers(question: str, item: str, text: str) -> None:
    """A question gets the sentence, the entry of a list or the section that answers it, of the right item."""
    found = catalog().answer(question)
    assert found is not None
    assert (found.item, found.text) == (item, text)


@pytest.mark.parametrize(
    "question",
    [
        "how many calories has pea soup",
        "can I freeze leather boots",
        "how tall is mount everest",
        "boots",
        "what is it",
        "",
    ],
)
def test_no_answer_is_better_than_a_wrong_one(question: str) -> None:
    """What no text says gets no answer, though an item's title has half of the words."""
    assert catalog().answer(question) is None


def test_an_answer_can_be_looked_up_where_it_stands() -> None:
    """The span is the stretch of the item's own text, marks and all; the source's title and address are with it."""
    found = catalog().answer("can I wash leather boots in a machine")
    assert found is not None
    assert BOOTS[found.start : found.end] == "Wash leather boots by hand, **never** in a machine."
    assert (found.field, found.title, found.url) == ("text", "Leather boots", "https://shop.example/boots")
    assert found.confidence > 0.7


def test_a_change_shows_in_the_next_answer() -> None:
    """What an item says now is the answer; an item that is gone answers nothing."""
    shop = catalog()
    assert shop.answer("how long does delivery take") is not None
    shop.apply({"ship": msgspec.structs.replace(ITEMS[2], text="Delivery takes 9 days.")})
    found = shop.answer("how long does delivery take")
    assert found is not None
    assert found.text == "Delivery takes 9 days."
    shop.apply({"ship": None})
    assert shop.answer("how long does delivery take") is None


def test_what_may_not_be_seen_answers_nothing() -> None:
    """The caller says which items may be named."""
    shop = catalog()
    assert shop.answer("what is the door code") is not None
    assert shop.answer("what is the door code", may=lambda item: item.condition is None) is None


def test_a_know_moment_gets_the_answer_first() -> None:
    """Its item leads the candidates and carries the passage; words that must not be repeated get none."""
    shop = catalog()
    words = "can I freeze pea soup"
    found = shop.candidates(Ask(at=0, words=words, moment_type="know", probabilities=(0.9, 0, 0, 0, 0.1)))
    assert found[0].item.id == "soup"
    assert found[0].answer is not None
    assert found[0].answer.text == "Yes, for a month."
    assert f"answers “{words}”" in found[0].reasons
    quiet = shop.candidates(Ask(at=0, words=words, moment_type="know", probabilities=(0.9, 0, 0, 0, 0.1), quoted=False))
    assert not any(one.answer for one in quiet)


PRUNE = Item(
    id="prune",
    kind="guide",
    title="Prune an apple tree",
    attributes={
        "steps": ["Cut out dead wood.", {"text": "Shorten **young** shoots.", "minutes": 20}],
        "minutes": 45,
        "tools": ["ladder", "saw"],
        "materials": ["wax"],
    },
)
GARDEN = [
    PRUNE,
    Item(id="saw", kind="product", title="Folding pruning saw", text="Cuts on the pull; 240 mm."),
    Item(
        id="cart", kind="product", title="Wheelbarrow", text="It carries 150 kg. The tray is 85 cm long and holds 85 l."
    ),
]


@pytest.mark.parametrize(
    ("question", "item", "field", "text"),
    [
        ("how do I prune an apple tree", "prune", "steps", "Cut out dead wood.\nShorten young shoots."),
        ("steps to prune apple trees", "prune", "steps", "Cut out dead wood.\nShorten young shoots."),
        ("what do I need to prune an apple tree", "prune", "needed", "wax\nladder\nFolding pruning saw"),
        ("which tools to prune apple trees", "prune", "tools", "ladder\nFolding pruning saw"),
        ("how long does it take to prune an apple tree", "prune", "minutes", "45 minutes"),
        ("how heavy can a wheelbarrow be", "cart", "text", "It carries 150 kg."),
        ("what is the length of the wheelbarrow", "cart", "text", "The tray is 85 cm long and holds 85 l."),
    ],
)
def test_what_a_guide_or_a_measure_answers(question: str, item: str, field: str, text: str) -> None:
    """A guide's own attributes answer how, with what and how long; a question for a measure gets one of its sort."""
    shop = Catalog()
    shop.apply({one.id: one for one in GARDEN})
    found = shop.answer(question)
    assert found is not None
    assert (found.item, found.field, found.text) == (item, field, text)
    assert (found.start, found.end) == (0, len(text)) or field == "text"


@pytest.mark.parametrize(
    "question", ["how do I prune roses", "how to build a wheelbarrow", "how tall is the wheelbarrow"]
)
def test_a_guide_of_something_else_answers_nothing(question: str) -> None:
    """Steps answer what the guide's title names, and a weight is no length."""
    shop = Catalog()
    shop.apply({one.id: one for one in (PRUNE, msgspec.structs.replace(GARDEN[2], text="It carries 150 kg."))})
    assert shop.answer(question) is None


def test_a_guide_is_found_by_what_its_steps_and_tools_say() -> None:
    """What stands in a guide's attributes alone is searched as its text is."""
    shop = Catalog()
    shop.apply({PRUNE.id: PRUNE})
    assert [hit.id for words in ("dead wood", "ladder") for hit in shop.search(words)] == ["prune", "prune"]


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab .!?\n#-*1<>/lip[](é", max_size=120))
def test_every_passage_stands_in_the_text(text: str) -> None:
    """Whatever the text: a passage's span is within it, and shows as what is told; passages don't run backwards."""
    for passage in passages(Item(id="x", kind="article", title="x", text=text)):
        assert 0 <= passage.start < passage.end <= len(text)
        assert plain(text[passage.start : passage.end]) == passage.text


@pytest.mark.parametrize(
    "piece", [" ", "# #", "[", "<a", "e.g. A ", "-", "{{", "![", "<h1>", "1. ", "a:", "<li", ". ", "*_", "1 2 3,"]
)
def test_no_text_takes_for_ever(piece: str) -> None:
    """However a text repeats itself, cutting it costs no more than its length should."""
    start = process_time()
    passages(Item(id="x", kind="article", title="x", text=piece * (20_000 // len(piece)) + "x"))
    assert process_time() - start < 1.0


def review(comment: str, rating: float) -> dict[str, object]:
    """A review as DummyJSON has them."""
    return {"comment": comment, "rating": rating, "reviewerEmail": "someone@example.com"}


def test_reviews_are_quoted_and_counted() -> None:
    """Praise and criticism by what they are about, each as a sentence that stands there and how many say so."""
    told = [
        review("Fast shipping! The sole broke after a week.", 3),
        review("Fast shipping!", 5),
        review("Arrived quickly, fast delivery.", 4),
        review("Would not recommend!", 2),
        review("Grey.", 3),
        {"rating": "five"},
    ]
    found = summed(Item(id="p", kind="product", title="p", attributes={"reviews": told}))
    assert found is not None
    assert (found.count, found.rating) == (5, 3.4)
    assert found.praised == (Said("delivery", "Fast shipping!", 3, 0),)
    assert found.criticised == (
        Said("quality", "The sole broke after a week.", 1, 0),
        Said("buying again", "Would not recommend!", 1, 3),
    )


@pytest.mark.parametrize("reviews", [None, [], "good", [7, None], [{"comment": " "}]])
def test_no_reviews_no_summary(reviews: object) -> None:
    """What isn't a list of reviews is no reviews."""
    assert summed(Item(id="p", kind="product", title="p", attributes={"reviews": reviews})) is None


HELP = [
    Item(
        id="returns",
        kind="article",
        title="Returns and exchanges",
        text="You can send anything back within 30 days. It must be unworn. To swap a size, order the new one "
        "and return the old one. We refund the price within five working days.",
    ),
    Item(
        id="repairs",
        kind="article",
        title="Repairs",
        text="We mend zips of what you bought from us, free for two years. After that a zip costs 12 EUR. "
        "It takes two weeks.",
    ),
    Item(
        id="hours",
        kind="article",
        title="When we are open",
        text="Monday to Friday 9:00 to 18:00, Saturday until 14:00. You leave your bag at the door. "
        "The bakery next door has coffee.",
    ),
    Item(id="dogs", kind="article", title="Dogs", text="Yes. They sleep for 12 EUR a night."),
    Item(
        id="wax",
        kind="guide",
        title="How to wax a jacket",
        text="Brush the jacket off. Warm the wax in a bowl. Rub it in with a cloth.",
    ),
]


@pytest.mark.parametrize(
    ("question", "item", "holds"),
    [
        ("can I return an order", "returns", "within 30 days"),
        ("how long do I have to send something back", "returns", "within 30 days"),
        ("how long does a repair take", "repairs", "two weeks"),
        ("how much does a zip cost", "repairs", "12 EUR"),
        ("do you fix zips", "repairs", "mend zips"),
        ("when are you open", "hours", "9:00"),
        ("what time do you close on Saturday", "hours", "14:00"),
        ("how do I wax a jacket", "wax", "Brush the jacket off. Warm the wax"),
    ],
)
def test_customers_ask_in_their_own_words(question: str, item: str, holds: str) -> None:
    """Words of trade that say the same count; prices, hours and durations are told apart, of several sentences."""
    shop = Catalog()
    shop.apply({one.id: one for one in HELP})
    found = shop.answer(question)
    assert found is not None
    assert found.item == item
    assert holds in found.text


@pytest.mark.parametrize(
    "question",
    [
        "can I cancel an order",
        "how do I return a gift card",
        "how much does it cost to shorten trousers",
        "do you repair shoes",
        "is there a lift",
        "when does the bakery open on Sunday",
        "can I return shoes in Hamburg",
    ],
)
def test_what_is_near_an_answer_is_none(question: str) -> None:
    """A question of something else gets none, though the texts speak of what is near it."""
    shop = Catalog()
    shop.apply({one.id: one for one in HELP})
    assert shop.answer(question) is None


def test_yes_takes_along_what_it_says_yes_to() -> None:
    """A bare yes is no passage of its own."""
    assert [one.text for one in passages(HELP[3])] == ["Yes. They sleep for 12 EUR a night."]


def test_confidence_rises_with_worth_and_stays_below_certainty() -> None:
    """It is a share that was right: never 1, never falling, defined over the whole range."""
    told = [confidence(n / 50) for n in range(51)]
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 0.96)


SPA = "The sauna is heated from 4 pm. The pool on the roof is open from May to September."
WORDS = {
    "spa": ("Sauna and pool", SPA),
    "teeth": ("Brushing the right way", "Use a soft brush and change it every three months. Brush for two minutes."),
    "phone": ("Phone Nova", "A screen of 6.4 inches. Charger not included."),
    "roam": ("Data abroad", "In the EU you surf as at home, up to 30 GB a month."),
    "card": ("A library card", "The card costs 20 EUR a year. Please bring your passport to get a card."),
    "car": ("Liability for cars", "It costs 54 EUR a year. Lost keys are covered up to 500 EUR."),
}
SHOP = [Item(id=id, kind="article", title=title, text=text) for id, (title, text) in WORDS.items()]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("is the pool heated", None),
        ("when is the pool open", "The pool on the roof is open from May to September."),
        ("how long should I brush", "Brush for two minutes."),
        ("how often should I change the brush", "Use a soft brush and change it every three months."),
        ("how much is the Nova", None),
        ("how much data do I have in the EU", "In the EU you surf as at home, up to 30 GB a month."),
        ("what do I need to get a card", "Please bring your passport to get a card."),
        ("how much is liability for cars", "It costs 54 EUR a year."),
    ],
)
def test_a_passage_is_about_what_was_asked(question: str, text: str | None) -> None:
    """The other thing of a title doesn't answer, how often isn't how long, "not included" is no price, and
    a sentence that begins with something else than the title says is about that.
    """
    shop = Catalog()
    shop.apply({item.id: item for item in SHOP})
    found = shop.answer(question)
    assert (found.text if found else None) == text


def test_what_turns_a_review_is_heard() -> None:
    """A "not" ends at "but", and what is said with "though" isn't counted by the review's stars."""
    said = ["Not cheap, but worth every cent.", "Shipping took ten days though.", "Not worth it."]
    reviews = [{"rating": stars, "comment": words} for stars, words in zip((4, 5, 2), said, strict=True)]
    found = summed(Item(id="b", kind="product", title="Bike", attributes={"reviews": reviews}))
    assert found is not None
    assert [one.quote for one in found.praised] == [said[0]]
    assert [one.quote for one in found.criticised] == [said[2]]


def test_how_to_is_answered_by_the_steps_or_not_at_all() -> None:
    """A sentence about a guide doesn't say how what it tells in steps is done."""
    tube = Item(
        id="tube",
        kind="guide",
        title="Change a bicycle tube",
        text="A flat bicycle tube changed at the roadside.",
        attributes={"steps": ["Lift the tyre off.", "Put the new tube in."]},
    )
    shop = Catalog()
    shop.apply({"tube": tube})
    found = shop.answer("how to change a bicycle tube")
    assert found is not None
    assert found.field == "steps"
    assert shop.answer("how to change a flat bicycle tube") is None
