"""The root of a covariance over many features, kept in blocks: features that never stood in one row share nothing.

Where every item has weights of its own, a row touches one block and leaves the others as they are. Then learning and
deciding cost as much as the block is wide, not as all features are, and the same numbers come out (to rounding) as of
the whole matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromoments.policy.base import FloatArray, from_bytes, to_bytes

Ints = NDArray[np.intp]
NEW = -1
"""The block of a feature that no outcome has touched: alone, with the prior's variance."""


class Block(NamedTuple):
    """Features that have met, rising ``at`` (k,), and their root (k, k), changed in place. ``span`` is ``at``, as a
    slice where it has no gaps.
    """

    at: Ints
    root: FloatArray
    span: Ints | slice


def _block(at: Ints, root: FloatArray) -> Block:
    first, last = int(at[0]), int(at[-1])
    return Block(at, root, slice(first, last + 1) if last - first + 1 == len(at) else at)


class Blocks:
    """A root (d, d) whose product with its transpose is a covariance, at first ``1 / precision`` on the diagonal."""

    __slots__ = ("_blocks", "_of", "own")

    def __init__(self, dim: int, precision: float) -> None:
        self.own = 1.0 / sqrt(precision)
        self._of: Ints = np.full(dim, NEW, dtype=np.intp)
        self._blocks: dict[int, Block] = {}

    def __iter__(self) -> Iterator[Block]:
        """The blocks; what is new has none."""
        return iter(self._blocks.values())

    def spread(self, x: FloatArray) -> FloatArray:
        """Rows (n, d) times the root: (n, d)."""
        out: FloatArray = np.zeros(x.shape)
        rows, at = np.divmod(np.flatnonzero(x != 0.0), len(self._of))
        numbers = self._of[at]
        for number in np.unique(numbers).tolist():
            mine = numbers == number
            if number == NEW:
                out[rows[mine], at[mine]] = self.own * x[rows[mine], at[mine]]
            else:
                block, some = self._blocks[number], np.unique(rows[mine])[:, None]
                out[some, block.at] = x[some, block.at] @ block.root
        return out

    def length(self, row: FloatArray) -> float:
        """The length of ``spread`` of one row (d,)."""
        at = np.flatnonzero(row != 0.0)
        numbers, square = self._of[at], 0.0
        for number in set(numbers.tolist()):
            if number == NEW:
                f = self.own * row[at[numbers == NEW]]
            else:
                block = self._blocks[number]
                f = row[block.span].dot(block.root)
            square += float(f.dot(f))
        return sqrt(square)

    def apart(self, x: FloatArray) -> FloatArray | None:
        """The lengths of ``spread(x)``'s rows (n,), where each row lies in one block, and beside it in features that no
        outcome has touched, and no other row touches either: then they share nothing. ``None`` where it isn't so.
        """
        flat = np.flatnonzero(x != 0.0)
        rows, at = np.divmod(flat, len(self._of))
        numbers = self._of[at]
        fresh = numbers == NEW
        home: Ints = np.full(len(x), NEW, dtype=np.intp)
        np.maximum.at(home, rows, numbers)
        known = [number for number in home.tolist() if number != NEW]
        if len(set(known)) < len(known) or not (fresh | (numbers == home[rows])).all():
            return None
        squares: FloatArray = np.zeros(len(x))
        if fresh.any():
            if np.bincount(at[fresh]).max() > 1:
                return None
            squares += self.own**2 * np.bincount(rows[fresh], x.ravel()[flat[fresh]] ** 2, len(x))
        for n, number in enumerate(home.tolist()):
            if number != NEW:
                block = self._blocks[number]
                f = x[n, block.span].dot(block.root)
                squares[n] += f.dot(f)
        return np.sqrt(squares)

    def met(self, x: FloatArray) -> Block | None:
        """The one block of a row's features, which are in one from now on; ``None`` for a row of zeros."""
        there = x != 0.0
        first = int(there.argmax())
        if not there[first]:
            return None
        block = self._blocks.get(int(self._of[first]))
        # Most rows lie in one block; two counts tell.
        if block is not None and np.count_nonzero(there[block.span]) == np.count_nonzero(there):
            return block
        at = np.flatnonzero(there)
        numbers = self._of[at]
        known = [self._blocks.pop(number) for number in sorted(set(numbers.tolist()) - {NEW})]
        new = at[numbers == NEW]
        every = np.sort(np.concatenate([new, *(one.at for one in known)]))
        root = np.zeros((len(every), len(every)))
        places = np.searchsorted(every, new)
        root[places, places] = self.own
        for one in known:
            places = np.searchsorted(every, one.at)
            root[places[:, None], places] = one.root
        return self._put(_block(every, root))

    def _put(self, block: Block) -> Block:
        number = int(block.at[0])
        self._of[block.at] = number
        self._blocks[number] = block
        return block

    def whole(self) -> FloatArray:
        """The root as one matrix (d, d)."""
        root = np.diag(np.full(len(self._of), self.own))
        for block in self:
            root[block.at[:, None], block.at] = block.root
        return root

    def to_bytes(self) -> bytes:
        """Each feature's block (its first feature, or ``NEW``), then the blocks' roots in the order of those."""
        numbers = to_bytes(self._of.astype(np.float64))
        return b"".join([numbers, *(to_bytes(self._blocks[number].root) for number in sorted(self._blocks))])

    @classmethod
    def from_bytes(cls, body: bytes, dim: int, precision: float) -> Blocks:
        """The blocks that ``to_bytes`` wrote, or of a whole matrix; ``ValueError`` for other bytes."""
        blocks = cls(dim, precision)
        if len(body) == 8 * dim * dim:
            blocks._part(from_bytes(body, (dim, dim)))
            return blocks
        numbers, start = from_bytes(body[: 8 * dim], (dim,)), 8 * dim
        for number in sorted(set(numbers.tolist()) - {float(NEW)}):
            at = np.flatnonzero(numbers == number)
            end = start + 8 * len(at) ** 2
            blocks._put(_block(at, from_bytes(body[start:end], (len(at), len(at)))))
            start = end
        if start != len(body):
            raise ValueError(f"got {len(body)} bytes of a root; wanted {start}; restore a kept version")
        return blocks

    def _part(self, root: FloatArray) -> None:
        """Take a whole matrix apart: what is not zero joins its row's and its column's feature."""
        joined = (root != 0.0) | (root.T != 0.0)
        fresh = (joined.sum(axis=1) == 1) & (np.diag(root) == self.own)
        left = set(np.flatnonzero(~fresh).tolist())
        while left:
            found, todo = set[int](), [min(left)]
            while todo:
                one = todo.pop()
                if one not in found:
                    found.add(one)
                    todo += np.flatnonzero(joined[one]).tolist()
            left -= found
            at = np.array(sorted(found), dtype=np.intp)
            self._put(_block(at, root[np.ix_(at, at)].copy()))
