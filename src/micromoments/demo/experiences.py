"""Which experiences there are, and what each brings to the demo: a server, tables of the configuration, simulated days.

An experience is a package ``micromoments.demo.<name>``: ``python -m`` starts its server (``--folder``, ``--engine``,
``--timezone``, ``--seed``, ``--port``; it answers at ``/<name>/``, and at ``/<name>/readyz`` once it takes traffic);
``TABLES`` are its slots and goals, in TOML; ``days(world, start, end)`` gives its customers' days before the demo, or
``None``.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import micromoments as mm
from micromoments.demo.forward import Days

NAMES = ("coffee", "ride", "shop")


def existing() -> tuple[str, ...]:
    """The experiences of this release."""
    return tuple(name for name in NAMES if find_spec(f"micromoments.demo.{name}"))


def tables(name: str) -> str:
    """An experience's tables of ``micromoments.toml``."""
    found: str = import_module(f"micromoments.demo.{name}").TABLES
    return found


def days(name: str, world: mm.World, start: int, end: int) -> Days | None:
    """An experience's simulated days between two instants."""
    found: Days | None = import_module(f"micromoments.demo.{name}").days(world, start, end)
    return found
