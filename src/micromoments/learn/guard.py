"""Whether a policy earns as much as its default, weighed while both serve: what a guarded slot's share follows.

A slot with a guard draws each slate from a mixture: the policy with probability ``share``, else the default, and logs
both one's probability of what was drawn. Reward times ``own - c * other`` (importance weights of the policy and of the
default) then has a mean above 0 just where the policy earns more than c times what the default does. For each c on a
grid a bettor stakes small shares of their wealth on that, and another against it. Wealth that no honest game makes is
evidence, whenever one looks: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (2024);
Waudby-Smith and others, "Anytime-valid off-policy inference for contextual bandits" (2022).
What brought no reward moves no wealth, so only rewarded decisions are weighed: each once, in the order in which the
slot's windows end. Bets that start anew whenever they lose notice when the world turns (Shin, Ramdas and
Rinaldo, "E-detectors", 2023): where they say the opposite of all evidence it is dropped, and the next stretch must
prove more.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from math import ceil, floor, inf, log, pi
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from micromoments.core.event import UNCOUNTED

if TYPE_CHECKING:
    from micromoments.core.decision import Decision
    from micromoments.core.outcome import Outcome

FORMAT = 1
ALPHA = 0.05
"""How often, over all time and both sides, the interval may be wrong."""
MOST = 0.95
"""The largest share of the policy: some of the default is always served, so that it can be held against it."""
RATIOS: NDArray[np.float64] = np.array([*(n / 40 for n in range(61)), 1.6, 1.8, 2.0, 2.5, 3.0, 4.0])
"""The c: times what the default earns."""
BETS: NDArray[np.float64] = np.array([0.5, 0.2, 0.08, 0.03, 0.012, 0.004])
"""Stakes, as shares of the wealth; the wealth is spread over them evenly."""
UNNOTICED = 20.0
"""Rewards' worth of the default within which a total turn is noticed, where the default alone served: a policy has no
larger share than costs the guard if it fails for so long. At 10, 3 of 20 policies that turned broke it (0050)."""
TURNED = log(1000.0)
"""Log wealth at which a fresh bet says that the world has turned: in an honest game not once in 1,000 rewards."""
MAX_OPEN = 10_000
"""Rewarded decisions that wait for the end of their window; what comes on top ends the oldest one's."""
_SHAPE = (len(RATIOS), len(BETS))


class Waiting(msgspec.Struct, array_like=True):
    """A rewarded decision whose window is open; ``own`` and ``other`` are importance weights."""

    until: int
    id: str
    reward: float
    limit: float
    share: float
    own: float
    other: float


class _State(msgspec.Struct, frozen=True, array_like=True):
    format: int
    rewarded: int
    turns: int
    ended: int
    sums: tuple[float, float, float]
    waiting: tuple[Waiting, ...]
    wealth: bytes
    supposed: tuple[float, float] = (0.0, 0.0)


