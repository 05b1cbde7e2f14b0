"""Worlds to try a policy in: an invented town, people with hidden tastes, and days. Pure: the seed decides everything.

A ``World`` makes the events that its people would send and their reactions to what they are served, and it knows the
truth that no log tells: what each event was for, and what each answer was worth.
"""

from micromoments.simulate.behaviour import Reaction
from micromoments.simulate.city import City
from micromoments.simulate.consumers import Consumer
from micromoments.simulate.tally import Difference, Server, Tally, mean
from micromoments.simulate.visits import Visit
from micromoments.simulate.world import World
from micromoments.simulate.yardstick import best_fixed, until_better

__all__ = [
    "City",
    "Consumer",
    "Difference",
    "Reaction",
    "Server",
    "Tally",
    "Visit",
    "World",
    "best_fixed",
    "mean",
    "until_better",
]
