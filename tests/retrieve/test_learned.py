"""What the catalogue learns: popularity, what goes with what, and its bytes."""

from __future__ import annotations

from collections.abc import Generator
from heapq import heapify

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micromoments.core.geo import Point
from micromoments.core.item import KINDS, Item, Kind
from micromoments.core.steps import at_once
from micromoments.retrieve import learned, popular, similar
from micromoments.retrieve.catalog import Ask, Catalog
from micromoments.retrieve.habits import Kept, Known
from micromoments.retrieve.learned import Learned
from micromoments.retrieve.popular import Clock, Cold, Top
from micromoments.retrieve.repeats import Repeats
from micromoments.retrieve.similar import Ties
from tests.retrieve.shop import DAY, ITEMS, NOON, item, shop

HERE = Point(60.17, 24.94)
IDS = [one.id for one in ITEMS]
events = st.lists(
    st.tuples(
        st.sampled_from(["anon:a", "anon:b", "user:c"]),
        st.sampled_from([*IDS, "unknown"]),
        st.sampled_from(["view", "cart", "buy"]),
        st.integers(0, 3 * DAY),
        st.lists(st.sampled_from([*IDS, "unknown"]), max_size=6),
    ),
    max_size=25,
)


def taught(history: list[tuple[str, str, popular.What, int, list[str]]]) -> Catalog:
    """The shop after these events."""
    catalog = shop()
    for key, id, what, after, recent in history:
        catalog.learn(key, id, what, NOON + after, recent)
    return catalog


def best(catalog: Catalog, kinds: tuple[Kind, ...] = KINDS, recent: tuple[str, ...] = ()) -> list[str]:
    """The candidates' ids, best first."""
    return [one.item.id for one in catalog.candidates(Ask(at=NOON, kinds=kinds, recent=recent))]


@given(events)
@settings(max_examples=40)
def test_same_calls_same_bytes(history: list[tuple[str, str, popular.What, int, list[str]]]) -> None:
    """The same calls give the same bytes, and bytes restore to a catalogue that answers and encodes alike."""
    catalog = taught(history)
    body = catalog.encode()
    assert body == taught(history).encode()
    other = shop()
    other.restore(body)
    assert other.encode() == body
    for ask in (Ask(at=NOON), Ask(at=NOON, recent=("shoe", "care")), Ask(at=NOON, bought=frozenset(["boot"]))):
        assert other.candidates(ask) == catalog.candidates(ask)


@given(events, events)
@settings(max_examples=25)
def test_restored_learns_on_alike(
    before: list[tuple[str, str, popular.What, int, list[str]]],
    after: list[tuple[str, str, popular.What, int, list[str]]],
) -> None:
    """Learning goes on after a restore as if nothing had happened."""
    whole = taught([*before, *after])
    half = shop()
    half.restore(taught(before).encode())
    for key, id, what, later, recent in after:
        half.learn(key, id, what, NOON + later, recent)
    assert half.encode() == whole.encode()


@given(events, events, st.data())
@settings(max_examples=40)
def test_what_is_learned_meanwhile_is_neither_in_a_snapshot_nor_lost(
    before: list[tuple[str, str, popular.What, int, list[str]]],
    meanwhile: list[tuple[str, str, popular.What, int, list[str]]],
    data: st.DataObject,
) -> None:
    """A snapshot that is encoded in steps is of when it was begun, whatever is learned, put, deleted or let go of
    between two of them; and that goes on as if no snapshot were made.
    """
    catalog, alone = taught(before), taught(before)
    body, made = catalog.encode(), list[bytes]()

    def encoded() -> Generator[None, None, None]:
        """The snapshot, kept when it is whole."""
        made.extend((yield from steps))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learned, "ROWS", 1)
        patch.setattr(learned, "PAIRS", 1)
        steps = catalog.encoding()
        going = encoded()
        for key, id, what, after, recent in meanwhile:
            for one in (catalog, alone):
                one.learn(key, id, what, NOON + after, recent, HERE)
                if what == "cart":
                    one.apply({"stove": item("stove", "product", "Stove") if one.get("stove") is None else None})
                if (what, after % 5) == ("view", 0):
                    one.recount()
            for _ in range(data.draw(st.integers(0, 3))):
                next(going, None)
        at_once(going)
    assert b"".join(made) == body
    assert catalog.encode() == alone.encode()


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 501, 65_535, 65_536, 70_000])
def test_the_bytes_of_a_snapshot_are_those_of_all_at_once(size: int) -> None:
    """In steps or in one go, whatever the sizes of tables: the same bytes."""
    ties = {f"p{n}": {f"p{m}": float(m) for m in range(n % 40)} for n in range(size)}

    def held() -> Learned:
        """Of tables of that size, of its own."""
        return Learned(
            counted_from=5,
            counts=dict.fromkeys(ties, 0.5),
            met_from=None,
            met=dict(ties),
            bought_from=7,
            bought=dict(ties),
            repeats=b"abc",
            local_from=9,
            local=dict(ties),
            habits=Kept({n: n for n in range(size)}, {id: Known(1, 2, gaps=[3]) for id in ties}, 3),
        )

    whole = msgspec.msgpack.encode(held())
    assert b"".join(at_once(learned.encoding(held())))[9:] == whole


