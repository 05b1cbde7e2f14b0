"""Policies by name: those of the package, and those that other packages bring as entry points."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import EntryPoints, entry_points
from typing import Any, cast

from micromoments.core.settings import POLICY_POINTS
from micromoments.policy.adaptive import Adaptive
from micromoments.policy.base import Policy
from micromoments.policy.features import DIM, PRIOR
from micromoments.policy.fixed import First, Popular, Random, Rules
from micromoments.policy.squarecb import Epsilon, LinUCB, SquareCB
from micromoments.policy.thompson import Thompson

Learner = type[Adaptive] | type[Thompson] | type[SquareCB] | type[Epsilon] | type[LinUCB]
LEARNERS: tuple[Learner, ...] = (Adaptive, Thompson, SquareCB, Epsilon, LinUCB)
FIXED: tuple[type[Popular] | type[First] | type[Random] | type[Rules], ...] = (Popular, First, Random, Rules)
NAMES: tuple[str, ...] = tuple(kind.name for kind in (*LEARNERS, *FIXED))


def make(name: str, dim: int = DIM) -> Policy:
    """A new policy of this name over ``dim`` features; learners of the engine's own features start from
    ``features.PRIOR``.

    Raises:
        ValueError: neither the package nor an installed entry point has the name.
    """
    for learner in LEARNERS:
        if learner.name == name:
            return learner(dim, prior=PRIOR if dim == DIM else None)
    for fixed in FIXED:
        if fixed.name == name:
            return fixed(dim)
    return cast(Policy, _brought(name)(dim))


def decode(name: str, body: bytes) -> Policy:
    """The policy of this name that ``encode`` wrote.

    Raises:
        ValueError: the name is unknown, or the bytes aren't that policy's.
    """
    for built_in in (*LEARNERS, *FIXED):
        if built_in.name == name:
            return built_in.decode(body)
    return cast(Policy, _brought(name).decode(body))


def known(name: str) -> bool:
    """Whether ``make`` can make it; for checking settings."""
    return name in NAMES or (bool(name) and name in _points(entry_points).names)


@lru_cache(maxsize=2)
def _points(ask: Callable[..., EntryPoints]) -> EntryPoints:
    """What packages bring. Asked once: it reads every installed package, which takes longer than a decision."""
    return ask(group=POLICY_POINTS)


def _brought(name: str) -> Any:
    found = _points(entry_points)
    if name not in found.names:
        names = ", ".join(sorted({*NAMES, *found.names}))
        raise ValueError(
            f"got policy {name!r}; wanted one of {names}; install the package that brings it, or correct it"
        )
    return found[name].load()
