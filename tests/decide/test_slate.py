"""A slate's propensities are the frequencies with which it is drawn."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.decide.chance import Chance
from micromoments.decide.slate import Beside, draw, mixture, pick
from micromoments.policy import make
from micromoments.policy.base import one_hot
from micromoments.policy.features import DIM
from micromoments.policy.thompson import Thompson
from micromoments.testing.check_policy import some_rows
from tests.decide.build import Fixed

WEIGHTS = np.array([[0.5], [0.3], [0.15], [0.05]])


def chance(seed: int) -> np.random.Generator:
    """A seeded generator."""
    return np.random.Generator(np.random.PCG64(seed))


def propensity(order: tuple[int, ...], floor: float) -> float:
    """The probability of an order by the definition: position by position, floor mixed in over what is left."""
    left, p = list(range(4)), 1.0
    for row in order:
        share = WEIGHTS[row, 0] / sum(WEIGHTS[i, 0] for i in left)
        p *= (1.0 - floor) * share + floor / len(left)
        left.remove(row)
    return p


@pytest.mark.parametrize("floor", [0.0, 0.2])
def test_frequencies_match_propensities(floor: float) -> None:
    """Of 20,000 seeded slates of two, each ordered pair comes as often as its propensities say (chi-square)."""
    n, counts = 20_000, Counter[tuple[int, ...]]()
    for seed in range(n):
        rows, given_above, first = draw(Fixed(), WEIGHTS, limit=2, floor=floor, rng=Chance(seed), groups=[""] * 4)
        counts[tuple(rows)] += 1
        assert prod(given_above) == pytest.approx(propensity(tuple(rows), floor))
        assert first[rows[0]] == given_above[0]
    expected = {order: n * propensity(order, floor) for order in permutations(range(4), 2)}
    assert sum(expected.values()) == pytest.approx(n)
    chi = sum((counts[order] - e) ** 2 / e for order, e in expected.items())
    assert chi < 31.3  # the 99.9th percentile with 11 degrees of freedom


@pytest.mark.parametrize("name", ["thompson", "squarecb", "epsilon", "random"])
def test_logged_propensities_are_unbiased(name: str) -> None:
    """Weighting each draw by 1 / its logged propensity counts every item once: the log tells what was drawn from."""
    policy, x, n = make(name), some_rows(chance(1), 5, DIM), 4_000
    for row in some_rows(chance(2), 40, DIM):
        policy.learn(row, float(row[1] > 0))
    totals, squares = np.zeros(5), np.zeros(5)
    for seed in range(n):
        rows, given_above, _ = draw(policy, x, limit=1, floor=0.1, rng=Chance(seed), groups=[""] * 5)
        totals[rows[0]] += 1.0 / given_above[0]
        squares[rows[0]] += 1.0 / given_above[0] ** 2
    spread = np.sqrt(np.maximum(squares / n - (totals / n) ** 2, 1e-12) / n)
    assert (np.abs(totals / n - 1.0) < 4.5 * spread + 1e-9).all()


@pytest.mark.parametrize("name", ["thompson", "adaptive"])
def test_a_slates_logged_propensities_are_unbiased(name: str) -> None:
    """Weighting each slate of two by 1 / its propensity counts every ordered pair once: the draws that both positions
    are counted from are the slate's own chance.
    """
    policy, x, n = make(name), some_rows(chance(1), 4, DIM), 4_000
    for row in some_rows(chance(2), 40, DIM):
        policy.learn(row, float(row[1] > 0))
    weights: dict[tuple[int, ...], list[float]] = {pair: [0.0, 0.0] for pair in permutations(range(4), 2)}
    for seed in range(n):
        rows, given_above, _ = draw(policy, x, limit=2, floor=0.3, rng=Chance(seed), groups=[""] * 4)
        weight = 1.0 / prod(given_above)
        weights[tuple(rows)][0] += weight / n
        weights[tuple(rows)][1] += weight**2 / n
    for mean, square in weights.values():
        assert abs(mean - 1.0) < 4.5 * (max(square - mean**2, 1e-12) / n) ** 0.5 + 1e-9


def test_below_the_first_position_the_same_draws_are_counted_among_what_is_left() -> None:
    """The second's distribution is how often each of the others is the best of them, where little mass was left."""
    policy, x = Thompson(DIM), some_rows(chance(3), 6, DIM)
    for _ in range(60):
        policy.learn(x[2], 1.0)
    draws = policy.draws(x, Chance(7).word())
    assert draws is not None
    others = [0, 1, 3, 4, 5]
    counted = np.bincount(draws.take(others, axis=1).argmax(axis=1), minlength=5) / len(draws)
    rows, given_above, first = draw(policy, x, limit=2, floor=0.0, rng=Chance(7), groups=[""] * 6)
    assert first[2] > 0.5
    assert rows[0] == 2
    assert given_above[1] == pytest.approx(counted[others.index(rows[1])])


