"""Lift agrees with GrowthBook's engine and with second computations, and keeps its promise when looked at daily."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.quality.intervals import MOST_REJECTED, WORLDS, simulate, with_lift
from micromoments.learn.lift import (
    MIN_EFFECTIVE,
    Sums,
    chi2_tail,
    effective,
    lift,
    paced,
    sample_ratio,
)
from micromoments.learn.say import mismatch, not_proof, sentence
from micromoments.learn.sequence import ALPHA, FIRST, Sequence, Size, begun, planned, spread


def arm(n: int, y: float, yy: float, **rest: float) -> Sums:
    """An arm by its sums."""
    return Sums(n=n, y=y, yy=yy, **rest)


SMALL, LARGE = arm(500, 2500.0, 90000.0), arm(9500, 61000.0, 2300000.0)
HALF_A, HALF_B = arm(5000, 40000.0, 900000.0), arm(5000, 41500.0, 950000.0)
FEW_A, FEW_B = arm(800, 640.0, 1200.0), arm(900, 700.0, 1400.0)


@pytest.mark.parametrize(
    ("control", "treated", "tuning", "low", "high", "p"),
    [
        (SMALL, LARGE, 1000.0, -0.4461580684358004, 3.288263331593696, 0.44386428565905406),
        (SMALL, LARGE, 5000.0, -0.34233762863579, 3.184442891793686, 0.23453239868796097),
        (HALF_A, HALF_B, 1000.0, -0.40600745783745973, 1.0060074578374611, 1.0),
        (HALF_A, HALF_B, 5000.0, -0.36675211039638445, 0.9667521103963859, 1.0),
        (FEW_A, FEW_B, 1000.0, -0.1631460557526015, 0.11870161130815698, 1.0),
        (FEW_A, FEW_B, 5000.0, -0.1683291301168075, 0.12388468567236299, 1.0),
    ],
)
def test_the_same_as_gbstats(control: Sums, treated: Sums, tuning: float, low: float, high: float, p: float) -> None:
    """Interval and p-value are those of ``SequentialTwoSidedTTest`` in gbstats 0.8.0 (run apart, under numpy 1)."""
    result = lift(treated, control, sequence=planned(tuning))
    assert (result.low, result.high, result.p) == pytest.approx((low, high, p), rel=1e-12)


def test_cuped_is_that_of_gbstats() -> None:
    """With a covariate the interval is gbstats' but for its slope across arms, which differs little."""
    control = arm(2000, 4000.0, 20000.0, x=3000.0, xx=12000.0, xy=11000.0)
    treated = arm(2100, 4500.0, 23000.0, x=3100.0, xx=12500.0, xy=12100.0)
    result = lift(treated, control, sequence=planned(5000))
    wanted = (0.1589937050088852, -0.041371258873903805, 0.3593586688916742, 0.22023422451031358)
    assert (result.difference, result.low, result.high, result.p) == pytest.approx(wanted, rel=1e-3)
    assert result.variance_kept < 0.8
    assert "CUPED" in result.method


def test_cuped_equals_regression_on_people() -> None:
    """The sums give what least squares on single people gives: y on arm and covariate."""
    rng = np.random.default_rng(3)
    x = rng.gamma(2.0, size=3000)
    treated = np.arange(3000) % 3 > 0
    y = 0.4 * treated + 0.9 * x + rng.normal(size=3000)
    design = np.column_stack([np.ones(3000), treated, x])
    slope = np.linalg.lstsq(design, y, rcond=None)[0][1]
    result = lift(Sums.of(y[treated], x[treated]), Sums.of(y[~treated], x[~treated]))
    assert result.difference == pytest.approx(slope, rel=1e-9)


def test_the_p_value_is_a_mixture_integrated() -> None:
    """The closed form is the likelihood ratio averaged over normal effects of variance rho squared, by quadrature."""
    n, z, rho2 = 4000.0, 3.4, spread(ALPHA) / 5000
    grid = np.linspace(-1, 1, 400_001)
    density = np.exp(-(grid**2) / (2 * rho2)) / np.sqrt(2 * np.pi * rho2)
    evalue = np.trapezoid(np.exp(grid * z * np.sqrt(n) - n * grid**2 / 2) * density, grid)
    assert planned(5000).p_value(z, n) == pytest.approx(1 / evalue, rel=1e-6)


