"""Plans, posteriors, clusters and fading against second computations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from micromoments.learn.clusters import Blocks, clustered, ratio_variance
from micromoments.learn.lift import Sums, lift
from micromoments.learn.planning import PRIOR, bayes, fading, mde, needed, plan
from micromoments.learn.sequence import Size, planned


def people(rng: np.random.Generator, n: int, rate: float) -> Sums:
    """So many people, a share of whom reaches the goal."""
    return Sums.of((rng.random(n) < rate).astype(float))


def test_the_least_difference_is_found_four_times_of_five() -> None:
    """Simulated at the size of the plan's difference, a look at its people finds it in about 80 %."""
    rate, n = 0.1, 8_000
    difference = mde(rate * (1 - rate), n, 0.5, planned(5000))
    rng, found, times = np.random.default_rng(1), 0, 600
    for _ in range(times):
        treated, control = people(rng, n // 2, rate + difference), people(rng, n // 2, rate)
        found += lift(treated, control, sequence=planned(5000)).verdict == "higher"
    assert 0.75 < found / times < 0.85


def test_people_needed_are_those_whose_least_difference_it_is() -> None:
    """The two agree, more is needed for less, and never for nothing."""
    n = needed(0.09, 0.05, 0.02, planned(5000))
    assert mde(0.09, n, 0.05, planned(5000)) == pytest.approx(0.02, rel=2e-3)
    assert needed(0.09, 0.05, 0.01, planned(5000)) > 3 * n
    assert needed(0.09, 0.05, 0.0, planned(5000)) == float("inf")


def test_a_plan_says_how_many_more_days() -> None:
    """At the present pace; nothing before there are people, or where nobody differs."""
    found = plan(Sums(n=9_500, y=950.0, yy=950.0), Sums(n=500, y=50.0, yy=50.0), 10.0)
    assert found is not None
    assert found.per_day == 1_000
    assert found.people_for_5_percent is not None
    assert found.days_for_5_percent == pytest.approx((found.people_for_5_percent - 10_000) / 1_000, rel=1e-3)
    late = plan(Sums(n=9_500, y=950.0, yy=950.0), Sums(n=500, y=50.0, yy=50.0), 1.0, Size(grown=1.0, lasting=True))
    assert late is not None
    assert late.mde < 1.1 * found.mde
    assert plan(Sums(n=1, y=0.0, yy=0.0), Sums(n=1, y=0.0, yy=0.0), 1.0) is None
    assert plan(Sums(n=10, y=0.0, yy=0.0), Sums(n=10, y=0.0, yy=0.0), 1.0) is None


def test_the_posterior_is_that_of_a_normal_prior() -> None:
    """Chance, interval and risk against scipy's normal distribution, with the precision-weighted mean by hand."""
    result = lift(Sums(n=4_000, y=480.0, yy=480.0), Sums(n=4_000, y=400.0, yy=400.0))
    seen = bayes(result)
    assert seen is not None
    error = (0.12 * 0.88 / 3_999 + 0.1 * 0.9 / 3_999) ** 0.5 / 0.1
    kept = 1 / (1 / error**2 + 1 / PRIOR**2)
    posterior = stats.norm(kept * 0.2 / error**2, kept**0.5)
    draws = np.minimum(posterior.rvs(400_000, random_state=1), 0)
    assert seen.chance == pytest.approx(posterior.sf(0))
    assert (seen.low, seen.high) == pytest.approx(posterior.interval(0.95), rel=1e-5)
    assert seen.risk == pytest.approx(-draws.mean(), rel=0.2)
    assert bayes(lift(Sums(n=1, y=0.0, yy=0.0), Sums(n=1, y=0.0, yy=0.0))) is None


def test_an_effect_that_fades_is_told_and_one_that_stays_is_not() -> None:
    """First 20 points and then none: lower; 20 points throughout: not lower."""
    rng = np.random.default_rng(3)

    def arm(first: float, later: float) -> Sums:
        return Sums.of((rng.random(4_000) < later).astype(float), (rng.random(4_000) < first).astype(float))

    assert fading(arm(0.5, 0.3), arm(0.3, 0.3)).verdict == "lower"
    assert fading(arm(0.5, 0.5), arm(0.3, 0.3)).verdict in ("unclear", "early")


def test_the_clustered_error_is_that_of_a_cluster_robust_regression() -> None:
    """The ratio estimator's variance equals CR1 of the mean, worked out decision by decision with numpy."""
    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 40, 50)
    each = [(rng.random(n) < rng.beta(2, 5)).astype(float) for n in sizes]
    y, cluster = np.concatenate(each), np.repeat(np.arange(50), sizes)
    residual = y - y.mean()
    scores = np.array([residual[cluster == c].sum() for c in range(50)])
    wanted = scores @ scores / len(y) ** 2 * 50 / 49
    assert ratio_variance(sizes.tolist(), [one.sum() for one in each]) == pytest.approx(wanted)


def test_clustered_intervals_cover_where_plain_ones_do_not() -> None:
    """Blocks that share their luck, looked at every 20 blocks: 5 % or fewer of tests without a difference reject."""
    rng, rejected, times = np.random.default_rng(6), 0, 300
    inflations = []
    for _ in range(times):
        arms = []
        for _arm in range(2):
            sizes = rng.integers(5, 60, 150).astype(float)
            reached = rng.binomial(sizes.astype(int), rng.beta(2, 8, 150)).astype(float)
            arms.append((sizes.tolist(), reached.tolist()))
        looks = [clustered(*(Blocks(n=n[:k], reached=y[:k], worth=y[:k]) for n, y in arms)) for k in range(30, 151, 20)]
        rejected += any(one.verdict in ("higher", "lower") for one in looks)
        inflations.append(looks[-1].inflation)
    assert rejected <= 0.05 * times + 2.26 * (0.05 * 0.95 * times) ** 0.5
    assert np.mean(inflations) > 1.8


def test_few_blocks_tell_nothing() -> None:
    """Under thirty blocks an arm there is no interval, and the report says how many are missing."""
    few = Blocks(n=[5.0] * 10, reached=[1.0] * 10, worth=[100.0] * 10)
    result = clustered(few, few)
    assert (result.verdict, result.low, result.needed) == ("early", None, "20 more blocks (of at least 30 a variant)")
