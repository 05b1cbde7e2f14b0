"""Every policy of the package keeps the laws that are shipped for others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from micromoments.policy import NAMES, make
from micromoments.policy.base import Policy
from micromoments.policy.registry import LEARNERS
from micromoments.policy.thompson import Thompson
from micromoments.testing import check_policy
from micromoments.testing.check_policy import LAWS, Make


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_keeps_law(name: str, law: Callable[[Make], None]) -> None:
    """A built-in policy keeps the law."""
    law(lambda dim: make(name, dim))


@pytest.mark.parametrize("kind", LEARNERS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("half_life", [0.0, 2_000.0])
def test_learner_beats_random(kind: Callable[..., Policy], half_life: float) -> None:
    """A learner earns clearly more than chance in a seeded world, with and without forgetting."""
    check_policy.beats_random(lambda dim: kind(dim, half_life=half_life))


def test_random_does_not_beat_itself() -> None:
    """The law about learning fails for a policy that doesn't learn, so it tests something."""
    with pytest.raises(AssertionError, match="quarter more"):
        check_policy.beats_random(lambda dim: make("random", dim))


def test_a_policy_that_breaks_a_law_is_named() -> None:
    """A distribution that doesn't sum to 1 is caught, and the message says what was got."""

    class Careless(Thompson):
        """Forgets to divide."""

        def pmf(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
            """Counts, not probabilities."""
            return super().pmf(x, rng) * 2.0

    with pytest.raises(AssertionError, match="got a sum of 2"):
        check_policy.check(Careless)
