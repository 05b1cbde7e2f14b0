"""The convolution over word vectors: pieces, order, caches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.recognise import sense as module
from micromoments.recognise.features import N_CLASSES, tokens
from micromoments.recognise.sense import Sense, pieces_of
from micromoments.recognise.text import TextModel

SHIPPED = TextModel.load().sense
assert SHIPPED is not None
SENSE = SHIPPED


def small(size: int = 4, hidden: int = 3) -> dict[str, np.ndarray]:
    """Arrays of a little convolution, drawn with a seed."""
    rng = np.random.default_rng(11)
    shapes = {
        "lists": (N_CLASSES, size),
        "borders": (2, size),
        "window": (3 * size, hidden),
        "bias": (hidden,),
        "out": (2 * hidden, 5),
        "base": (5,),
    }
    arrays = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    vectors = rng.integers(-127, 128, (3, size)).astype(np.int8)
    return arrays | {"vectors": vectors, "step": np.array(0.01)}


def by_hand(arrays: dict[str, np.ndarray], rows: list[int]) -> np.ndarray:
    """The logits of words that are one piece each and in no list, written out."""
    words = [arrays["borders"][0], *(arrays["vectors"][r] * 0.01 for r in rows), arrays["borders"][1]]
    seen = [
        np.maximum(np.concatenate(words[i - 1 : i + 2]) @ arrays["window"] + arrays["bias"], 0)
        for i in range(1, len(words) - 1)
    ]
    pooled = np.concatenate([np.max(seen, axis=0), np.sum(seen, axis=0) / np.sqrt(len(rows))])
    return np.asarray(pooled @ arrays["out"] + arrays["base"])


@pytest.mark.parametrize("rows", [[0], [1, 0], [2, 2, 1, 0]])
def test_is_the_sum_written_out(rows: list[int]) -> None:
    """What is put together from kept parts is the convolution as the formula has it."""
    arrays = small()
    found = Sense({"a": 0, "b": 1, "c": 2}, arrays).logits([("abc"[r], 0) for r in rows], {})

    assert np.allclose(found, by_hand(arrays, rows))


def test_order_of_words_counts() -> None:
    """The same words in another order are another query."""
    one = Sense({"a": 0, "b": 1}, small())

    assert one.logits([("a", 0), ("b", 0)], {}) != one.logits([("b", 0), ("a", 0)], {})


def test_lists_and_listed_pairs_add() -> None:
    """The lists of a word and those of a pair both change what is read."""

    def read(bits: int, pairs: dict[int, int]) -> tuple[float, ...]:
        return Sense({"a": 0}, small()).logits([("a", 0), ("x", bits)], pairs)

    assert read(1, {}) != read(0, {})
    assert read(1, {0: 4}) != read(1, {})


def test_a_title_begins_in_its_own_way() -> None:
    """With a third border a title is read from another beginning; weights without one read titles like all else."""
    plain, words = small(), [("a", 0)]
    borders = np.concatenate([plain["borders"], [[3.0] * plain["borders"].shape[1]]])
    one, old = Sense({"a": 0}, plain | {"borders": borders}), Sense({"a": 0}, plain)

    assert one.logits(words, {}, title=True) != one.logits(words, {})
    assert old.logits(words, {}, title=True) == old.logits(words, {}) == one.logits(words, {})


def test_forgetting_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full cache is emptied, and the same query reads the same."""
    monkeypatch.setattr(module, "MOST", 3)
    one = Sense({"a": 0, "b": 1, "c": 2}, small())
    first = one.logits([("a", 0), ("b", 0)], {})
    for word in ("c", "d", "e", "f"):
        one.logits([(word, 0)], {})

    assert one.logits([("a", 0), ("b", 0)], {}) == first


@given(st.lists(st.sampled_from(["tap", "zzzq", "ubuntu", "ü", "?"]), min_size=1, max_size=24))
def test_any_words_give_finite_logits(words: list[str]) -> None:
    """Unknown letters and odd words give numbers too."""
    assert np.isfinite(SENSE.logits([(word, 0) for word in words], {})).all()


def test_a_shape_that_is_wrong_is_refused() -> None:
    """Arrays that don't fit together are refused with what was wanted."""
    with pytest.raises(ValueError, match="wanted"):
        Sense({}, small() | {"lists": np.zeros((2, 4))})


def test_pieces_stop_at_unknown_letters() -> None:
    """Letters that no piece has end a word's pieces; nothing is found for other scripts."""
    assert pieces_of("tapx", {"tap": 4}) == [4]
    assert pieces_of(tokens("привет")[0], {"tap": 4}) == []
