"""Ways along the streets of an OpenStreetMap extract: ``ports.Router`` in memory, on scipy's shortest paths.

Needs the extra ``roads`` (osmium reads the extract, scipy finds the ways). Each way of going has a graph of its own:
who may use a street, in which direction, how fast. Only the largest part of each whose every corner can be reached
from every other is kept. A position is led to the nearest corner on foot; where that is more than ``STRAY``
metres away, the router doesn't know, and says so. Turns and lights are in the speeds. Data © OpenStreetMap
contributors, ODbL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from math import cos, inf, radians
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromoments.core.geo import EARTH_RADIUS, Point
from micromoments.ports import StoreError

Floats = NDArray[np.float64]
Mode = Literal["foot", "bike", "car"]
WALK, RIDE = 1.35, 4.2
"""Metres a second on foot and by bike, as the straight line's estimate has them."""
STRAY = 500.0
DETOUR = 1.3
"""How much longer than straight the steps from a position to its corner are."""
KEPT = 128
"""Starts whose times to all corners are kept, each way of going."""
CAR: Mapping[str, float] = {
    "motorway": 90, "motorway_link": 50, "trunk": 60, "trunk_link": 40, "primary": 32, "primary_link": 25,
    "secondary": 28, "secondary_link": 22, "tertiary": 25, "tertiary_link": 20, "unclassified": 22,
    "residential": 20, "living_street": 10, "service": 12,
}  # fmt: skip
"""Kilometres an hour that are left of each street's limit at its lights and crossings."""
NO_FEET = frozenset({"motorway", "motorway_link", "trunk_link", "construction", "proposed", "raceway"})
NO_BIKES = NO_FEET | {"steps", "footway", "pedestrian", "corridor", "elevator"}
YES = frozenset({"yes", "designated", "permissive", "destination"})
NO = frozenset({"no", "private"})


class Street(NamedTuple):
    """Seconds a metre along a street, forwards and backwards; infinite where that isn't allowed."""

    there: float
    back: float


def street(tags: Mapping[str, str], mode: Mode) -> Street:
    """How a street is gone along."""
    kind = tags.get("highway", "")
    closed = not kind or tags.get("area") == "yes"
    one_way = tags.get("oneway", "yes" if tags.get("junction") == "roundabout" or kind == "motorway" else "no")
    if mode == "foot":
        may = tags.get("foot", tags.get("access", "yes" if kind not in NO_FEET else "no")) not in NO
        return Street(inf, inf) if closed or not may else Street(1 / WALK, 1 / WALK)
    if mode == "bike":
        said = tags.get("bicycle", "")
        may = said in YES or (
            said not in {*NO, "dismount"} and kind not in NO_BIKES and tags.get("access", "yes") not in NO
        )
        one_way = "no" if tags.get("oneway:bicycle") == "no" else one_way
        pace = 1 / RIDE
    else:
        said = tags.get("motor_vehicle", tags.get("vehicle", tags.get("access", "yes")))
        may = kind in CAR and said not in NO
        pace = 3.6 / min(CAR.get(kind, 1.0), _limit(tags.get("maxspeed", "")))
    if closed or not may:
        return Street(inf, inf)
    return Street(inf if one_way == "-1" else pace, inf if one_way in ("yes", "1", "true") else pace)


def _limit(told: str) -> float:
    return float(told) * 0.75 if told.isdigit() and int(told) > 0 else inf


