"""Which geofences a position lies in."""

from __future__ import annotations

import pytest

from micromoments.core.geo import Point
from micromoments.core.item import Item
from micromoments.retrieve.catalog import Catalog

NOW = 1_750_000_000_000
HERE = Point(60.17, 24.94)
DEGREE = 111_195.0
"""Metres of one degree of latitude."""


def north(metres: float) -> Point:
    """A point so many metres north of here."""
    return Point(HERE.lat + metres / DEGREE, HERE.lon)


def place(id: str, geofence: object, metres: float = 0.0) -> Item:
    """A place with a fence, so many metres north."""
    return Item(id=id, kind="place", title=id.title(), location=north(metres), attributes={"geofence": geofence})


def test_a_catalogue_without_fences_says_nothing() -> None:
    """Places alone are no fences."""
    catalog = Catalog()
    catalog.apply({"a": Item(id="a", kind="place", title="A", location=HERE)})
    assert catalog.fences(HERE, NOW) is None


def test_inside_in_the_margin_and_outside_are_told_apart() -> None:
    """Within the radius inside, up to a fifth more in the margin, beyond that nothing."""
    catalog = Catalog()
    catalog.apply({"shop": place("shop", 100)})
    inside, margin = catalog.fences(north(99), NOW), catalog.fences(north(110), NOW)
    assert inside is not None
    assert margin is not None
    assert [(f.id, f.inside, f.dwell) for f in (*inside, *margin)] == [("shop", True, 240), ("shop", False, 240)]
    assert catalog.fences(north(121), NOW) == ()


def test_fences_change_with_their_items() -> None:
    """A fence can be given, changed and taken away."""
    catalog = Catalog()
    catalog.apply({"shop": place("shop", {"radius": 50, "dwell": 60})})
    found = catalog.fences(HERE, NOW)
    assert found is not None
    assert found[0].dwell == 60
    catalog.apply({"shop": Item(id="shop", kind="place", title="Shop", location=HERE)})
    assert catalog.fences(HERE, NOW) is None
    catalog.apply({"shop": place("shop", 50)})
    catalog.apply({"shop": None})
    assert catalog.fences(HERE, NOW) is None


def test_a_vague_position_crosses_nothing() -> None:
    """Uncertain by more than 250 m, a position speaks only of fences that are larger."""
    catalog = Catalog()
    catalog.apply({"shop": place("shop", 100)})
    assert catalog.fences(north(5_000), NOW, accuracy=2_000.0) is None
    assert catalog.fences(HERE, NOW, accuracy=2_000.0) is None
    catalog.apply({"mall": place("mall", 3_000)})
    found = catalog.fences(HERE, NOW, accuracy=2_000.0)
    assert found is not None
    assert {fence.id for fence in found} == {"mall", "shop"}


@pytest.mark.parametrize("wrong", [5, 1e9, "wide", True, {"dwell": 60}, {"radius": 50, "dwell": 0}])
def test_what_cannot_be_read_is_refused(wrong: object) -> None:
    """A radius or dwell out of bounds is an error that says what is wanted, and nothing is changed."""
    catalog = Catalog()
    with pytest.raises(ValueError, match="wanted a radius of 10 to 10000 metres"):
        catalog.apply({"shop": place("shop", wrong)})
    assert catalog.size() == 0
