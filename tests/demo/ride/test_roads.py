"""Roads, ways and estimates."""

from __future__ import annotations

from itertools import pairwise
from math import hypot

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micromoments.demo.fulfil import Refused
from micromoments.demo.ride import estimate, places
from micromoments.demo.ride.fleet import Fleet, driver_of
from tests.demo.ride.made import roads

SHARE = st.floats(0, 0.999)


@given(SHARE, SHARE)
@settings(max_examples=60, deadline=None)
def test_ways_go_along_roads_and_take_as_long_as_said(a: float, b: float) -> None:
    """A way begins and ends where asked, never leaves the roads, is as quick as the field says, and the same back."""
    start, end = roads().corner(a), roads().corner(b)
    assert roads().inside(start)
    way = roads().way(start, end)
    assert hypot(way.points[0][0] - start[0], way.points[0][1] - start[1]) < 1
    assert hypot(way.points[-1][0] - end[0], way.points[-1][1] - end[1]) < 1
    assert all(t < u for t, u in pairwise(way.times))
    assert all(roads().spot(way.at(way.seconds * n / 7)).apart < 3 for n in range(8))
    # Stretches of less than a centimetre are left out of a way, with their time.
    assert way.seconds == pytest.approx(roads().seconds(start, end), abs=0.05)
    assert way.seconds == pytest.approx(roads().way(end, start).seconds, abs=0.5)
    assert way.metres >= hypot(end[0] - start[0], end[1] - start[1]) - 1


@given(SHARE, SHARE, st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_a_place_on_a_way_is_found_on_it(a: float, b: float, part: float) -> None:
    """How far along its way a car is, is found from its place: the place is the same again."""
    way = roads().way(roads().corner(a), roads().corner(b))
    at = way.at(way.seconds * part)
    again = way.at(way.nearest(at))
    assert hypot(again[0] - at[0], again[1] - at[1]) < 1e-3


def test_every_named_place_can_be_reached() -> None:
    """Every place that the app knows is near a road, and can be driven to from the square."""
    square = places.spot("square").at
    for spot in places.SPOTS:
        assert roads().spot(spot.at).apart < 130
        assert np.isfinite(roads().seconds(square, spot.at))


def test_the_estimate_corrects_itself() -> None:
    """A car in heavy traffic: said too early at first, the estimate comes nearer to the truth as it drives."""
    whole, pace = 200.0, 1.9
    off = [
        abs(elapsed + estimate.left(elapsed / pace, whole, elapsed, 1.1) - whole * pace)
        for elapsed in (0, 60, 150, 250, 350)
    ]
    assert off == sorted(off, reverse=True)
    assert off[-1] < off[0] / 10


def test_the_usual_pace_is_learned() -> None:
    """After many ways at a pace, that pace is what is usual."""
    usual = estimate.Usual()
    for _ in range(80):
        usual.learn(100, 140)
    assert usual.pace == pytest.approx(1.4, abs=0.01)


def test_forged_positions_are_refused() -> None:
    """A phone that says it is off the map, in the sea, or faster than any car isn't believed; a true one is."""
    fleet = Fleet(roads(), 0, 1)
    start = roads().spot((-420.0, -120.0)).at
    driver = driver_of("c-00ff", "Sam", ("go",), start)
    fleet.claim(driver, start, 1_000_000)
    for lie in ((99_999.0, 0.0), (-1400.0, -940.0), (840.0, -60.0)):
        with pytest.raises(Refused) as refused:
            fleet.claim(driver, lie, 1_001_000)
        assert refused.value.code == "bad_position"
    assert driver.at == start
    there = roads().way(start, (840.0, -60.0)).at(2)
    fleet.claim(driver, there, 1_002_000)
    assert driver.at == there
