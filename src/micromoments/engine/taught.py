"""What the company's log taught the recogniser, in a running engine: listed, put in force, and taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from micromoments.core.event import Millis
from micromoments.core.record import ActivationRecord, Record
from micromoments.engine.wiring import Stores
from micromoments.flow.view import WEIGHTS, View
from micromoments.recognise.weights import Weights, decode


class Taught:
    """The weights that were in force here, by number: 0 are the shipped ones. A change is a record of the log."""

    def __init__(
        self,
        stores: Stores,
        view: Callable[[], View],
        append: Callable[[Sequence[Record]], Awaitable[None]],
        clock: Callable[[], Millis],
    ) -> None:
        self._stores, self._view, self._append, self._clock = stores, view, append, clock

    def listed(self) -> dict[str, Any]:
        """The number in force, and what is known of each."""
        known = kept(self._stores)
        told = [{"number": n, "digest": w.digest, "until": w.until, "events": w.events} for n, w in enumerate(known)]
        now = self._view().recogniser.weights
        return {"number": known.index(now) if now in known else None, "weights": told}

    async def put(self, weights: Weights) -> dict[str, Any]:
        """Recognise by these weights from the next record on; kept, durable and in force on return."""
        number = await asyncio.to_thread(keep, self._stores, weights)
        body = weights.encode() if weights.digest else b""
        name = f"sha256:{weights.digest}" if weights.digest else "shipped"
        await self._append(
            [ActivationRecord(key="", at=self._clock(), what=WEIGHTS, name=name, digest=weights.digest, body=body)]
        )
        return {"number": number, "digest": weights.digest}

    async def back(self) -> dict[str, Any]:
        """Put the weights before those in force back; where none came before, nothing is changed and ``number`` is
        what is in force.
        """
        known, now = kept(self._stores), self._view().recogniser.weights
        number = max(0, known.index(now) - 1) if now in known else 0
        if known[number] == now:
            return {"number": number, "digest": now.digest, "changed": False}
        return {**await self.put(known[number]), "changed": True}


def kept(stores: Stores) -> Sequence[Weights]:
    """The weights that were put in force here, oldest first; the shipped ones come before all."""
    versions = stores.policies.versions(WEIGHTS)
    return [decode(b""), *(decode(stores.policies.version(WEIGHTS, v) or b"") for v in versions)]


def keep(stores: Stores, weights: Weights) -> int:
    """Keep weights that are about to be put in force, durably; give their number."""
    known = kept(stores)
    if weights in known:
        return known.index(weights)
    stores.artifacts.put(weights.encode())
    stores.policies.keep(WEIGHTS, len(known), weights.encode())
    return len(known)