class Guard:
    """The evidence of one slot. ``rewarded`` counts the decisions weighed since the world last turned."""

    def __init__(self) -> None:
        self._waiting: dict[str, Waiting] = {}
        self._order: list[tuple[int, str]] = []
        self._ended = 0
        self.turns = -1
        self._anew()

    def _anew(self) -> None:
        """Drop the evidence; what waits for the end of its window is weighed next."""
        self._wealth = np.zeros((4, *_SHAPE))  # logs: for, against; the same since each last lost
        self._own = self._other = self._tried = 0.0
        self._supposed = (0.0, 0.0)
        self.rewarded = 0
        self.turns += 1
        self._bounds: tuple[float, float] | None = None

    def weigh(self, decision: Decision, outcome: Outcome) -> bool:
        """Take in an outcome of its decision, learned once; False where the decision says nothing of a default.

        What comes after the decision's window is left out: its probabilities were weighed without it.
        """
        if not decision.guard or decision.holdout or (decision.marks | outcome.marks) & UNCOUNTED:
            return False
        if not decision.guard[1] and outcome.reward is not None and outcome.before is None:
            self._suppose(decision)
        if outcome.reward and max(self._ended, outcome.at) <= decision.until:
            limit, share, own, other = decision.guard
            one = self._waiting.get(decision.id)
            if one is None:
                one = Waiting(decision.until, decision.id, 0.0, limit, share, own, other)
                self._waiting[decision.id] = one
                heappush(self._order, (one.until, one.id))
            one.reward = min(1.0, max(0.0, one.reward + outcome.reward))
        self._ended = max(self._ended, outcome.at)
        while self._order and (self._order[0][0] < self._ended or len(self._order) > MAX_OPEN):
            until, id = heappop(self._order)
            self._ended = max(self._ended, until + 1)
            self._settle(self._waiting.pop(id))
        return True

    def _suppose(self, decision: Decision) -> None:
        """Take in what an apprentice expects of its own first choice, and of what was served instead."""
        expected = {one.id: one.score for one in decision.scored}
        if decision.items and decision.items[0].id in expected:
            own, theirs = self._supposed
            self._supposed = own + max(expected.values()), theirs + expected[decision.items[0].id]

    def _settle(self, one: Waiting) -> None:
        self._bounds = None
        self.rewarded += 1
        self._own += one.reward * one.own
        self._other += one.reward * one.other
        self._tried = max(self._tried, one.share)
        gain = one.reward * (one.own - RATIOS * one.other)
        # Scaled so that nothing loses more than the stake: other <= 1 / (1 - share), own <= 1 / share.
        above = np.maximum(gain * (1.0 - one.share) / np.maximum(RATIOS, RATIOS[1]), -1.0)
        below = np.maximum(-gain * one.share, -1.0)
        against = np.log1p(below[:, None] * BETS)
        self._wealth[1] += against
        favour = np.log1p(above[:, None] * BETS)
        self._wealth[0] += favour
        self._wealth[2:] = np.maximum(self._wealth[2:], 0.0) + np.stack((favour, against))
        if one.limit and self._turned(one.limit):
            self._anew()

    def _turned(self, limit: float) -> bool:
        """Whether fresh evidence says the opposite of all evidence: against more than the least share, or for more."""
        share = self._proved(limit)
        most = floor(_needed(limit, MOST) * 40 + 1e-9)
        more = ceil(_needed(limit, min(MOST, 2.0 * share)) * 40 - 1e-9)
        fallen = share > limit and _whole(self._wealth[3, most]) >= TURNED
        risen = share < MOST and _whole(self._wealth[2, more]) >= TURNED and _whole(self._wealth[0, more]) <= 0.0
        return bool(fallen or risen)

    def restart(self) -> None:
        """Drop the evidence and what waits: another policy is weighed from now on."""
        self._waiting, self._order = {}, []
        self._anew()

    @property
    def _enough(self) -> float:
        """Log wealth that is evidence; after every turn more of it, so that all stretches together err by ``ALPHA``."""
        return log(2.0 / ALPHA) + log(pi**2 / 6.0) + 2.0 * log(1.0 + self.turns)

    def bounds(self) -> tuple[float, float]:
        """How many times what the default earns the policy earns, from and to; the upper one may be infinite."""
        if self._bounds is None:
            self._bounds = self._bounded()
        return self._bounds

    def _bounded(self) -> tuple[float, float]:
        enough = self._enough
        above, below = (_whole(one) >= enough for one in self._wealth[:2])
        low = len(above) if above.all() else int(above.argmin())
        high = len(below) if below.all() else int(below[::-1].argmin())
        return float(RATIOS[low - 1]) if low else 0.0, float(RATIOS[-high]) if high else inf

    def share(self, limit: float) -> float:
        """The policy's share where it may cost at most ``limit`` of what the default earns.

        ``limit`` itself needs no proof: served so rarely, nothing costs more. It doubles as often as the lower bound
        allows: a share s of a policy that earns c times the default costs s (1 - c), at most the limit. And it stays so
        small that a policy which earns nothing from now on is noticed before it costs the limit of what the default
        would have earned since the last turn: noticing takes ``UNNOTICED`` / (1 - s) of the default's rewards.
        """
        return max(limit, min(self._proved(limit), self._noticed(limit)))

    def _noticed(self, limit: float) -> float:
        """The share of whose failure one would know in time."""
        worth = limit * self._other / UNNOTICED
        return worth / (1.0 + worth)

    def _proved(self, limit: float) -> float:
        """The share that the lower bound allows."""
        low, share = self.bounds()[0], limit
        while share < MOST and _needed(limit, min(MOST, 2.0 * share)) <= low + 1e-9:
            share = min(MOST, 2.0 * share)
        return share

    def told(self, policy: str, default: str, limit: float) -> dict[str, Any]:
        """The evidence in numbers and in a sentence, JSON as it stands."""
        low, high = self.bounds()
        own, theirs = self._supposed
        return {
            "policy": policy,
            "default": default,
            "guard": limit,
            "share": self.share(limit) if limit else 0.0,
            "rewarded": self.rewarded,
            "turns": self.turns,
            "times": self._own / self._other if self._other else None,
            "low": low if self.rewarded else None,
            "high": None if high == inf or not self._tried else high,
            "expected": own / theirs if theirs > 0.0 else None,
            "sentence": self._sentence(policy, default, low, high),
        }

    def _sentence(self, policy: str, default: str, low: float, high: float) -> str:
        if not self.rewarded:
            return f"Nothing that was decided has been rewarded yet, so nothing is known of {policy} against {default}."
        if not self._tried:
            return self._apprenticed(policy, default, low)
        between = f"{low:.2f} to {high:.2f}" if high < inf else f"{low:.2f} or more"
        sure = f"{between} times as much a decision (95 %, whenever you look; {self.rewarded:,} rewarded)"
        if low >= 1.0:
            return f"{policy} would beat {default} now: it earns {sure}."
        if high <= 1.0:
            return f"{policy} would not beat {default} now: it earns {sure}."
        return f"Whether {policy} would beat {default} can't be told yet: it earns {sure}. {self._when()}"

    def _apprenticed(self, policy: str, default: str, low: float) -> str:
        """What a log says in which the policy itself never served."""
        same = self._own / self._other if self._other else 0.0
        sure = f"{low:.2f} times as much a decision or more (95 %, whenever you look; {self.rewarded:,} rewarded)"
        if low >= 1.0:
            return f"{policy} would beat {default} now: it earns {sure}."
        own, theirs = self._supposed
        hopes = f"By what it has learned it expects {own / theirs:.2f} times as much, a guess. " if theirs > 0.0 else ""
        return (
            f"{policy} would have earned {same:.0%} of what {default} did by doing the same, so it earns {sure}. What "
            f"it would do otherwise was never tried, so this log cannot say whether it would beat {default}. {hopes}"
            'Set guard = 0.05 and mode = "live" to try it on 1 in 20.'
        )

    def _when(self) -> str:
        """How many more rewards would settle it, at the pace of the evidence so far."""
        one = int(np.searchsorted(RATIOS, 1.0))
        best = max(float(self._wealth[side][one].max()) for side in (0, 1))
        if best <= 0.0 or best / self.rewarded * 1e6 < 1.0:
            return "So far they look alike."
        more = ceil(max(1.0, (self._enough + log(len(BETS)) - best) / (best / self.rewarded)))
        side = "it beats it" if self._wealth[0][one].max() >= self._wealth[1][one].max() else "it doesn't"
        return f"If it goes on like this, about {more:,} more rewarded decisions show that {side}."

    def encode(self) -> bytes:
        """All of it; the same outcomes in the same order give the same bytes."""
        waiting = tuple(self._waiting[id] for _, id in sorted(self._order))
        sums = (self._own, self._other, self._tried)
        wealth = self._wealth.astype("<f8").tobytes()
        return msgspec.msgpack.encode(
            _State(FORMAT, self.rewarded, self.turns, self._ended, sums, waiting, wealth, self._supposed)
        )

    @classmethod
    def decode(cls, body: bytes) -> Guard:
        """The guard that ``encode`` wrote; ``ValueError`` for other bytes."""
        try:
            state = msgspec.msgpack.decode(body, type=_State)
            guard, wealth = cls(), np.frombuffer(state.wealth, dtype="<f8").reshape((4, *_SHAPE))
        except (msgspec.DecodeError, ValueError) as error:
            raise ValueError(
                f"got {len(body)} bytes that are no guard ({error}); wanted what encode() wrote; restore a backup"
            ) from error
        guard._wealth = wealth.astype(np.float64)
        guard.rewarded, guard.turns, guard._ended = state.rewarded, state.turns, state.ended
        guard._own, guard._other, guard._tried = state.sums
        guard._supposed = state.supposed
        guard._waiting = {one.id: one for one in state.waiting}
        guard._order = [(one.until, one.id) for one in state.waiting]
        heapify(guard._order)
        return guard


def _needed(limit: float, share: float) -> float:
    """How many times the default's a policy must earn so that this share of it costs at most ``limit``."""
    return max(0.0, 1.0 - limit / share)


def _whole(wealth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log wealth by ratio, over all stakes."""
    return np.asarray(np.logaddexp.reduce(wealth, axis=-1) - log(len(BETS)), dtype=np.float64)
