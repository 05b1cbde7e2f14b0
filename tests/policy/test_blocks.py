"""The root in blocks, against one matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micromoments.policy.adaptive import Adaptive
from micromoments.policy.blocks import Blocks
from micromoments.policy.linear import PRECISION, REFRESH, SPARSE, Regression, factor, potter

DIM = SPARSE + 12


def rows_of(rng: np.random.Generator, arms: int, n: int) -> np.ndarray:
    """Rows that each lie in one of so many equal stretches, half of their numbers zero."""
    wide = DIM // arms
    x = np.zeros((n, DIM))
    for row, arm in zip(x, rng.integers(0, arms, n).tolist(), strict=True):
        row[arm * wide : (arm + 1) * wide] = rng.uniform(-1, 1, wide) * (rng.random(wide) < 0.5)
    return x


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32), st.sampled_from([1, 2, 4, 10]), st.integers(1, 60))
def test_blocks_give_what_one_matrix_gives(seed: int, arms: int, n: int) -> None:
    """Whatever meets whatever, the root in blocks spreads rows and holds the covariance of the whole matrix."""
    rng = np.random.default_rng(seed)
    blocks, whole = Blocks(DIM, PRECISION), np.eye(DIM) / PRECISION**0.5
    for row in rows_of(rng, arms, n):
        potter(whole, row, 1.0)
        if (block := blocks.met(row)) is not None:
            potter(block.root, row[block.span], 1.0)
    np.testing.assert_allclose(blocks.whole() @ blocks.whole().T, whole @ whole.T, atol=1e-12)
    x = np.concatenate([rows_of(rng, arms, 8), rng.uniform(-1, 1, (1, DIM)), np.zeros((1, DIM))])
    spread, wanted = blocks.spread(x), x @ whole
    np.testing.assert_allclose(spread @ spread.T, wanted @ wanted.T, atol=1e-12)


def test_rows_apart_are_known_by_their_lengths() -> None:
    """Rows in a block each are drawn apart, with the covariance of the whole; rows that share features are not."""
    rng = np.random.default_rng(5)
    blocks = Blocks(DIM, PRECISION)
    taught = rows_of(rng, 4, 200)
    taught[:, DIM // 4 :: DIM // 4] = 0.0
    for row in taught:
        block = blocks.met(row)
        assert block is None or len(block.at) <= DIM // 4
    x = np.array([next(row for row in taught[20:] if row[arm * (DIM // 4) + 1]) for arm in range(4)])
    lengths = blocks.apart(x)
    assert lengths is not None
    spread = blocks.spread(x)
    np.testing.assert_allclose(np.diag(lengths**2), spread @ spread.T, atol=1e-15)
    assert blocks.apart(x[[0, 0]]) is None
    assert blocks.apart(np.ones((1, DIM))) is None


def test_a_wide_model_goes_on_after_a_round_trip_as_if_nothing_were() -> None:
    """Bytes written and read in the middle change no later byte; they are a fraction of the whole matrix's."""
    rng = np.random.default_rng(6)
    ours = Adaptive(DIM)
    for n, row in enumerate(rows_of(rng, 4, 2 * REFRESH + 40)):
        if n % 100 == 50:
            ours = other = Adaptive.decode(ours.encode())
            assert other.encode() == ours.encode()
        ours.learn(row, float(rng.random() < 0.3))
    straight, again = Adaptive(DIM), np.random.default_rng(6)
    for row in rows_of(again, 4, 2 * REFRESH + 40):
        straight.learn(row, float(again.random() < 0.3))
    assert straight.encode() == ours.encode()
    assert len(ours.encode()) < 2 * 8 * DIM * DIM / 3


def test_a_whole_matrix_that_was_kept_before_is_taken_apart() -> None:
    """The bytes of earlier releases, a whole matrix, give the same covariance, in blocks again."""
    rng = np.random.default_rng(7)
    model = Regression(DIM)
    for row in rows_of(rng, 4, 100):
        model.update(row, 0.5, 1.0)
    whole = model.root
    prior, mean, root = model.arrays()
    assert len(root) < whole.nbytes / 3
    again = Regression.restore(DIM, model.numbers(), (prior, mean, whole.astype("<f8").tobytes()))
    np.testing.assert_array_equal(again.root, whole)
    assert again.arrays() == model.arrays()
    turned = factor(whole @ whole.T)
    np.testing.assert_allclose(
        Regression.restore(DIM, model.numbers(), (prior, mean, turned.astype("<f8").tobytes())).root, turned
    )


def test_bytes_that_are_no_root_are_refused() -> None:
    """A root cut short, or with more than it says, is no root."""
    blocks = Blocks(DIM, 1.0)
    row = np.zeros(DIM)
    row[3:9] = 1.0
    assert blocks.met(row) is not None
    body = blocks.to_bytes()
    for wrong in (body[:-8], body + bytes(8)):
        with pytest.raises(ValueError, match=r"restore a kept version|reshape|size"):
            Blocks.from_bytes(wrong, DIM, 1.0)
