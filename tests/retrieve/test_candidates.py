"""Candidates: the right kinds for the moment, with reasons, in order, within bounds; and the catalogue's own laws."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micromoments.core.geo import Point
from micromoments.core.item import KINDS, Facet, Item, Kind
from micromoments.core.settings import DAY
from micromoments.retrieve.catalog import Ask, Candidate, Catalog
from micromoments.retrieve.shares import shares
from tests.retrieve.shop import CENTER, ITEMS, NOON, cafe, item, ms, shop

KNOW, GO, DO, BUY = (0.9, 0, 0, 0, 0.1), (0, 0.9, 0, 0, 0.1), (0, 0, 0.9, 0, 0.1), (0, 0, 0, 0.9, 0.1)


def ids(found: list[Candidate]) -> list[str]:
    """The candidates' ids, in order."""
    return [one.item.id for one in found]


@pytest.mark.parametrize(
    ("probabilities", "first"),
    [(KNOW, "mud"), (GO, "near"), (DO, "care"), (BUY, "shoe")],
    ids=["know", "go", "do", "buy"],
)
def test_each_moment_gets_its_kind(probabilities: tuple[float, float, float, float, float], first: str) -> None:
    """Know gets an article, go an open place close by, do a guide, buy a product, for much the same words."""
    words = {"mud": "muddy trails", "care": "waterproof boots", "shoe": "trail shoe"}.get(first, "")
    found = shop().candidates(Ask(at=NOON, words=words, probabilities=probabilities, point=CENTER))
    assert found[0].item.id == first
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_go_is_by_travel_time_and_open() -> None:
    """On the way, open places come by walking time, with it and closing time as the reason; closed ones last."""
    found = shop().candidates(Ask(at=NOON, kinds=("place",), probabilities=GO, point=CENTER))
    assert ids(found) == ["near", "far", "shut"]
    assert found[0].reasons[0] == "1 min walk, open until 20:00"
    assert found[0].via[0] == "nearby"
    assert (found[0].open, found[0].closes_at) == (True, ms("2024-05-06T20:00+03:00"))
    assert not found[2].open


def test_a_place_that_is_named_comes_before_the_nearest() -> None:
    """Words that find a place, however far, put it before what is only near; words that find none leave the near."""
    catalog = Catalog()
    catalog.apply(
        {
            "square": item("square", "place", "Old Square", location=CENTER),
            "hospital": item("hospital", "place", "Westfields Hospital", location=Point(CENTER.lat, CENTER.lon + 0.05)),
        }
    )
    for words, first in (("hospital", "hospital"), ("square", "square"), ("pharmacy", "square"), ("", "square")):
        found = catalog.candidates(Ask(at=NOON, words=words, kinds=("place",), probabilities=GO, point=CENTER))
        assert ids(found)[0] == first, words


def test_without_position_open_is_now() -> None:
    """Without a position places are told open or closed as of now, and have no distance."""
    found = {one.item.id: one for one in shop().candidates(Ask(at=NOON, kinds=("place",)))}
    assert (found["near"].open, found["shut"].open) == (True, False)
    assert (found["near"].metres, found["near"].seconds) == (-1, -1)
    assert found["near"].closes_at == ms("2024-05-06T20:00+03:00")


def test_persons_zone_is_for_places_without_one() -> None:
    """A place without a zone is read in the person's; a name that is no zone is passed over."""
    catalog = Catalog(timezone="UTC")
    catalog.apply({"k": item("k", "place", "Kiosk", hours="Mo-Su 11:00-12:30")})
    assert catalog.candidates(Ask(at=NOON, timezone="Europe/Helsinki"))[0].open
    assert not catalog.candidates(Ask(at=NOON))[0].open
    assert not catalog.candidates(Ask(at=NOON, timezone="Mars/Base"))[0].open


def test_a_kind_that_is_not_there_leaves_its_room() -> None:
    """A shop of products alone shows a new person as many of them as a slot of products alone does."""
    catalog = Catalog()
    catalog.apply({f"p{n}": item(f"p{n}", "product", f"Thing {n}") for n in range(30)})
    only = catalog.candidates(Ask(at=NOON, kinds=("product",)))
    assert ids(catalog.candidates(Ask(at=NOON))) == ids(only)
    assert len(only) > 10


