"""The laws that every policy keeps, shipped so that your own can be held to them.

    from micromoments.testing.check_policy import check
    check(MyPolicy)

Each law is a function of a maker (d -> a new policy) that raises ``AssertionError`` with what it got; ``check`` runs
them all. The idea is river's: conformance is public, and a learner that passes can be trusted with the rest of the
engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
DIM = 64
"""The features' width that the laws use unless told otherwise: the engine's own."""
MAX_GROWTH = 1.01
"""By how much a policy's encoded state may grow between 200 and 2,000 outcomes: memory is bounded."""


class Subject(Protocol):
    """What the laws need of a policy; ``micromoments.policy.base.Policy`` says what each member means."""

    @property
    def name(self) -> str:
        """What settings call it."""
        ...

    @property
    def version(self) -> int:
        """How many outcomes it has learned."""
        ...

    def pmf(self, x: Array, rng: np.random.Generator) -> Array:
        """(n, d) -> (n,)."""
        ...

    def score(self, x: Array) -> Array:
        """(n, d) -> (n,)."""
        ...

    def learn(self, x: Array, reward: float, weight: float = 1.0) -> None:
        """One outcome."""
        ...

    def encode(self) -> bytes:
        """All of its state."""
        ...

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """The policy of that state."""
        ...


Make = Callable[[int], Subject]


def chance(seed: int) -> np.random.Generator:
    """A generator for a law; every law draws from seeds that it names."""
    return np.random.Generator(np.random.PCG64(seed))


def some_rows(rng: np.random.Generator, n: int, dim: int) -> Array:
    """Features like the engine's: (n, d) in [-1, 1], about a third of them not zero, the first always 1."""
    x = rng.uniform(-1.0, 1.0, (n, dim)) * (rng.random((n, dim)) < 0.33)
    x[:, 0] = 1.0
    return np.asarray(x, dtype=np.float64)


def taught(make: Make, dim: int, outcomes: int, seed: int = 1) -> Subject:
    """A policy that has learned so many outcomes, the same ones for the same seed."""
    rng, policy = chance(seed), make(dim)
    for row in some_rows(rng, outcomes, dim):
        policy.learn(row, float(rng.random() < 0.5 + 0.4 * row[1]), float(rng.integers(1, 4)))
    return policy


def is_a_distribution(make: Make, dim: int = DIM) -> None:
    """Probabilities are one a row, finite, none below 0, and sum to 1, for 0 to 100 rows, before and after learning."""
    for policy in (make(dim), taught(make, dim, 300)):
        for n in (0, 1, 2, 7, 100):
            p = policy.pmf(some_rows(chance(n), n, dim), chance(2))
            assert p.shape == (n,), f"{policy.name}: got {p.shape} probabilities for {n} rows; wanted ({n},)"
            assert np.isfinite(p).all(), f"{policy.name}: got a probability that is not finite: {p}"
            assert not n or p.min() >= 0.0, f"{policy.name}: got a probability below 0: {p.min()}"
            assert not n or abs(p.sum() - 1.0) < 1e-9, f"{policy.name}: got a sum of {p.sum()}; wanted 1"


def takes_rows_that_are_alike(make: Make, dim: int = DIM) -> None:
    """Rows that are all zero, or all the same, still give a distribution."""
    for x in (np.zeros((5, dim)), np.ones((5, dim))):
        p = taught(make, dim, 50).pmf(x, chance(3))
        assert abs(p.sum() - 1.0) < 1e-9, f"got a sum of {p.sum()} for rows that are alike; wanted 1"


def leaves_its_input_alone(make: Make, dim: int = DIM) -> None:
    """Neither deciding nor learning writes to the features, and changing them afterwards doesn't change the policy."""
    policy, x = make(dim), some_rows(chance(4), 6, dim)
    kept = x.copy()
    policy.pmf(x, chance(5))
    policy.score(x)
    policy.learn(x[0], 1.0)
    assert np.array_equal(x, kept), f"{policy.name}: got its features changed; wanted them left alone"
    before = policy.encode()
    x[:] = 0.5
    assert policy.encode() == before, f"{policy.name}: its state follows an array that it was given; copy it"


def deciding_changes_nothing(make: Make, dim: int = DIM) -> None:
    """``pmf`` and ``score`` leave state and version as they were, and depend on the generator alone for chance."""
    policy, x = taught(make, dim, 100), some_rows(chance(6), 20, dim)
    before, version = policy.encode(), policy.version
    first, second = policy.pmf(x, chance(7)), policy.pmf(x, chance(7))
    assert np.array_equal(first, second), f"{policy.name}: got two answers from one seed; wanted one"
    policy.score(x)
    assert (policy.encode(), policy.version) == (before, version), f"{policy.name}: deciding changed its state"


def counts_outcomes(make: Make, dim: int = DIM) -> None:
    """``version`` is the count of outcomes learned, from 0."""
    assert make(dim).version == 0, f"got version {make(dim).version} of a new policy; wanted 0"
    assert taught(make, dim, 37).version == 37, "wanted a version of 37 after 37 outcomes"


def clones_are_independent(make: Make, dim: int = DIM) -> None:
    """What a policy's copy learns doesn't reach the policy."""
    policy = taught(make, dim, 80)
    before = policy.encode()
    clone = policy.decode(before)
    clone.learn(some_rows(chance(8), 1, dim)[0], 1.0)
    assert policy.encode() == before, f"{policy.name}: its copy's outcome reached it; copy arrays in decode"


