"""Personal offers: chosen by the engine, made to one customer, kept as they are for a while, used once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from micromoments.demo.fulfil import Offer
from micromoments.demo.fulfil.order import Millis
from micromoments.demo.shell.advisor import AS_SHOWN, Advisor

FRESH = 20 * 60_000
"""How long (ms) a decision on offers stands before the engine is asked again."""


class Offers:
    """The offers of a slot; ``holds`` says how long (ms) one of a kind can be used."""

    def __init__(self, advisor: Advisor, slot: str, holds: Callable[[str], Millis]) -> None:
        self._advisor, self._slot, self._holds = advisor, slot, holds

    async def of(self, owner: str, context: Mapping[str, Any], hangs_on: Any) -> dict[str, Any]:
        """What somebody is offered now; asked anew where what it ``hangs_on`` (JSON, such as consent) has changed."""
        now = self._advisor.clock()
        kept = await asyncio.to_thread(self._advisor.store.kept, "deciding", owner)
        if kept is None or now - kept["at"] > FRESH or kept.get("on") != hangs_on:
            said = await self._advisor.decide(owner, self._slot, context)
            if said is None:
                return {"offers": [], "away": True}
            if not said["items"]:  # the catalogue is still on its way, or nothing may be offered: ask again next time
                return {"offers": [], **{name: said.get(name) for name in AS_SHOWN}}
            kept = {"at": now, "on": hangs_on, "said": said}
            await asyncio.to_thread(self._keep, owner, kept)
        return await asyncio.to_thread(self._shown, owner, kept["said"], now)

    def _keep(self, owner: str, kept: dict[str, Any]) -> None:
        decision = kept["said"]["decisionId"]
        with self._advisor.store.change() as tx:
            tx.keep("deciding", owner, kept)
            for item in kept["said"]["items"]:
                gives = item["attributes"].get("gives", "")
                data = {"gives": gives, "decision": decision, "item": item["id"]}
                tx.offer(Offer(f"{decision}.{item['id']}", owner, kept["at"] + self._holds(gives), data=data))

    def _shown(self, owner: str, said: dict[str, Any], now: Millis) -> dict[str, Any]:
        usable = {offer.id: offer for offer in self._advisor.store.offers(owner, now)}
        shown = []
        for item in said["items"]:
            if (offer := usable.get(f"{said['decisionId']}.{item['id']}")) is not None:
                facts = {"id": offer.id, "item": item["id"], "gives": offer.data["gives"], "until": offer.until}
                personal = bool(item["attributes"].get("personalised"))
                shown.append({**facts, "reasons": item["reasons"], "personal": personal})
        return {"offers": shown, **{name: said.get(name) for name in AS_SHOWN}}
