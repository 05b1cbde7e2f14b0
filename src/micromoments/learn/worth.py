"""Money as a reward: what a goal is worth, brought to [0, 1] so that one large order doesn't outweigh all others.

A slot's policy learns from values divided by a *cap*, and what exceeds it counts as the cap (winsorised, as robust
means of heavy tails are; Bubeck, Cesa-Bianchi and Lugosi, "Bandits with heavy tail", 2013). The cap is the value that
all but the highest 5 % stay under, at least twice the median, of what was seen in the slot, a currency each. It moves
only whenever twice as many values were seen, so that what was learned stays comparable, and from then on slowly.

A click is a step on the way: it is worth its share of what a goal is worth on average. What comes of it later takes its
place.
"""

from __future__ import annotations

from itertools import accumulate

import msgspec
from msgspec.structs import replace

from micromoments.core.outcome import Outcome
from micromoments.learn.credit import CLICK_REWARD

FORMAT = 1
QUANTILE = 0.95
LEAST = 2.0
"""The cap is at least so many medians: where values are few or alike, a larger one still counts as larger."""
MOST = 4_096
"""Values after which all count half: prices change."""
MAX_CURRENCIES = 16
"""Currencies of a slot; values in others count as one in the middle."""
FINE = 8
"""Buckets to a doubling of the value."""
TYPICAL = 0.5
"""A goal's reward where nothing is known of what goals are worth."""


class _Values(msgspec.Struct, array_like=True):
    """The values of one currency: counts by bucket, the cap in force, the mean reward at it, when it is due again."""

    counts: dict[int, int] = {}
    cap: float = 0.0
    typical: float = TYPICAL
    due: int = 1


class _State(msgspec.Struct, frozen=True, array_like=True):
    format: int
    currencies: dict[str, _Values]


class Worth:
    """What goals are worth in one slot. The same outcomes in the same order give the same rewards."""

    def __init__(self) -> None:
        self._currencies: dict[str, _Values] = {}

    def rewarded(self, outcome: Outcome) -> Outcome:
        """The outcome with the reward that its worth comes to here; as it is where its worth isn't asked for.

        A goal's worth is taken in first. A refund takes back what it is worth of the goal's reward.
        """
        if outcome.worth is None:
            return outcome
        values = self._values(outcome.currency if outcome.what == "goal" else "")
        if outcome.what == "goal" and outcome.worth > 0:
            _add(values, outcome.worth)
        click = CLICK_REWARD * values.typical
        if outcome.what == "clicked":
            return outcome if outcome.reward is None else replace(outcome, reward=click)
        if outcome.worth < 0:
            back = _reward(values, -outcome.worth)
            return replace(outcome, reward=-back, before=back)
        was = None if outcome.before is None else click if outcome.before else 0.0
        return replace(outcome, reward=_reward(values, outcome.worth) - (was or 0.0), before=was)

    def told(self) -> dict[str, float]:
        """The cap in force by currency, in minor units."""
        return {code: values.cap for code, values in sorted(self._currencies.items()) if values.cap}

    def _values(self, currency: str) -> _Values:
        """What is known of a currency; of the one most seen where it isn't said, as by a click."""
        if not currency and self._currencies:
            return max(self._currencies.items(), key=lambda one: (sum(one[1].counts.values()), one[0]))[1]
        if currency in self._currencies:
            return self._currencies[currency]
        values = _Values(counts={})
        if currency and len(self._currencies) < MAX_CURRENCIES:
            self._currencies[currency] = values
        return values

    def encode(self) -> bytes:
        """All of it; the same outcomes in the same order give the same bytes."""
        kept = {
            code: replace(values, counts=dict(sorted(values.counts.items())))
            for code, values in sorted(self._currencies.items())
        }
        return msgspec.msgpack.encode(_State(FORMAT, kept))

    @classmethod
    def decode(cls, body: bytes) -> Worth:
        """What ``encode`` wrote; ``ValueError`` for other bytes."""
        try:
            state = msgspec.msgpack.decode(body, type=_State)
        except msgspec.DecodeError as error:
            raise ValueError(
                f"got {len(body)} bytes that are no values ({error}); wanted what encode() wrote; restore a backup"
            ) from error
        worth = cls()
        worth._currencies = state.currencies
        return worth


def _bucket(value: int) -> int:
    """The bucket of a value above 0: whole numbers alone, so that every machine agrees."""
    doublings = value.bit_length() - 1
    return FINE * doublings + ((value * FINE >> doublings) & (FINE - 1))


def _middle(bucket: int) -> float:
    doublings, part = divmod(bucket, FINE)
    return float(2**doublings * (FINE + part + 0.5) / FINE)


def _add(values: _Values, value: int) -> None:
    """Take in a value, and move the cap where that is due."""
    bucket = _bucket(value)
    values.counts[bucket] = values.counts.get(bucket, 0) + 1
    many = sum(values.counts.values())
    if many < values.due:
        return
    buckets = sorted(values.counts)
    below = list(accumulate(values.counts[one] for one in buckets))

    def quantile(share: float) -> float:
        # Of few values the highest never counts: it may be the one that is out of all proportion.
        rank = max(1, min(int(share * many), many - 1))
        return _middle(next(one for one, up_to in zip(buckets, below, strict=True) if up_to >= rank))

    values.cap = max(quantile(QUANTILE), LEAST * quantile(0.5))
    values.typical = sum(values.counts[one] * min(1.0, _middle(one) / values.cap) for one in buckets) / many
    if many >= MOST:
        values.counts = {one: left for one in buckets if (left := values.counts[one] // 2)}
        many = sum(values.counts.values())
    values.due = min(2 * many, MOST)


def _reward(values: _Values, worth: int) -> float:
    """The reward of a goal worth so many minor units, in [0, 1]."""
    return min(1.0, max(0.0, worth / values.cap)) if values.cap else TYPICAL
