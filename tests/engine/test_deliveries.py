"""From a moment's turn to a receipt: decided, allowed, sent once, told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from micromoments.core.settings import Destination, Settings, Slot, Trigger
from micromoments.engine.outward import Came, Said
from micromoments.engine.service import Service, open_service
from tests.channels.receiver import TAKE, receiving
from tests.engine.shop import ITEMS, MINUTE, SETTINGS, Clock, opened, search, sent

HOUR = 60 * MINUTE
ALL = ("measure", "personalise", "location", "contact", "share")


def shop(
    url: str,
    *,
    consent: tuple[Any, ...] = ALL,
    slot: Slot | None = None,
    trigger: Trigger | None = None,
    **more: Any,
) -> Settings:
    """A shop that tells one webhook of every moment that opens, with a decision for the slot *push*."""
    to = Destination(url=url, private=True, timeout_seconds=2, **more)
    return msgspec.structs.replace(
        SETTINGS,
        consent=consent,
        slots={"push": slot or Slot(limit=1)},
        destinations={"crm": to},
        triggers={"hello": trigger or Trigger(to=("crm",), slot="push")},
    )


async def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something to come true."""
    for _ in range(int(seconds / 0.02)):
        if true():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it did not come true in time")


async def ended(service: Service, *, status: str = "", count: int = 1) -> list[dict[str, Any]]:
    """The deliveries that ended, once there are so many."""
    for _ in range(2_400):
        found = [d for d in await service.deliveries.listed() if d["status"] in ("sent", "dead", "held")]
        if len(found) >= count and (not status or all(d["status"] == status for d in found)):
            return found
        await asyncio.sleep(0.025)
    pytest.fail(f"got {await service.deliveries.listed()}")


async def test_a_moment_that_opens_is_decided_and_delivered_once(tmp_path: Path) -> None:
    """The receiver gets the moment with the decision's items, once, however often the moment changes."""
    clock = Clock()
    with receiving() as receiver:
        async with opened(tmp_path / "shop", clock, shop(receiver.url)) as service:
            await service.put_items(ITEMS)
            await search(service, clock, "m1", person="a")
            (one,) = await ended(service, status="sent")
            await search(service, clock, "m2", person="a")
            await service.report("moments", {})
            await asyncio.sleep(0.3)
        (body,) = receiver.bodies
        news = msgspec.json.decode(body)
        assert news["type"] == "moment.opened"
        assert news["data"]["person"] == {"anonymousId": "a"}
        assert news["data"]["moment"]["type"] == "buy"
        assert [item["id"] for item in news["data"]["items"]] == [one["item"]]
        assert receiver.calls[0][1]["webhook-id"] == one["deliveryId"] == news["data"]["deliveryId"]
        assert news["data"]["decisionId"] == one["decisionId"]


async def test_of_history_nobody_is_told(tmp_path: Path) -> None:
    """While history is imported nothing leaves, though its moments are open by its clock; by that of the next start
    they are over, and held.
    """
    clock = Clock()
    with receiving() as receiver:
        service = open_service(tmp_path / "shop", shop(receiver.url), clock)
        await service.start(outward=False)
        await service.put_items(ITEMS)
        await search(service, clock, "m1", person="a")
        await service.settled()
        await service.stop()
        clock.at += 48 * HOUR
        async with opened(tmp_path / "shop", clock, shop(receiver.url)) as served:
            (one,) = await ended(served, status="held")
            assert one["detail"] == "too_late"
        assert receiver.calls == []


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"consent": ("measure", "personalise")}, "no_consent"),
        ({"consent": ("measure", "personalise", "contact"), "purpose": "share"}, "no_consent"),
        ({"slot": Slot(kinds=("article",))}, "nothing_found"),
        ({"slot": Slot(holdout=0.999999)}, "holdout"),
        ({"slot": Slot(mode="shadow")}, "mode_shadow"),
    ],
)
async def test_what_may_not_be_sent_is_held_with_the_reason(
    tmp_path: Path, settings: dict[str, Any], reason: str
) -> None:
    """Without consent, without anything to serve, for the holdout and in shadow nothing leaves, and it is said why."""
    clock = Clock()
    with receiving() as receiver:
        async with opened(tmp_path / "shop", clock, shop(receiver.url, **settings)) as service:
            await service.put_items(ITEMS)
            await search(service, clock, "m1", person="a")
            (one,) = await ended(service, status="held")
            assert one["detail"] == reason
        assert receiver.calls == []


