"""Half-lives are learned: how long what was done goes on telling what is done next."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from micromoments.core.moment import BUY, NONE, Signal, Trace
from micromoments.core.settings import MINUTE
from micromoments.flow.train import HOURS, Beat, Example, paces
from micromoments.recognise.behaviour import QUIET
from micromoments.recognise.recogniser import Recogniser
from micromoments.recognise.weights import SHIPPED, TURNS, Weights, decode

RULES = Recogniser().rules
CENTRE = np.zeros((2 + len(TURNS) + len(HOURS) + 1, NONE))


def beat(key: str, at: float) -> Beat:
    """Something done at a minute, which says nothing as shipped."""
    return Beat(Trace(round(at * MINUTE), 0, Signal(QUIET, "")), key, QUIET, -1, None)


def shop(lasting: float) -> list[Example]:
    """People who peeked some time ago and now look around: most of those who peeked within ``lasting`` minutes buy."""
    random, found = Random(5), []
    for who in range(900):
        age = random.choice([1.0, 4.0, 15.0, 60.0, 150.0])
        buys = random.random() < (0.9 if age <= lasting else 0.05)
        done = [(beat("peeked", 0.0), ()), (beat("looked", age), ())]
        found.append(Example(who, BUY if buys else NONE, done))
    return found


@pytest.mark.parametrize(("lasting", "low", "high"), [(2.0, 0.25, 0.5), (80.0, 2.0, 4.0)])
def test_how_long_evidence_lasts_is_learned(lasting: float, low: float, high: float) -> None:
    """Where a peek tells for two minutes the half-life of buy is shortened, where for an hour it is lengthened."""
    assert low <= paces(shop(lasting), ("looked", "peeked"), RULES, CENTRE)[BUY] <= high


def test_learned_half_lives_multiply_those_of_the_settings() -> None:
    """The recogniser fades by them, and what the settings say still counts."""
    taught = Recogniser(weights=Weights(paces=(1.0, 1.0, 1.0, 2.0)))
    assert taught.rules.half_lives == (*RULES.half_lives[:BUY], 2 * RULES.half_lives[BUY])


def test_weights_without_half_lives_keep_their_bytes() -> None:
    """Weights of a release that didn't learn half-lives are read, and written as they were."""
    old = b'{"acts":{},"events":7,"format":1,"hours":[],"prior":[-230,-230,-230,-230,-51],"turns":{},"until":0}'
    assert decode(old).encode() == old
    assert decode(SHIPPED.encode()) == SHIPPED


@pytest.mark.parametrize("paces", ["[1,1,1]", "[1,1,1,0]", "[1,1,1,1e9]"])
def test_half_lives_that_make_no_sense_are_refused(paces: str) -> None:
    """Three of them, none at all, or one of years is told in words."""
    with pytest.raises(ValueError, match="wanted four numbers"):
        decode(b'{"paces":' + paces.encode() + b"}")
