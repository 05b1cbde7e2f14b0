"""What the engine acts on among an item's own attributes is read at the door."""

from __future__ import annotations

from pathlib import Path

import pytest

import micromoments as mm
from micromoments.sources.items import BadItem, read


@pytest.mark.parametrize(
    ("code", "item"),
    [
        ("bad_geofence", {"kind": "place", "attributes": {"geofence": 5}}),
        ("bad_offer", {"kind": "offer", "attributes": {"offer": {"gives": "a pony"}}}),
    ],
)
def test_an_attribute_that_cannot_be_read_is_refused(code: str, item: dict[str, object]) -> None:
    """The item is refused with a code of its own, before it is accepted anywhere."""
    with pytest.raises(BadItem) as refused:
        read({"id": "x", "title": "X", **item})
    assert refused.value.code == code


def test_the_python_door_refuses_before_anything_is_written(tmp_path: Path) -> None:
    """Nothing of the call is put, and the engine goes on."""
    wrong = mm.Item(id="x", kind="place", title="X", attributes={"geofence": 5})
    with mm.open(tmp_path / "shop") as engine:
        with pytest.raises(ValueError, match="item 'x': got geofence 5"):
            engine.catalog.put([mm.Item(id="y", kind="product", title="Y"), wrong])
        assert engine.catalog.get("y") is None
        engine.catalog.put([mm.Item(id="y", kind="product", title="Y")])
        assert engine.catalog.get("y") is not None