async def test_failures_are_tried_again_and_a_dead_letter_is_replayed(tmp_path: Path) -> None:
    """A receiver that fails is asked again later with the same body; what it refuses for good is kept and replayed."""
    clock = Clock()
    status = [503, 410, 204]
    with receiving(lambda n, _body: (status[n], {})) as receiver:
        async with opened(tmp_path / "shop", clock, shop(receiver.url)) as service:
            await service.put_items(ITEMS)
            await search(service, clock, "m1", person="a")
            for _ in range(2_400):
                if [d["tries"] for d in await service.deliveries.listed()] == [1]:
                    break
                await asyncio.sleep(0.025)
            clock.at += HOUR // 2
            (one,) = await ended(service, status="dead")
            assert one["tries"] == 2
            assert await service.deliveries.replay() == [one["deliveryId"]]
            (again,) = await ended(service, status="sent")
            assert again["deliveryId"] == one["deliveryId"]
        assert len(set(receiver.bodies)) == 1
        assert len(receiver.calls) == 3


async def test_what_waits_survives_a_stop(tmp_path: Path) -> None:
    """What could not be sent before the engine stopped is sent by the next one, under the same id."""
    clock = Clock()
    with receiving(lambda n, _body: (503, {}) if n == 0 else TAKE) as receiver:
        settings = shop(receiver.url)
        async with opened(tmp_path / "shop", clock, settings) as service:
            await service.put_items(ITEMS)
            await search(service, clock, "m1", person="a")
            await until(lambda: len(receiver.calls) == 1)
        clock.at += MINUTE
        async with opened(tmp_path / "shop", clock, settings) as service:
            (one,) = await ended(service, status="sent")
        assert list(receiver.ids) == [one["deliveryId"]]
        assert set(receiver.ids.values()) == {1}


async def test_a_hanging_destination_keeps_nobody_waiting(tmp_path: Path) -> None:
    """While one destination hangs, the other gets everything, and events are taken as ever."""
    clock = Clock()
    with receiving(lambda _n, _body: None) as hangs, receiving() as takes:
        settings = shop(takes.url, trigger=Trigger(to=("stuck", "crm")))
        settings = msgspec.structs.replace(
            settings,
            destinations={
                **settings.destinations,
                "stuck": Destination(url=hangs.url, private=True, timeout_seconds=3, concurrency=2),
            },
        )
        async with opened(tmp_path / "shop", clock, settings) as service:
            for n in range(12):
                await search(service, clock, f"m{n}", person=f"p{n}")
            await ended(service, status="sent", count=12)
        assert len(takes.ids) == 12
        assert len(hangs.calls) <= 2


async def test_a_person_is_reached_on_the_first_channel_that_they_allow(tmp_path: Path) -> None:
    """A no to one channel leaves the others; a no to contact stops all; an unknown answer is a no."""
    clock = Clock()
    with receiving() as mail, receiving() as text:
        settings = shop(mail.url, consent=("measure", "personalise"), channel="email", text="Hello {{ person.userId }}")
        settings = msgspec.structs.replace(
            settings,
            destinations={**settings.destinations, "sms": Destination(url=text.url, private=True, channel="sms")},
            triggers={"hello": Trigger(to=("crm", "sms"))},
        )
        async with opened(tmp_path / "shop", clock, settings) as service:
            for name, said in (
                ("yes", {"contact": True}),
                ("some", {"contact": True, "contact_email": False}),
                ("one", {"contact_sms": True}),
                ("no", {"contact": False, "contact_email": True}),
                ("silent", {}),
            ):
                about: dict[str, Any] = {"event": "Consent Updated", "properties": said}
                await service.collect([sent(at=clock.at, id=f"c-{name}", userId=name, **about)])
                about = {"event": "Products Searched", "properties": {"query": "buy trail shoes"}}
                await service.collect([sent(at=clock.at, id=f"m-{name}", userId=name, **about)])
            found = await ended(service, count=5)
        got = {
            str(d["person"]): (d["status"], d["destination"] if d["status"] == "sent" else d["detail"]) for d in found
        }
        assert got == {
            "user:yes": ("sent", "crm"),
            "user:some": ("sent", "sms"),
            "user:one": ("sent", "sms"),
            "user:no": ("held", "no_consent"),
            "user:silent": ("held", "no_consent"),
        }


