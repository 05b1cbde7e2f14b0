"""What each policy does with its features, beyond the laws."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from math import erf, sqrt

import numpy as np
import pytest

from micromoments.config import ConfigError, parse, rules
from micromoments.core.settings import POLICIES, POLICY_POINTS
from micromoments.policy import decode, known, make, registry
from micromoments.policy.adaptive import Adaptive
from micromoments.policy.base import Encoded, pack
from micromoments.policy.features import DIM, POPULAR, PRIORITY, VALUE
from micromoments.policy.linear import SPARSE, Regression
from micromoments.policy.squarecb import Epsilon, LinUCB, SquareCB
from micromoments.policy.thompson import SAMPLES, SETS, Thompson


def chance(seed: int = 1) -> np.random.Generator:
    """A seeded generator."""
    return np.random.Generator(np.random.PCG64(seed))


def test_thompson_counts_agree_with_the_exact_probability() -> None:
    """For two items, the mean of the counted probabilities is the normal distribution's, within sampling error."""
    policy = Thompson(8, prior=np.linspace(-0.1, 0.1, 8))
    rng = chance(2)
    for _ in range(40):
        policy.learn(rng.uniform(-1, 1, 8), float(rng.random() < 0.4))
    x = rng.uniform(-1, 1, (2, 8))
    model = policy._model
    gap = x[0] - x[1]
    spread = sqrt(model.noise) * float(np.linalg.norm(gap @ model.root))
    exact = 0.5 * (1.0 + erf(float(gap @ model.mean) / spread / sqrt(2.0)))
    counted = np.mean([policy.pmf(x, chance(seed))[0] for seed in range(400)])
    assert counted == pytest.approx(exact, abs=4.0 * 0.5 / sqrt(400 * SAMPLES / 2))


def test_draws_are_anew_for_each_state_and_few_for_one() -> None:
    """One state has ``SETS`` sets of draws, of which a decision takes one; what was learned brings others."""
    policy, x = Thompson(8), np.eye(8)
    policy.learn(x[0], 1.0)
    before = {policy.pmf(x, chance(seed)).tobytes() for seed in range(200)}
    assert 2 <= len(before) <= SETS
    again = policy.decode(policy.encode())
    assert {again.pmf(x, chance(seed)).tobytes() for seed in range(200)} == before
    policy.amend(x[0], 1.0, 0.999)
    assert before.isdisjoint(policy.pmf(x, chance(seed)).tobytes() for seed in range(20))


def test_thompson_narrows_as_it_learns() -> None:
    """With outcomes the best item's probability of being chosen goes up."""
    policy, x = Thompson(2), np.eye(2)
    before = policy.pmf(x, chance())[0]
    for _ in range(300):
        policy.learn(x[0], 1.0)
        policy.learn(x[1], 0.0)
    assert before < 0.7
    assert policy.pmf(x, chance())[0] > 0.99


def test_squarecb_weighs_by_the_gap() -> None:
    """Probabilities are 1 / (n + gamma gap), gamma = 10 sqrt(t), and the best has the rest."""
    policy, x = SquareCB(2), np.eye(2)
    for _ in range(50):
        policy.learn(x[0], 1.0)
        policy.learn(x[1], 0.0)
    low, high = policy.score(x)[1], policy.score(x)[0]
    expected = 1.0 / (2 + 10.0 * sqrt(101) * (high - max(0.0, low)))
    np.testing.assert_allclose(policy.pmf(x, chance()), [1.0 - expected, expected])


def test_epsilon_shares_between_the_equally_good() -> None:
    """Untaught, all are equally good; taught, the best has 1 - epsilon and everyone's share."""
    policy, x = Epsilon(4, explore=0.2), np.eye(4)
    np.testing.assert_allclose(policy.pmf(x, chance()), 0.25)
    policy.learn(x[2], 1.0)
    np.testing.assert_allclose(policy.pmf(x, chance()), [0.05, 0.05, 0.85, 0.05])


def test_linucb_prefers_what_it_knows_less_of() -> None:
    """Of two that are expected to earn the same the one with fewer outcomes is chosen, and the other stays possible."""
    policy, x = LinUCB(2, precision=0.1), np.eye(2)
    for n in range(40):
        policy.learn(x[0], float(n % 2))
    policy.learn(x[1], 1.0)
    policy.learn(x[1], 0.0)
    p = policy.pmf(x, chance())
    assert p[1] > 0.9
    assert p[0] == pytest.approx(0.025)


