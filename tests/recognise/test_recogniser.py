"""From records to signals, moments and their view."""

from __future__ import annotations

from typing import Any

import pytest

from micromoments.core.event import Event
from micromoments.core.item import Facet, Nearby
from micromoments.core.moment import BUY, DO, GO, KNOW, MomentView, Signal, Trace
from micromoments.core.record import EventRecord
from micromoments.core.settings import Goal, Recognition, Settings
from micromoments.recognise.behaviour import act_of, act_of_page, plain, said
from micromoments.recognise.place import hour, near, timely
from micromoments.recognise.recogniser import Recogniser
from micromoments.recognise.words import ago, distance, reason, say

R = Recogniser(Settings())


def record(
    name: str, properties: dict[str, Any] | None = None, *, at: int = 0, kind: Any = "track", **more: Any
) -> EventRecord:
    """A record of an event at an instant."""
    context = more.pop("context", {})
    event = Event(
        type=kind,
        event=name if kind == "track" else None,
        name=None if kind == "track" else name,
        properties=properties or {},
        context=context,
    )
    return EventRecord(
        key="anon:a", at=at, occurred=at, message_id=f"{name}{at}", mid=at + 7, nonce=1, body=b"", event=event, **more
    )


def read(rec: EventRecord) -> Signal:
    """The signal that a record must give."""
    found = R.signal(rec)
    assert found is not None
    return found


def story(*records: EventRecord) -> list[MomentView]:
    """The open moments after records, as seen at the last of them."""
    traces = {r.mid: Trace(r.occurred, r.mid, s, "web") for r in records if (s := R.signal(r)) is not None}
    last = records[-1].occurred
    return [R.view(m, traces, last) for m in R.settle(R.fold(traces.values()), last).open]


@pytest.mark.parametrize(
    ("name", "lead"),
    [
        ("Product Viewed", BUY), ("product_added", BUY), ("CheckoutStarted", BUY), ("Cart Viewed", BUY),
        ("add_to_cart", BUY),
        ("Article Viewed", KNOW), ("blog_opened", KNOW), ("Guide Started", DO), ("recipe_opened", DO),
        ("Directions Requested", GO),
        ("Store Locator Viewed", GO), ("Ride Requested", GO), ("Reservation Started", GO), ("view_item", BUY),
    ],
)  # fmt: skip
def test_names_without_configuration(name: str, lead: int) -> None:
    """Standard names, in any spelling, and unknown ones with a telling noun, speak for their type."""
    act = act_of(name)

    assert act is not None
    assert max(range(4), key=act.weights.__getitem__) == lead


@pytest.mark.parametrize(
    "name", ["Application Installed", "Signed Up", "cart_error", "Email Sent", "Product Removed Failed", "foo"]
)
def test_names_that_say_nothing(name: str) -> None:
    """Most events say nothing about intent."""
    assert act_of(name) is None


@pytest.mark.parametrize(
    ("name", "path", "why"),
    [
        ("", "/products/trail-shoe", "product"), ("Cart", "", "cart"), ("", "/blog/how-coffee-grows", "article"),
        ("", "/how-to/fix-a-tap", "guide"),
        ("Store Locator", "", "locator"), ("", "/checkout/thank-you", "ordered"), ("Search", "/search", "search"),
        ("", "/c/shoes", "list"),
    ],
)  # fmt: skip
def test_pages(name: str, path: str, why: str) -> None:
    """Pages and screens are read by name, else by path."""
    act = act_of_page(name, path)

    assert act is not None
    assert act.why == why


@pytest.mark.parametrize(
    ("name", "title", "why"),
    [
        ("Article Viewed", "How to fix a leaking tap", "guide"),
        ("Video Playback Started", "Step by step: bleed a radiator", "guide"),
        ("Video Content Started", "A day with a baker", "video"),
        ("Article Viewed", "How taps are made", "article"),
        ("Article Viewed", "The history of the tutorial", "article"),
    ],
)
def test_instructions_are_known_by_their_title(name: str, title: str, why: str) -> None:
    """An article or a video whose title says how something is done speaks as a guide does."""
    assert read(record(name, {"title": title})).why == why