class Graph:
    """The corners of one way of going, and the seconds between neighbours."""

    def __init__(self, places: Floats, edges: Sequence[tuple[int, int, float]]) -> None:
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components
        from scipy.spatial import KDTree

        n = len(places)
        begins, ends, seconds = (
            (np.array(column) for column in zip(*edges, strict=True)) if edges else (np.zeros(0),) * 3
        )
        order = np.lexsort((-seconds, ends, begins))
        whole = csr_array((n, n))
        if len(order):
            dense: dict[tuple[int, int], float] = {}
            for i in order.tolist():  # the quickest of parallel edges comes last
                dense[int(begins[i]), int(ends[i])] = float(seconds[i])
            rows, columns = np.array(list(dense)).T
            whole = csr_array((np.array(list(dense.values())), (rows, columns)), shape=(n, n))
        _, part = connected_components(whole, directed=True, connection="strong")
        kept = np.flatnonzero(part == np.bincount(part).argmax()) if n else np.zeros(0, int)
        self._graph = whole[kept][:, kept]
        self._tree = KDTree(places[kept]) if len(kept) else None
        self._from = lru_cache(KEPT)(self._times)

    def __len__(self) -> int:
        return int(self._graph.shape[0])

    def _times(self, corner: int) -> NDArray[np.float32]:
        from scipy.sparse.csgraph import dijkstra

        times: NDArray[np.float32] = dijkstra(self._graph, indices=corner).astype(np.float32)
        return times

    def seconds(self, start: Point, ends: Sequence[Point]) -> list[float]:
        """Seconds from a position to each of many, -1 where the graph doesn't know."""
        if self._tree is None or not ends:
            return [-1.0] * len(ends)
        away, corners = self._tree.query(np.array([_place(point) for point in (start, *ends)]))
        if away[0] > STRAY:
            return [-1.0] * len(ends)
        on_foot = away * DETOUR / WALK
        whole = on_foot[0] + self._from(int(corners[0]))[corners[1:]] + on_foot[1:]
        known = (away[1:] <= STRAY) & np.isfinite(whole)
        return [float(seconds) for seconds in np.where(known, whole, -1.0)]


def _place(point: Point) -> tuple[float, float, float]:
    """A position in metres from the Earth's middle: near by, straight lines are as long as great circles."""
    lat, lon = radians(point.lat), radians(point.lon)
    return (
        EARTH_RADIUS * cos(lat) * float(np.cos(lon)),
        EARTH_RADIUS * cos(lat) * float(np.sin(lon)),
        EARTH_RADIUS * float(np.sin(lat)),
    )


class Roads:
    """``ports.Router`` over an extract.

    Raises:
        StoreError: the extract can't be read, or what reads it isn't installed.
    """

    def __init__(self, path: Path | str) -> None:
        places, streets = _read(Path(path))
        modes: tuple[Mode, ...] = ("foot", "bike", "car")
        self.graphs = {mode: Graph(places, list(_edges(places, streets, mode))) for mode in modes}

    def reach(self, start: Point, ends: Sequence[Point], mode: Mode) -> Sequence[float]:
        """Seconds along the streets from a position to each of many; -1 where the extract doesn't know."""
        return self.graphs[mode].seconds(start, ends)


Streets = list[tuple[dict[str, str], list[int]]]


def _read(path: Path) -> tuple[Floats, Streets]:
    try:
        import osmium
        import scipy  # noqa: F401  both are the extra's
    except ImportError:
        raise StoreError("got roads without what reads them; install it: pip install 'micromoments[roads]'") from None
    numbers: dict[int, int] = {}
    places: list[tuple[float, float, float]] = []
    streets: Streets = []
    try:
        for each in osmium.FileProcessor(str(path)).with_locations().with_filter(osmium.filter.KeyFilter("highway")):
            way: Any = each
            if not way.is_way():
                continue
            corners = []
            for node in way.nodes:
                if not node.location.valid():
                    continue
                if node.ref not in numbers:
                    numbers[node.ref] = len(places)
                    places.append(_place(Point(node.location.lat, node.location.lon)))
                corners.append(numbers[node.ref])
            streets.append((dict(way.tags), corners))
    except (RuntimeError, OSError) as error:
        raise StoreError(f"got roads {path}, which can't be read ({error}); wanted an OpenStreetMap extract") from error
    return np.array(places).reshape(-1, 3), streets


def _edges(places: Floats, streets: Streets, mode: Mode) -> Iterator[tuple[int, int, float]]:
    for tags, corners in streets:
        there, back = street(tags, mode)
        if there == back == inf:
            continue
        for a, b in pairwise(corners):
            metres = float(np.linalg.norm(places[a] - places[b])) or 0.1
            if there < inf:
                yield a, b, metres * there
            if back < inf:
                yield b, a, metres * back
