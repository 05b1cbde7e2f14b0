"""The recogniser: what events say becomes signals, and signals, folded in order of event time, become moments.

``fold`` is a reduction of ``add`` over the traces in order, so ``add(fold(traces[:-1]), traces[-1]) ==
fold(traces)``, with any number of ``settle`` between. Sums are whole hundredths of a nat. Nothing is read but the
arguments.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from micromoments.core.event import Millis
from micromoments.core.moment import NONE, TYPES, Evidence, Moment, MomentView, Need, Reading, Signal, Trace, Vector
from micromoments.core.record import EventRecord
from micromoments.core.settings import MINUTE, Settings
from micromoments.recognise import fold as folding
from micromoments.recognise import usual
from micromoments.recognise.reader import Reader
from micromoments.recognise.text import Five, TextModel, rounded, softmax
from micromoments.recognise.weights import SHIPPED, Weights
from micromoments.recognise.words import STAGES, reason, say

_URGENT: Final = (0.25, 0.5, 0.35, 0.3, 0.0)
"""How soon each type wants its answer, before stage, time and distance speak."""
_AT_HAND: Final = frozenset({"near_open", "heading", "passing"})
"""Reasons that are a place at hand, of which habit says more."""
_SOON: Final = frozenset({"now", "right now", "tonight", "today", "asap"})


class Recogniser:
    """Signals, moments and their view under one project's settings.

    Nothing changes after it is made but the text model's cache of words.
    """

    def __init__(
        self, settings: Settings | None = None, text: TextModel | None = None, weights: Weights = SHIPPED
    ) -> None:
        """``text`` is the shipped model unless given, ``weights`` what the company's log taught; rules and goals are
        the settings'.
        """
        self.settings = settings or Settings()
        self.text = text or TextModel.load()
        self.weights = weights
        self.reader = Reader(self.text, self.settings, weights)
        spec = self.settings.recognition
        paces = weights.paces or (1.0,) * NONE
        self.rules = folding.Rules(
            half_lives=tuple(spec.half_life[t] * MINUTE * pace for t, pace in zip(TYPES, paces, strict=False)),
            lifetimes=tuple(round(spec.lifetime[t] * MINUTE) for t in TYPES[:NONE]),
            threshold=spec.threshold,
            weights=weights,
            timezone=self.settings.timezone,
        )
        told = msgspec.json.encode(
            [self.text.digest, spec, folding.VERSION, weights.digest, self.settings.timezone], order="sorted"
        )
        self.digest = hashlib.sha256(told).hexdigest()

    def signal(self, record: EventRecord) -> Signal | None:
        """What an event says about intent; ``None`` if nothing, or if it tells a sensitive need, which is not kept."""
        return self.reader.read(record)

    def accustomed(self, signal: Signal | None, visits: tuple[int, ...], seen: usual.Sighting) -> Signal | None:
        """A signal with what the person's habit says at a sighting; habit alone is a signal where it says the way."""
        lean, why = usual.leaned(visits, seen)
        if not any(lean) or (signal is None and not why) or (signal is not None and (signal.ends or signal.closes)):
            return signal
        if signal is None:
            return Signal(lean, why, Need(place=why.removeprefix("to_")))
        k, g, d, b, n = map(sum, zip(signal.weights, lean, strict=True))
        return replace(signal, weights=(k, g, d, b, n), why=why if why and signal.why in _AT_HAND else signal.why)

    def typed(self, query: str, at: Millis, mid: int) -> Trace | None:
        """Words being said now, as a trace that is not kept: answered within the request, so sensitive needs too."""
        signal = self.reader.words(query, "typing")
        return Trace(at, mid, signal) if signal is not None else None

    def fold(self, traces: Iterable[Trace]) -> Reading:
        """All moments that the traces yield. The order of the argument doesn't matter; equal traces count once."""
        reading = Reading()
        before: Trace | None = None
        for trace in sorted(traces, key=lambda t: (t.at, t.mid)):
            if before is None or (trace.at, trace.mid) != (before.at, before.mid):
                reading = folding.add(reading, trace, self.rules)
            before = trace
        return reading

    def add(self, reading: Reading, trace: Trace) -> Reading:
        """The reading with one more trace, newer than all before it."""
        return folding.add(reading, trace, self.rules)

    def settle(self, reading: Reading, at: Millis) -> Reading:
        """The reading once every moment whose time is up at ``at`` has ended; the same object if none has."""
        return folding.settle(reading, at)

    def view(self, moment: Moment, by_mid: Mapping[int, Trace], at: Millis) -> MomentView:
        """A moment as others see it at one instant; evidence comes from those of its traces that ``by_mid`` has."""
        at = moment.ended_at if moment.ended is not None else max(at, moment.updated_at)
        sums = folding.decayed(moment.sums, at - moment.updated_at, moment.type, self.rules)
        p = rounded(folding.posterior(sums, self.weights.prior))
        place = TYPES.index(moment.type)
        return MomentView(
            id=moment.id,
            type=moment.type,
            probabilities=dict(zip(TYPES, p, strict=True)),
            need=_shown(moment.need),
            confidence=p[place],
            urgency=self._urgency(moment, by_mid, at),
            stage=STAGES[moment.stage],
            evidence=self._evidence(moment, by_mid, at),
            opened_at=moment.opened_at,
            expires_at=moment.expires_at,
            ended=moment.ended,
            ended_at=moment.ended_at if moment.ended is not None else None,
            channels=list(moment.channels),
        )

    def _evidence(self, moment: Moment, by_mid: Mapping[int, Trace], at: Millis) -> list[Evidence]:
        """The reasons, the strongest first; what was done again in the same words is one, with how often."""
        alike: dict[str, list[Trace]] = {}
        for mid in moment.traces:
            trace = by_mid.get(mid)
            if trace is not None:
                alike.setdefault(reason(trace.signal), []).append(trace)
        found = []
        for text, again in alike.items():
            pulls = [(self._pull(trace, at), trace) for trace in again]
            (lead, weight), _ = max(pulls, key=lambda pull: (pull[0][1], pull[1].at))
            last = max(again)
            found.append(Evidence(say(text, at - last.at, len(again)), TYPES[lead], weight, last.at))
        return sorted(found, key=lambda e: (-e.weight, -e.at, e.text))

    def _pull(self, trace: Trace, at: Millis) -> tuple[int, float]:
        """The type that a trace speaks for, and by how many nats it still does."""
        weights = trace.signal.weights
        lead = folding.speaks_for(weights, self.weights.prior)
        left = folding.faded(at - trace.at, self.rules.half_lives[lead])
        return lead, round(weights[lead] * left / 100, 3)

    def _urgency(self, moment: Moment, by_mid: Mapping[int, Trace], at: Millis) -> float:
        """How soon an answer is wanted, [0, 1]: type, step of the journey, words of time, nearness, freshness."""
        wanted = _URGENT[TYPES.index(moment.type)] + 0.1 * min(moment.stage, 4)
        if moment.need.time in _SOON:
            wanted += 0.25
        near = [t.signal.metres for m in moment.traces if (t := by_mid.get(m)) is not None and t.signal.metres >= 0]
        if near:
            wanted += 0.25 * math.exp(-min(near) / 400)
        half = self.rules.half_lives[TYPES.index(moment.type)]
        return round(min(1.0, wanted) * (0.4 + 0.6 * folding.faded(at - moment.updated_at, half)), 3)

    def said(self, reading: Reading, at: Millis) -> list[float]:
        """Know, go, do, buy, none of a person at one instant: of what was fed last, open or brewing; else the prior."""
        last = max((*reading.open, *reading.brewing), key=lambda m: (m.updated_at, m.id), default=None)
        if last is None or last.expires_at <= at:
            return list(self.likely((0, 0, 0, 0, 0)))
        return list(self.likely(folding.decayed(last.sums, at - last.updated_at, last.type, self.rules)))

    def likely(self, sums: Vector) -> Five:
        """Know, go, do, buy, none under sums of evidence."""
        return folding.posterior(sums, self.weights.prior)

    def probabilities(self, weights: Vector) -> dict[str, float]:
        """The posterior of weights alone, with no moment open: what one signal would make of a new person."""
        return dict(zip(TYPES, rounded(softmax(folding.logits(weights, self.weights.prior))), strict=True))


def _shown(need: Need) -> dict[str, str | int]:
    values: Sequence[tuple[str, Any]] = [(name, getattr(need, name)) for name in need.__struct_fields__]
    return {name: value for name, value in values if value}
