"""How a story goes on: slight evidence that brews, turns, ways to and from a place, and the person's own word."""

from __future__ import annotations

import pytest

from micromoments.core.item import Nearby
from micromoments.core.moment import Reading, Trace
from micromoments.core.record import EventRecord
from micromoments.core.settings import Settings
from micromoments.recognise.recogniser import Recogniser
from micromoments.recognise.weights import SHIPPED, TURNS, Weights, decode
from tests.recognise.test_recogniser import R, record, story

SECOND, MINUTE = 1_000, 60_000


def read(*records: EventRecord, by: Recogniser = R) -> Reading:
    """The reading after records."""
    signals = [(r, by.signal(r)) for r in records]
    return by.fold([Trace(r.occurred, r.mid, s, "web") for r, s in signals if s is not None])


def buy(*records: EventRecord) -> float:
    """The probability of buy after records, open or brewing."""
    return R.said(read(*records), records[-1].occurred)[3]


def looked(item: str, at: int, category: str = "shoes") -> EventRecord:
    """A look at a product at a second."""
    return record("Product Viewed", {"product_id": item, "category": category}, at=at * SECOND)


def near(metres: int, at: int) -> EventRecord:
    """A position report at a second, so far from an open store."""
    return record("Position Reported", at=at * SECOND, nearby=Nearby("s1", "Main St Store", metres, True))


def test_slight_evidence_brews_until_it_makes_a_moment() -> None:
    """One list opens nothing and is told to nobody; a filter soon after opens a buy moment, hours later not."""
    one = record("Product List Viewed", {"category": "shoes"})
    soon, late = (record("Product List Filtered", {"category": "shoes"}, at=m * MINUTE) for m in (1, 300))

    assert read(one).open == ()
    assert len(read(one).brewing) == 1
    opened = read(one, soon).open
    assert [(m.type, m.opened_at) for m in opened] == [("buy", MINUTE)]
    assert len(opened[0].traces) == 2
    assert read(one, soon).brewing == ()
    assert R.said(read(one, late), 300 * MINUTE)[3] < R.said(read(one, soon), MINUTE)[3]


def test_coming_back_tells_more_than_going_on_and_a_glance_less() -> None:
    """A return to an item says more than a look at a third; a look after a second less than one after a while."""
    back = buy(looked("a", 0), looked("b", 30), looked("a", 60))
    third = buy(looked("a", 0), looked("b", 30), looked("c", 60))
    away = buy(looked("a", 0), looked("b", 30), looked("c", 60, "lamps"))

    assert back > third > away
    assert buy(looked("a", 0), looked("b", 1)) < buy(looked("a", 0), looked("b", 40))


def test_the_cart_says_more_for_what_was_looked_at() -> None:
    """Putting in what was looked at before says more than putting in something else."""
    first = looked("a", 0)
    same, other = (record("Product Added", {"product_id": i}, at=10 * SECOND) for i in "ab")

    assert read(first, same).open[0].sums[3] > read(first, other).open[0].sums[3]


def test_a_log_can_teach_that_a_second_thing_in_the_cart_says_less() -> None:
    """A further thing put into the cart is a turn of its own; shipped, it adds nothing."""
    two = [record("Product Added", {"product_id": item}, at=n * MINUTE) for n, item in enumerate("ab")]
    taught = Recogniser(Settings(), weights=Weights(turns={"filled": (0, 0, 0, -200, 0)}))

    def said(records: list[EventRecord], by: Recogniser) -> float:
        """The probability of buy after records."""
        return by.said(read(*records, by=by), records[-1].occurred)[3]

    assert TURNS["filled"] == (0, 0, 0, 0, 0)
    assert said(two, taught) < said(two, R)
    assert said(two[:1], taught) == said(two[:1], R)


def test_coming_closer_leaving_and_staying() -> None:
    """A way to the door is a go moment that rises; a way from it falls; who stays there has arrived."""
    closer, leaving = read(near(300, 0), near(200, 60), near(90, 120)), read(near(30, 0), near(170, 60), near(330, 120))
    there = read(near(90, 0), near(20, 60), near(20, 200))

    assert R.said(closer, 120 * SECOND)[1] > 0.9 > R.said(leaving, 120 * SECOND)[1]
    assert there.open == ()
    assert [(m.type, m.ended) for m in there.ended] == [("go", "fulfilled")]


def test_a_drive_by_opens_nothing() -> None:
    """Passing an open door at speed is no moment."""
    by = record(
        "Position Reported", context={"location": {"speed": 20}}, nearby=Nearby("s1", "Main St Store", 30, True)
    )

    assert story(by) == []


