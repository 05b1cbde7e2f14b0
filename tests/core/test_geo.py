"""Positions and great-circle distances."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.core.geo import EARTH_RADIUS, Point, metres

points = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))


def test_known_distance() -> None:
    """Helsinki to Tallinn is 82 km, give or take half of one."""
    assert metres(Point(60.1699, 24.9384), Point(59.4370, 24.7536)) == pytest.approx(82_150, abs=500)


def test_one_degree_of_the_equator() -> None:
    """A degree of longitude at the equator is a 360th of the circumference, over the date line too."""
    degree = 2 * math.pi * EARTH_RADIUS / 360
    assert metres(Point(0, 0), Point(0, 1)) == pytest.approx(degree)
    assert metres(Point(0, 179.5), Point(0, -179.5)) == pytest.approx(degree)


@given(points, points, points)
def test_distance_is_a_metric(a: Point, b: Point, c: Point) -> None:
    """Symmetric, zero to itself, at most half the circumference, and no way is shortened by a detour."""
    assert metres(a, b) == metres(b, a)
    assert metres(a, a) == 0
    assert 0 <= metres(a, b) <= math.pi * EARTH_RADIUS * (1 + 1e-12)
    assert metres(a, c) <= metres(a, b) + metres(b, c) + 1


@pytest.mark.parametrize(("lat", "lon"), [(90.1, 0), (-91, 0), (0, 180.5), (0, -181), (math.nan, 0)])
def test_bad_position(lat: float, lon: float) -> None:
    """A position off the globe is refused, saying what was got and wanted."""
    with pytest.raises(ValueError, match=r"got position .* wanted latitude"):
        Point(lat, lon)
