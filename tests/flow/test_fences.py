"""Geofences: entered, dwelt in and left, in order for each person, none lost."""

from __future__ import annotations

from dataclasses import replace as changed
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from micromoments.core.effect import Crossed
from micromoments.core.event import Millis
from micromoments.core.fence import Fence
from micromoments.core.record import EventRecord, TickRecord
from micromoments.core.settings import Settings
from micromoments.recognise.fences import LOST, MAX_SIGHTINGS
from micromoments.stores.embedded.codec import decode_group, encode_group
from tests.flow.world import MINUTE, T0, World, arriving, event, view

ANA = "anon:ana"
SHOP = Fence("shop", "Trail Shop", 240, True)
CAFE = Fence("cafe", "Kaffa", 240, True)


def at(minute: float, *fences: Fence, arrives: Millis = 0, consent: bool | None = None) -> EventRecord:
    """A position report of Ana in these fences."""
    occurred = T0 + round(minute * MINUTE)
    said = {} if consent is None else {"consent": {"categoryPreferences": {"location": consent}}}
    record = event(
        round(minute * 100),
        anon="ana",
        name="Position Reported",
        occurred=occurred,
        at=arrives or occurred,
        context=said,
    )
    return replace(record, fences=fences)


def told(world: World) -> list[tuple[str, str, float]]:
    """What was told so far: (fence, change, minutes since the beginning)."""
    crossings = [e.crossing for e in world.effects if isinstance(e, Crossed)]
    return [(c.fence.id, c.change, (c.at - T0) / MINUTE) for c in crossings]


def test_coming_staying_and_going_are_told_in_order() -> None:
    """Enter at the first position inside, dwell when the stay is long enough, exit at the first position outside."""
    world = World().fold([at(0), at(1, SHOP), at(3, SHOP), at(9, SHOP), at(12)])
    assert told(world) == [("shop", "enter", 1), ("shop", "dwell", 5), ("shop", "exit", 12)]


def test_a_clock_alone_tells_that_somebody_stayed() -> None:
    """Who says nothing more is woken when the stay has lasted long enough, and again when they are lost sight of."""
    world = World().fold([at(0, SHOP)])
    due = world.people[ANA].wake_at()
    assert due == T0 + 240_000
    world.fold([TickRecord(key=ANA, at=due)])
    assert told(world) == [("shop", "enter", 0), ("shop", "dwell", 4)]
    evidence = world.view.recogniser.view(
        world.people[ANA].reading.open[0],
        {t.mid: t for p in world.people[ANA].parts.values() for t in p.traces},
        due,
    ).evidence
    assert any("has stayed 4 min at Trail Shop" in one.text for one in evidence)
    due = T0 + LOST
    while 0 < (wake := world.people[ANA].wake_at()) <= due:
        world.fold([TickRecord(key=ANA, at=wake)])
    assert told(world)[-1] == ("shop", "exit", LOST / MINUTE)
    assert world.people[ANA].fences == {}


def test_a_phone_that_was_offline_tells_all_of_it_late() -> None:
    """Positions that arrive together an hour later cross what they crossed then, and the clock doesn't add a stay."""
    hour = T0 + 60 * MINUTE
    world = World().fold(
        [at(0, SHOP, arrives=hour), at(1, arrives=hour), at(2, CAFE, arrives=hour), at(9, arrives=hour)]
    )
    assert told(world) == [
        ("shop", "enter", 0), ("shop", "exit", 1), ("cafe", "enter", 2), ("cafe", "dwell", 6), ("cafe", "exit", 9),
    ]  # fmt: skip


def test_the_edge_of_a_fence_is_crossed_once() -> None:
    """Positions that jitter in the margin neither enter nor leave."""
    margin = replace(SHOP, inside=False)
    world = World().fold([at(0, margin), at(1, SHOP), at(2, margin), at(3, SHOP), at(3.5, margin)])
    assert told(world) == [("shop", "enter", 1)]


def test_a_position_too_late_to_be_placed_is_not_lost() -> None:
    """Older than all positions that are kept, it is told as come and gone."""
    world = World().fold([at(10 + n) for n in range(MAX_SIGHTINGS)])
    world.fold([at(2, SHOP, arrives=T0 + 30 * MINUTE)])
    assert [(f, c) for f, c, _ in told(world)] == [("shop", "enter"), ("shop", "exit")]


def test_without_consent_nobody_is_followed() -> None:
    """No yes to location: nothing is kept or told; a later no forgets what was kept."""
    silent = changed(view(), settings=Settings(consent=("personalise",)))
    world = World(silent).fold([at(0, SHOP)])
    assert told(world) == []
    assert world.people[ANA].fences == {}
    world = World().fold([at(0, SHOP), at(1, SHOP, consent=False), at(20)])
    assert told(world) == [("shop", "enter", 0)]
    assert world.people[ANA].fences == {}


