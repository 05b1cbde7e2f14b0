"""Named places of an OpenStreetMap extract (``.osm.pbf``, ``.osm``, ``.osm.bz2``), read with osmium.

A place is a node, a way (at the middle of its extent) or an area of several ways that has a name and one of ``KEYS``.
Needs the extra ``osm``. Data © OpenStreetMap contributors, ODbL: say so where you show it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from micromoments.core.geo import Point
from micromoments.core.hours import open_at
from micromoments.core.item import Item
from micromoments.sources.feed import FeedError, Reading, kept, made, title
from micromoments.sources.opened import Bad

KEYS = ("shop", "amenity", "tourism", "leisure", "craft", "office", "healthcare", "historic", "railway", "emergency")
"""The keys that make a place, in the order in which they give its category."""
UNWANTED = frozenset({
    "parking", "parking_space", "parking_entrance", "bicycle_parking", "motorcycle_parking", "bench", "waste_basket",
    "waste_disposal", "vacant", "artwork", "information", "memorial", "plaque", "tram_stop", "subway_entrance", "rail",
    "tram", "subway", "platform", "switch", "signal", "level_crossing", "yes;no", "no", "proposed", "fire_hydrant",
})  # fmt: skip
"""Values that make none, though they have names."""
_DETAILS = {
    "phone": ("phone", "contact:phone"), "email": ("email", "contact:email"), "wheelchair": ("wheelchair",),
    "street": ("addr:street",), "housenumber": ("addr:housenumber",), "postcode": ("addr:postcode",),
    "city": ("addr:city",), "cuisine": ("cuisine",), "operator": ("operator",), "wikidata": ("wikidata",),
    "takeaway": ("takeaway",), "outdoor_seating": ("outdoor_seating",), "internet_access": ("internet_access",),
}  # fmt: skip


def rows(path: Path, reading: Reading) -> Iterator[Item | Bad]:
    """The named places of an extract."""
    try:
        import osmium
    except ImportError:
        raise FeedError(
            "got an OpenStreetMap extract without osmium to read it; install it: pip install 'micromoments[osm]'"
        ) from None
    try:
        entities = osmium.FileProcessor(str(path)).with_areas().with_filter(osmium.filter.KeyFilter(*KEYS))
        for n, each in enumerate(entities, 1):
            entity: Any = each
            tags = dict(entity.tags)
            category = _category(tags)
            if not category or not (tags.get("name") or tags.get("brand")):
                continue
            if entity.is_relation() or (entity.is_way() and entity.is_closed()):
                continue  # told as an area
            where, id = _where(entity)
            if where is not None:
                yield from made(n, tags, lambda t=tags, c=category, i=id, w=where: _item(i, t, c, w, reading))  # type: ignore[misc]
    except (RuntimeError, osmium.InvalidLocationError) as error:
        raise FeedError(
            f"got {path.name}, which osmium can't read ({error}); wanted an OpenStreetMap extract"
        ) from None


def _category(tags: dict[str, str]) -> str:
    for key in KEYS:
        value = tags.get(key, "").partition(";")[0].strip()
        if value and value not in UNWANTED:
            return key if value == "yes" else value.replace("_", " ")
    return ""


def _where(entity: Any) -> tuple[Point | None, str]:
    """The position, and the id as OpenStreetMap has it."""
    if entity.is_node():
        return Point(entity.location.lat, entity.location.lon), f"osm:node/{entity.id}"
    if entity.is_area():
        kind = "way" if entity.from_way() else "relation"
        nodes = [node for ring in entity.outer_rings() for node in ring]
        return _middle(nodes), f"osm:{kind}/{entity.orig_id()}"
    return _middle(list(entity.nodes)), f"osm:way/{entity.id}"


def _middle(nodes: list[Any]) -> Point | None:
    placed = [node.location for node in nodes if node.location.valid()]
    if not placed:
        return None
    lats, lons = [at.lat for at in placed], [at.lon for at in placed]
    return Point(round((min(lats) + max(lats)) / 2, 7), round((min(lons) + max(lons)) / 2, 7))


def _item(id: str, tags: dict[str, str], category: str, where: Point, reading: Reading) -> Item:
    told = tags.get("opening_hours", "")
    hours = told if _readable(told, reading.timezone) else ""
    more = {name: next((tags[key] for key in keys if key in tags), "") for name, keys in _DETAILS.items()}
    labels = [tags.get(key, "") for key in ("cuisine", "sport", "religion", "clothes", "diet")]
    return Item(
        id=id,
        kind="place",
        title=title(tags.get("name") or tags["brand"]),
        text=title(" ".join(dict.fromkeys(tags[key] for key in ("name:en", "alt_name", "description") if key in tags))),
        category=category,
        brand=tags.get("brand", ""),
        tags=tuple(
            dict.fromkeys(part.strip().replace("_", " ") for each in labels for part in each.split(";") if part)
        ),
        url=tags.get("website") or tags.get("contact:website") or "",
        location=where,
        hours=hours,
        timezone=reading.timezone,
        # Hours that nobody can read are shown, not guessed at.
        attributes=kept({**more, "opening_hours": "" if hours else told}),
    )


def _readable(hours: str, timezone: str) -> bool:
    if not hours:
        return False
    try:
        open_at(hours, timezone or "UTC", 0)
    except ValueError:
        return False
    return True
