"""What was learned in part and amended is what would have been learned whole."""

from __future__ import annotations

import numpy as np
import pytest

from micromoments.policy.base import Amending
from micromoments.policy.linear import REFRESH, SPARSE
from micromoments.policy.registry import LEARNERS, Learner


@pytest.mark.parametrize("kind", LEARNERS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("dim", [12, SPARSE + 12])
def test_amended_is_learned_whole(kind: Learner, dim: int) -> None:
    """A click learned as 0.3 and amended to 1, to 0 or to 0.1 after others came scores as if it had been learned so."""
    rng = np.random.default_rng(dim)
    x = rng.uniform(-1.0, 1.0, (REFRESH // 2, dim)) * (rng.random((REFRESH // 2, dim)) < 0.3)
    final = rng.choice([0.0, 0.1, 1.0], len(x)).tolist()
    whole, parts = kind(dim), kind(dim)
    assert isinstance(parts, Amending)
    for row, reward in zip(x, final, strict=True):
        whole.learn(row, reward)
        parts.learn(row, 0.3)
    for row, reward in zip(x, final, strict=True):
        parts.amend(row, 0.3, reward)
    np.testing.assert_allclose(parts.score(x), whole.score(x), atol=1e-9)
    assert parts.version == 2 * whole.version
    again = kind.decode(parts.encode())
    assert again.encode() == parts.encode()


@pytest.mark.parametrize("kind", LEARNERS, ids=lambda kind: kind.name)
def test_what_is_no_reward_is_not_amended(kind: Learner) -> None:
    """A reward outside [0, 1] is refused, as in learning."""
    policy = kind(4)
    with pytest.raises(ValueError, match="wanted 0 to 1"):
        policy.amend(np.ones(4), 0.3, 1.5)
