"""Azure Personalizer's ranks of several slots over the real engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from micromoments.core.settings import Settings
from micromoments.core.settings import Slot as SlotSettings
from micromoments.engine.service import Service, now_ms, open_service
from tests.server.asgi import Client
from tests.server.test_personalizer import BASE, MENU, client, learned

SLOTS: list[dict[str, Any]] = [
    {"id": "top", "baselineAction": "salad", "features": [{"size": "large"}]},
    {"id": "side", "baselineAction": "pasta", "excludedActions": ["cake"]},
]
RANK = {"contextFeatures": [{"time": "noon"}], "actions": MENU, "slots": SLOTS}
SLOTTED = f"{BASE}/multislot"


async def test_each_slot_gets_an_action_of_its_own(azure: Client, engine: Service) -> None:
    """No action twice, none that the slot excludes, the slots in their order, the same event answered the same; each
    slot's propensities are over the actions that were left for it.
    """
    for n in range(20):
        answer = await azure("POST", f"{SLOTTED}/rank", {**RANK, "eventId": f"e{n}"})
        assert answer.status == 201
        chosen = [one["rewardActionId"] for one in answer.json["slots"]]
        assert [one["id"] for one in answer.json["slots"]] == ["top", "side"]
        assert len(set(chosen)) == 2
        assert chosen[1] != "cake"
        again = await azure("POST", f"{SLOTTED}/rank", {**RANK, "eventId": f"e{n}"})
        assert again.json == answer.json
        side = engine.decision(f"rank:e{n}:side")
        assert side is not None
        assert {one.id for one in side.scored} == {"pasta", "salad"} - {chosen[0]}
        assert sum(one.propensity for one in side.scored) == pytest.approx(1.0)
    other = await azure("POST", f"{SLOTTED}/rank", {**RANK, "eventId": "e1", "slots": SLOTS[:1]})
    assert other.status == 409
    assert (await azure("POST", f"{BASE}/rank", {"actions": MENU, "eventId": "e1"})).status == 409
    assert (await azure("POST", f"{SLOTTED}/rank", RANK)).json["eventId"]


async def test_each_slot_is_rewarded_by_itself(azure: Client, engine: Service) -> None:
    """Each counted once; an event that isn't known changes nothing, a slot that it hasn't is an error."""
    await azure("POST", f"{SLOTTED}/rank", {**RANK, "eventId": "e1"})
    worth = {"reward": [{"slotId": "side", "value": 1}]}
    for _ in range(2):
        assert (await azure("POST", f"{SLOTTED}/events/e1/reward", worth)).status == 204
    await engine.settled()
    assert learned(engine) == 1
    both = {"reward": [{"slotId": "top", "value": 0.5}, {"slotId": "side", "value": 0}]}
    assert (await azure("POST", f"{SLOTTED}/events/e1/reward", both)).status == 204
    await engine.settled()
    assert learned(engine) == 2
    assert (await azure("POST", f"{SLOTTED}/events/none/reward", worth)).status == 204
    strange = await azure("POST", f"{SLOTTED}/events/e1/reward", {"reward": [{"slotId": "foot", "value": 1}]})
    assert (strange.status, strange.json["error"]["code"]) == (400, "InvalidRewardRequest")


async def test_activation_is_of_all_slots(azure: Client, engine: Service) -> None:
    """A deferred event is seen in each slot once it is activated; one of a single slot has no slots to activate."""
    await azure("POST", f"{SLOTTED}/rank", {**RANK, "eventId": "late", "deferActivation": True})
    assert (await azure("POST", f"{SLOTTED}/events/late/activate")).status == 204
    await azure("POST", f"{BASE}/rank", {"actions": MENU, "eventId": "one"})
    for event in ("one", "none"):
        answer = await azure("POST", f"{SLOTTED}/events/{event}/activate")
        assert (answer.status, answer.json["error"]["code"]) == (400, "InvalidEventIdToActivate")
    await engine.settled()
    for name in ("late", "late:side"):
        assert (decision := engine.decision(f"rank:{name}"))
        assert engine.person(decision.key)


async def test_an_apprentice_serves_the_baselines(tmp_path: Path) -> None:
    """In shadow each slot shows what the application would show there by itself."""
    settings = Settings(slots={"personalizer": SlotSettings(mode="shadow")})
    service = open_service(tmp_path / "other", settings, now_ms)
    await service.start()
    answer = await client(service)("POST", f"{SLOTTED}/rank", RANK)
    assert [one["rewardActionId"] for one in answer.json["slots"]] == ["salad", "pasta"]
    await service.stop()


@pytest.mark.parametrize("base", ["/personalizer", "/personalizer/v1.1-preview.3"])
async def test_newer_clients_name_the_version_otherwise(azure: Client, base: str) -> None:
    """In the query, or as a preview: the same doors."""
    query = "?api-version=2022-09-01-preview"
    ranked = await azure("POST", f"{base}/multislot/rank{query}", {**RANK, "eventId": "e1"})
    assert ranked.status == 201
    worth = {"reward": [{"slotId": "top", "value": 1}]}
    assert (await azure("POST", f"{base}/multislot/events/e1/reward{query}", worth)).status == 204
    assert (await azure("POST", f"{base}/rank{query}", {"actions": MENU, "eventId": "e2"})).status == 201
    assert (await azure("POST", f"{base}/events/e2/reward{query}", {"value": 1})).status == 204
    assert (await azure("POST", f"{base}/nothing{query}", {})).status == 404


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("rank", b"{", "InvalidRankRequest"),
        ("rank", {**RANK, "slots": []}, "InvalidRankRequest"),
        ("rank", {**RANK, "slots": SLOTS[:1] * 2}, "InvalidRankRequest"),
        ("rank", {**RANK, "slots": [{"id": "top", "baselineAction": "soup"}]}, "InvalidRankRequest"),
        ("rank", {**RANK, "slots": [{"id": "a\nb", "baselineAction": "cake"}]}, "InvalidRankRequest"),
        ("rank", {**RANK, "slots": [{**SLOTS[0], "excludedActions": ["salad"]}]}, "InvalidRankRequest"),
        ("rank", {**RANK, "slots": [{**SLOTS[0], "excludedActions": ["soup"]}]}, "InvalidRankRequest"),
        ("rank", {**RANK, "eventId": ""}, "InvalidRankRequest"),
        ("events/e/reward", {"value": 1}, "InvalidRewardRequest"),
        ("events/e/reward", {"reward": [{"slotId": "top"}]}, "InvalidRewardRequest"),
    ],
)
async def test_errors_are_the_services(azure: Client, path: str, body: Any, code: str) -> None:
    """400 with the code that the service had for it."""
    answer = await azure("POST", f"{SLOTTED}/{path}", body)
    assert (answer.status, answer.json["error"]["code"]) == (400, code)


async def test_a_slot_for_which_nothing_is_left_is_an_error(azure: Client) -> None:
    """Where the slot before took all that it doesn't exclude: of 64 fresh ranks some do, and some don't."""
    slots = [
        {"id": "a", "baselineAction": "pasta"},
        {"id": "b", "baselineAction": "salad", "excludedActions": ["pasta"]},
    ]
    asked = {"actions": [MENU[0], MENU[2]], "slots": slots}
    found = [await azure("POST", f"{SLOTTED}/rank", asked) for _ in range(64)]
    assert {one.status for one in found} == {201, 400}
