"""Features are bounded, deterministic, named, and say why."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.core.item import KINDS, Item, Kind, Money
from micromoments.core.moment import MomentType, MomentView
from micromoments.policy import features as f
from micromoments.retrieve.ask import Candidate

NOW = 1_760_000_000_000  # 2025-10-09, 08:53 UTC


def candidate(id: str = "p1", kind: Kind = "product", **more: Any) -> Candidate:
    """A candidate; ``item`` fields and candidate fields by name."""
    own = {name: more.pop(name) for name in ("metres", "seconds", "open", "closes_at", "score", "via") if name in more}
    item = Item(id=id, kind=kind, title=more.pop("title", "Trail shoe"), **more)
    return Candidate(item=item, score=own.pop("score", 0.5), via=own.pop("via", ()), reasons=(), **own)


def moment(type: MomentType = "buy", sure: float = 0.8, **need: Any) -> MomentView:
    """A moment of one type, with a need."""
    probabilities = dict.fromkeys(("know", "go", "do", "buy", "none"), (1.0 - sure) / 4) | {type: sure}
    return MomentView("m1", type, probabilities, need, 0.9, 0.5, "consider", [], NOW - 1000, NOW + 60_000)


def row(made: Candidate, seen: MomentView | None = None, context: dict[str, Any] | None = None) -> dict[str, float]:
    """The named features of one candidate that aren't 0."""
    return {f.NAMES[index]: value for index, value in f.features(made, seen, context or {}, NOW)}


def test_every_feature_has_a_name() -> None:
    """There is one name a feature, all different, and every index fits."""
    assert len(f.NAMES) == len(set(f.NAMES)) == f.DIM == 64


@given(
    kind=st.sampled_from(KINDS),
    id=st.text(max_size=20),
    category=st.text(max_size=10),
    numbers=st.tuples(st.integers(-(10**9), 10**9), st.integers(-(10**12), 10**12)),
    score=st.floats(-10, 10),
    metres=st.integers(-1, 10**8),
    query=st.text(max_size=30),
    price=st.integers(0, 10**9),
)
def test_features_are_bounded(
    kind: Kind,
    id: str,
    category: str,
    numbers: tuple[int, int],
    score: float,
    metres: int,
    query: str,
    price: int,
) -> None:
    """Whatever the item and the need, every value lies in [-1, 1] and the bias is 1."""
    made = candidate(
        id,
        kind,
        category=category,
        priority=numbers[0],
        value=numbers[1],
        score=score,
        metres=metres,
        seconds=metres,
        price=Money(price, "USD"),
    )
    x = f.matrix([made], moment(query=query, category=category, price_to=100), {"timezone": query}, NOW)
    assert x.shape == (1, f.DIM)
    assert np.abs(x).max() <= 1.0
    assert x[0, f.BIAS] == 1.0


def test_the_moment_meets_the_kind() -> None:
    """A moment's probabilities appear as products with the kind that the item has, and no other."""
    got = row(candidate(), moment("buy", 0.8))
    assert got["buy x product"] == pytest.approx(0.8)
    assert got["do x product"] == pytest.approx(0.05)
    assert "buy x guide" not in got
    assert not any(" x " in name for name in row(candidate()))


def test_the_need_is_matched() -> None:
    """Words in the title, category, brand and price range of the need show, the last also where it doesn't fit."""
    made = candidate(title="Red trail shoe", category="Shoes", brand="Acme", price=Money(900, "USD"))
    got = row(made, moment(query="trail shoe cheap", category="shoes", brand="ACME", price_to=1000))
    assert got["words in title"] == pytest.approx(2 / 3)
    assert (got["category matches"], got["brand matches"], got["price fits"]) == (1.0, 1.0, 1.0)
    assert row(made, moment(price_from=1000))["price fits"] == -1.0
    assert "price fits" not in row(candidate(), moment(price_from=1000))


def test_places_have_distance_and_hours() -> None:
    """Nearness falls by e each kilometre and ten minutes; open places and those closing soon are told apart."""
    near = row(candidate(kind="place", metres=1000, seconds=600, hours="24/7", closes_at=NOW + 60_000))
    assert near["near"] == near["quick to reach"] == pytest.approx(np.exp(-1))
    assert (near["open place"], near["closing soon"]) == (1.0, 1.0)
    unknown = row(candidate(kind="place"))
    assert not {"near", "quick to reach", "open place", "closing soon"} & set(unknown)


