"""Ways along the streets of a drawn extract."""

from __future__ import annotations

from math import inf
from pathlib import Path

import pytest

from micromoments.core.geo import Point, metres
from micromoments.core.item import Item
from micromoments.ports import Router, StoreError
from micromoments.retrieve.catalog import Catalog
from micromoments.stores.embedded.roads import STRAY, WALK, Roads, street
from micromoments.testing.contracts import RouterContract

NOW = 1_780_000_000_000
CORNERS = {1: (60.0, 24.0), 2: (60.0, 24.01), 3: (60.005, 24.01), 4: (60.005, 24.0)}
"""Three sides of a block: from 1 over 2 and 3 to 4, but not from 1 to 4 at once; 2 to 3 is one-way for cars."""


class TestRoads(RouterContract):
    """The port's promises, on the block."""

    @pytest.fixture(autouse=True)
    def _on(self, roads: Roads) -> None:
        self._roads = roads

    def open(self, folder: Path) -> tuple[Router, Point, Point]:
        """Two corners of the block."""
        del folder
        return self._roads, at(1), at(3)


@pytest.fixture(scope="module")
def roads(tmp_path_factory: pytest.TempPathFactory) -> Roads:
    """The block as an extract."""
    pytest.importorskip("osmium", reason="needs the extra roads")
    pytest.importorskip("scipy", reason="needs the extra roads")
    nodes = "".join(f'<node id="{n}" lat="{lat}" lon="{lon}" version="1"/>' for n, (lat, lon) in CORNERS.items())

    def way(id: int, a: int, b: int, **tags: str) -> str:
        said = "".join(f'<tag k="{k}" v="{v}"/>' for k, v in {"highway": "residential", **tags}.items())
        return f'<way id="{id}" version="1"><nd ref="{a}"/><nd ref="{b}"/>{said}</way>'

    ways = way(1, 1, 2) + way(2, 2, 3) + way(3, 3, 4)
    path = tmp_path_factory.mktemp("roads") / "block.osm"
    path.write_text(f'<?xml version="1.0"?><osm version="0.6">{nodes}{ways}</osm>', encoding="utf-8")
    return Roads(path)


def at(number: int) -> Point:
    """A corner's position."""
    return Point(*CORNERS[number])


def test_a_way_goes_along_the_streets(roads: Roads) -> None:
    """From the first corner to the fourth it goes around the block, on foot at a walk's pace."""
    router: Router = roads
    (seconds,) = router.reach(at(1), [at(4)], "foot")
    around = metres(at(1), at(2)) + metres(at(2), at(3)) + metres(at(3), at(4))
    assert seconds == pytest.approx(around / WALK, rel=1e-3)
    assert router.reach(at(1), [], "foot") == []


def test_what_is_far_from_every_street_is_not_known(roads: Roads) -> None:
    """Beyond the stray distance, at either end, the router says that it doesn't know."""
    far = Point(60.0 - 2 * STRAY / 111_195, 24.0)
    assert list(roads.reach(far, [at(1)], "car")) == [-1.0]
    unknown, known = roads.reach(at(1), [far, at(2)], "car")
    assert unknown == -1.0
    assert known > 0


@pytest.mark.parametrize(
    ("tags", "mode", "there", "back"),
    [
        ({"highway": "residential"}, "car", True, True),
        ({"highway": "residential", "oneway": "yes"}, "car", True, False),
        ({"highway": "residential", "oneway": "-1"}, "car", False, True),
        ({"highway": "residential", "oneway": "yes"}, "foot", True, True),
        ({"highway": "residential", "oneway": "yes", "oneway:bicycle": "no"}, "bike", True, True),
        ({"highway": "residential", "junction": "roundabout"}, "bike", True, False),
        ({"highway": "motorway"}, "foot", False, False),
        ({"highway": "motorway"}, "bike", False, False),
        ({"highway": "motorway"}, "car", True, False),
        ({"highway": "steps"}, "foot", True, True),
        ({"highway": "steps"}, "bike", False, False),
        ({"highway": "footway", "bicycle": "designated"}, "bike", True, True),
        ({"highway": "service", "access": "private"}, "car", False, False),
        ({"highway": "service", "access": "private", "foot": "yes"}, "foot", True, True),
        ({"highway": "pedestrian", "area": "yes"}, "foot", False, False),
        ({"railway": "rail"}, "foot", False, False),
    ],
)
def test_who_may_use_a_street(tags: dict[str, str], mode: str, there: bool, back: bool) -> None:
    """By its tags: kinds of streets, directions, what is private."""
    found = street(tags, mode)  # type: ignore[arg-type]  # a parametrised literal
    assert (found.there < inf, found.back < inf) == (there, back)


def test_the_quickest_is_told_first(roads: Roads) -> None:
    """With a router what is quicker to get to comes before what is nearer by the straight line."""
    catalog = Catalog()
    catalog.apply(
        {
            "beyond": Item(id="beyond", kind="place", title="Beyond the block", location=at(4)),
            "along": Item(id="along", kind="place", title="Along the street", location=Point(60.0, 24.0101)),
        }
    )
    assert [one.item.id for one in catalog.nearby(at(1), NOW)] == ["beyond", "along"]
    catalog.route(roads.reach)
    found = catalog.nearby(at(1), NOW)
    assert [one.item.id for one in found] == ["along", "beyond"]
    assert found[0].seconds < found[1].seconds
    assert found[0].reasons[0].endswith("min walk, open")


def test_an_extract_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    """A file that is no extract is an error that names it."""
    pytest.importorskip("osmium", reason="needs the extra roads")
    broken = tmp_path / "broken.osm.pbf"
    broken.write_bytes(b"nothing of the kind")
    with pytest.raises(StoreError, match=r"broken\.osm\.pbf"):
        Roads(broken)
