"""The search of a shop: filters, facets, highlights, what was meant, pages."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micromoments.core.item import Item, Money
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.faceted import Found, Look, asking, marked, snippet
from micromoments.retrieve.narrow import Narrow

COLOURS, BRANDS = ("red", "blue"), ("Fell", "Rock", "")


def made(i: int, *, stock: int | None = None, price: int | None = None) -> Item:
    """One of many shirts and hats, told apart by its number."""
    return Item(
        id=f"i{i:03}",
        kind="product" if i % 3 else "offer",
        title=f"{COLOURS[i % 2]} {'shirt' if i % 5 else 'hat'}",
        text="Cotton.",
        category="Tops" if i % 5 else "Hats",
        brand=BRANDS[i % 3],
        tags=("sale", COLOURS[i % 2]) if i % 4 == 0 else (COLOURS[i % 2],),
        price=Money(100 * i if price is None else price, "EUR") if i % 7 else None,
        stock=i % 4 if stock is None else stock,
    )


@pytest.fixture(params=["overlay", "committed", "both"])
def catalog(request: pytest.FixtureRequest) -> Catalog:
    """Sixty items; in the overlay, committed, or some of each with some replaced and gone since the commit."""
    found = Catalog()
    found.apply({one.id: one for one in map(made, range(60))})
    if request.param != "overlay":
        found.settle()
    if request.param == "both":
        # Replaced by what they are not, then put back; and two that come and go.
        found.apply({f"i{i:03}": Item(id=f"i{i:03}", kind="product", title="green shirt") for i in range(0, 60, 7)})
        found.apply({one.id: one for one in map(made, range(0, 60, 7))})
        found.apply({"i998": made(998), "i999": made(999)})
        found.apply({"i998": None, "i999": None})
    return found


def ids(found: Found) -> list[str]:
    """The ids of the matches."""
    return [match.item.id for match in found.matches]


NARROWS = [
    Narrow(),
    Narrow(category=("Tops",)),
    Narrow(brand=("Fell", "Rock"), tags=("sale",)),
    Narrow(price_from=1000, price_to=3000),
    Narrow(price_to=2000, in_stock=True),
    Narrow(category=("Hats",), brand=("Rock",), in_stock=True),
    Narrow(tags=("nothing",)),
]


@pytest.mark.parametrize("narrow", NARROWS)
@pytest.mark.parametrize("words", ["", "red", "red shirt"])
def test_filters_and_facets_are_those_of_a_plain_count(catalog: Catalog, words: str, narrow: Narrow) -> None:
    """What is found, how many, and by facet, is what counting item by item gives; a facet ignores its own choice."""
    everything = [made(i) for i in range(60)]
    holding = [one for one in everything if all(word in one.title for word in words.split())]

    def fits(one: Item, by: Narrow) -> bool:
        price = -1 if one.price is None else one.price.amount
        return (
            (not by.category or one.category in by.category)
            and (not by.brand or one.brand in by.brand)
            and (not by.tags or bool({*one.tags} & {*by.tags}))
            and (by.price_from is None or price >= by.price_from)
            and (by.price_to is None or 0 <= price <= by.price_to)
            and (not by.in_stock or one.stock != 0)
        )

    found = catalog.look(Look(words=words, narrow=narrow, limit=100))
    wanted = [one for one in holding if fits(one, narrow)]
    if len(wanted) < 5 and len(words.split()) > 1:
        assert {one.id for one in wanted} <= {*ids(found)}
        return
    assert sorted(ids(found)) == sorted(one.id for one in wanted)
    assert found.total == len(wanted)
    for facet in ("category", "brand", "tags", "stock"):
        counts: dict[str, int] = {}
        for one in holding:
            if fits(one, narrow.without(facet)):
                values = {"category": (one.category,), "brand": (one.brand,), "tags": one.tags}
                for value in values.get(facet, ("true" if one.stock != 0 else "false",)):
                    if value:
                        counts[value] = counts.get(value, 0) + 1
        assert found.facets[facet] == counts, facet
    prices = [one.price.amount for one in holding if one.price and fits(one, narrow.priceless())]
    assert (found.low, found.high) == (min(prices, default=-1), max(prices, default=-1))


def test_kinds_are_counted_whatever_kind_is_chosen(catalog: Catalog) -> None:
    """The counts by kind help to change the choice."""
    found = catalog.look(Look(words="shirt", kinds=("offer",)))
    assert {match.item.kind for match in found.matches} == {"offer"}
    assert found.facets["kind"] == {"product": 32, "offer": 16}
    assert found.total == 16


@pytest.mark.parametrize(("order", "sign"), [("price", 1), ("-price", -1)])
def test_by_price(catalog: Catalog, order: str, sign: int) -> None:
    """By price the lowest or the highest goes first, over all kinds, and what has no price isn't listed."""
    found = catalog.look(asking("shirt", 0, {"order": order, "limit": 100}))
    prices = [sign * match.item.price.amount for match in found.matches if match.item.price]
    assert prices == sorted(prices)
    assert len(prices) == len(found.matches) == found.total


def test_pages_follow_one_another(catalog: Catalog) -> None:
    """Pages together are the whole answer, nothing twice."""
    whole = ids(catalog.look(Look(words="shirt", limit=100)))
    pages = [ids(catalog.look(Look(words="shirt", offset=offset, limit=7))) for offset in range(0, 60, 7)]
    assert [id for page in pages for id in page] == whole


def test_what_was_meant(catalog: Catalog) -> None:
    """A mistyped word is searched as what it means, and the query is told put right."""
    found = catalog.look(Look(words="Red shrit"))
    assert found.meant == "red shirt"
    assert found.total == catalog.look(Look(words="red shirt")).total > 10
    assert catalog.look(Look(words="red shirt")).meant == ""


