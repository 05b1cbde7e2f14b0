"""A guard's interval holds whenever one looks, its share follows the interval, and nothing is weighed twice."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from micromoments.core.event import BOT, Millis
from micromoments.core.outcome import Outcome, What
from micromoments.learn.guard import MOST, Guard
from tests.learn.worlds import NOW, decision

LIMIT = 0.1


def rewarded(guard: Guard, n: int, weights: tuple[float, float, float], reward: float = 1.0, at: Millis = NOW) -> None:
    """Weigh one rewarded decision: (share, own, other); its window lasts ten milliseconds."""
    served = decision(f"d{n}", at=at, guard=(LIMIT, *weights)) if reward else None
    if served is not None:
        guard.weigh(served, outcome(f"d{n}", at, reward))


def outcome(id: str, at: Millis, reward: float | None, what: What = "clicked", marks: int = 0) -> Outcome:
    """What came of a decision."""
    return Outcome(id=f"{id}:{what}", decision=id, slot="home", item="a", what=what, at=at, reward=reward, marks=marks)


def world(seed: int, policy: float, default: float, rounds: int, guard: Guard, start: int = 0) -> float:
    """Let a policy and a default that never agree serve, each rewarded at its rate; the policy's mean share."""
    rng, total = np.random.default_rng(seed), 0.0
    for n in range(start, start + rounds):
        share = guard.share(LIMIT)
        total += share
        mine = rng.random() < share
        weights = (share, 1.0 / share, 0.0) if mine else (share, 0.0, 1.0 / (1.0 - share))
        rewarded(guard, n, weights, float(rng.random() < (policy if mine else default)), NOW + 10 * n)
    return total / rounds


def test_a_policy_starts_at_its_guard_and_gets_more_as_it_proves_itself() -> None:
    """Twice as good as the default, it has nearly all after some thousand decisions; nothing before any reward."""
    guard = Guard()
    assert guard.share(LIMIT) == LIMIT
    assert guard.bounds() == (0.0, inf)
    world(1, 0.4, 0.2, 3000, guard)
    assert 0.6 < guard.share(LIMIT) < MOST
    assert 1.0 < guard.bounds()[0] <= 2.0 <= guard.bounds()[1]


def test_a_share_is_no_larger_than_what_noticing_a_turn_may_cost() -> None:
    """However good a policy was, its share waits for the default's rewards that would pay for noticing its failure; it
    comes near the largest in the end.
    """
    guard = Guard()
    world(1, 0.9, 0.3, 300, guard)
    early = guard.share(LIMIT)
    assert early < 0.45
    world(1, 0.9, 0.3, 6000, guard, start=300)
    assert early < guard.share(LIMIT) <= MOST


def test_a_bad_policy_keeps_its_least_share() -> None:
    """Half as good as the default, it is never served more than the guard allows, plus what luck is worth."""
    shares = [world(seed, 0.1, 0.2, 2000, Guard()) for seed in range(5)]
    assert max(shares) <= 1.5 * LIMIT


def test_a_policy_that_turns_bad_loses_its_share() -> None:
    """After thousands of good decisions the share falls within some hundred bad ones, and more must be proved."""
    guard = Guard()
    world(2, 0.4, 0.2, 3000, guard)
    assert guard.share(LIMIT) > 0.6
    world(3, 0.02, 0.2, 1500, guard, start=3000)
    assert guard.share(LIMIT) == LIMIT
    assert guard.turns >= 1


def test_a_policy_that_turns_good_gets_its_share() -> None:
    """What it did when it was bad is not held against it for as long as it was bad."""
    guard = Guard()
    world(2, 0.02, 0.2, 4000, guard)
    assert guard.share(LIMIT) == LIMIT
    world(3, 0.4, 0.2, 2500, guard, start=4000)
    assert guard.share(LIMIT) > 0.6


