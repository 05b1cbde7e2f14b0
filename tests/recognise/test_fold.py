"""The fold of traces into moments: laws first, then the stories that it must tell."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from micromoments.core.moment import Need, Reading, Signal, Trace, Vector
from micromoments.core.settings import MINUTE, Settings
from micromoments.recognise.fold import MAX_EVIDENCE, MAX_OPEN
from micromoments.recognise.recogniser import Recogniser

R = Recogniser(Settings())
BUY: Vector = (0, 0, 0, 180, -30)
GO: Vector = (0, 250, 0, 0, -100)
DO: Vector = (0, 0, 400, 0, -150)
KNOW: Vector = (200, 0, 0, 0, -50)
SLIGHT: Vector = (0, 0, 0, 40, 0)
LEAN: Vector = (0, 0, 0, 90, -15)

signals = st.builds(
    Signal,
    weights=st.sampled_from(
        [BUY, GO, DO, KNOW, (0, 0, 0, 40, 0), (0, 0, 0, 90, -15), (0, 0, 0, -400, 200), (0, 0, 0, 0, 0)]
    ),
    why=st.sampled_from(["product", "search", "cart"]),
    need=st.builds(
        Need,
        query=st.sampled_from(["", "trail shoe", "trail running shoe", "coffee"]),
        item=st.sampled_from(["", "p1", "p2"]),
        place=st.sampled_from(["", "", "Corner Cafe"]),
    ),
    stage=st.integers(0, 4),
    ends=st.sampled_from([0, 0, 0, 0, 2, 8]),
    closes=st.sampled_from(["", "", "", "", "*"]),
    metres=st.sampled_from([-1, -1, 20, 120, 300]),
)
traces = st.lists(
    st.builds(
        Trace,
        at=st.one_of(st.integers(0, 400).map(lambda m: m * MINUTE // 2), st.integers(0, 600).map(lambda s: s * 1000)),
        mid=st.integers(1, 10**6),
        signal=signals,
        channel=st.sampled_from(["web", "ios"]),
    ),
    max_size=14,
    unique_by=lambda t: t.mid,
).map(lambda found: sorted(found, key=lambda t: (t.at, t.mid)))


def search(at: int, query: str, weights: Vector, mid: int = 0) -> Trace:
    """A search at a minute."""
    return Trace(at * MINUTE, mid or at + 1, Signal(weights, "search", Need(query=query, words=query), 1))


def act(at: int, weights: Vector = (0, 0, 0, 0, 0), **more: int | str) -> Trace:
    """Behaviour at a minute."""
    stage, ends, closes = int(more.get("stage", 2)), int(more.get("ends", 0)), str(more.get("closes", ""))
    return Trace(
        at * MINUTE, at + 100, Signal(weights, "product", Need(item=str(more.get("item", ""))), stage, ends, closes)
    )


@given(traces, st.integers(0, 14))
def test_adding_is_refolding(found: list[Trace], cut: int) -> None:
    """fold(prefix) with the rest added one by one equals fold(all)."""
    reading = R.fold(found[:cut])
    for trace in found[cut:]:
        reading = R.add(reading, trace)

    assert reading == R.fold(found)


@given(traces, st.randoms())
def test_order_of_arrival_does_not_matter(found: list[Trace], chance: object) -> None:
    """The fold sorts: any order of the same traces, and doubles of them, give one reading."""
    shuffled = found + found[:3]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    assert R.fold(shuffled) == R.fold(found)


@given(traces, st.lists(st.integers(0, 240), max_size=14))
def test_settling_between_changes_nothing(found: list[Trace], delays: list[int]) -> None:
    """Settling at any later instant between traces (a timer that fires before a late event) is undone by that event."""
    reading = Reading()
    for i, trace in enumerate(found):
        reading = R.add(reading, trace)
        reading = R.settle(reading, trace.at + (delays[i] if i < len(delays) else 0) * MINUTE)
    end = 10_000 * MINUTE

    assert R.settle(reading, end).open == R.settle(R.fold(found), end).open == ()
    assert R.fold(found).open == R.settle(_replayed(found), found[-1].at if found else 0).open


def _replayed(found: list[Trace]) -> Reading:
    reading = Reading()
    for trace in found:
        reading = R.settle(R.add(reading, trace), trace.at + 3 * 60 * MINUTE)
    return R.fold(found) if not found else R.add(R.settle(R.fold(found[:-1]), found[-1].at + 500 * MINUTE), found[-1])


@given(traces)
def test_since_bounds_what_open_moments_depend_on(found: list[Trace]) -> None:
    """Traces before ``since`` may be forgotten without changing what is open."""
    reading = R.fold(found)

    assert R.fold([t for t in found if t.at >= reading.since]).open == reading.open


@given(traces)
def test_bounded(found: list[Trace]) -> None:
    """Open moments, their evidence and the ended ones are bounded; ids are unique; every end has its instant."""
    reading = R.fold(found)

    assert len(reading.open) <= MAX_OPEN
    assert len(reading.ended) <= 6
    assert all(len(m.traces) <= MAX_EVIDENCE for m in (*reading.open, *reading.ended))
    assert len({m.id for m in (*reading.open, *reading.ended)}) == len(reading.open) + len(reading.ended)
    assert all(m.ended and m.ended_at >= m.opened_at for m in reading.ended)
    assert all(m.ended is None for m in reading.open)


def test_a_look_at_a_product_opens_and_a_weak_event_does_not() -> None:
    """One product view opens a buy moment; a promotion that was merely seen opens none."""
    assert [m.type for m in R.fold([act(0, BUY)]).open] == ["buy"]
    assert R.fold([act(0, (0, 0, 0, 35, 0))]).open == ()


def test_words_of_one_need_swing_the_type() -> None:
    """The same need worded anew swings its moment from do to buy instead of opening a second one."""
    reading = R.fold(
        [
            search(0, "fix leaking tap", (0, -100, 500, 50, -300)),
            search(1, "leaking tap repair kit", (-50, -50, -200, 500, -300)),
        ]
    )

    assert [m.type for m in reading.open] == ["buy"]
    assert reading.open[0].need.query == "leaking tap repair kit"


def test_another_need_opens_another_moment() -> None:
    """Searches without a word in common are two moments, open at once."""
    reading = R.fold(
        [search(0, "trail shoes", (0, 0, 0, 400, -200)), search(1, "coffee near me", (0, 400, 0, 0, -200))]
    )

    assert [m.type for m in reading.open] == ["buy", "go"]


def test_the_order_fulfils() -> None:
    """The event that meets the need ends the moment as fulfilled, and other moments stay."""
    reading = R.fold([search(0, "coffee", GO), act(1, BUY), act(3, ends=8, stage=5)])

    assert [(m.type, m.ended) for m in reading.ended] == [("buy", "fulfilled")]
    assert [m.type for m in reading.open] == ["go"]


def test_time_ends() -> None:
    """A moment whose time is up has expired; with a cart it was abandoned; the end is when its time was up."""
    looked = R.settle(R.fold([act(0, BUY)]), 61 * MINUTE)
    carted = R.settle(R.fold([act(0, BUY), act(1, (0, 0, 0, 300, -200), stage=3)]), 200 * MINUTE)

    assert (looked.ended[0].ended, looked.ended[0].ended_at) == ("expired", 60 * MINUTE)
    assert (carted.ended[0].ended, carted.ended[0].ended_at) == ("abandoned", 61 * MINUTE)


def test_settle_gives_the_same_object_when_nothing_ends() -> None:
    """Nothing due, nothing new: callers compare by identity."""
    reading = R.fold([act(0, BUY)])

    assert R.settle(reading, MINUTE) is reading


def test_the_person_closes() -> None:
    """A "wrong moment" closes the named moment, or all of them."""
    reading = R.fold([act(0, BUY), search(1, "coffee", GO)])
    named = R.add(reading, act(2, closes=reading.open[0].id))
    all_ = R.add(reading, act(2, closes="*"))

    assert [m.type for m in named.open] == ["go"]
    assert all_.open == ()
    assert {m.ended for m in all_.ended} == {"abandoned"}


def test_evidence_fades() -> None:
    """Probabilities fall back towards the prior as time passes without events."""
    moment = R.fold([act(0, (0, 0, 0, 360, -200))]).open[0]
    early, late = R.view(moment, {}, MINUTE), R.view(moment, {}, 50 * MINUTE)

    assert early.confidence > 0.85
    assert late.confidence < early.confidence
    assert late.probabilities["none"] > early.probabilities["none"]


def test_channels_are_kept_in_order() -> None:
    """A moment goes on across channels and says which."""
    first = Trace(0, 1, Signal(BUY, "product", Need(item="p1"), 2), "web")
    second = Trace(MINUTE, 2, Signal(BUY, "product", Need(item="p1"), 2), "ios")

    assert R.fold([second, first]).open[0].channels == ("web", "ios")