def test_nobody_gets_popular_then_unmet() -> None:
    """A person without history gets what is popular among the slot's kinds, then what nobody has met, by priority."""
    catalog = shop()
    catalog.apply({"first": item("first", "product", "Compass", priority=5, category="Gear")})
    for key in ("anon:a", "anon:b"):
        catalog.learn(key, "stove", "view", NOON, [])
    catalog.learn("anon:a", "care", "view", NOON, [])
    found = catalog.candidates(Ask(at=NOON, kinds=("product",)))
    assert ids(found)[:2] == ["stove", "first"]
    assert found[0].reasons == ("popular in Gear",)
    assert (found[1].via, found[1].reasons) == (("new",), ("less known, from Gear",))
    assert {one.item.kind for one in found} == {"product"}


def test_what_is_looked_at_is_not_proposed() -> None:
    """The item that the person looks at now isn't among the candidates; earlier ones may be."""
    found = ids(shop().candidates(Ask(at=NOON, recent=("shoe", "boot"), probabilities=BUY)))
    assert "shoe" not in found
    assert "boot" in found


def test_what_is_taken_again_and_again_is_proposed_again() -> None:
    """An item that says that it is rebuyable, such as an offer or a usual, stays among the candidates."""
    catalog = shop()
    usual = msgspec.structs.replace(item("usual", "product", "Usual coffee"), attributes={"rebuyable": True})
    catalog.apply({"usual": usual})
    assert "usual" in ids(catalog.candidates(Ask(at=NOON, recent=("usual", "boot"), probabilities=BUY)))


def test_alike_by_content() -> None:
    """With no sessions to tell, what shares words, brand or category with the item looked at comes first."""
    found = shop().candidates(Ask(at=NOON, kinds=("product",), recent=("shoe",)))
    assert found[0].item.id == "boot"
    assert "because you looked at Trail running shoe" in found[0].reasons


def test_category_and_preferences_count() -> None:
    """Being in the need's category, or in one that the person meets often, lifts an item."""
    catalog = shop()
    assert catalog.candidates(Ask(at=NOON, kinds=("product",), category="Clothes"))[0].item.id == "sock"
    assert (
        catalog.candidates(Ask(at=NOON, kinds=("product",), categories={"Clothes": 3, "Gear": 1}))[0].item.id == "sock"
    )


@pytest.mark.parametrize("within", [("Own",), ("Own", "Shared")])
def test_what_is_popular_elsewhere_crowds_nothing_out(within: tuple[str, ...]) -> None:
    """A slot of some categories gets their items, however many of other categories are more popular."""
    catalog = shop()
    own = [
        msgspec.structs.replace(item(f"own{n}", "offer", "Ten off"), category=within[n % len(within)]) for n in (0, 1)
    ]
    others = [msgspec.structs.replace(item(f"o{n}", "offer", "Free"), category="Elsewhere") for n in range(60)]
    catalog.apply({one.id: one for one in (*own, *others)})
    for one in others:
        catalog.learn("ana", one.id, "buy", NOON, ())
    for one in own:
        catalog.learn("ana", one.id, "view", NOON, ())
    assert {"own0", "own1"} & set(ids(catalog.candidates(Ask(at=NOON, kinds=("offer",))))) == set()
    found = ids(catalog.candidates(Ask(at=NOON, kinds=("offer",), within=within)))
    assert {"own0", "own1"} <= set(found)
    assert not [id for id in found if id.startswith("o") and not id.startswith("own")]


def test_only_scores_exactly_these() -> None:
    """With ``only``, exactly those that exist are scored, whatever their kind, even the one looked at."""
    ask = Ask(
        at=NOON,
        kinds=("product",),
        only=("lamp", "near", "nothing", "shoe", "shoe"),
        words="lamp",
        recent=("shoe",),
    )
    found = shop().candidates(ask)
    assert sorted(ids(found)) == ["lamp", "near", "shoe"]
    assert found[0].item.id == "lamp"
    assert found[0].reasons[0] == "matches “lamp”"
    assert shop().candidates(Ask(at=NOON, only=("nothing",))) == []


