"""What a company's own log taught: log-likelihoods by event name and by turn of a story, over the shipped ones.

The shipped values are an empty ``Weights``. A trained one is JSON of a few kilobytes, named by its digest; nothing in
it tells of a person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec

from micromoments.core.moment import NONE, Vector

FORMAT: Final = 1
PRIOR: Final[Vector] = (-230, -230, -230, -230, -51)
"""Mostly no moment: 0.6 of none, 0.1 of each intent."""
TURNS: Final[Mapping[str, Vector]] = {
    "more": (-20, -20, -20, -20, 0),
    "several": (-40, -40, -40, -40, 0),
    "again": (40, 30, 50, 60, 0),
    "chose": (0, 0, 0, 40, 0),
    "filled": (0, 0, 0, 0, 0),
    "wandered": (-15, -15, -15, -25, 0),
    "dwelt": (20, 0, 20, 15, 0),
    "hasty": (-20, 0, -20, -20, 0),
    "refined": (15, 15, 15, 25, 0),
    "closer": (0, 60, 0, 0, 0),
    "leaving": (0, -220, 0, 0, 0),
}
"""What a turn of the story adds to the type that its event speaks for, set by hand, in hundredths of a nat.

``more`` is any look that isn't the first, ``several`` one at a third item or a later one (the next look tells less than
the first); ``again`` comes back to an item, ``chose`` puts one into the cart that was looked at, ``filled`` a further
one (nothing until a log teaches how much less that says), ``wandered`` goes to another category; ``dwelt`` follows a
while with the thing before, ``hasty`` a glance; ``refined`` words the same need anew; ``closer`` and ``leaving`` are
ways to and from the place of the moment.
"""


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Learned log-likelihoods in hundredths of a nat over know, go, do, buy, none.

    ``prior`` is what is known of a person of whom nothing is known. ``acts`` are keyed as ``Reader.key`` gives them,
    ``turns`` as ``TURNS``; what isn't named here is as shipped. ``hours``, where learned, are what the beginning of a
    stretch says by its hour in the project's zone, eight of three hours each. ``paces``, where learned, are by how much
    the half-lives of know, go, do and buy that the settings give are longer here.
    ``until`` is the instant up to which events were learned from, ``events`` how many.
    """

    format: int = FORMAT
    prior: Vector = PRIOR
    acts: dict[str, Vector] = {}
    turns: dict[str, Vector] = {}
    hours: tuple[Vector, ...] = ()
    paces: tuple[float, ...] = ()
    until: int = 0
    events: int = 0

    @property
    def digest(self) -> str:
        """The SHA-256 of the weights as they are kept, hexadecimal; empty for the shipped ones."""
        return hashlib.sha256(self.encode()).hexdigest() if self != SHIPPED else ""

    def encode(self) -> bytes:
        """Canonical JSON: the same weights give the same bytes, those without ``paces`` the bytes that they had."""
        told = msgspec.to_builtins(self)
        if not self.paces:
            del told["paces"]
        return msgspec.json.encode(told, order="sorted")

    def turn(self, name: str) -> Vector:
        """What a turn adds: as learned, else as shipped."""
        return self.turns.get(name, TURNS[name])


SHIPPED: Final = Weights()


def decode(body: bytes) -> Weights:
    """Weights as they were kept; empty bytes are the shipped ones.

    Raises:
        ValueError: they are no weights, or of a format that this release doesn't read.
    """
    if not body:
        return SHIPPED
    try:
        weights = msgspec.json.decode(body, type=Weights)
    except msgspec.MsgspecError as error:
        raise ValueError(f"got weights that don't decode ({error}); train again, or roll back") from None
    if weights.paces and (len(weights.paces) != NONE or not all(0.01 <= pace <= 100 for pace in weights.paces)):
        raise ValueError(f"got paces {weights.paces}, wanted four numbers from 0.01 to 100; train again, or roll back")
    if weights.format != FORMAT:
        raise ValueError(f"got weights of format {weights.format}, wanted {FORMAT}; train again, or roll back")
    return weights