@pytest.mark.parametrize("spoil", [b"", b"mm", b"something else altogether"])
def test_foreign_bytes_are_refused(spoil: bytes) -> None:
    """Bytes that aren't a learned part raise and say so."""
    with pytest.raises(ValueError, match="got bytes that are no learned part"):
        shop().restore(spoil)


def test_damaged_bytes_are_refused() -> None:
    """A flipped bit or another version is noticed, and nothing is changed."""
    catalog = taught([("anon:a", "shoe", "view", 0, ["boot"])])
    body = catalog.encode()
    with pytest.raises(ValueError, match="got a damaged learned part"):
        catalog.restore(body[:-1] + bytes([body[-1] ^ 1]))
    with pytest.raises(ValueError, match="got version 9"):
        catalog.restore(body[:4] + b"\x09" + body[5:])
    assert catalog.encode() == body


def test_an_event_changes_the_next_request() -> None:
    """What one session did is proposed to the next at once, with the reason."""
    catalog = shop()
    catalog.learn("anon:a", "stove", "view", NOON, ["knot", "lamp"])
    found = {one.item.id: one for one in catalog.candidates(Ask(at=NOON, recent=("lamp",)))}
    assert "similar" in found["stove"].via
    assert "because you looked at Head lamp" in found["stove"].reasons
    assert "lamp" not in found


def test_bought_together() -> None:
    """What was bought with a past purchase is proposed, with the reason."""
    catalog = shop()
    for key in ("anon:a", "anon:b", "anon:c"):
        catalog.learn(key, "sock", "buy", NOON, ["boot"])
    top = catalog.candidates(Ask(at=NOON, bought=frozenset(["boot"]), probabilities=(0, 0, 0, 1, 0)))[0]
    assert top.item.id == "sock"
    assert "together" in top.via
    assert "often bought together with Hiking boots" in top.reasons


def test_reloading_counts_once_a_day() -> None:
    """One person's hundred loads of a page count as one; those of three people as three."""
    catalog = shop()
    for _ in range(100):
        catalog.learn("anon:a", "stove", "view", NOON, [])
    for key in ("anon:b", "anon:c", "anon:d"):
        catalog.learn(key, "lamp", "view", NOON, [])
    assert best(catalog, kinds=("product",))[:2] == ["lamp", "stove"]


def test_popularity_fades() -> None:
    """Two views today beat three of two weeks ago."""
    catalog = shop()
    for key in ("anon:a", "anon:b", "anon:c"):
        catalog.learn(key, "stove", "view", NOON - 14 * DAY, [])
    for key in ("anon:a", "anon:b"):
        catalog.learn(key, "lamp", "view", NOON, [])
    assert best(catalog, kinds=("product",))[0] == "lamp"


def test_unknown_items_teach_nothing() -> None:
    """An item that isn't in the catalogue is passed over, and as a companion too."""
    catalog = shop()
    before = catalog.encode()
    catalog.learn("anon:a", "nothing", "view", NOON, ["shoe"])
    assert catalog.encode() == before


def test_deleted_items_come_back_with_their_counts() -> None:
    """A deleted item is never proposed; put again, it has its popularity back."""
    catalog = shop()
    for key in ("anon:a", "anon:b"):
        catalog.learn(key, "stove", "view", NOON, ["lamp"])
    stove = catalog.get("stove")
    catalog.apply({"stove": None})
    assert "stove" not in best(catalog)
    assert "stove" not in best(catalog, recent=("lamp",))
    catalog.apply({"stove": stove})
    assert best(catalog, kinds=("product",))[0] == "stove"


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(0.1, 9), st.booleans()), max_size=60))
def test_top_is_exact(steps: list[tuple[str, float, bool]]) -> None:
    """However weights grow and items leave, what is held is exactly the largest, as long as it isn't short."""
    held = pytest.MonkeyPatch()
    held.setattr(popular, "TOP", 4)
    try:
        top, weights = Top(), dict[str, float]()
        for id, more, leave in steps:
            if leave:
                top.drop(id)
                weights.pop(id, None)
            else:
                weights[id] = weights.get(id, 0.0) + more
                top.raise_to(id, weights[id])
            order = sorted(weights, key=lambda other: (-weights[other], other))
            told = [other for other, _ in top.first(4)]
            assert told == order[: len(told)]
            assert top.short or len(told) >= min(2, len(order))
    finally:
        held.undo()