def round_trips(make: Make, dim: int = DIM) -> None:
    """``decode(encode())`` encodes to the same bytes, decides alike, and learns alike from then on."""
    policy, x = taught(make, dim, 600), some_rows(chance(9), 20, dim)
    again = policy.decode(policy.encode())
    for _ in range(2):
        assert again.encode() == policy.encode(), f"{policy.name}: got other bytes after a round trip"
        assert again.version == policy.version, f"{policy.name}: got another version after a round trip"
        assert np.array_equal(again.pmf(x, chance(10)), policy.pmf(x, chance(10))), f"{policy.name}: decides otherwise"
        again.learn(x[0], 1.0)
        policy.learn(x[0], 1.0)


def same_outcomes_same_bytes(make: Make, dim: int = DIM) -> None:
    """The same outcomes in the same order give the same bytes."""
    first, second = taught(make, dim, 600).encode(), taught(make, dim, 600).encode()
    assert first == second, "got other bytes from the same outcomes; wanted the same"


def refuses_nonsense(make: Make, dim: int = DIM) -> None:
    """Rewards outside [0, 1], weights that aren't positive, other shapes, NaN and foreign bytes are refused, and leave
    no mark.
    """
    policy = taught(make, dim, 20)
    before, row = policy.encode(), some_rows(chance(11), 1, dim)[0]
    broken = row.copy()
    broken[0] = np.nan
    wrong: tuple[tuple[Any, float, float], ...] = (
        (row, 1.5, 1.0),
        (row, -0.1, 1.0),
        (row, float("nan"), 1.0),
        (row, 1.0, 0.0),
        (row, 1.0, float("inf")),
        (row[:-1], 1.0, 1.0),
        (broken, 1.0, 1.0),
    )
    for x, reward, weight in wrong:
        try:
            policy.learn(x, reward, weight)
        except ValueError:
            continue
        raise AssertionError(f"{policy.name}: took reward {reward}, weight {weight}, {x.shape}; wanted ValueError")
    assert policy.encode() == before, f"{policy.name}: a refused outcome left a mark"
    try:
        policy.decode(b"\x00nonsense")
    except ValueError:
        return
    raise AssertionError(f"{policy.name}: decoded nonsense; wanted ValueError")


def counts_what_it_draws(make: Make, dim: int = DIM) -> None:
    """Where a policy tells its draws (``policy.base.Drawing``), ``pmf`` with the same chance is how often each row is
    the best of them: a slate is drawn from these counts.
    """
    policy = taught(make, dim, 100)
    for n in (3, 40):
        x = some_rows(chance(12), n, dim)
        word = int(chance(13).bit_generator.random_raw())
        draws = policy.draws(x, word) if hasattr(policy, "draws") else None
        if draws is not None:
            counted = np.bincount(draws.argmax(axis=1), minlength=n) / len(draws)
            assert np.allclose(counted, policy.pmf(x, chance(13))), f"{policy.name}: its draws say other than its pmf"


def memory_is_bounded(make: Make, dim: int = DIM) -> None:
    """The encoded state doesn't grow with the number of outcomes."""
    small, large = len(taught(make, dim, 200).encode()), len(taught(make, dim, 2_000).encode())
    assert large <= small * MAX_GROWTH + 16, f"got {large} bytes after 2,000 outcomes, {small} after 200"


def beats_random(make: Make, dim: int = 16, rounds: int = 1_500, seed: int = 12) -> tuple[float, float]:
    """In a seeded world of ten items a round and clicks linear in the features, it earns at least a quarter more than
    chance.

    Returns:
        The mean expected reward of what it chose and of choosing evenly, over the last half of the rounds.
    """
    rng, policy = chance(seed), make(dim)
    taste = rng.normal(0.0, 0.15, dim)
    got = even = 0.0
    for n in range(rounds):
        x = some_rows(rng, 10, dim)
        means = np.clip(0.3 + x @ taste, 0.0, 1.0)
        chosen = int(rng.choice(10, p=policy.pmf(x, rng)))
        policy.learn(x[chosen], float(rng.random() < means[chosen]))
        if n >= rounds // 2:
            got, even = got + float(means[chosen]), even + float(means.mean())
    got, even = got / (rounds - rounds // 2), even / (rounds - rounds // 2)
    assert got > 1.25 * even, f"{policy.name}: got {got:.3f} a round, and {even:.3f} by chance; wanted a quarter more"
    return got, even


LAWS: tuple[Callable[[Make], None], ...] = (
    is_a_distribution,
    takes_rows_that_are_alike,
    leaves_its_input_alone,
    deciding_changes_nothing,
    counts_outcomes,
    clones_are_independent,
    round_trips,
    same_outcomes_same_bytes,
    refuses_nonsense,
    counts_what_it_draws,
    memory_is_bounded,
)
"""The laws of every policy. ``beats_random`` is one more, for those that learn."""


def check(make: Make, *, learns: bool = True) -> None:
    """Hold a policy to every law; ``AssertionError`` says which it broke, and how."""
    for law in LAWS:
        law(make)
    if learns:
        beats_random(make)
