"""What holds before each further try of a delivery, as before the first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from micromoments.core.delivery import Delivery
from micromoments.core.settings import Trigger
from micromoments.engine.service import Service
from tests.channels.receiver import receiving
from tests.engine.shop import ITEMS, Clock, opened, search, sent
from tests.engine.test_deliveries import HOUR, ended, shop, until


async def test_a_no_holds_what_was_tried_before(tmp_path: Path) -> None:
    """Who withdraws while a destination can't be reached, or after it was given up, gets nothing once it can be."""
    clock, status = Clock(), [503]
    with receiving(lambda n, _body: (status[0], {})) as receiver:
        async with opened(tmp_path / "shop", clock, shop(receiver.url)) as service:
            await service.put_items(ITEMS)
            for person, at in (("a", 503), ("b", 410)):
                status[0] = at
                await search(service, clock, f"m-{person}", person=person)
                await until(lambda: f"anon:{person}" in tried(service))  # noqa: B023 - called at once
            for person in "ab":
                about: dict[str, Any] = {"event": "Consent Updated", "properties": {"share": False}}
                await service.collect([sent(at=clock.at, id=f"c-{person}", anonymousId=person, **about)])
            await service.settled()
            status[0], calls = 204, len(receiver.calls)
            clock.at += HOUR
            assert len(await service.deliveries.replay()) == 1
            found = await ended(service, status="held", count=2)
            assert {str(d["detail"]) for d in found} == {"no_consent"}
        assert len(receiver.calls) == calls


async def test_what_is_late_or_in_quiet_hours_is_not_tried_again(tmp_path: Path) -> None:
    """A try that failed comes again when quiet hours are over; past ``within_hours`` it is a dead letter, which is sent
    where an operator wants it all the same.
    """
    clock, status = Clock(1_800_000_000_000 // (24 * HOUR) * (24 * HOUR) + 21 * HOUR), [503]
    for within, hours in ((24.0, "22:00-06:00"), (1.0, "")):
        with receiving(lambda n, _body: (status[0], {})) as receiver:
            settings = shop(receiver.url, quiet_hours=hours, trigger=Trigger(to=("crm",), within_hours=within))
            async with opened(tmp_path / f"shop{within}", clock, settings) as service:
                status[0] = 503
                await search(service, clock, "m1", person="a")
                await until(lambda: "anon:a" in tried(service))
                status[0] = 204
                clock.at += 2 * HOUR
                if hours:
                    await until(lambda: [d.due - clock.at for d in waiting(service)] == [7 * HOUR])
                    clock.at += 8 * HOUR
                else:
                    (one,) = await ended(service, status="dead")
                    assert one["detail"] == "too_late"
                    assert len(receiver.calls) == 1
                    assert await service.deliveries.replay() == [one["deliveryId"]]
                await ended(service, status="sent")
            assert len(receiver.calls) == 2
            clock.at += 11 * HOUR


def waiting(service: Service) -> list[Delivery]:
    """What is still to be sent."""
    return list(service._stores.outbox.listed("waiting", "", "", 10))


def tried(service: Service) -> set[str]:
    """The people to whom something was tried to be sent."""
    return {d.person for d in service._stores.outbox.listed(None, "", "", 10) if d.tries}
