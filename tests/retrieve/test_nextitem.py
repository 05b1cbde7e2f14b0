"""The learned next-item model, and its parts against plain definitions."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micromoments.retrieve.nextitem.blend import Blend
from micromoments.retrieve.nextitem.finder import Bounds, Finder
from micromoments.retrieve.nextitem.model import NextItems, Plan
from micromoments.retrieve.nextitem.past import fold, habits
from micromoments.retrieve.nextitem.ties import spread, tables
from micromoments.retrieve.nextitem.vectors import Shape, Vectors, backward, cases, nearest

PAST = [["a", "b", "c"], ["a", "b", "c"], ["a", "b", "d"], ["x", "y"], ["x", "z"], ["x", "z"]]
SMALL = Plan(least=50, fitted=400, epochs=2, shape=Shape(width=8, batch=64, negatives=32))

rows = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=6), min_size=1, max_size=10)


def walks(n: int, seed: int = 1) -> list[list[str]]:
    """Sessions that walk around a ring of 60 items, mostly one step on."""
    rng = np.random.Generator(np.random.PCG64(seed))
    out = []
    for _ in range(n):
        at = int(rng.integers(60))
        steps = rng.choice([1, 1, 1, 2, -1], size=int(rng.integers(2, 7)))
        out.append([str(place % 60) for place in at + np.cumsum(steps)])
    return out


def test_what_followed_comes_first() -> None:
    """Too few sessions for a blend: the fixed rule puts what followed, and what was there, first."""
    model = NextItems(PAST)
    assert set(model.predict(["a", "b"], n=4)) == {"a", "b", "c", "d"}
    assert "z" in model.predict(["x"], n=2)


def test_the_unknown() -> None:
    """Unseen ids get the frequent items, what was clicked lately before the rest; no sessions, no items."""
    model = NextItems(PAST)
    assert model.predict(["?"], n=3) == ["x", "z", "a"]
    assert model.predict([], n=3) == model.predict(["?"], n=3)
    assert NextItems([]).predict(["a"]) == []
    assert NextItems([["a"], [], ["b"]]).predict(["a"], n=1) == ["a"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abcdef"), max_size=5), max_size=12),
    st.lists(st.sampled_from("abcz")),
)
def test_laws(past: list[list[str]], now: list[str]) -> None:
    """Exactly n known items while there are so many, each once, the same for the same sessions."""
    plan = Plan(shape=Shape(width=4, negatives=8, batch=16), epochs=1)
    ranked = NextItems(past, plan).predict(now, n=4)
    assert len(ranked) == min(4, len({item for session in past for item in session}))
    assert len(set(ranked)) == len(ranked)
    assert ranked == NextItems(past, plan).predict(now, n=4)


def test_the_blend_learns_what_the_data_are_like() -> None:
    """On walks of which most go one step on, that step comes first, and nine in ten are among five."""
    model = NextItems(walks(1500), SMALL)
    hits = firsts = total = 0
    for session in walks(100, seed=2):
        ranked = model.predict(session[:-1], n=5)
        hits += session[-1] in ranked
        firsts += ranked[0] == str((int(session[-2]) + 1) % 60)
        total += 1
    assert hits > 0.9 * total
    assert firsts > 0.8 * total


def test_only_the_latest_clicks_are_kept() -> None:
    """Of a past longer than the plan allows, the oldest sessions are forgotten whole."""
    model = NextItems([["old", "older"], ["a", "b"], ["a", "c"]], Plan(most=5))
    assert set(model.predict([], n=9)) == {"a", "b", "c"}


@given(rows)
def test_fold(past: list[list[int]]) -> None:
    """Postings say in which sessions an item was and where it was clicked last there."""
    folded = fold(past, 6)
    assert folded.flat.tolist() == [item for row in past for item in row]
    for item in range(6):
        part = slice(folded.visit_starts[item], folded.visit_starts[item + 1])
        assert folded.visit_sessions[part].tolist() == [s for s, row in enumerate(past) if item in row]
        for session, click in zip(folded.visit_sessions[part], folded.visit_clicks[part], strict=True):
            row = past[session]
            assert click - folded.starts[session] == len(row) - 1 - row[::-1].index(item)


@given(rows)
def test_cases(past: list[list[int]]) -> None:
    """Every prefix with its next click, newest first; backward the same of turned sessions."""
    for turned, made in ((False, cases(fold(past, 6), 3)), (True, backward(fold(past, 6), 3))):
        wanted = []
        for row in past:
            way = row[::-1] if turned else row
            for end in range(1, len(way)):
                seen = way[:end][::-1][:3]
                wanted.append((seen + [6] * (3 - len(seen)), way[end]))
        assert sorted(zip(made.seen.tolist(), made.following.tolist(), strict=True)) == sorted(wanted)


@given(rows)
def test_habits_of_the_unseen(past: list[list[int]]) -> None:
    """Items of no session have no clicks, and are unseen for longer than any other."""
    known = habits(fold(past, 7))
    assert known.counts[6] == 0
    assert known.unseen[6] == len(past)
    assert np.isfinite(known.again).all()


def test_nearest_is_exact() -> None:
    """The nearest by groups are the nearest by looking at all."""
    rng = np.random.Generator(np.random.PCG64(3))
    rows, wanted = (rng.standard_normal((n, 8)).astype(np.float32) for n in (333, 20))
    found = nearest(rows, wanted, 10)
    for near, far in zip(found, np.argsort(-(wanted @ rows.T), axis=1)[:, :10], strict=True):
        assert set(near.tolist()) == set(far.tolist())


@given(rows, st.integers(0, 2))
def test_spread(past: list[list[int]], times: int) -> None:
    """A vector gets those of its ties added, as strongly as they are tied, again and again; one without ties stays."""
    told = tables(fold(past, 7), np.ones(len(past)))
    unit = np.eye(7, dtype=np.float32)
    wanted = unit.astype(float)
    for _ in range(times):
        before = wanted.copy()
        for table in told:
            for item in range(7):
                for at in range(table.starts[item], table.starts[item + 1]):
                    wanted[item] += table.weights[at] * before[table.ids[at]]
        wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert np.allclose(spread(told, unit, times), wanted, atol=1e-5)
    assert np.allclose(spread(told, unit, times)[6], unit[6])


def test_few_are_compared() -> None:
    """Only the items clicked most have nearest vectors, among themselves; the others are found by what was met."""
    past = fold([[0, 1, 2], [0, 1, 2], [0, 1, 3]], 4)
    finder = Finder(past, Vectors(4, Shape(width=8)), Bounds(compared=2, alike=1))
    finder.prepare(np.arange(4))
    assert finder._like(0).tolist() in ([0], [1])
    assert finder._like(3).tolist() == []
    assert set(finder.find([3]).items.tolist()) >= {0, 1}


def test_vectors_gradient() -> None:
    """A step lowers the loss of its own batch: the gradients, written by hand, point down."""
    past = fold([[int(item) for item in row] for row in walks(200)], 60)
    vectors = Vectors(60, Shape(width=8, batch=128, negatives=200, drop=0.0))
    losses = vectors.learn(cases(past, 8), np.ones(60), epochs=8)
    assert losses[-1] < 0.7 * losses[0]
    session = [3, 5, 9]
    padded = np.array([[9, 5, 3, *[60] * 5]], np.int32)
    assert np.allclose(vectors.one(session), vectors.read(padded).unit[0], atol=1e-5)


def test_blend_finds_the_telling_clue() -> None:
    """Of three clues the one that marks the right candidate gets the say."""
    rng = np.random.Generator(np.random.PCG64(4))
    clues = rng.standard_normal((2000, 3)).astype(np.float32)
    starts = np.arange(0, 2001, 10)
    right = starts[:-1] + clues[:, 1].reshape(200, 10).argmax(1)
    blend = Blend(clues, starts, right, epochs=200)
    assert (blend.score(clues).reshape(200, 10).argmax(1) == right - starts[:-1]).mean() > 0.9


def test_clues_are_finite() -> None:
    """Every clue of every candidate is a number, a session of one repeated item included."""
    past = fold([[int(item) for item in row] for row in walks(100)], 61)
    finder = Finder(past, Vectors(61, Shape(width=8)))
    for session in ([3], [3, 3, 3], [60], list(range(30))):
        assert np.isfinite(finder.find(session).clues).all()


@pytest.mark.slow
def test_yoochoose(shared: Path) -> None:
    """On YooChoose's last tenth, learned from the fifth before it, the blend is well above its parts."""
    with gzip.open(shared / "data" / "sessions" / "yoochoose64_train.txt.gz", "rt") as file:
        lines = [line.split() for line in file]
    cut = len(lines) * 9 // 10
    model = NextItems(lines[cut * 7 // 10 : cut], Plan(epochs=2))
    held = [(one[:i], one[i]) for one in lines[cut:] for i in range(1, len(one))][::25]
    ranked = [(model.predict(seen), following) for seen, following in held]
    hits = [ids.index(following) + 1 for ids, following in ranked if following in ids]
    assert len(hits) / len(held) > 0.64
    assert sum(1 / rank for rank in hits) / len(held) > 0.28
