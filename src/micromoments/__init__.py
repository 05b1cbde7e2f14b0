"""Micromoments: recognise the moment a consumer is in, serve the best thing for it, learn, and prove what it was worth.

The public names, loaded when first used: ``import micromoments as mm; engine = mm.open("my-shop")``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from micromoments.core.decision import Decision as Decision
    from micromoments.core.event import Event as Event
    from micromoments.core.geo import Point as Point
    from micromoments.core.item import Item as Item
    from micromoments.core.item import Money as Money
    from micromoments.core.moment import MomentView as Moment
    from micromoments.core.outcome import Outcome as Outcome
    from micromoments.core.settings import Settings as Settings
    from micromoments.engine.embedded import Engine as Engine
    from micromoments.engine.embedded import open as open
    from micromoments.simulate.world import World as World

__version__ = "0.1.0"
__all__ = [
    "Decision",
    "Engine",
    "Event",
    "Item",
    "Moment",
    "Money",
    "Outcome",
    "Point",
    "Settings",
    "World",
    "__version__",
    "open",
]

_HOMES = {
    "Decision": ("core.decision", "Decision"),
    "Engine": ("engine.embedded", "Engine"),
    "Event": ("core.event", "Event"),
    "Item": ("core.item", "Item"),
    "Moment": ("core.moment", "MomentView"),
    "Money": ("core.item", "Money"),
    "Outcome": ("core.outcome", "Outcome"),
    "Point": ("core.geo", "Point"),
    "Settings": ("core.settings", "Settings"),
    "World": ("simulate.world", "World"),
    "open": ("engine.embedded", "open"),
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that importing the package costs nothing."""
    try:
        module, attribute = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module 'micromoments' has no attribute {name!r}; it has {', '.join(__all__)}") from None
    value = getattr(import_module(f"micromoments.{module}"), attribute)
    globals()[name] = value
    return value
