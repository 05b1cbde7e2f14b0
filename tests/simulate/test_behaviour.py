"""How the town's people react: better answers are worth more, and the truth agrees with the dice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from micromoments.core.moment import MomentType
from micromoments.simulate import Visit, World, mean

START = 1_767_571_200_000


@pytest.fixture(scope="module")
def world() -> World:
    """A town with enough visits to average over."""
    return World(seed=2, people=120)


@pytest.fixture(scope="module")
def visits(world: World) -> list[Visit]:
    """A week of it."""
    return list(world.visits(START, 7))


def fitting(world: World, visit: Visit, n: int = 3) -> list[str]:
    """The items that suit a visit best: what only somebody who knows could serve."""
    return sorted((i.id for i in world.items), key=lambda id: -world.worth(visit, [id]))[:n]


def test_what_suits_is_worth_more(world: World, visits: list[Visit]) -> None:
    """Serving what suits moment and taste is worth more than twice a fixed list."""
    some = visits[::6]
    fixed = [i.id for i in world.items if i.kind == "product"][:3]
    best = sum(world.worth(v, fitting(world, v)) for v in some)
    assert best > 2 * sum(world.worth(v, fixed) for v in some)


def test_order_of_positions_matters(world: World, visits: list[Visit]) -> None:
    """The best item is worth at least as much in the first position as in the last."""
    poor = [i.id for i in world.items if i.kind == "offer"][:2]
    for visit in visits[:40]:
        best = fitting(world, visit, 1)
        assert world.worth(visit, [*best, *poor]) >= world.worth(visit, [*poor, *best]) - 0.02


@pytest.mark.parametrize("type_", ["know", "go", "do", "buy", "none"])
def test_nothing_served_is_worth_what_people_find_by_themselves(
    world: World, visits: list[Visit], type_: MomentType
) -> None:
    """Without serving, people order by themselves now and then, the more the closer they are to buying."""
    found = {world.worth(v, []) for v in visits if v.type == type_}
    assert len(found) == 1
    assert 0 < found.pop() < 0.2


def test_dice_agree_with_the_truth(world: World, visits: list[Visit]) -> None:
    """Orders drawn over many visits match the exact expectation within four standard errors."""
    drawn, expected = [], []
    for visit in visits:
        items = fitting(world, visit)
        drawn.append(float(world.react(visit, items, "d", visit.asks_at).ordered > 0))
        expected.append(world.worth(visit, items))
    gap = mean([d - e for d, e in zip(drawn, expected, strict=True)])
    assert abs(gap.mean) < 2.05 * (gap.high - gap.mean)


def test_reaction_is_the_same_again(world: World, visits: list[Visit]) -> None:
    """The same visit meets the same items in the same mood: common random numbers."""
    visit = visits[3]
    items = fitting(world, visit)
    assert world.react(visit, items, "d", visit.asks_at) == world.react(visit, items, "d", visit.asks_at)


def test_unknown_items_are_not_seen(world: World, visits: list[Visit]) -> None:
    """An id that isn't the town's changes nothing."""
    assert world.worth(visits[0], ["nobody-knows"]) == world.worth(visits[0], [])


class Listed:
    """A server that always answers the same list, and remembers what arrived."""

    def __init__(self, items: Sequence[str]) -> None:
        self.items = items
        self.arrived: list[int] = []

    def collect(self, events: Sequence[Mapping[str, Any]], at: int) -> None:
        """Remember the instant."""
        self.arrived.append(at)

    def decide(
        self, id: str, anonymous_id: str, slot: str, context: Mapping[str, Any], at: int
    ) -> tuple[Sequence[str], bool]:
        """The list, for everyone."""
        self.arrived.append(at)
        return self.items, anonymous_id.endswith("1")


def test_time_never_goes_back_for_a_server(world: World) -> None:
    """Events and questions of all people arrive in the order of time, none after the end."""
    server = Listed([world.items[0].id])
    tally = world.live(server, START, 3)
    assert server.arrived == sorted(server.arrived)
    assert server.arrived[-1] <= START + 3 * 86_400_000
    assert tally.decisions == sum(tally.visits)


def test_gain_is_exact_between_equals(world: World) -> None:
    """Two servers that answer alike differ by nothing at all, and a better one by something sure."""
    places = [i.id for i in world.items if i.kind == "place"][:3]
    one, same = world.live(Listed(places), START, 3), world.live(Listed(places), START, 3)
    assert one.gain(same).mean == one.gain(same).high == 0
    nothing = world.live(Listed([]), START, 3)
    assert one.gain(nothing, served_only=True).low > 0
