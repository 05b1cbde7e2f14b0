"""What a policy sees of an action that comes with the request: ``WIDTH`` numbers of the action and its context.

Only what differs between actions can order them, so a row holds the action by itself (its id and its features) and what
is known of the context crossed with it. All of it is hashed with signs (Weinberger et al., "Feature Hashing for Large
Scale Multitask Learning", 2009). The action's own part, its part crossed by id and that crossed by features have at
most length ``LENGTH`` each, so that many features don't drown few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import islice, product
from math import asinh, floor, sqrt
from typing import Any

import numpy as np

from micromoments.policy.base import FloatArray
from micromoments.policy.features import DIM

SLOT = "personalizer"
"""The slot of decisions among actions that come with the request; its policies see ``WIDTH`` numbers."""
WIDTH = 256
LENGTH = 2.0
"""At 1 the policy learned slower: 0.51 against 0.53 of reward a rank over the first 2,000 (decision 0028)."""
FINE, LINE = 2.0, 2.0
"""How fine the orders of small numbers are, and what a number's line weighs beside them: at 1 and 1 a policy saw little
of features in hundredths (decision 0054)."""
MAX_FEATURES = 64
"""Features of a context or an action that are looked at."""
MAX_CROSSED = 12 * MAX_FEATURES
"""Pairs of an action's feature and one of the context that are looked at."""
MAX_DEPTH = 6
KNOWN, SHORT = 16_384, 128
"""Names whose places are kept at hand, and the most characters of one."""
Feature = tuple[str, float]


def width(slot: str) -> int:
    """How many numbers the policies of a slot see."""
    return WIDTH if slot == SLOT else DIM


def rows(actions: Sequence[tuple[str, Any]], context: Any) -> FloatArray:
    """Features of actions, each an id and its features (any JSON), in a context (any JSON): (n, WIDTH)."""
    around = flat(context)
    x = np.zeros((len(actions), WIDTH))
    for row, (id, features) in zip(x, actions, strict=True):
        row[0] = 1.0
        name: Feature = (f"id={id}", 1.0)
        own = flat(features)
        _add(row, [name, *own])
        _add(row, [_cross(name, one) for one in around])
        _add(row, [_cross(a, b) for a, b in islice(product(own, around), MAX_CROSSED)])
    clipped: FloatArray = np.clip(x, -1.0, 1.0)
    return clipped


def flat(value: Any) -> list[Feature]:
    """JSON as named numbers, of its first ``MAX_FEATURES`` values: ``{"user": {"plan": "gold", "age": 3}}`` is
    ``user.plan=gold`` of 1, ``user.age`` of 1.5 (numbers are squashed to [-2, 2]), and as asinh(2 * 3) is 2.49
    ``user.age~2`` of 0.51 and ``user.age~3`` of 0.49.
    """
    return [feature for name, one in islice(_leaves("", value, 0), MAX_FEATURES) for feature in _told(name, one)]


def _told(name: str, value: str | float) -> list[Feature]:
    """The features of one value."""
    if isinstance(value, str):
        return [(f"{name}={value}", 1.0)]
    size = asinh(FINE * value)
    below = floor(size)
    above = size - below
    return [(name, LINE * value / (1.0 + abs(value))), (f"{name}~{below}", 1.0 - above), (f"{name}~{below + 1}", above)]


def _leaves(name: str, value: Any, depth: int) -> Iterator[tuple[str, str | float]]:
    """The values in JSON by their paths' names; truths are words."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), below, depth + 1)
    elif isinstance(value, list | tuple):
        for below in value:
            yield from _leaves(name, below, depth + 1)
    elif isinstance(value, str | bool):
        yield name, str(value)
    elif isinstance(value, int | float) and value == value and abs(value) < 1e300:  # noqa: PLR0124 not a number
        yield name, float(value)


def _cross(a: Feature, b: Feature) -> Feature:
    return f"{a[0]}\x1f{b[0]}", a[1] * b[1]


def _add(row: FloatArray, features: list[Feature]) -> None:
    """Add features at their hashed places, together of length at most ``LENGTH``."""
    scale = LENGTH / sqrt(len(features)) if features else 0.0
    for name, value in features:
        place, sign = _known(name) if len(name) <= SHORT else _place(name)
        row[place] += scale * sign * value


def _place(name: str) -> tuple[int, float]:
    """Where a feature stands in a row, and its sign."""
    mixed = int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
    return 1 + (mixed >> 1) % (WIDTH - 1), 1.0 if mixed & 1 else -1.0


_known = lru_cache(maxsize=KNOWN)(_place)