def test_said_in_properties_or_address() -> None:
    """The words of a search come from the properties, else from the address."""
    assert said({"query": " usb hub "}, "") == "usb hub"
    assert said({}, "https://shop.example/search?q=usb+hub&page=2") == "usb hub"
    assert said({"query": 7}, "https://shop.example/") == ""


def test_search_reads_words() -> None:
    """A search's words decide its type; the need is what they are about."""
    signal = read(record("Products Searched", {"query": "how to fix a leaking tap"}))

    assert max(range(5), key=signal.weights.__getitem__) == DO
    assert signal.need.query == "fix a leaking tap"
    assert signal.why == "search"


def test_near_me_asks_for_the_way() -> None:
    """A product that is asked for near somebody is to be had by going there: more so than its words alone say."""
    recogniser = Recogniser()
    near_me, typed = recogniser.reader.words("rain boots near me", "search"), recogniser.reader.words("maps", "search")
    assert near_me is not None
    assert typed is not None
    added = typed.weights[GO] - round(100 * recogniser.text.loglik("maps")[GO])

    assert near_me.weights[GO] - round(100 * recogniser.text.loglik("rain boots near me")[GO]) > added
    assert near_me.weights[GO] > near_me.weights[BUY]


def test_sensitive_needs_leave_no_signal() -> None:
    """A sensitive search, item or title gives no signal, so that nothing of it is kept; typed words are answered."""
    facet = Facet(id="p", kind="product", title="Pregnancy test", category="health", brand="")

    assert R.signal(record("Products Searched", {"query": "std testing near me"})) is None
    assert R.signal(record("Product Viewed", {"product_id": "p"}, facets=(facet,))) is None
    assert R.typed("std testing near me", 0, 1) is not None


def test_facets_tell_the_kind() -> None:
    """What the catalogue knows of the item decides what a look at it means."""
    guide = Facet(id="g1", kind="guide", title="Fix a tap", category="home", brand="")
    signal = read(record("Decision Clicked", {"item_id": "g1"}, facets=(guide,)))

    assert max(range(4), key=signal.weights.__getitem__) == DO
    assert signal.need.item == "g1"
    assert signal.need.category == "home"


def test_goals_fulfil() -> None:
    """A goal's event fulfils the types that its settings name; the order fulfils buy by itself."""
    settings = Settings(goals={"lesson": Goal(event="Lesson Finished", ends=("do", "know"))})
    signal = Recogniser(settings).signal(record("Lesson Finished"))

    assert signal is not None
    assert signal.ends == 4 + 1
    assert read(record("Order Completed")).ends == 8


def test_near_open_place() -> None:
    """Standing near an open place pulls to go, the nearer the more; closed, far or driving past it hardly does."""
    close, far = near(Nearby("s", "Store", 80, True), None)[0][GO], near(Nearby("s", "Store", 900, True), None)[0][GO]

    assert close > far > 0
    assert near(Nearby("s", "Store", 80, False), None)[0][GO] < close / 2
    assert near(Nearby("s", "Store", 80, True), 25.0)[1] == ""
    assert near(Nearby("s", "Store", 5000, True), None)[1] == ""


def test_position_alone_opens_a_go_moment_by_an_open_door() -> None:
    """A position report beside an open place is a go moment whose evidence names distance and place."""
    found = story(record("Position Reported", nearby=Nearby("s1", "Main St Store", 30, True)))

    assert [m.type for m in found] == ["go"]
    assert found[0].evidence[0].text.startswith("is 30 m from Main St Store, open now")
    assert found[0].need["place"] == "Main St Store"


