"""Nearby: exact distances, opening on arrival."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.core.geo import Point, metres
from micromoments.core.item import Item
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.nearby import Grid
from tests.retrieve.shop import CENTER, NOON, cafe, item, ms, shop

anywhere = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))
close = st.builds(Point, st.floats(60.1, 60.2), st.floats(24.8, 25.0))
awkward = st.sampled_from(
    [Point(90, 0), Point(-90, 50), Point(0, 180), Point(0, -180), Point(89.999, -120), Point(0, 0)]
)
points = st.one_of(anywhere, close, awkward)


@given(st.lists(points, max_size=60), points, st.integers(1, 60), st.floats(0, 3e7))
def test_exact(places: list[Point], here: Point, n: int, within: float) -> None:
    """The nearest and their order are those of measuring every place, anywhere on Earth."""
    grid = Grid()
    for i, place in enumerate(places):
        grid.put(f"p{i:03}", place)
    told = list(islice(grid.near(here, within), n))
    every = sorted(metres(here, place) for place in places)
    if min((abs(far - within) for far in every), default=9.0) > 2:  # else rounding decides who is within
        expected = [far for far in every if far <= within][:n]
        assert [far for far, _ in told] == pytest.approx(expected, rel=1e-7, abs=1e-4)
    for far, id in told:
        assert far == pytest.approx(metres(here, places[int(id[1:])]), rel=1e-7, abs=1e-4)


@given(st.lists(st.tuples(st.integers(0, 8), st.one_of(st.none(), points)), max_size=40), points)
def test_put_and_drop(changes: list[tuple[int, Point | None]], here: Point) -> None:
    """After any puts, moves and drops exactly the last positions are found, each once."""
    grid, last = Grid(), dict[str, Point]()
    for number, point in changes:
        id = f"p{number}"
        if point is None:
            grid.drop(id)
            last.pop(id, None)
        else:
            grid.put(id, point)
            last[id] = point
    assert sorted(id for _, id in grid.near(here)) == sorted(last)
    assert len(grid) == len(last)
    for id, point in last.items():
        assert grid.metres(id, here) == pytest.approx(metres(here, point), rel=1e-7, abs=1e-4)
    assert grid.metres("unknown", here) == -1


def test_open_on_arrival() -> None:
    """A place counts as open when it is open after the walk, and tells until when; closed ones are kept, lower."""
    found = {one.item.id: one for one in shop().nearby(CENTER, NOON)}
    assert list(found) == ["shut", "near", "far"]
    assert (found["near"].open, found["near"].closes_at) == (True, ms("2024-05-06T20:00+03:00"))
    assert found["near"].metres == round(metres(CENTER, Point(60.1705, 24.9410)))
    assert found["near"].seconds == round(metres(CENTER, Point(60.1705, 24.9410)) * 1.3 / 1.35)
    assert found["near"].reasons == ("1 min walk, open until 20:00",)
    assert not found["shut"].open
    assert found["shut"].reasons == ("1 min walk, closed when you get there",)
    assert found["near"].score > found["far"].score > found["shut"].score


def test_opens_or_closes_on_the_way() -> None:
    """What opens during the walk is open; what closes during the walk is not."""
    catalog = shop()
    catalog.apply(
        {
            "late": cafe("late", 60.18, 24.94, hours="Mo-Su 12:10-20:00"),
            "early": cafe("early", 60.18, 24.94, "Mo-Su 08:00-12:10"),
        }
    )
    found = {one.item.id: one.open for one in catalog.nearby(CENTER, NOON)}
    assert found["late"]
    assert not found["early"]


def test_limit_kinds_and_distance() -> None:
    """At most so many, only of these kinds, none farther than asked."""
    catalog = shop()
    catalog.apply({"stall": item("stall", "offer", "Free tea", location=Point(60.1701, 24.9401))})
    assert [one.item.id for one in catalog.nearby(CENTER, NOON, limit=2)] == ["stall", "shut"]
    assert [one.item.id for one in catalog.nearby(CENTER, NOON, kinds=("offer",))] == ["stall"]
    assert [one.item.id for one in catalog.nearby(CENTER, NOON, max_metres=100)] == ["stall", "shut", "near"]
    assert catalog.nearby(CENTER, NOON, limit=0) == []


def test_nearest() -> None:
    """The nearest place, with its distance and whether it is open now; None far from all."""
    catalog = shop()
    nearest = catalog.nearest(CENTER, NOON)
    assert nearest is not None
    assert (nearest.id, nearest.open) == ("shut", False)
    evening = catalog.nearest(CENTER, ms("2024-05-06T18:30+03:00"))
    assert evening is not None
    assert evening.open
    assert catalog.nearest(Point(0, 0), NOON) is None


def test_places_without_zone_use_the_catalogues() -> None:
    """Hours without a zone are read in the catalogue's."""
    catalog = shop()
    catalog.apply({"p": item("p", "place", "Kiosk", location=CENTER, hours="Mo-Su 11:00-13:00")})
    assert catalog.nearby(CENTER, NOON)[0].open
    assert not catalog.nearby(CENTER, ms("2024-05-06T12:00+00:00"))[0].open


@pytest.mark.parametrize(
    ("hours", "leaving", "is_open"),
    [
        # 31 March 2024: at 03:00 the clock becomes 04:00. Twelve minutes on foot from 02:55 arrive at 04:07.
        ("Sa 22:00-03:30", "2024-03-31T02:55+02:00", False),
        ("Mo-Su 04:00-06:00", "2024-03-31T02:55+02:00", True),
        ("Mo-Su 03:00-04:00", "2024-03-31T02:50+02:00", False),
        # 27 October 2024: at 04:00 the clock becomes 03:00. From 03:55 summer time one arrives at 03:07.
        ("Sa 22:00-03:30", "2024-10-27T03:55+03:00", True),
        ("Sa 22:00-03:30", "2024-10-27T03:25+02:00", False),
        ("Mo-Su 04:00-06:00", "2024-10-27T03:55+03:00", False),
        # Past midnight, and closing on the way.
        ("Fr 20:00-01:00", "2024-05-11T00:30+03:00", True),
        ("Fr 20:00-01:00", "2024-05-11T00:55+03:00", False),
    ],
)
def test_open_on_arrival_across_changes_of_the_clock(hours: str, leaving: str, is_open: bool) -> None:
    """Whether it is open when one gets there goes by the place's own clock, whatever happens to it on the way."""
    at = round(datetime.fromisoformat(leaving).timestamp() * 1000)
    start, metres = Point(60.17, 24.94), 748.0
    bar = Point(start.lat + metres / 111_195, start.lon)
    catalog = Catalog()
    catalog.apply(
        {"bar": Item(id="bar", kind="place", title="Bar", hours=hours, timezone="Europe/Helsinki", location=bar)}
    )
    (found,) = catalog.nearby(start, at)
    assert found.seconds == pytest.approx(720, abs=2)
    assert found.open is is_open