@given(
    st.floats(100, 1e7),
    st.floats(-8, 8),
    st.sampled_from([planned(5000), Sequence(2e-3, 90), Sequence(1e-3, 50, 0.05)]),
)
def test_interval_and_p_value_agree(n: float, z: float, sequence: Sequence) -> None:
    """The interval excludes zero exactly where p is below alpha, and a look costs more than a single one."""
    wide = float(sequence.multiplier(np.array([n]))[0])
    assert wide > 1.96
    if abs(abs(z) - wide) > 1e-9:
        assert (abs(z) > wide) == (sequence.p_value(z, n) < ALPHA)


def test_a_walk_watched_from_its_start_on_leaves_as_seldom_as_is_said() -> None:
    """Of 4,000 fine walks watched from 100 to 100,000 people, a share leaves that is below alpha, and not far below."""
    rng = np.random.default_rng(7)
    n = np.unique(np.geomspace(100, 100_000, 1500).round())
    steps = rng.normal(size=(4000, len(n))) * np.sqrt(np.diff(n, prepend=0))
    ever = (np.abs(steps.cumsum(1)) > begun(1000, 10, Size()).multiplier(n) * np.sqrt(n)).any(1).mean()
    # A mixture keeps a part for all that comes after 100,000 people: at R = 1.3, four fifths of alpha are used by then.
    assert 0.03 < ever < ALPHA + 2.26 * (ALPHA * (1 - ALPHA) / 4000) ** 0.5


def test_a_sequence_starts_where_an_interval_is_told() -> None:
    """At its start it is what is needed at the least, or the first days' people; planned, it starts with nobody."""
    treated, control = arm(9500, 5000.0, 5000.0), arm(500, 250.0, 250.0)
    assert paced(treated, control, Size()).start == pytest.approx(10_000 / 5)
    assert paced(treated, control, Size(grown=2.0)) == Sequence(1.3 / 5000, 5000, 1 - FIRST)
    assert paced(treated, control, Size(grown=1.0, lasting=True)) == Sequence(1.3 / 2000, 2000, FIRST)
    assert paced(treated, control, Size(grown=2.0, planned=700)) == planned(700)
    assert (
        lift(treated, control).method
        == "asymptotic confidence sequence, from 2,000 people on, tightest for 12,209 people"
    )


def test_fieller_holds_the_ratios_that_the_test_keeps() -> None:
    """The relative interval is the set of ratios r for which treated - r control can't be told from zero."""
    result = lift(arm(4000, 480.0, 480.0), arm(4000, 400.0, 400.0), sequence=planned(5000))
    wide = float(planned(5000).multiplier(np.array([8000.0]))[0])
    means = np.array([0.12, 0.1])
    errors = means * (1 - means) / 3999
    ratios = np.linspace(-0.5, 1.5, 200_001)
    kept = ratios[
        np.abs(means[0] - (1 + ratios) * means[1]) <= wide * np.sqrt(errors[0] + (1 + ratios) ** 2 * errors[1])
    ]
    assert (result.relative_low, result.relative_high) == pytest.approx((kept[0], kept[-1]), abs=2e-5)
    nothing = lift(arm(4000, 480.0, 480.0), arm(200, 1.0, 1.0))
    assert (nothing.relative_low, nothing.relative_high) == (None, None)


def test_too_little_data_is_said_not_guessed() -> None:
    """Few people, or few who reached the goal in the smaller arm, give no verdict but what is missing."""
    assert lift(arm(0, 0, 0), arm(0, 0, 0)).verdict == "early"
    assert lift(arm(1, 1, 1), arm(1, 0, 0)).low is None
    few = lift(arm(99, 60, 60), arm(5000, 60, 60))
    assert (few.verdict, few.needed) == ("early", "1 more people served (of at least 100)")
    rare = lift(arm(9500, 300, 300), arm(500, 0, 0))
    assert (rare.verdict, "15 such people" in rare.needed) == ("early", True)
    assert effective(arm(9500, 500, 500), arm(500, 20, 20)) == pytest.approx(26)