def test_evidence_in_words() -> None:
    """Evidence reads as a marketer would say it, strongest first, with its age."""
    found = story(
        record("Product Viewed", {"product_id": "p1", "name": "Trail shoe"}, at=1_000),
        record("Product Added", {"product_id": "p1", "name": "Trail shoe"}, at=60_000),
        record("Cart Viewed", at=100_000),
    )

    assert found[0].evidence[0].text == "added Trail shoe to the cart 40 s ago"
    assert found[0].stage == "choose"
    assert [e.weight for e in found[0].evidence] == sorted((e.weight for e in found[0].evidence), reverse=True)


def test_the_same_words_again_are_one_reason() -> None:
    """What was searched six times is one line that says so, as strong as the strongest of them."""
    search = {"query": "buy trail shoes"}
    (moment,) = story(*(record("Products Searched", search, at=n * 10_000) for n in range(6)))
    (once,) = story(record("Products Searched", search, at=50_000))

    assert [e.text for e in moment.evidence] == ['searched "buy trail shoes" 6 times, last just now']
    assert (moment.evidence[0].weight, moment.evidence[0].at) == (once.evidence[0].weight, 50_000)


@pytest.mark.parametrize(
    ("title", "opens"),
    [("Why does my tap drip?", ["know"]), ("What is a moka pot", ["know"]), ("Funny cats 2026", []), ("Why not", [])],
)
def test_a_video_that_explains_opens_a_know_moment(title: str, opens: list[str]) -> None:
    """A video is read by its title where that says that it explains; any other is only something to watch."""
    assert [m.type for m in story(record("Video Playback Started", {"title": title}))] == opens


def test_what_was_taken_out_of_a_query_is_no_word_of_it() -> None:
    """The mark that stands for a phone number doesn't make a search one for phones."""
    (moment,) = story(record("Products Searched", {"query": "buy trail shoes [phone] or [email]"}))
    assert (moment.type, moment.need.get("category")) == ("buy", "trail shoes")
    assert "phone" not in str(moment.need)


def test_view_is_whole() -> None:
    """A view's probabilities sum to one, its need has no empty fields, urgency lies in [0, 1]."""
    found = story(record("Products Searched", {"query": "running shoes near me tonight"}))[0]

    assert sum(found.probabilities.values()) == pytest.approx(1.0, abs=1e-6)
    assert list(found.probabilities) == ["know", "go", "do", "buy", "none"]
    assert all(found.need.values())
    assert 0.0 <= found.urgency <= 1.0
    assert found.confidence == found.probabilities[found.type]


def test_urgency_rises_with_the_hour_and_the_cart() -> None:
    """Tonight is more urgent than some day; a checkout more than a look."""
    some_day, tonight = (
        story(record("Products Searched", {"query": q}))[0].urgency
        for q in ("sushi restaurant soho", "sushi restaurant soho tonight")
    )
    look, checkout = (story(record(n, {"product_id": "p"}))[0].urgency for n in ("Product Viewed", "Checkout Started"))

    assert tonight > some_day
    assert checkout > look


def test_typing_moves_a_moment() -> None:
    """Words that are typed make a moment within the request, rising with the letters."""
    confidence = []
    for words in ("how to fix", "how to fix a leaking tap"):
        trace = R.typed(words, 0, 1)
        assert trace is not None
        confidence.append(R.view(R.fold([trace]).open[0], {}, 0).probabilities["do"])

    assert confidence[1] >= confidence[0]
    assert R.typed("   ", 0, 1) is None


def test_the_way_in_and_the_hour() -> None:
    """A referrer that is a map leans to go; so does noon on a phone."""
    page = {"page": {"referrer": "https://maps.google.com/", "path": "/products/x"}}
    plainly, by_map = (
        read(record("", kind="page", context={"page": {"path": "/products/x"}})),
        read(record("", kind="page", context=page)),
    )

    assert by_map.weights[GO] > plainly.weights[GO]
    assert hour(12 * 3_600_000, "UTC") == 12
    assert hour(0, "No/Where") is None
    assert timely(12, handheld=True)[GO] > timely(9, handheld=True)[GO] > 0