GARDEN = {
    "barrow": "Wheelbarrow 85 l",
    "compost": "Peat-free compost",
    "boots": "Rubber boots, green",
    "pepper": "Green pepper",
    "pea": "Pea soup, 2 EUR per kilo",
    "bed": "Raised bed",
    "cover": "Bed cover",
}


@pytest.mark.parametrize(
    ("words", "best", "meant"),
    [
        ("wheel barrow", "barrow", ""),
        ("peatfree", "compost", "peat free"),
        ("peatfree compost", "compost", "peat free compost"),
        ("green rubberboots", "boots", "green rubber boots"),
        ("green peaper", "pepper", "green pepper"),  # and neither pea nor per
        ("raisd bed", "bed", "raised bed"),
    ],
)
@pytest.mark.parametrize("kept", [False, True])
def test_words_written_as_one_or_as_two(words: str, best: str, meant: str, *, kept: bool) -> None:
    """What is written as one word finds what has two, and the other way round; typing errors are thought of first."""
    catalog = Catalog()
    catalog.apply({id: Item(id=id, kind="product", title=title) for id, title in GARDEN.items()})
    if kept:
        catalog.settle()
    found = catalog.look(Look(words=words))
    assert ids(found)[0] == best
    assert found.meant == meant
    assert catalog.search(words)[0].id == best


def test_what_no_item_has_together_is_not_taken_apart() -> None:
    """A carpet isn't a car and a pet, where nothing is for both."""
    catalog = Catalog()
    catalog.apply(
        {id: Item(id=id, kind="product", title=title) for id, title in (("a", "Car jack"), ("b", "Pet food"))}
    )
    assert ids(catalog.look(Look(words="carpet"))) == []


def test_more_words_first_then_fewer() -> None:
    """Where hardly any item has all the words, those with some follow, and the answer says so."""
    catalog = Catalog()
    catalog.apply({one.id: one for one in map(made, range(60))})
    catalog.apply({"both": Item(id="both", kind="product", title="Red velvet shirt")})
    found = catalog.look(Look(words="red velvet shirt"))
    assert ids(found)[0] == "both"
    assert found.relaxed
    assert found.total > 1
    assert not catalog.look(Look(words="red shirt")).relaxed


def test_nothing_asked_and_nothing_found(catalog: Catalog) -> None:
    """Stop words alone find nothing; no words at all list everything; unknown words find nothing."""
    assert catalog.look(Look(words="the of")).total == 0
    assert catalog.look(Look()).total == 60
    assert catalog.look(Look(words="zzzzzzzzz qqqqqqqq")).total == 0


def test_as_typed(catalog: Catalog) -> None:
    """An unfinished last word finds what it may become, only if asked."""
    assert catalog.look(Look(words="red shi", prefix=True)).total > 10
    assert catalog.look(Look(words="shi")).meant != "shi"


def test_validity_and_targeting() -> None:
    """With an instant, what isn't valid then and what is meant for some only isn't shown; without, all is."""
    catalog = Catalog()
    bounded = [
        Item(id="now", kind="offer", title="deal", valid_from=10, valid_until=20),
        Item(id="later", kind="offer", title="deal", valid_from=20),
        Item(id="over", kind="offer", title="deal", valid_until=15),
        Item(id="some", kind="offer", title="deal", condition={"country": "DE"}),
        Item(id="always", kind="offer", title="deal"),
    ]
    for settled in (False, True):
        catalog.apply({one.id: one for one in bounded})
        if settled:
            catalog.settle()
        assert sorted(ids(catalog.look(asking("deal", 15, {})))) == ["always", "now"]
        assert catalog.look(asking("deal", 0, {})).total == 5


def test_highlights_are_safe_html() -> None:
    """What was asked for is marked whatever its form, and an item's own markup is escaped."""
    assert marked("Trail & running <b>shoes</b>", frozenset({"run", "shoe"})) == (
        "Trail &amp; <mark>running</mark> &lt;b&gt;<mark>shoes</mark>&lt;/b&gt;"
    )
    text = "Intro words. " * 40 + "The grippy sole holds on mud. " + "More words. " * 40
    assert "<mark>grippy</mark> sole" in snippet(text, frozenset({"grippi"}))
    assert len(snippet(text, frozenset({"grippi"}))) < 250
    assert snippet("", frozenset({"x"})) == ""


def test_a_wrong_argument_is_told() -> None:
    """A filter that there isn't is an error and not passed over."""
    with pytest.raises(ValueError, match="colour"):
        asking("shirt", 0, {"colour": "red"})
    with pytest.raises(ValueError, match="best"):
        asking("shirt", 0, {"order": "best"})


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.booleans()), max_size=25))
@settings(max_examples=30)
def test_stock_and_price_change_at_once(steps: list[tuple[int, int, bool]]) -> None:
    """After every change the filters by stock and price answer by the items as they are now."""
    catalog, now = Catalog(), dict[str, Item]()
    for i, stock, commit in steps:
        one = Item(id=f"i{i}", kind="product", title="thing", stock=stock, price=Money(stock * 100, "EUR"))
        now[one.id] = one
        catalog.apply({one.id: one})
        if commit:
            catalog.settle()
        assert sorted(ids(catalog.look(asking("thing", 0, {"in_stock": True})))) == sorted(
            id for id, each in now.items() if each.stock
        )
        assert catalog.look(asking("", 0, {"price_from": 200})).total == sum((o.stock or 0) >= 2 for o in now.values())