def test_what_was_called_wrong_does_not_come_back_at_once() -> None:
    """After "wrong moment" the same kind of look opens nothing, plain words do, and in hours all is forgiven."""
    first = looked("a", 0)
    wrong = record("Moment Wrong", at=10 * SECOND)

    assert read(first).open != ()
    assert [(m.ended, m.wrong) for m in read(first, wrong).ended] == [("abandoned", True)]
    assert read(first, wrong, looked("a", 30)).open == ()
    assert read(first, wrong, looked("a", 4 * 3600)).open != ()
    again = read(first, wrong, record("Products Searched", {"query": "buy trail running shoes"}, at=40 * SECOND))
    assert [m.type for m in again.open] == ["buy"]
    assert read(first, record("Not This", at=10 * SECOND)).open == ()


def test_taking_it_out_of_the_cart_counts_without_its_name() -> None:
    """An item taken out weighs against the buy moment though the event doesn't say which."""
    added, removed = record("Product Added"), record("Product Removed", at=MINUTE)

    assert read(added, removed).open[0].sums[3] < read(added).open[0].sums[3] - 100


def test_a_ride_called_off_is_over() -> None:
    """A cancelled ride or table abandons its go moment."""
    for asked, off in (("Ride Requested", "Ride Cancelled"), ("Reservation Started", "Reservation Cancelled")):
        reading = read(record(asked), record(off, at=MINUTE))

        assert reading.open == ()
        assert [m.ended for m in reading.ended] == ["abandoned"]


@pytest.mark.parametrize(
    ("name", "properties", "kind"),
    [
        ("Deep Link Opened", {"url": "myapp://products/p1"}, "product"),
        ("Application Opened", {"url": "https://shop.example/recipes/soup"}, "guide"),
        ("Email Link Clicked", {"link_url": "https://shop.example/cart"}, "cart"),
    ],
)
def test_links_are_read_by_where_they_lead(name: str, properties: dict[str, str], kind: str) -> None:
    """A deep link, a push or an e-mail that brings the person in says what the page says that it leads to."""
    signal = R.signal(record(name, properties))

    assert signal is not None
    assert signal.why == kind
    assert R.signal(record("Application Opened")) is None


def test_learned_weights_change_what_names_and_hours_say() -> None:
    """A name that only the log explains opens a moment with its own name as reason; the hour leans by its eighth."""
    taught = Recogniser(Settings(), R.text, Weights(acts={"gizmo poked": (0, 0, 350, 0, 0)}))
    at_noon = Weights(hours=tuple((0, 90 * (n == 4), 0, 0, 0) for n in range(8)))
    timed = Recogniser(Settings(), R.text, at_noon)
    poked = record("Gizmo Poked")

    assert R.signal(poked) is None
    reading = read(poked, by=taught)
    assert [m.type for m in reading.open] == ["do"]
    signal = taught.signal(poked)
    assert signal is not None
    view = taught.view(reading.open[0], {poked.mid: Trace(0, poked.mid, signal)}, 0)
    assert view.evidence[0].text == 'did "Gizmo Poked" just now'
    noon, night = looked("a", 12 * 3600), looked("a", 2 * 3600)
    assert timed.said(read(noon, by=timed), noon.occurred)[1] > timed.said(read(night, by=timed), night.occurred)[1]
    assert taught.digest != R.digest != timed.digest


def test_weights_keep_their_bytes_and_refuse_others() -> None:
    """Weights come back as they were kept; no bytes are the shipped ones; others are refused in words."""
    weights = Weights(acts={"b": (1, 2, 3, 4, 0), "a": (0, 0, 0, 1, 0)}, turns={"again": TURNS["again"]}, until=9)

    assert decode(weights.encode()) == weights
    assert decode(b"") == SHIPPED
    assert SHIPPED.digest == ""
    for body in (b"{", b'{"format":99}'):
        with pytest.raises(ValueError, match="roll back"):
            decode(body)


@pytest.mark.parametrize(
    ("asked", "type"),
    [
        (("kettle", "kettle near me"), "go"),
        (("cheap kettle", "how to descale a kettle"), "do"),
        (("cheap kettle", "cheap kettle", "how to descale a kettle"), "do"),
        (("how to descale a kettle", "cheap kettle"), "buy"),
        (("what is a kettle", "best electric kettle", "kettle shop open now"), "go"),
    ],
)
def test_the_last_wording_of_a_need_says_most(asked: tuple[str, ...], type: str) -> None:
    """Whoever words a need anew is where the last words are, also after having said the words before twice."""
    (moment,) = read(*(record("Products Searched", {"query": q}, at=n * MINUTE) for n, q in enumerate(asked))).open
    assert moment.type == type


def test_the_same_words_again_are_hardly_more_evidence() -> None:
    """Five searches for the same, a second apart, make nobody much surer than one did."""
    once, often = (
        buy(*(record("Products Searched", {"query": "kettle"}, at=n * SECOND) for n in range(times)))
        for times in (1, 5)
    )
    assert once < often < once + 0.04