def test_wrong_moment_closes() -> None:
    """The event "Moment Wrong" names the moment that it closes, or closes all."""
    assert read(record("Moment Wrong", {"moment_id": "m1"})).closes == "m1"
    assert read(record("Moment Wrong")).closes == "*"


def test_digest_follows_rules_and_weights() -> None:
    """The recogniser's digest changes with its rules, and only with them."""
    assert Recogniser(Settings()).digest == R.digest
    assert Recogniser(Settings(recognition=Recognition(threshold=0.7))).digest != R.digest


def test_words_for_people() -> None:
    """Ages and distances read as people say them."""
    assert (ago(2_000), ago(40_000), ago(600_000), ago(3 * 3_600_000)) == (
        "just now",
        "40 s ago",
        "10 min ago",
        "3 h ago",
    )
    assert (distance(80), distance(456), distance(1240)) == ("80 m", "460 m", "1.2 km")
    assert plain("ProductViewed") == plain("product_viewed") == "product viewed"
    assert say(reason(Signal((0, 0, 0, 0, 0), "an_unknown_code")), 0) == "an unknown code just now"


def test_a_page_that_lies_open_opens_nothing() -> None:
    """A home page's title, or a position far from any door, opens no moment by itself."""
    home = record("Home", kind="page", context={"page": {"path": "/", "title": "Running shoes and trail gear on sale"}})
    far = record("Position Reported", nearby=Nearby("s1", "Main St Store", 900, True))

    assert story(home, at_rest := record("Cart Error", at=5)) == []
    assert R.signal(at_rest) is None
    assert R.signal(far) is None


def test_a_search_without_words() -> None:
    """A search whose words were not sent still says that something is wanted."""
    signal = read(record("Products Searched"))

    assert say(reason(signal), 0) == "searched just now"


def test_words_that_the_person_typed_win_over_a_title() -> None:
    """A page about the same, on another device and later, leaves the need in the person's own words, and says nothing
    that rewords it; a search after a title replaces it.
    """
    typed = record("Products Searched", {"query": "buy trail running shoes"}, at=0)
    title = {"page": {"path": "/read", "title": "Trail shoes: the summit sale"}}
    page = record("x", kind="page", context=title, at=60_000)
    (moment,) = story(typed, page)
    (other,) = story(page, record("Products Searched", {"query": "buy trail running shoes"}, at=120_000))

    assert (moment.need["query"], moment.need["words"]) == ("trail running shoes", "buy trail running shoes")
    assert len(moment.evidence) == 2
    assert other.need["query"] == "trail running shoes"


@pytest.mark.parametrize("kind", [["mobile"], {"a": 1}, None, 7])
def test_a_device_of_any_shape_is_read(kind: object) -> None:
    """What a client says of its device needs not be a word: the search is read all the same."""
    assert read(record("Products Searched", {"query": "shoes"}, context={"device": {"type": kind}})).need.words


def test_a_refusal_counts_against_the_moment_of_what_it_names() -> None:
    """Who refuses what they asked for closes that moment alone; what is asked beside a refusal is the need."""
    asked = [record("Products Searched", {"query": q}, at=n) for n, q in enumerate(["taxi near me", "trail shoes"])]

    assert [m.type for m in story(*asked)] == ["go", "buy"]
    refused = record("Products Searched", {"query": "I don't need a taxi"}, at=2)
    assert [m.need["query"] for m in story(*asked, refused)] == ["trail shoes"]
    assert story(refused) == []
    other = record("Products Searched", {"query": "i don't want pizza, where can i get juice"}, at=3)
    assert [m.need["query"] for m in story(other)] == ["juice"]


def test_needs_are_spelled_in_full() -> None:
    """What thumbs shortened is searched for in full, and told as it was typed."""
    (moment,) = story(record("Products Searched", {"query": "How 2 make pizza"}))

    assert moment.need["query"] == "make pizza"
    assert "How 2 make pizza" in moment.evidence[0].text
