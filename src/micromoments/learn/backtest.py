"""A policy tried on a log: what it would have earned had it decided instead.

The log is JSON lines ``{decision_id, ts, context, actions: [{id, features}], chosen, propensity, reward}``. A learning
target decides each record before it learns it, with only earlier ones behind it; so does the reward model of DR. Both
are then functions of the past, which keeps the estimates unbiased without folds (the log read once, in its order of
time).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import isfinite
from typing import Any, Protocol
from zlib import crc32

import msgspec
import numpy as np

from micromoments.learn.estimate import Estimate, FloatArray, dr, ips, snips

DIM = 64
"""Width of a logged action's features, as the engine's policies take them."""
RIDGE = 1.0
"""Prior precision of the reward model's weights."""
MAX_REASONS = 5
"""Distinct reasons told of records that were set aside."""


class Action(msgspec.Struct, frozen=True):
    """What could be shown: ``features`` are a mapping of names to numbers, words or truths, or a list of numbers."""

    id: str
    features: dict[str, float | str | bool | None] | list[float] = {}


class Logged(msgspec.Struct, frozen=True):
    """One decision of the log; ``chosen`` is an action's id, ``ts`` any sortable instant (ms, or RFC 3339)."""

    decision_id: str
    actions: list[Action]
    chosen: str
    propensity: float
    reward: float
    ts: int | float | str = 0
    context: dict[str, Any] = {}

    def row(self) -> int:
        """The position of what was chosen among the actions; -1 where it isn't one."""
        return next((n for n, action in enumerate(self.actions) if action.id == self.chosen), -1)


class Target(Protocol):
    """A policy as a backtest sees it."""

    def pmf(self, x: FloatArray, rng: np.random.Generator) -> FloatArray:
        """(n, d) -> (n,)."""
        ...

    def learn(self, x: FloatArray, reward: float, weight: float = 1.0) -> None:
        """One outcome."""
        ...


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a backtest found. ``set_aside`` counts records that couldn't be used, ``why`` says it of some of them."""

    estimates: tuple[Estimate, ...]
    logged_value: float
    n: int
    set_aside: int
    why: tuple[str, ...] = ()


def read(lines: Iterable[bytes | str]) -> tuple[list[Logged], list[str]]:
    """The usable records of a log in order of time (of the file, where that is equal), and why the others aren't."""
    decoder = msgspec.json.Decoder(Logged)
    records: list[Logged] = []
    wrong: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = decoder.decode(line)
        except msgspec.DecodeError as error:
            wrong.append(f"line {number}: {error}")
            continue
        reason = _unusable(record)
        if reason:
            wrong.append(f"line {number}: {reason}")
        else:
            records.append(record)
    if len({isinstance(record.ts, str) for record in records}) == 1:
        records.sort(key=lambda record: record.ts)
    return records, wrong


def _unusable(record: Logged) -> str:
    if not 0.0 < record.propensity <= 1.0:
        return f"got propensity {record.propensity}; wanted above 0, at most 1"
    if not (isfinite(record.reward) and 0.0 <= record.reward <= 1.0):
        return f"got reward {record.reward}; wanted 0 to 1"
    return "" if record.row() >= 0 else f"got chosen {record.chosen!r}; wanted the id of one of its actions"


def encode(record: Logged, dim: int = DIM) -> FloatArray:
    """The actions' features (n, d), hashed with signs into ``dim`` places: a bias, the id, each feature, and each of
    the context's values together with the id. Every row's values lie in [-1, 1].
    """
    x = np.zeros((len(record.actions), dim))
    x[:, 0] = 1.0
    context = [
        f"{name}={value}" for name, value in sorted(record.context.items()) if not isinstance(value, dict | list)
    ]
    for n, action in enumerate(record.actions):
        _add(x[n], f"id={action.id}", 1.0)
        features = action.features
        named = (
            features.items() if isinstance(features, dict) else ((str(i), value) for i, value in enumerate(features))
        )
        for name, value in named:
            if isinstance(value, bool | str):
                _add(x[n], f"{name}={value}", 0.5)
            elif value is not None and isfinite(value):
                _add(x[n], name, value / (1.0 + abs(value)))
        for one in context:
            _add(x[n], f"{one}&id={action.id}", 0.5)
    return np.clip(x, -1.0, 1.0)


