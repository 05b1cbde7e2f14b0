"""What a policy is: a distribution over the eligible, given features, that learns from outcomes.

Source of the contract: a policy *is* its probabilities, and a propensity has no default (the coba package). What is
drawn is drawn from what ``pmf`` returned, so the logged propensity is exact, not an estimate.
"""

from __future__ import annotations

from math import isfinite
from typing import Protocol, Self, runtime_checkable

import msgspec
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
FORMAT, UNPRIMED = 1, 2
"""The encoded form, and that of an adaptive policy without a prior, which holds more. Each stays readable."""


class Policy(Protocol):
    """A distribution over rows of features. Rows are candidates; ``d`` is fixed when the policy is made.

    ``name`` is what settings call it; ``version`` counts the outcomes that it learned. Write your own by giving a
    class these members, a constructor that takes ``d``, and an entry point in the group ``micromoments.policies``;
    ``micromoments.testing.check_policy`` holds the laws that it must keep.
    """

    @property
    def name(self) -> str:
        """What settings call it."""
        ...

    @property
    def version(self) -> int:
        """How many outcomes it has learned."""
        ...

    def pmf(self, x: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Features (n, d) of the eligible, in retrieval's order -> probabilities (n,) that sum to 1. Changes nothing
        here.
        """
        ...

    def score(self, x: FloatArray) -> FloatArray:
        """Features (n, d) -> how good each is held to be (n,); for showing and explaining. Changes nothing here."""
        ...

    def learn(self, x: FloatArray, reward: float, weight: float = 1.0) -> None:
        """Learn one outcome: features (d,) of what was served, reward in [0, 1], weight above 0."""
        ...

    def encode(self) -> bytes:
        """All of its state; the same sequence of outcomes gives the same bytes."""
        ...

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """The policy that ``encode`` wrote; ``ValueError`` for another's bytes."""
        ...


@runtime_checkable
class Amending(Protocol):
    """A policy that can change what it learned before, where a reward comes in parts: a click, then an order."""

    def amend(self, x: FloatArray, was: float, reward: float) -> None:
        """What was learned of features (d,) as reward ``was`` turned out to be ``reward``, both in [0, 1]."""
        ...


@runtime_checkable
class Drawing(Protocol):
    """A policy whose probabilities are counted: how often each row is the best, over draws of what is believed. A slate
    counts them once more for the positions below, among what is left, which costs less than asking again.
    """

    def draws(self, x: FloatArray, word: int) -> NDArray[np.float32] | None:
        """Features (n, d) and 64 bits of chance -> what each row is worth under each of s draws (s, n), the caller's to
        write to. ``pmf`` gives the counts of those of its generator's next word. ``None`` where it counts nothing.
        """
        ...


class Encoded(msgspec.Struct, frozen=True, array_like=True):
    """The stored form of every built-in policy. ``numbers`` are scalars by the class's own order; ``arrays`` are
    little-endian float64 in C order, by the class's own order.
    """

    format: int
    name: str
    dim: int
    version: int
    numbers: tuple[float, ...] = ()
    arrays: tuple[bytes, ...] = ()


def pack(state: Encoded) -> bytes:
    """A policy's state as MessagePack."""
    return msgspec.msgpack.encode(state)


def unpack(body: bytes, name: str) -> Encoded:
    """Read what ``pack`` wrote for the policy of this name.

    Raises:
        ValueError: the bytes are damaged, of a newer format, or another policy's.
    """
    try:
        state = msgspec.msgpack.decode(body, type=Encoded)
    except msgspec.DecodeError as error:
        raise ValueError(
            f"got {len(body)} bytes that are no policy ({error}); wanted what encode() wrote; restore a kept version"
        ) from error
    if state.format > UNPRIMED:
        raise ValueError(f"got policy format {state.format}; wanted at most {UNPRIMED}; update micromoments")
    if state.name != name:
        raise ValueError(f"got the state of policy {state.name!r}; wanted {name!r}; decode it with its own class")
    return state


def to_bytes(array: FloatArray) -> bytes:
    """An array as little-endian float64 in C order."""
    return np.ascontiguousarray(array, dtype="<f8").tobytes()


def from_bytes(body: bytes, shape: tuple[int, ...]) -> FloatArray:
    """The writable array of this shape that ``to_bytes`` wrote; ``ValueError`` where the length is another."""
    return np.frombuffer(body, dtype="<f8").reshape(shape).astype(np.float64)


def outcome(x: FloatArray, dim: int, reward: float, weight: float) -> FloatArray:
    """Check one outcome before it is learned; gives ``x`` as float64 (d,).

    Raises:
        ValueError: the shape is another, something isn't finite, the reward lies outside [0, 1], or the weight isn't
        positive.
    """
    row = np.asarray(x, dtype=np.float64)
    if row.shape != (dim,):
        raise ValueError(f"got features of shape {row.shape}; wanted ({dim},); build them with policy.features")
    if not isfinite(float(row.sum())):
        raise ValueError("got features that are not finite; wanted numbers in [-1, 1]; check the item's attributes")
    if not 0.0 <= reward <= 1.0:
        raise ValueError(f"got reward {reward}; wanted 0 to 1; scale the goal's value first")
    if not (weight > 0.0 and isfinite(weight)):
        raise ValueError(f"got weight {weight}; wanted a positive finite number; leave the outcome out instead")
    return row


def rows(x: FloatArray, dim: int) -> FloatArray:
    """Check the features of the eligible; ``ValueError`` where the shape isn't (n, d)."""
    if x.ndim != 2 or x.shape[1] != dim:
        raise ValueError(f"got features of shape {x.shape}; wanted (n, {dim}); build them with policy.features")
    return x


def one_hot(n: int, index: int) -> FloatArray:
    """All probability on one of ``n``."""
    p = np.zeros(n)
    p[index] = 1.0
    return p
