"""What a decision is drawn with: numbers that follow from its seed alone, the same on every machine."""

from __future__ import annotations

from hashlib import blake2b
from struct import unpack
from typing import Any, cast

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

_LITTLE = {np.dtype(kind): np.dtype(kind).newbyteorder("<") for kind in (np.uint32, np.uint64)}
"""Words of chance as they are on every machine."""


class Chance:
    """A seed's numbers, by BLAKE2b: a decision needs a handful, and to make one of numpy's generators costs more than
    all of them.
    """

    __slots__ = ("_blocks", "_generator", "_left", "_seed")

    def __init__(self, seed: int) -> None:
        self._seed, self._blocks, self._left = seed, 0, list[int]()
        self._generator: np.random.Generator | None = None

    def word(self) -> int:
        """The next 64 bits."""
        if not self._left:
            block = blake2b(b"%d %d" % (self._seed, self._blocks), digest_size=64).digest()
            self._left = list(unpack("<8Q", block))
            self._blocks += 1
        return self._left.pop()

    def random(self) -> float:
        """The next number of [0, 1), evenly among the multiples of 2 ** -53."""
        return (self.word() >> 11) * 2.0**-53

    @property
    def generator(self) -> np.random.Generator:
        """A generator of the same seed, for policies that draw for themselves; made when it is first asked for."""
        if self._generator is None:
            # numpy documents ISeedSequence here; its stubs name only its own class.
            seeds = cast("np.random.SeedSequence", _Hashed(self._seed))
            self._generator = np.random.Generator(np.random.PCG64(seeds))
        return self._generator


class _Hashed(ISeedSequence):
    """A seed's words by BLAKE2b: numpy's own way of mixing a seed takes 10 us."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        """``n_words`` words of a type, at most 64 bytes; the same on every machine."""
        kind = _LITTLE[np.dtype(dtype)]
        words = blake2b(b"%d" % self._seed, digest_size=n_words * kind.itemsize).digest()
        return np.frombuffer(words, dtype=kind).astype(dtype)