def test_verdicts() -> None:
    """Higher and lower where the interval excludes zero, unclear where it doesn't."""
    high, low = arm(5000, 750.0, 750.0), arm(5000, 500.0, 500.0)
    assert lift(high, low).verdict == "higher"
    assert lift(low, high).verdict == "lower"
    assert lift(low, low).verdict == "unclear"
    assert lift(arm(200, 200, 200), arm(200, 0, 0)).verdict == "higher"


def test_sample_ratio_is_that_of_gbstats() -> None:
    """The chi-square check gives gbstats' chances; a split that is off is called a mismatch."""
    assert sample_ratio([480, 9520], [0.05, 0.95]).p == pytest.approx(0.3587953578869416)
    off = sample_ratio([400, 9600], [0.05, 0.95])
    assert off.p == pytest.approx(4.468387345230037e-06)
    assert off.mismatch
    assert sample_ratio([3300, 3400, 3600], [1, 1, 1]).p == pytest.approx(0.001118108897826659)
    assert sample_ratio([0, 0], [1, 1]).p == 1.0
    for counts, shares in (([1], [1.0]), ([1, 2], [1.0]), ([1, 2], [1.0, 0.0])):
        with pytest.raises(ValueError, match="wanted two or more"):
            sample_ratio(counts, shares)


@given(st.integers(1, 12), st.floats(0.01, 60))
def test_chi_square_tails_by_quadrature(df: int, x: float) -> None:
    """The closed form for whole degrees of freedom is the density integrated up to x, away from one."""
    from math import gamma

    grid = np.linspace(0, np.sqrt(x), 20_001)
    density = grid ** (df - 1) * np.exp(-(grid**2) / 2) / (2 ** (df / 2 - 1) * gamma(df / 2))
    assert chi2_tail(x, df) == pytest.approx(1 - np.trapezoid(density, grid), abs=1e-6)


@pytest.mark.parametrize("world", WORLDS[:3], ids=lambda world: world.name)
def test_daily_looks_keep_the_promise(world: object) -> None:
    """Of 400 tests without a difference, and with a known one, few ever exclude the truth in 28 daily looks."""
    chosen = next(one for one in WORLDS if one == world)
    assert simulate(chosen, 400)["ever_excluded_zero"] <= MOST_REJECTED / 5
    assert simulate(with_lift(chosen), 400)["ever_missed_truth"] <= MOST_REJECTED / 5


def test_sentences_say_what_the_numbers_say() -> None:
    """A sure lift says how much and between what; an unclear one says so; an early one what it needs."""
    many, few = arm(5000, 750.0, 750.0), arm(5000, 500.0, 500.0)
    clear, harm = lift(many, few), lift(few, many)
    said = sentence(clear, goal="order", metric="people", slot="home")
    assert said.startswith("Serving in home raised the share of people who reach order by 5.00 points (50.0% of")
    assert "from 10.00% to 15.00%" in said
    assert "Not clear yet" in sentence(lift(HALF_B, HALF_A), goal="order", metric="times")
    worth = sentence(lift(HALF_B, HALF_A), goal="order", metric="value", currency="EUR")
    assert "0.08 EUR" in worth
    early = sentence(lift(arm(5, 1, 1), arm(5, 1, 1)), goal="order", metric="people")
    assert (
        early
        == "Too early to tell what serving does for order: it needs 95 more people served (of at least 100) first."
    )
    assert "lowered" in sentence(harm, goal="order", metric="people")


def test_without_proof_the_way_to_get_it_is_said() -> None:
    """No holdout: not proof, and the setting that gives it; a split that is off: not to be believed, and why."""
    assert not_proof("home", 0.0).startswith("Not proof: nobody is held out in home")
    assert "holdout = 0.05 under [slots.home]" in not_proof("home", 0.0)
    assert not_proof("home", 0.05).startswith("Not proof yet: 5% of people")
    assert "Don't believe" in mismatch(sample_ratio([400, 9600], [0.05, 0.95]))
    assert MIN_EFFECTIVE == 25