def _add(row: FloatArray, key: str, value: float) -> None:
    at, sign = _place(key, len(row))
    row[at] += sign * value


@lru_cache(maxsize=65_536)
def _place(key: str, dim: int) -> tuple[int, float]:
    mixed = (crc32(key.encode("utf-8", "surrogatepass")) * 0x9E3779B1) & 0xFFFFFFFF
    return 1 + (mixed >> 8) % (dim - 1), 1.0 if mixed & 0x80 else -1.0


class _Model:
    """Ridge regression of the reward, one outcome at a time (Sherman and Morrison, 1950)."""

    def __init__(self, dim: int) -> None:
        self._inverse = np.eye(dim) / RIDGE
        self._moment = np.zeros(dim)
        self.theta = np.zeros(dim)

    def learn(self, x: FloatArray, reward: float) -> None:
        """One outcome, x (d,)."""
        ahead = self._inverse @ x
        self._inverse -= ahead[:, None] * (ahead / (1.0 + float(x @ ahead)))
        self._moment += reward * x
        self.theta = self._inverse @ self._moment


def policy(records: Sequence[Logged], target: Target, seed: int = 0, alpha: float = 0.05) -> Result:
    """Estimate what a policy is worth that starts as ``target`` is and learns from the log as it goes.

    What it learns of a record is weighted by nothing but its turn: the log's actions were drawn by another, which
    changes what it sees, not whether it is estimated rightly.
    """
    rng = np.random.Generator(np.random.PCG64(seed))

    def decide(_: Logged, x: FloatArray) -> FloatArray:
        return target.pmf(x, rng)

    return _run(records, decide, target, alpha, [])


def given(records: Sequence[Logged], probabilities: Mapping[str, Mapping[str, float]], alpha: float = 0.05) -> Result:
    """Estimate what a policy is worth whose probabilities are given by decision id and action id.

    Decisions that it says nothing of, and those whose probabilities don't sum to 1, are set aside.
    """
    usable: list[Logged] = []
    wrong: list[str] = []
    for record in records:
        p = probabilities.get(record.decision_id)
        total = sum(p.values()) if p is not None else 0.0
        if p is None or abs(total - 1.0) > 1e-3:
            wrong.append(f"decision {record.decision_id}: got probabilities summing to {total:g}; wanted 1")
        elif not p.keys() <= {action.id for action in record.actions}:
            wrong.append(f"decision {record.decision_id}: got a probability of an id that is none of its actions")
        else:
            usable.append(record)

    def decide(record: Logged, _: FloatArray) -> FloatArray:
        p = probabilities[record.decision_id]
        return np.array([p.get(action.id, 0.0) for action in record.actions])

    return _run(usable, decide, None, alpha, wrong)


class _Decide(Protocol):
    """A record and its actions' features (n, d) -> the target's probabilities (n,)."""

    def __call__(self, record: Logged, x: FloatArray, /) -> FloatArray:
        """The probabilities."""
        ...


def _run(
    records: Sequence[Logged], decide: _Decide, learner: Target | None, alpha: float, wrong: Sequence[str]
) -> Result:
    """One pass in order: decide, predict, note, then learn."""
    if not records:
        raise ValueError(
            "got no usable decision; wanted at least one; the first problems: " + ("; ".join(wrong[:3]) or "none")
        )
    model = _Model(DIM)
    noted = np.empty((len(records), 3))
    for n, record in enumerate(records):
        x, row = encode(record), record.row()
        p = decide(record, x)
        expected = x @ model.theta
        noted[n] = p[row], expected[row], p @ expected
        model.learn(x[row], record.reward)
        if learner is not None:
            learner.learn(x[row], record.reward)
    reward = np.array([record.reward for record in records])
    propensity = np.array([record.propensity for record in records])
    target, shown, mean = noted.T
    return Result(
        estimates=(
            ips(reward, propensity, target, alpha),
            snips(reward, propensity, target, alpha),
            dr(reward, propensity, target, shown, mean, alpha),
        ),
        logged_value=float(reward.mean()),
        n=len(records),
        set_aside=len(wrong),
        why=tuple(wrong[:MAX_REASONS]),
    )