def test_only_measures_the_way() -> None:
    """With ``only`` and a position, places are measured however far they are."""
    catalog = shop()
    catalog.apply({"tallinn": cafe("tallinn", 59.437, 24.7536)})
    found = catalog.candidates(Ask(at=NOON, only=("tallinn",), point=CENTER))
    assert found[0].metres == pytest.approx(82_300, abs=1000)
    assert any(reason.startswith("82.") for reason in found[0].reasons)


def test_empty_catalogue() -> None:
    """Nothing gives nothing."""
    catalog = Catalog()
    assert catalog.candidates(Ask(at=NOON, words="shoe", point=CENTER, recent=("x",))) == []
    assert catalog.nearby(CENTER, NOON) == []
    assert catalog.search("shoe") == []


def test_shares() -> None:
    """A sure type leaves other kinds a twentieth; nothing known weighs all alike; a type stands in for chances."""
    assert shares(Ask(at=NOON, probabilities=(1, 0, 0, 0, 0)))["article"] == 1
    assert shares(Ask(at=NOON, probabilities=(1, 0, 0, 0, 0)))["place"] == 0.05
    assert set(shares(Ask(at=NOON)).values()) == {1.0}
    assert shares(Ask(at=NOON, moment_type="go")) == shares(Ask(at=NOON, probabilities=(0, 1, 0, 0, 0)))
    assert shares(Ask(at=NOON, kinds=("article",), moment_type="go")) == {"article": 0.05}


kinds = st.lists(st.sampled_from(KINDS), unique=True).map(tuple)
asks = st.builds(
    Ask,
    at=st.just(NOON),
    kinds=kinds,
    words=st.sampled_from(["", "trail", "boots", "runing shos", "zzz", "the"]),
    category=st.sampled_from(["", "Shoes", "Gear", "None such"]),
    probabilities=st.sampled_from([KNOW, GO, DO, BUY, (0.0, 0.0, 0.0, 0.0, 0.0), (0.2, 0.2, 0.2, 0.2, 0.2)]),
    point=st.sampled_from([None, CENTER]),
    recent=st.lists(st.sampled_from(["shoe", "boot", "near", "gone"]), max_size=3, unique=True).map(tuple),
    bought=st.frozensets(st.sampled_from(["sock", "lamp", "gone"])),
    categories=st.dictionaries(st.sampled_from(["Shoes", "Gear"]), st.integers(1, 9)),
    limit=st.integers(0, 20),
    only=st.lists(st.sampled_from(["shoe", "sale", "near", "gone"]), max_size=3).map(tuple),
)


@given(asks)
@settings(max_examples=60)
def test_laws_of_candidates(ask: Ask) -> None:
    """At most the limit, each once, of the slot's kinds, falling scores in [0, 1], reasons; same ask, same answer."""
    catalog = shop()
    catalog.learn("anon:a", "boot", "view", NOON, ["shoe", "lamp"])
    catalog.learn("anon:b", "sock", "buy", NOON, ["lamp"])
    found = catalog.candidates(ask)
    assert found == catalog.candidates(ask)
    assert len(found) <= ask.limit
    assert len(set(ids(found))) == len(found)
    allowed: tuple[Kind, ...] = ask.kinds or KINDS
    assert all(one.item.kind in allowed or one.item.id in ask.only for one in found)
    assert [(-one.score, one.item.id) for one in found] == sorted((-one.score, one.item.id) for one in found)
    for one in found:
        assert 0 <= one.score <= 1
        assert one.reasons
        assert one.via
        assert all(one.reasons)
    if ask.limit >= len(ITEMS) and not ask.only:
        assert found


@given(st.permutations(ITEMS))
@settings(max_examples=20)
def test_order_of_puts_does_not_matter(items: list[Item]) -> None:
    """However the items came, the candidates are the same."""
    one, many = shop(), Catalog(timezone="Europe/Helsinki")
    for each in items:
        many.apply({each.id: each})
    for ask in (
        Ask(at=NOON),
        Ask(at=NOON, words="trail shoes", recent=("boot",), point=CENTER),
        Ask(at=NOON, category="Gear"),
    ):
        assert one.candidates(ask) == many.candidates(ask)