def test_a_policy_is_asked_by_its_own_distribution() -> None:
    """A class that changes ``pmf`` of one that tells its draws is drawn from by what it says itself."""

    class Last(Thompson):
        """Always the last."""

        def pmf(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
            """All on the last row."""
            return one_hot(len(x), len(x) - 1)

    x = some_rows(chance(1), 5, DIM)
    rows, given_above, _ = draw(Last(DIM), x, limit=2, floor=0.0, rng=Chance(1), groups=[""] * 5)
    assert (rows, given_above) == ([4, 3], [1.0, 1.0])


@given(
    seed=st.integers(0, 2**32),
    n=st.integers(0, 12),
    limit=st.integers(0, 15),
    floor=st.floats(0.0, 1.0),
    name=st.sampled_from(["thompson", "squarecb", "epsilon", "popular", "random", "rules", "first"]),
    groups=st.lists(st.sampled_from(["", "a", "b"]), min_size=12, max_size=12),
)
def test_a_slate_is_sound(seed: int, n: int, limit: int, floor: float, name: str, groups: list[str]) -> None:
    """Rows differ, as many as asked for or there are; propensities are probabilities; one seed draws one slate."""
    x = some_rows(chance(seed), n, DIM)
    first_time = draw(make(name), x, limit=limit, floor=floor, rng=Chance(seed), groups=groups[:n])
    rows, given_above, first = first_time
    assert len(set(rows)) == len(rows) == len(given_above) == min(n, limit)
    assert all(0.0 < p <= 1.0 + 1e-12 for p in given_above)
    assert first.sum() == pytest.approx(1.0 if rows else 0.0)
    again = draw(make(name), x, limit=limit, floor=floor, rng=Chance(seed), groups=groups[:n])
    assert again[:2] == first_time[:2]
    assert np.array_equal(again[2], first)


def test_the_floor_reaches_everyone() -> None:
    """Under a policy that is certain, everyone still has the floor's share, and the mixture sums to 1."""
    p = mixture(Fixed(always=0), WEIGHTS, 0.2, Chance(1))
    np.testing.assert_allclose(p, [0.85, 0.05, 0.05, 0.05])


def test_a_category_does_not_fill_a_slate() -> None:
    """No three of one category in a row while another is left; then the rest follows. Items without one are free."""
    x = np.ones((7, 1))
    groups = ["a", "a", "a", "a", "b", "", ""]
    for seed in range(200):
        rows, _, _ = draw(Fixed(), x, limit=7, floor=0.0, rng=Chance(seed), groups=groups)
        drawn = [groups[row] for row in rows]
        for at in range(2, 7):
            if drawn[at - 2] == drawn[at - 1] == drawn[at] == "a":
                assert set(drawn[at:]) == {"a"}
    rows, given_above, _ = draw(Fixed(), np.ones((3, 1)), limit=3, floor=0.0, rng=Chance(1), groups=["a"] * 3)
    assert given_above == pytest.approx([1 / 3, 1 / 2, 1.0])


def test_diversity_shows_in_the_propensity() -> None:
    """Where diversity leaves one item for a position, its propensity there is 1."""
    for seed in range(50):
        rows, given_above, _ = draw(Fixed(), WEIGHTS, limit=3, floor=0.0, rng=Chance(seed), groups=["a", "a", "a", "b"])
        if 3 not in rows[:2]:
            assert (rows[2], given_above[2]) == (3, 1.0)


def test_a_slate_takes_no_more_than_a_budget_has() -> None:
    """With two units left, a slate has at most two one-unit items of the budget, and none that needs three."""
    takes = [("b", 1), ("b", 1), ("b", 1), ("b", 3), ("", 1)]
    for seed in range(50):
        rows, _, _ = draw(
            Fixed(), np.ones((5, 1)), limit=5, floor=0.0, rng=Chance(seed), groups=[""] * 5, takes=takes, left={"b": 2}
        )
        assert len(rows) == 3
        assert 4 in rows
        assert 3 not in rows


def test_never_draws_what_has_no_probability() -> None:
    """An item of probability 0 is never drawn, wherever it stands."""
    p = [0.0, 0.4, 0.0, 0.6, 0.0]
    assert {pick(p, Chance(seed)) for seed in range(300)} == {1, 3}


def test_a_policy_without_a_distribution_is_refused() -> None:
    """Probabilities that don't sum to 1, or of another shape, are named with the policy's name; nothing is drawn."""

    class Odd(Fixed):
        """Gives twice too much."""

        def pmf(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
            """Twice too much."""
            return np.asarray(super().pmf(x, rng) * 2)

    with pytest.raises(ValueError, match="policy 'fixed' gave"):
        draw(Odd(), WEIGHTS, limit=1, floor=0.0, rng=Chance(1), groups=[""] * 4)
    with pytest.raises(ValueError, match="wanted one group a row"):
        draw(Fixed(), WEIGHTS, limit=1, floor=0.0, rng=Chance(1), groups=[])


def test_a_seed_is_its_chance() -> None:
    """The same seed gives the same numbers, on every machine; neighbouring seeds' numbers have nothing in common."""
    first = [Chance(seed).random() for seed in range(2_000)]
    assert first == [Chance(seed).random() for seed in range(2_000)]
    assert first[0] == 0.017788723221131897
    assert abs(np.mean(first) - 0.5) < 4 * (1 / 12 / 2_000) ** 0.5
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 4 / 2_000**0.5


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_slate_of_two_policies_has_exact_propensities_and_weights(share: float) -> None:
    """Over all orders the probabilities sum to 1, are the mixture of the two policies', and the weights their parts."""
    first, second = Fixed(), Fixed(always=2)
    seen: dict[tuple[int, ...], tuple[float, float, float]] = {}
    for seed in range(2500):
        beside = Beside(second, share, 0.1, Chance(seed ^ 2))
        rows, p, _ = draw(
            first, WEIGHTS, limit=2, floor=0.2, rng=Chance(seed), groups=[""] * 4, takes=[], left={}, beside=beside
        )
        seen[tuple(rows)] = (prod(p), beside.main, beside.beside)
    mine: dict[tuple[int, ...], float] = {order: propensity(order, 0.2) for order in permutations(range(4), 2)}
    for order, (drawn, main, other) in seen.items():
        assert main * drawn == pytest.approx(mine[order])
        assert drawn == pytest.approx((1.0 - share) * main * drawn + share * other * drawn)
    assert sum(drawn for drawn, _, _ in seen.values()) == pytest.approx(1.0, abs=0.02)
    assert sum(drawn * other for drawn, _, other in seen.values()) == pytest.approx(1.0, abs=0.1)