@pytest.mark.parametrize("times", [0.5, 1.0, 1.5])
def test_the_interval_holds_at_every_look(times: float) -> None:
    """Looked at after every ten decisions, few of forty intervals ever leave out the true ratio."""
    wrong = 0
    for seed in range(40):
        guard, missed = Guard(), False
        for part in range(40):
            world(1000 * seed + part, 0.3 * times, 0.3, 10, guard, start=10 * part)
            low, high = guard.bounds()
            missed |= not low <= times <= high
        wrong += missed
    assert wrong <= 5


def test_rewards_of_one_decision_count_once_and_only_in_its_window() -> None:
    """A click and a goal are one reward of at most 1, weighed when the window is over; what comes later is left out."""
    once, both = Guard(), Guard()
    served = decision("d1", at=NOW, until=NOW + 100, guard=(LIMIT, 0.5, 2.0, 0.0))
    once.weigh(served, outcome("d1", NOW + 5, 1.0, "goal"))
    both.weigh(served, outcome("d1", NOW + 1, 0.3))
    both.weigh(served, outcome("d1", NOW + 5, 0.7, "goal"))
    assert once.encode() == both.encode()
    assert once.rewarded == 0
    other = decision("d2", at=NOW + 200, until=NOW + 300, guard=(LIMIT, 0.5, 0.0, 2.0))
    for guard in (once, both):
        guard.weigh(other, outcome("d2", NOW + 201, 0.0, "ignored"))
        assert guard.rewarded == 1
    both.weigh(served, outcome("d1", NOW + 250, 0.7, "goal"))
    both.weigh(other, outcome("d2", NOW + 250, 0.0, "ignored"))
    assert both.rewarded == 1


def test_what_must_not_teach_is_not_weighed() -> None:
    """Bots, held-out people, and decisions that name no default."""
    guard = Guard()
    assert not guard.weigh(decision("d1"), outcome("d1", NOW, 1.0))
    assert not guard.weigh(decision("d1", guard=(LIMIT, 0.1, 1.0, 1.0), holdout=True), outcome("d1", NOW, 1.0))
    assert not guard.weigh(decision("d1", guard=(LIMIT, 0.1, 1.0, 1.0)), outcome("d1", NOW, 1.0, marks=BOT))
    assert guard.encode() == Guard().encode()


def test_a_guard_goes_through_its_bytes() -> None:
    """Decoded, it goes on as the one that was encoded, with what waits; other bytes are refused."""
    guard = Guard()
    world(4, 0.4, 0.2, 300, guard)
    copy = Guard.decode(guard.encode())
    assert copy.encode() == guard.encode()
    world(5, 0.4, 0.2, 300, guard, start=300)
    world(5, 0.4, 0.2, 300, copy, start=300)
    assert copy.encode() == guard.encode()
    with pytest.raises(ValueError, match="that are no guard"):
        Guard.decode(b"\x93\x01\x02\x03")


def test_it_says_in_a_sentence_whether_the_policy_would_win() -> None:
    """Yes, no, not yet with how much more it takes, nothing yet, and that an apprentice in shadow can't be told."""
    guard = Guard()
    assert "nothing is known" in guard.told("adaptive", "popular", LIMIT)["sentence"]
    world(6, 0.4, 0.2, 100, guard)
    assert "can't be told yet" in guard.told("adaptive", "popular", LIMIT)["sentence"]
    world(7, 0.4, 0.2, 3000, guard, start=100)
    assert "adaptive would beat popular now" in guard.told("adaptive", "popular", LIMIT)["sentence"]
    bad = Guard()
    world(8, 0.02, 0.3, 3000, bad)
    assert "would not beat" in bad.told("adaptive", "popular", LIMIT)["sentence"]
    shadow = Guard()
    for n in range(50):
        rewarded(shadow, n, (0.0, 0.8, 1.0), at=NOW + 10 * n)
    told = shadow.told("adaptive", "popular", 0.0)
    assert "80% of what popular did" in told["sentence"]
    assert 0.5 < told["low"] <= 0.8