@pytest.mark.parametrize(
    ("price", "need", "fits"),
    [
        (Money(9_000, "JPY"), {"price_to": 10_000, "currency": "USD"}, None),
        (Money(9_000, "USD"), {"price_to": 10_000, "currency": "USD"}, 1.0),
        (Money(12_000, "JPY"), {"price_to": 800_000}, -1.0),
        (Money(8_000, "JPY"), {"price_to": 800_000}, 1.0),
        (Money(8_000, "EUR"), {"price_from": 800_000}, -1.0),
    ],
)
def test_a_price_fits_in_its_own_currency(price: Money, need: dict[str, Any], fits: float | None) -> None:
    """A bound says nothing of another currency; one without a currency is in that of the item."""
    assert row(candidate(price=price), moment(**need)).get("price fits") == fits


def test_the_hour_is_the_persons() -> None:
    """The part of the day follows the context's time zone; one that doesn't exist counts as UTC."""
    assert f.hour_part({"timezone": "Asia/Tokyo"}, NOW) == 2
    assert f.hour_part({}, NOW) == f.hour_part({"timezone": "Nowhere/At all"}, NOW) == 1
    assert f.hour_part({"timezone": "../etc"}, NOW) == 1


def test_nothing_is_kept_of_zones_that_nobody_knows() -> None:
    """Whoever asks may send any text as a zone: however long and many they are, memory stays as it was."""
    f.hour_part({"timezone": "x" * 1_000_000}, NOW)
    tracemalloc.start()
    try:
        for n in range(20):
            f.hour_part({"timezone": f"{n}" * 1_000_000}, NOW)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000


def test_many_at_once_are_as_one_by_one() -> None:
    """A candidate's features don't depend on who stands beside it."""
    some: Sequence[Candidate] = [
        candidate(f"i{n}", KINDS[n % 5], metres=n - 1, via=("popular",) if n % 2 else ("search", "new"))
        for n in range(12)
    ]
    together = f.matrix(some, moment(query="shoe"), {}, NOW)
    for one, x in zip(some, together, strict=True):
        assert f.features(one, moment(query="shoe"), {}, NOW) == f.sparse(x)


def test_sparse_and_dense_are_inverse() -> None:
    """Pairs become the row they came from; an index of a later release's features is left out."""
    x = f.matrix([candidate()], moment(), {}, NOW)[0]
    assert np.array_equal(f.dense(f.sparse(x)), x)
    assert f.dense([(f.DIM, 1.0), (0, 1.0)]).sum() == 1.0


def test_reasons_are_in_the_persons_words() -> None:
    """The heaviest reasons that speak for the item come first, each once, and hashed features are never told."""
    x = f.matrix([candidate(metres=10, via=("popular",), score=0.5)], moment("buy", 0.9), {}, NOW)[0]
    theta = np.zeros(f.DIM)
    theta[[f.NEAR, f.fit("buy", "product"), f.POPULAR]] = [0.1, 0.5, -0.2]
    theta[f.SELF :] = 9.0
    assert f.explain(x, theta, 3) == ("something to buy now", "close by")
    assert f.explain(x, theta, 1) == ("something to buy now",)
    assert f.explain(x, -np.abs(theta)) == ()


def test_room_for_rows_that_ends_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """More items than rows are kept of, or an item that changed meanwhile, have the features that they have alone."""
    known = [candidate(f"p{n}", category=f"c{n % 3}", via=("popular",) if n % 2 else ()) for n in range(12)]
    alone = [f.features(one, moment(category="c1"), {}, NOW) for one in known]
    monkeypatch.setattr(f, "MAX_ROWS", 5)
    monkeypatch.setattr(f, "_KEPT", [f._Kept(5)])
    for few in (known[:4], known[3:8], known, known[::-1]):
        rows = f.matrix(few, moment(category="c1"), {}, NOW)
        assert [f.sparse(row) for row in rows] == [alone[known.index(one)] for one in few]
    changed = candidate("p0", category="c1", via=())
    assert f.features(changed, moment(category="c1"), {}, NOW) != alone[0]
