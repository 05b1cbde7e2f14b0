"""The town's plan: streets join, and places are where the map says."""

from __future__ import annotations

from itertools import pairwise
from math import dist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.core.geo import metres
from micromoments.simulate import City
from micromoments.simulate.catalog import items, positions

CITY = City()
shares = st.floats(0, 0.999)


@given(a=shares, b=shares)
def test_people_walk_on_streets(a: float, b: float) -> None:
    """Between any two corners there is a way of short steps."""
    way = CITY.way(CITY.corner(a), CITY.corner(b))
    assert max((dist(p, q) for p, q in pairwise(way)), default=0) < 40


@given(x=st.floats(-1500, 1500), y=st.floats(-900, 900))
def test_degrees_and_metres_agree(x: float, y: float) -> None:
    """A place turned into latitude and longitude and back is the same to a metre."""
    assert dist(City.place(City.point((x, y))), (x, y)) < 1


def test_degrees_measure_metres() -> None:
    """The distance of two places by their coordinates is that on the plan."""
    assert metres(City.point((0, 0)), City.point((300, 400))) == pytest.approx(500, rel=0.01)


def test_places_stand_apart_on_named_streets() -> None:
    """No two places share a spot, and each stands by a street with a name."""
    spots = list(positions(items("UTC")).values())
    assert min(dist(a, b) for n, a in enumerate(spots) for b in spots[:n]) > 80
    assert all(CITY.street(spot) for spot in spots)