@given(st.permutations(range(80)), st.sets(st.integers(0, 79)), st.integers(1, 40))
def test_cold_is_in_order(numbers: list[int], gone: set[int], n: int) -> None:
    """The first cold ranks come in order, whatever the order they were added in, without those that warmed up."""
    cold = Cold()
    for number in numbers[:20]:
        cold.add([(0, 0, f"{number:02}")])
        cold.first(3, lambda rank: int(rank[2]) not in gone)
    cold.add([(0, 0, f"{number:02}") for number in numbers])
    expected = [f"{number:02}" for number in range(80) if number not in gone][:n]
    assert cold.first(n, lambda rank: int(rank[2]) not in gone) == expected


def test_a_load_is_put_in_order_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading a catalogue page by page costs what its items do, not each page all that came before."""
    looked: list[int] = []

    def counted(heap: list[popular.Rank]) -> None:
        looked.append(len(heap))
        heapify(heap)

    monkeypatch.setattr(popular, "heapify", counted)
    catalog = Catalog()
    for page in range(20):
        ids = [f"p{page}-{n}" for n in range(100)]
        catalog.apply({id: item(id, "product", f"thing {id}") for id in ids})
    catalog.loaded()
    assert looked == [2_000]
    for n in range(20):
        catalog.apply({f"late{n}": item(f"late{n}", "product", f"late {n}")})
    assert len(best(catalog)) > 0
    assert looked == [2_000]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts, rows and ties stay within their bounds, and the strongest are kept."""
    monkeypatch.setattr(popular, "MAX_COUNTED", 40)
    monkeypatch.setattr(similar, "MAX_ROWS", 30)
    catalog = Catalog()
    catalog.apply({f"p{i}": item(f"p{i}", "product", f"thing {i}") for i in range(200)})
    for i in range(200):
        catalog.learn("anon:a", f"p{i}", "view", NOON + i, [f"p{i - 1}", "p0"] if i else [])
        catalog.learn("anon:a", "p0", "view", NOON + i * DAY, [])
    assert len(catalog.encode()) < 200_000
    assert best(catalog)[0] == "p0"
    ties = Ties()
    for i in range(500):
        ties.tie(f"p{i}", ["hub"], 1.0, NOON)
    assert len(ties.rows) <= 30
    assert len(ties.rows["hub"]) <= similar.MAX_TIES


def test_decay_survives_decades() -> None:
    """Weights keep their order over half a century of events: the landmark moves before a number overflows."""
    catalog = shop()
    for year in range(50):
        catalog.learn("anon:a", IDS[year % 5], "view", NOON + year * 365 * DAY, [IDS[5]])
    assert best(catalog, kinds=("product",))[0] == IDS[49 % 5]
    clock = Clock(DAY)
    assert clock.weight(NOON) == 1.0
    assert clock.weight(NOON + DAY) == 2.0
    assert clock.due(NOON + 400 * DAY) == 1.0
    assert clock.due(NOON + 401 * DAY) == 2.0**-401
    assert clock.weight(NOON + 401 * DAY) == 1.0


def test_repeats_forget_at_midnight_and_refuse_other_tables() -> None:
    """The same on another day, or by another person, is fresh; a table of another size is refused."""
    repeats = Repeats()
    assert repeats.fresh("a", "x", "view", NOON)
    assert not repeats.fresh("a", "x", "view", NOON + 1)
    assert repeats.fresh("a", "x", "view", NOON + DAY)
    assert repeats.fresh("b", "x", "view", NOON)
    with pytest.raises(ValueError, match="bytes of fingerprints"):
        repeats.restore(b"123")


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("count"), st.integers(0, 11), st.integers(0, 40)),
        st.tuples(st.just("put"), st.integers(0, 11), st.integers(0, 5)),
        st.tuples(st.just("drop"), st.integers(0, 11), st.just(0)),
        st.tuples(st.just("ask"), st.integers(1, 8), st.integers(1, 4)),
    ),
    max_size=60,
)


@given(events=EVENTS)
@settings(max_examples=60, deadline=None)
def test_what_is_kept_of_the_best_is_what_would_be_worked_out_anew(events: list[tuple[str, int, int]]) -> None:
    """Whatever happened between two questions, the best of every kind and category is that of this instant."""
    items: dict[str, Item] = {}
    known = popular.Popular(items.get)
    for what, a, b in events:
        id = f"i{a}"
        before = items.get(id)
        if what == "put":
            items[id] = Item(id=id, kind="product", title=id, category="xyz"[b % 3], priority=b // 3)
            if before is not None:
                known.drop(before)
            known.put([items[id]])
        elif what == "drop" and before is not None:
            del items[id]
            known.drop(before)
        elif what == "count" and before is not None:
            known.count(before, 1.0 + a % 3, b * DAY // 4)
        elif what == "ask":
            for bucket in (("product", ""), ("product", "x"), ("product", "y")):
                told = known.best(bucket, a, b)
                fresh = popular.Popular(items.get)
                fresh.restore(dict(known.weights), known.clock.landmark, items.values())
                assert told == fresh.best(bucket, a, b)
                assert [id for id, _, note in told if note[1] == "popular"] == [id for id, _ in known.first(bucket, a)]
