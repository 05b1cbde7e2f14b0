"""What policies are held against: the best fixed list, and how much had to be learned until better."""

from __future__ import annotations

import pytest

from micromoments.simulate import World, best_fixed, until_better

START = 1_767_571_200_000


def test_no_other_list_of_one_is_worth_more() -> None:
    """The best list of one item is worth more than any other one would be, and its worth is the sum over all visits."""
    world = World(2, 30)
    (chosen,), tally = best_fixed(world, START, 2, places=1)
    visits = list(world.visits(START, 2))
    worth = {item.id: sum(world.worth(visit, [item.id]) for visit in visits) for item in world.items}
    assert worth[chosen] == max(worth.values())
    assert sum(tally.each) == pytest.approx(worth[chosen]) == pytest.approx(sum(tally.worth))
    assert sum(tally.visits) == len(visits) == len(tally.each)


def test_until_better_is_for_good() -> None:
    """A lead that is lost doesn't count; who is ahead from the first visit on needed what had been learned by then."""
    learned = [0, 3, 5, 8]
    assert until_better([1, 0, 1, 2], [0, 2, 1, 0], learned) == 8
    assert until_better([1, 1, 1, 1], [0, 0, 0, 0], learned) == 0
    assert until_better([0, 0, 0, 0], [0, 0, 0, 0], learned) is None
    assert until_better([2, 0, 0, 0], [0, 0, 0, 3], learned) is None
    assert until_better([], [], []) is None