def test_bad_hours_change_nothing() -> None:
    """An item whose hours don't read is refused by its id, and nothing of the change happens."""
    catalog = shop()
    with pytest.raises(ValueError, match=r"item 'bad': got opening hours 'banana'; wanted"):
        catalog.apply({"good": item("good", "product", "Compass"), "bad": cafe("bad", 60.0, 25.0, hours="banana")})
    with pytest.raises(ValueError, match="got item 'x' under the key 'y'"):
        catalog.apply({"y": item("x", "product", "Compass")})
    assert catalog.size() == len(ITEMS)
    assert catalog.search("compass") == []


def test_changes_show_everywhere() -> None:
    """A changed kind, category, position or hours shows in every way of finding at once."""
    catalog = shop()
    catalog.apply(
        {"near": item("near", "article", "All about coffee", category="Outdoors"), "far": cafe("far", 60.17, 24.94)}
    )
    assert [one.item.id for one in catalog.nearby(CENTER, NOON)] == ["far", "shut"]
    assert [hit.id for hit in catalog.search("coffee", kinds=("article",))] == ["near"]
    assert catalog.search("cafe near", kinds=("place",), limit=1)[0].id != "near"
    assert "near" not in ids(catalog.candidates(Ask(at=NOON, kinds=("place",))))
    assert "near" in ids(catalog.candidates(Ask(at=NOON, kinds=("article",))))
    catalog.apply({"far": cafe("far", 60.17, 24.94, hours="Mo-Su 20:00-21:00")})
    assert not catalog.nearby(CENTER, NOON)[0].open


def test_facets_and_get() -> None:
    """Facets come in the order asked, without unknown ids; get gives the item or None."""
    catalog = shop()
    assert catalog.facets(["boot", "nothing", "care"]) == (
        Facet("boot", "product", "Hiking boots", "Shoes", "Fell"),
        Facet("care", "guide", "How to waterproof boots", "Shoes", ""),
    )
    assert catalog.get("boot") is ITEMS[1]
    assert catalog.get("nothing") is None


def test_an_unlikely_kind_comes_with_the_needs_category_alone() -> None:
    """Where the type is sure, kinds that don't suit it are there with what is of the need's category, if that is
    enough; kinds that suit it come with the rest of their shelf too.
    """
    catalog = Catalog()
    catalog.apply(
        {
            f"{kind}{n}": item(f"{kind}{n}", kind, f"thing {n}", category="Tea" if n < 8 else "Ink")
            for kind in ("product", "article")
            for n in range(16)
        }
    )
    found = catalog.candidates(
        Ask(at=NOON, kinds=("product", "article"), category="Tea", probabilities=(0.0, 0.0, 0.0, 1.0, 0.0))
    )
    told = {(one.item.kind, one.item.category) for one in found}
    assert told >= {("article", "Tea"), ("product", "Tea")}
    assert ("article", "Ink") not in told


def test_what_was_bought_last_comes_back_when_it_is_used_up() -> None:
    """Somebody whose last event was the purchase of what they buy again gets it when it is due."""
    oil = item("oil", "product", "Chain oil")
    catalog = Catalog()
    catalog.apply({"oil": oil, "lamp": item("lamp", "product", "Lamp")})
    now = 30_000 * DAY
    days = (29_910, 29_940, 29_970)
    bought = Ask(
        at=now,
        probabilities=(0, 0, 0, 1.0, 0),
        recent=("oil",),
        bought=frozenset({"oil"}),
        bought_at={"oil": 29_970 * DAY},
        purchases={"oil": days},
    )
    found = {one.item.id: one for one in catalog.candidates(bought)}
    assert found["oil"].reasons[0] == "you buy this about every 30 days"
    assert found["oil"].used_up
    control = msgspec.structs.replace(bought, recent=(), bought=frozenset(), bought_at={})
    (oil_of_control,) = (one for one in catalog.candidates(control) if one.item.id == "oil")
    assert (oil_of_control.used_up, "again" in oil_of_control.via) == (True, False)
    viewed = msgspec.structs.replace(bought, bought=frozenset(), bought_at={}, purchases={})
    assert "oil" not in {one.item.id for one in catalog.candidates(viewed)}