async def test_quiet_hours_and_caps_hold_at_the_door(tmp_path: Path) -> None:
    """In quiet hours it waits until they are over; past its cap a destination gets no more for this person."""
    clock = Clock(1_800_000_000_000 // (24 * HOUR) * (24 * HOUR) + 23 * HOUR)
    with receiving() as receiver:
        settings = shop(
            receiver.url, quiet_hours="22:00-06:00", times=1, hours=48.0, trigger=Trigger(to=("crm",), on="abandoned")
        )
        settings = msgspec.structs.replace(settings, triggers={"bye": Trigger(to=("crm",), on="ended")})
        async with opened(tmp_path / "shop", clock, settings) as service:
            await search(service, clock, "m1", person="a")
            await service.settled()
            clock.at += 90 * MINUTE
            await service.tick()
            await asyncio.sleep(1.5)
            assert receiver.calls == []
            clock.at += 6 * HOUR
            await ended(service, status="sent")
            await search(service, clock, "m2", person="a", query="buy tent")
            await service.settled()
            clock.at += 90 * MINUTE
            await service.tick()
            found = await ended(service, count=2)
            assert sorted(str(d["detail"]) for d in found if d["status"] == "held") == ["cap"]


async def test_a_cap_counts_what_is_still_on_its_way(tmp_path: Path) -> None:
    """Two triggers that fire at once don't both pass a cap of one: what was decided a moment ago counts."""
    clock = Clock()
    with receiving() as receiver:
        settings = shop(receiver.url, times=1, hours=48.0)
        both = {name: Trigger(to=("crm",)) for name in ("first", "second")}
        async with opened(tmp_path / "shop", clock, msgspec.structs.replace(settings, triggers=both)) as service:
            await search(service, clock, "m1", person="a")
            found = await ended(service, count=2)
            assert sorted(str(d["status"]) for d in found) == ["held", "sent"]
            assert [d["detail"] for d in found if d["status"] == "held"] == ["cap"]
        assert len(receiver.calls) == 1


async def test_deliveries_are_told_and_reported(tmp_path: Path) -> None:
    """How a delivery ended is on the stream and in the report, with no word of what it said."""
    clock = Clock()
    with receiving() as receiver:
        async with opened(tmp_path / "shop", clock, shop(receiver.url)) as service:
            listening = service.stream.subscribe()
            await service.put_items(ITEMS)
            await search(service, clock, "m1", person="a")
            await ended(service, status="sent")
            told = []
            while (message := await listening.next(0.05)) is not None:
                told.append(message)
            said = [msgspec.json.decode(m.data) for m in told if m.kind == "delivery"]
            assert [(d["status"], d["destination"]) for d in said] == [("sent", "crm")]
            clock.at += 1
            report = await service.report("deliveries", {})
            rows: Any = report["rows"]
            assert [(r["trigger"], r["destination"], r["status"], r["deliveries"]) for r in rows] == [
                ("hello", "crm", "sent", 1)
            ]


async def test_an_erased_person_gets_nothing_more(tmp_path: Path) -> None:
    """What waits for a person is gone with them."""
    clock = Clock()
    with receiving(lambda _n, _body: (503, {})) as receiver:
        async with opened(tmp_path / "shop", clock, shop(receiver.url)) as service:
            await search(service, clock, "m1", person="a")
            await service.put_items(ITEMS)
            await until(lambda: bool(receiver.calls) or service.deliveries.stats()["deliveries_held_total"] > 0)
            await service.erase("anon:a")
            assert await service.deliveries.listed() == []


async def test_a_message_that_fails_after_an_erasure_brings_nobody_back(tmp_path: Path) -> None:
    """It was on its way when its person was erased, and is given up: no event says so of who is gone."""
    clock = Clock()
    with receiving() as receiver:
        async with opened(tmp_path / "shop", clock, shop(receiver.url, channel="email")) as service:
            await service.put_items(ITEMS)
            await search(service, clock, "m1", person="a")
            await ended(service, status="sent")
            (one,) = service._stores.outbox.listed(None, "", "", 10)
            await service.erase("anon:a")
            await service.deliveries._courier.settle([msgspec.structs.replace(one, status="dead")])
            await service.settled()
            assert (service.person("anon:a"), service.accepted) == (None, 1)


async def test_what_became_of_a_delivery_teaches_its_policy(tmp_path: Path) -> None:
    """Opened and clicked, told by the delivery's id, are outcomes of its decision; told again they count once."""
    clock = Clock()
    with receiving() as receiver:
        settings = shop(receiver.url, slot=Slot(limit=1, policy="thompson"))
        async with opened(tmp_path / "shop", clock, settings) as service:
            await service.put_items(ITEMS)
            await search(service, clock, "m1", person="a")
            (one,) = await ended(service, status="sent")
            id = str(one["deliveryId"])
            told: list[Said] = ["opened", "clicked", "clicked"]
            for what in told:
                assert await service.deliveries.came([Came(delivery_id=id, what=what)]) == []
            assert await service.deliveries.came([Came(delivery_id="dlv_none", what="opened")]) == ["dlv_none"]
            for at in (-1, 10**30):  # no instant that it can have happened at: it happened now
                assert await service.deliveries.came([Came(delivery_id=id, what="clicked", at=at)]) == []
            await service.settled()
            clock.at += 1
            rows: Any = (await service.report("deliveries", {}))["rows"]
            assert [(r["opened"], r["clicked"], r["bounced"]) for r in rows] == [(1, 1, 0)]
            assert service.stats()["outcomes_total"] == 2


async def test_who_unsubscribes_gets_no_more_and_touches_the_guard_rail(tmp_path: Path) -> None:
    """After an unsubscribing the channel is closed for this person, and the event counts against the policy."""
    clock = Clock()
    with receiving() as receiver:
        async with opened(tmp_path / "shop", clock, shop(receiver.url, channel="email")) as service:
            await service.put_items(ITEMS)
            await search(service, clock, "m1", person="a")
            (one,) = await ended(service, status="sent")
            clock.at += MINUTE
            await service.deliveries.came([Came(delivery_id=str(one["deliveryId"]), what="unsubscribed")])
            clock.at += 3 * HOUR
            await search(service, clock, "m2", person="a", query="buy tent")
            found = await ended(service, count=2)
            assert sorted((str(d["status"]), str(d["detail"])) for d in found) == [
                ("held", "no_consent"),
                ("sent", "204"),
            ]
            person = service.person("anon:a")
            assert person is not None
            assert person.consent["contact_email"].value is False


async def test_what_never_arrived_is_not_taken_for_ignored(tmp_path: Path) -> None:
    """A message that the destination refuses for good bounced: its slot assumes that all is seen, this one wasn't."""
    clock = Clock()
    with receiving(lambda _n, _body: (410, {})) as receiver:
        settings = shop(receiver.url, channel="push", slot=Slot(limit=1, assume_seen=True))
        async with opened(tmp_path / "shop", clock, settings) as service:
            await service.put_items(ITEMS)
            await search(service, clock, "m1", person="a")
            await ended(service, status="dead")
            await until(lambda: service.accepted == 2)
            clock.at += 2 * HOUR
            await service.tick()
            await service.settled()
            clock.at += 1
            rows: Any = (await service.report("deliveries", {}))["rows"]
            assert [(r["status"], r["bounced"]) for r in rows] == [("dead", 1)]
            assert service.stats()["outcomes_total"] == 1
