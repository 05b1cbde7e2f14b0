"""What the tests of deciding start from."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from micromoments.core.decision import Request
from micromoments.core.item import Item, Kind
from micromoments.core.moment import MomentType, MomentView
from micromoments.core.person import Person, Stamp, Trait
from micromoments.core.settings import Settings
from micromoments.policy.base import FloatArray, one_hot
from micromoments.retrieve.ask import Candidate

NOW = 1_760_000_000_000
DAY = 86_400_000


def candidate(id: str = "p1", kind: Kind = "product", **more: Any) -> Candidate:
    """A candidate; fields of the item and of the candidate by name."""
    names = ("metres", "seconds", "open", "closes_at", "score", "via", "reasons")
    own = {name: more.pop(name) for name in names if name in more}
    item = Item(id=id, kind=kind, title=more.pop("title", f"Item {id}"), **more)
    return Candidate(
        item=item, score=own.pop("score", 0.5), via=own.pop("via", ()), reasons=own.pop("reasons", ()), **own
    )


def some(n: int, **more: Any) -> list[Candidate]:
    """So many candidates, each of its own category, better first."""
    return [candidate(f"p{i}", category=f"c{i}", score=1.0 - i / 1000, **more) for i in range(n)]


def person(*, consent: tuple[str, ...] = ("personalise",), **more: Any) -> Person:
    """A person who consents to these purposes."""
    said = {purpose: Trait(Stamp(1, 1), True) for purpose in consent}
    return Person(id="user:ana", surrogate=7, consent=said, **more)


def request(**more: Any) -> Request:
    """A request for the slot ``home``."""
    given: dict[str, Any] = {"id": "d1", "slot": "home", "key": "anon:a1", "at": NOW}
    return Request(**(given | more))


def moment(type: MomentType = "buy", sure: float = 0.8, **more: Any) -> MomentView:
    """An open moment of one type."""
    probabilities = dict.fromkeys(("know", "go", "do", "buy", "none"), (1.0 - sure) / 4) | {type: sure}
    given: dict[str, Any] = {
        "id": f"m-{type}",
        "type": type,
        "probabilities": probabilities,
        "need": {},
        "confidence": 0.9,
    }
    given |= {"urgency": 0.5, "stage": "consider", "evidence": [], "opened_at": NOW - 1000, "expires_at": NOW + 60_000}
    return MomentView(**(given | more))


def settings(**more: Any) -> Settings:
    """Settings of a project."""
    return Settings(**more)


class Fixed:
    """A policy whose probabilities are given: in proportion to the first feature, or all on row ``always``."""

    name = "fixed"
    version = 3

    def __init__(self, always: int | None = None) -> None:
        """A policy that takes row ``always`` if it is given."""
        self.always = always

    def pmf(self, x: FloatArray, rng: np.random.Generator) -> FloatArray:
        """In proportion to the first feature."""
        if self.always is not None:
            return one_hot(len(x), self.always)
        return np.asarray(x[:, 0] / x[:, 0].sum(), dtype=np.float64)

    def score(self, x: FloatArray) -> FloatArray:
        """The first feature."""
        return np.asarray(x[:, 0], dtype=np.float64)

    def learn(self, x: FloatArray, reward: float, weight: float = 1.0) -> None:
        """Nothing."""

    def encode(self) -> bytes:
        """Nothing."""
        return b""

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """A new one."""
        return cls()