def test_a_no_to_location_takes_whereabouts_with_it() -> None:
    """Who takes consent back by an event without a position is nowhere from then on, with no timer left."""
    no = {"consent": {"categoryPreferences": {"location": False}}}
    world = World().fold([at(0, SHOP)])
    assert world.people[ANA].fences
    world.fold([event(5, anon="ana", name="Consent Updated", context=no)])
    assert world.people[ANA].fences == {}


def test_the_first_position_of_all_counts_by_its_own_consent() -> None:
    """Who says yes in the event that has their position has entered by it; who says no there hasn't, whatever was."""
    silent = changed(view(), settings=Settings(consent=("personalise",)))
    world = World(silent).fold([at(0, SHOP, consent=True), at(1, SHOP, CAFE, consent=False), at(2, CAFE, consent=True)])
    assert told(world) == [("shop", "enter", 0), ("cafe", "enter", 2)]


def test_a_sensitive_place_is_no_fence() -> None:
    """Coming to a clinic isn't kept."""
    world = World().fold([at(0, replace(SHOP, title="Abortion clinic"))])
    assert told(world) == []


def test_going_is_fulfilled_by_who_stayed_and_left() -> None:
    """A go moment ends as fulfilled when the person stayed and leaves; passing by fulfils nothing."""
    search = event(1, anon="ana", name="Products Searched", properties={"query": "trail shop near me"}, occurred=T0)
    world = World().fold([search, at(5, SHOP), at(10, SHOP), at(15)])
    assert [m.ended for m in world.people[ANA].reading.ended if m.type == "go"] == ["fulfilled"]


walks = st.lists(
    st.tuples(st.integers(1, 9), st.sets(st.sampled_from(["shop", "cafe"]), max_size=2)), min_size=1, max_size=40
)


def walked(steps: list[tuple[int, set[str]]]) -> list[EventRecord]:
    """The position reports of a walk: minutes since the one before, and the fences it lies in."""
    minute, out = 0, []
    for later, names in steps:
        minute += later
        out.append(at(minute, *(fence for fence in (SHOP, CAFE) if fence.id in names)))
    return out


@settings(max_examples=60, deadline=None)
@given(walks)
def test_every_crossing_is_told_once_in_order(steps: list[tuple[int, set[str]]]) -> None:
    """Of any walk, what is told is exactly what comparing each position with the one before gives."""
    records = walked(steps)
    world = World().fold(records)
    wanted: list[tuple[str, str, float]] = []
    before: set[str] = set()
    since: dict[str, Millis] = {}
    for record in records:
        here = {fence.id for fence in record.fences or ()}
        for id in sorted(before | here):
            if id in since and since[id] + 240_000 <= record.occurred:
                wanted.append((id, "dwell", (since.pop(id) + 240_000 - T0) / MINUTE))
            if id in here - before:
                since[id] = record.occurred
                wanted.append((id, "enter", (record.occurred - T0) / MINUTE))
            if id in before - here:
                since.pop(id, None)
                wanted.append((id, "exit", (record.occurred - T0) / MINUTE))
        before = here
    assert sorted(told(world)) == sorted(wanted)
    assert [t for _, _, t in told(world)] == sorted(t for _, _, t in told(world))
    for id in ("shop", "cafe"):
        mine = [change for fence, change, _ in told(world) if fence == id and change != "dwell"]
        assert mine[:1] in ([], ["enter"])
        assert all(a != b for a, b in pairwise(mine))


@settings(max_examples=60, deadline=None)
@given(walks.filter(lambda steps: len(steps) <= MAX_SIGHTINGS), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_show(steps: list[tuple[int, set[str]]], random: object) -> None:
    """As many positions as are kept give the same whereabouts in whatever order they arrive."""
    records = walked(steps)
    shuffled = list(records)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' own Random
    end = records[-1].occurred + 1_000
    one, other = World().fold(arriving(records)).rest(end), World().fold(arriving(shuffled)).rest(end)
    assert one.people[ANA].fences == other.people[ANA].fences


def test_the_log_keeps_what_was_captured() -> None:
    """A record's fences come back from the log; one without is written as before there were fences."""
    with_, without = at(0, SHOP), replace(at(1), fences=None)
    assert [r.fences for r in decode_group(encode_group([with_, without])) if isinstance(r, EventRecord)] == [
        (SHOP,),
        None,
    ]
