"""Past sessions as arrays: every click in order, and for each item the sessions that had it.

Items are numbers from 0, sessions numbers in the order of time. Memory is linear in the clicks: about 60 bytes each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

LATELY, JUST_NOW = 0.1, 0.02
"""Parts of the clicks, from the end, that count as recent."""
PRIOR = 5.0
"""Clicks of an average item that a share is drawn to."""


class Past(NamedTuple):
    """Sessions, end to end; C clicks, S sessions, I items.

    ``flat`` (C,) are the items clicked and ``session_of`` (C,) whose click it is; session s has
    ``flat[starts[s]: starts[s + 1]]``. ``ends`` (C,) marks a session's last click. Item i has all of its clicks in
    ``clicks[click_starts[i]: click_starts[i + 1]]`` and, in the same manner by ``visit_starts``, each of its sessions
    once in ``visit_sessions``, with its last click there in ``visit_clicks``; all ascending.
    """

    flat: Ints
    session_of: Ints
    starts: Ints
    ends: Bools
    clicks: Ints
    click_starts: Ints
    visit_sessions: Ints
    visit_clicks: Ints
    visit_starts: Ints

    @property
    def sessions(self) -> int:
        """How many sessions there are."""
        return len(self.starts) - 1

    @property
    def items(self) -> int:
        """How many items there are, those that no session had included."""
        return len(self.visit_starts) - 1


def fold(rows: Sequence[Sequence[int]], items: int) -> Past:
    """Sessions of item numbers below ``items``, oldest click first, later sessions later in time."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    flat: Ints = np.array([item for row in rows for item in row], dtype=np.int64)
    session_of = np.repeat(np.arange(len(rows)), lengths)
    ends = np.ones(len(flat), dtype=bool)
    ends[:-1] = session_of[1:] != session_of[:-1]
    clicks = np.argsort(flat, kind="stable")
    item, session = flat[clicks], session_of[clicks]
    last = np.ones(len(flat), dtype=bool)
    last[:-1] = (item[1:] != item[:-1]) | (session[1:] != session[:-1])
    return Past(
        flat=flat,
        session_of=session_of,
        starts=starts_of(lengths),
        ends=ends,
        clicks=clicks,
        click_starts=starts_of(np.bincount(flat, minlength=items)),
        visit_sessions=session[last],
        visit_clicks=clicks[last],
        visit_starts=starts_of(np.bincount(item[last], minlength=items)),
    )


def starts_of(lengths: Ints) -> Ints:
    """Where stretches of these lengths start when laid end to end, and behind them where the last one ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


class Habits(NamedTuple):
    """What is known of each item, (I,): ``rare`` its inverse document frequency, ``counts`` its clicks, ``lately`` and
    ``just_now`` those among the last clicks of all, ``unseen`` the sessions since its last, ``again`` how often its
    click is followed by itself.
    """

    rare: Floats
    counts: Floats
    lately: Floats
    just_now: Floats
    unseen: Floats
    again: Floats


def habits(past: Past) -> Habits:
    """What past sessions say of each item."""
    flat, n = past.flat, past.items
    visits = np.diff(past.visit_starts)
    inside = np.flatnonzero(~past.ends)
    same = inside[flat[inside] == flat[np.minimum(inside + 1, len(flat) - 1)]]
    followed = np.bincount(flat[inside], minlength=n)
    share = len(same) / max(1, len(inside))
    last = np.full(n, -1, dtype=np.int64)
    has = visits > 0
    last[has] = past.visit_sessions[past.visit_starts[1:][has] - 1]
    return Habits(
        rare=np.log(max(1, past.sessions) / np.maximum(visits, 1)),
        counts=np.bincount(flat, minlength=n).astype(float),
        lately=_tail(flat, LATELY, n),
        just_now=_tail(flat, JUST_NOW, n),
        unseen=(past.sessions - 1 - last).astype(float),
        again=(np.bincount(flat[same], minlength=n) + PRIOR * share) / (followed + PRIOR),
    )


def _tail(flat: Ints, part: float, n: int) -> Floats:
    return np.bincount(flat[int(len(flat) * (1.0 - part)) :], minlength=n).astype(float)
