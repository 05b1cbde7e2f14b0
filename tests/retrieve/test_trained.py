"""What a model of sessions taught, asked beside what events bring."""

from __future__ import annotations

import numpy as np
import pytest

from micromoments.core.item import Item
from micromoments.retrieve.catalog import Ask, Catalog
from micromoments.retrieve.nextitem.distil import GAP, examine, learn, sessions_of
from micromoments.retrieve.nextitem.model import Plan
from micromoments.retrieve.trained import MOST, Trained, decode

NOW = 1_750_000_000_000
PLAN = Plan(epochs=1)


def table() -> Trained:
    """Shoes lead to socks, sometimes to laces."""
    others, shares = np.full((3, MOST), -1, np.int32), np.zeros((3, MOST), np.float16)
    others[0, :2], shares[0, :2] = (1, 2), (0.5, 0.25)
    return Trained(["shoes", "socks", "laces"], others, shares, at=NOW, sessions=7, clicks=20)


def shop(*more: str) -> Catalog:
    """A catalogue of products."""
    catalog = Catalog()
    catalog.apply({id: Item(id=id, kind="product", title=id.title()) for id in ("shoes", "socks", "laces", *more)})
    return catalog


def similar(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """What is found because of the session, after shoes, with its reasons."""
    found = catalog.candidates(Ask(at=NOW, recent=("shoes",)))
    return {c.item.id: c.reasons for c in found if "similar" in c.via}


def test_bytes_give_the_same_table() -> None:
    """What was encoded is decoded: rows, and what it was learned from."""
    again = decode(table().encode())
    assert again.row("shoes") == {"socks": 0.5, "laces": 0.25}
    assert again.row("socks") == again.row("hat") == {}
    assert (again.at, again.sessions, again.clicks) == (NOW, 7, 20)


@pytest.mark.parametrize("wrong", [b"", b"mmnx", b"other bytes than these", table().encode()[:-1]])
def test_damaged_bytes_are_refused(wrong: bytes) -> None:
    """Bytes that aren't a whole table are an error that says what to do."""
    with pytest.raises(ValueError, match="train again"):
        decode(wrong)


def test_looking_teaches_nothing() -> None:
    """A catalogue that nobody told of anything gives the same bytes after it was asked: a replay asks nothing."""
    catalog = shop()
    catalog.foresee(table(), fresh=True)
    before = catalog.encode()
    assert similar(catalog)
    assert catalog.encode() == before


def test_what_was_learned_recommends_and_says_why() -> None:
    """The model's others are candidates, because of the item that was looked at."""
    catalog = shop()
    catalog.foresee(table(), fresh=True)
    assert similar(catalog) == {
        "socks": ("because you looked at Shoes",),
        "laces": ("because you looked at Shoes",),
    }


def test_an_event_changes_what_the_next_request_gets() -> None:
    """Beside the model, what one session does now is proposed to the next."""
    catalog = shop("hat")
    catalog.foresee(table(), fresh=True)
    assert "hat" not in similar(catalog)
    catalog.learn("anon:x", "hat", "view", NOW, ["shoes"])
    assert "hat" in similar(catalog)


def test_a_new_model_takes_over_from_the_counts_that_it_learned_from() -> None:
    """A fresh model lets the old counts go; one that is put back at a start doesn't."""
    catalog = shop("hat")
    catalog.learn("anon:x", "hat", "view", NOW, ["shoes"])
    catalog.foresee(table(), fresh=False)
    assert "hat" in similar(catalog)
    catalog.foresee(table(), fresh=True)
    assert "hat" not in similar(catalog)


def test_what_is_gone_from_the_catalogue_is_not_proposed() -> None:
    """The model may know items that no longer exist."""
    catalog = shop()
    catalog.foresee(table(), fresh=True)
    catalog.apply({"socks": None})
    assert set(similar(catalog)) == {"laces"}


def test_clicks_become_sessions() -> None:
    """A pause of half an hour parts sessions; repeats and single clicks say nothing; the last to end comes last."""
    clicks = [
        (1, NOW, "a"), (1, NOW + 1, "a"), (1, NOW + 2, "b"), (1, NOW + GAP + 3, "c"), (1, NOW + GAP + 4, "d"),
        (2, NOW + 1, "x"), (2, NOW + GAP, "y"), (3, NOW, "alone"),
    ]  # fmt: skip
    assert sessions_of(reversed(clicks)) == [["a", "b"], ["x", "y"], ["c", "d"]]


def test_a_table_is_learned_from_sessions_and_examined() -> None:
    """Of sessions in which b follows a and d follows c, that is what the table says, at least as well as counts."""
    sessions = [["a", "b"], ["c", "d"], ["e", "f"]] * 60
    learned = learn(sessions, NOW, PLAN)
    assert [next(iter(learned.row(item))) for item in "ace"] == ["b", "d", "f"]
    found = examine(sessions, PLAN)
    assert found.better
    assert found.cases == 18
    assert found.trained.hit_rate == 1.0