def test_adaptive_turns_with_the_world() -> None:
    """Where what was good turns bad the short memory takes over and the policy changes its mind, sooner than one with
    the long memory alone; where nothing turns the long one decides.
    """
    x, both, long = np.eye(2), Adaptive(2), Adaptive(2, half_life=0.0)
    for n in range(3_000):
        good = 0 if n < 2_000 else 1
        for policy in (both, long):
            policy.learn(x[n % 2], float(n % 2 == good))
        if n == 1_999:
            assert both._model is both._memories[0]
    assert both._model is both._memories[1]
    assert both.pmf(x, chance())[1] > 0.95
    assert long.score(x)[0] > long.score(x)[1] - 0.5


def test_adaptive_explores_less_than_thompson() -> None:
    """After the same outcomes its draws are narrower, so the best has more of the mass."""
    rng, narrow, wide = chance(3), Adaptive(6, precision=1.0), Thompson(6, precision=1.0)
    for _ in range(30):
        row = rng.uniform(-1.0, 1.0, 6)
        for policy in (narrow, wide):
            policy.learn(row, float(row[0] > 0.0))
    x = rng.uniform(-1.0, 1.0, (8, 6))
    assert narrow.pmf(x, chance()).max() > wide.pmf(x, chance()).max()


def test_wide_features_are_learned_alike() -> None:
    """Above ``SPARSE`` features zeros are left out of the sums; what is learned is the same as with all of them."""
    rng, wide, plain = chance(4), Regression(SPARSE, precision=1.0), Regression(40, precision=1.0)
    for _ in range(300):
        row = rng.uniform(-1.0, 1.0, 40) * (rng.random(40) < 0.3)
        for model in (wide, plain):
            model.update(np.concatenate((row, np.zeros(model.dim - 40))), float(row[0] > 0.0), 1.0)
    np.testing.assert_allclose(wide.mean[:40], plain.mean, atol=1e-9)
    assert not wide.mean[40:].any()


def test_fixed_policies_order_by_their_features() -> None:
    """Popular takes the most popular, first retrieval's first, rules priority and then value; ties go to retrieval's
    order.
    """
    x = np.zeros((4, DIM))
    x[:, POPULAR] = [0.1, 0.9, 0.9, 0.0]
    x[:, PRIORITY] = [0.5, 0.0, 0.5, 0.0]
    x[:, VALUE] = [0.2, 0.9, 0.3, 0.0]
    assert make("popular").pmf(x, chance()).tolist() == [0, 1, 0, 0]
    assert make("first").pmf(x, chance()).tolist() == [1, 0, 0, 0]
    assert make("rules").pmf(x, chance()).tolist() == [0, 0, 1, 0]
    assert make("rules").score(x).argsort()[::-1][0] == 2


def test_fixed_policies_need_the_named_features() -> None:
    """A policy that reads named features refuses another width, and says why."""
    with pytest.raises(ValueError, match="reads named features"):
        make("popular", 5)


def test_learners_start_from_the_prior() -> None:
    """Over the engine's own features learners start believing that what suits the moment is better; over others,
    nothing.
    """
    assert make("thompson").score(np.eye(DIM)).max() > 0.0
    assert make("thompson", 7).score(np.eye(7)).max() == 0.0


def test_bytes_of_another_policy_or_release_are_refused() -> None:
    """Decoding says whose bytes it got, and that a newer format needs a newer release."""
    body = make("thompson").encode()
    with pytest.raises(ValueError, match="got the state of policy 'thompson'; wanted 'squarecb'"):
        decode("squarecb", body)
    with pytest.raises(ValueError, match="update micromoments"):
        decode("random", pack(Encoded(99, "random", 3, 0)))


@pytest.fixture
def brought(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a policy that another package brings."""
    point = EntryPoint("ours", "micromoments.policy.fixed:Random", POLICY_POINTS)
    for asker in (registry, rules):
        monkeypatch.setattr(asker, "entry_points", lambda group: EntryPoints([point] if group == POLICY_POINTS else []))
    return "ours"


def test_your_own_policy_by_entry_point(brought: str) -> None:
    """A policy of another package is made and decoded by the name of its entry point."""
    assert known(brought)
    policy = make(brought, 3)
    assert policy.pmf(np.zeros((2, 3)), chance()).tolist() == [0.5, 0.5]
    assert decode(brought, policy.encode()).version == 0


def test_a_file_may_name_what_can_be_made(brought: str) -> None:
    """The configuration takes the names of all the package's policies, and of those that other packages bring."""
    assert registry.NAMES == POLICIES
    for name in (*POLICIES, brought):
        assert parse(f"[slots.home]\npolicy = '{name}'").slot("home").policy == name
    with pytest.raises(ConfigError, match="rules, ours; did you mean ours"):
        parse("[slots.home]\npolicy = 'our'")


def test_unknown_policy_lists_the_known(brought: str) -> None:
    """A name that nobody brings is refused with those that are known."""
    assert not known("best")
    with pytest.raises(
        ValueError, match="wanted one of adaptive, epsilon, first, linucb, ours, popular, random, rules"
    ):
        make("best")
