"""Events are passed on as they came: at least once under their ids, filtered, of those who agree to it."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from micromoments.core.event import BOT
from micromoments.core.settings import Destination, Forward, Reference, Settings
from micromoments.engine.service import Service
from micromoments.sources.segment import batch as segment_batch
from tests.channels.receiver import TAKE, Receiver, receiving
from tests.engine.shop import SETTINGS, Clock, opened, sent

QUICK = Forward(to="tool", batch=3, wait_seconds=0.0)
ALL = ("measure", "personalise", "share")


def passing(
    url: str, *, consent: tuple[Any, ...] = ALL, secret: str = "", forward: Forward | None = None, **more: Any
) -> Settings:
    """A shop that passes its events on to one receiver in Segment's shape."""
    to: dict[str, Any] = {"url": url, "private": True, "timeout_seconds": 2, "shape": "segment", **more}
    return msgspec.structs.replace(
        SETTINGS,
        consent=consent,
        destinations={"tool": Destination(secret=Reference(env="TOOL_KEY"), **to)},
        forwards={"all": forward or QUICK},
    )


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOL_KEY", "their-write-key")


def calls(receiver: Receiver) -> list[dict[str, Any]]:
    """The calls that arrived, in their order."""
    return [call for body in receiver.bodies for call in json.loads(body)["batch"]]


async def tell(service: Service, clock: Clock, id: str, **more: Any) -> None:
    """One event of an anonymous person."""
    await service.collect([sent(at=clock.at, id=id, **{"anonymousId": "a", "event": "Product Viewed", **more})])


async def until(true: Callable[[], bool]) -> None:
    """Wait for something to come true."""
    for _ in range(3000):
        if true():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it did not come true in time")


def passed(service: Service, count: int) -> Callable[[], bool]:
    """Whether everything was looked at, and so many events were passed on."""
    return lambda: (
        service.deliveries.stats()["events_forwarded_total"] >= count
        and service.deliveries.stats()["forward_waiting"] == 0
    )


async def test_events_arrive_as_they_were_sent(tmp_path: Path) -> None:
    """In the log's order, with ids, corrected times and all that the sender said, under the tool's own key; and another
    server of ours takes them as they are.
    """
    clock = Clock()
    with receiving() as receiver:
        async with opened(tmp_path / "shop", clock, passing(receiver.url)) as service:
            for n in range(5):
                more: dict[str, Any] = {"properties": {"product_id": f"p{n}"}, "context": {"app": {"name": "x"}}}
                await tell(service, clock, f"m{n}", writeKey="secret", **more)
            await service.collect([sent("identify", at=clock.at, id="i1", userId="ana", traits={"plan": "pro"})])
            await until(passed(service, 6))
        found = calls(receiver)
        assert [c["messageId"] for c in found] == ["m0", "m1", "m2", "m3", "m4", "i1"]
        assert found[4]["properties"] == {"product_id": "p4"}
        assert found[4]["context"] == {"app": {"name": "x"}}
        assert (found[5]["type"], found[5]["userId"], found[5]["traits"]) == ("identify", "ana", {"plan": "pro"})
        assert all(c["timestamp"].endswith("Z") and "writeKey" not in c and "sentAt" not in c for c in found)
        assert b64decode(receiver.calls[0][1]["authorization"].removeprefix("Basic ")) == b"their-write-key:"
        assert max(len(json.loads(body)["batch"]) for body in receiver.bodies) <= 3
        taken = segment_batch(receiver.bodies[0], clock.at)
        assert [arrival.message_id for arrival in taken.arrivals] == ["m0", "m1", "m2"][: len(taken.arrivals)]


async def test_only_what_is_wanted_and_agreed_to_goes(tmp_path: Path) -> None:
    """Types, names and exceptions filter; bots, those who object or were never asked, and what its sender kept from
    this tool stay here; who agrees is passed on from then on.
    """
    clock = Clock()
    with receiving() as receiver:
        forward = Forward(
            to="tool", types=("track",), events=("Product *", "Order Completed"), without=("Product X",), wait_seconds=0
        )
        settings = passing(receiver.url, consent=("measure",), forward=forward)
        async with opened(tmp_path / "shop", clock, settings) as service:

            async def caught_up() -> None:
                """Return when all that was told was looked at."""
                await service.settled()
                await until(passed(service, 0))

            await tell(service, clock, "unasked")
            await caught_up()
            await tell(service, clock, "yes", event="Consent Updated", properties={"share": True})
            await tell(service, clock, "view")
            await tell(service, clock, "kept", integrations={"All": False})
            await tell(service, clock, "meant", integrations={"All": False, "all": True})
            await tell(service, clock, "not", event="Product X")
            await tell(service, clock, "other", event="Cart Viewed")
            await tell(service, clock, "page", type="page", name="Product Viewed")
            bot = sent(at=clock.at, id="bot", anonymousId="a", event="Product Viewed")
            await service.collect([msgspec.structs.replace(bot, marks=BOT)])
            await tell(service, clock, "order", event="Order Completed")
            await caught_up()
            clock.at += 1000
            await tell(service, clock, "no", event="Consent Updated", properties={"share": False})
            await tell(service, clock, "late")
            await caught_up()
        assert [c["messageId"] for c in calls(receiver)] == ["view", "meant", "order"]


async def test_an_objection_holds_for_what_waits(tmp_path: Path) -> None:
    """What could not be sent yet isn't sent any more once its person said no."""
    clock = Clock()
    open_now = asyncio.Event()
    with receiving(lambda _n, _body: TAKE if open_now.is_set() else (503, {})) as receiver:
        async with opened(tmp_path / "shop", clock, passing(receiver.url)) as service:
            await tell(service, clock, "mine")
            await tell(service, clock, "hers", anonymousId="b")
            await until(lambda: service.deliveries.stats()["forward_failures_total"] > 0)
            clock.at += 1000
            await tell(service, clock, "no", event="Consent Updated", properties={"share": False})
            await service.settled()
            before = len(receiver.bodies)
            open_now.set()
            await until(passed(service, 1))
        after = [c["messageId"] for body in receiver.bodies[before:] for c in json.loads(body)["batch"]]
        assert after == ["hers"]


async def test_what_waits_survives_a_stop_and_nothing_is_doubled(tmp_path: Path) -> None:
    """The next start goes on where the last one stopped, with the events that nobody took; what was taken stays so."""
    clock = Clock()
    status = {"now": 204}
    with receiving(lambda _n, _body: (status["now"], {})) as receiver:
        settings = passing(receiver.url)
        async with opened(tmp_path / "shop", clock, settings) as service:
            await tell(service, clock, "m1")
            await until(passed(service, 1))
            status["now"] = 503
            await tell(service, clock, "m2")
            await until(lambda: service.deliveries.stats()["forward_failures_total"] > 0)
            await tell(service, clock, "m3")
        status["now"], before = 204, len(receiver.bodies)
        async with opened(tmp_path / "shop", clock, settings) as service:
            await until(passed(service, 2))
        assert [c["messageId"] for body in receiver.bodies[before:] for c in json.loads(body)["batch"]] == ["m2", "m3"]


async def test_what_is_refused_for_good_stands_aside_alone(tmp_path: Path) -> None:
    """One event that the tool won't have becomes a dead letter, listed and replayed; the others of its batch go on."""
    clock = Clock()
    better = asyncio.Event()

    def answer(_n: int, body: bytes) -> tuple[int, dict[str, str]]:
        """One event is refused for good until it is better."""
        return (400, {}) if b'"bad"' in body and not better.is_set() else TAKE

    with receiving(answer) as receiver:
        forward = Forward(to="tool", batch=8, wait_seconds=0.3)
        async with opened(tmp_path / "shop", clock, passing(receiver.url, forward=forward)) as service:
            for id in ("m1", "m2", "bad", "m3"):
                await tell(service, clock, id)
            await until(passed(service, 3))
            await until(lambda: service.deliveries.stats()["forward_dead_total"] == 1)
            while not (found := await service.deliveries.listed("dead")):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            assert [(d["destination"], d["trigger"], d["person"]) for d in found] == [("tool", "all", "anon:a")]
            better.set()
            assert await service.deliveries.replay() == [found[0]["deliveryId"]]
            await until(lambda: service.deliveries.stats()["deliveries_sent_total"] == 1)
        assert json.loads(receiver.bodies[-1])["batch"][0]["messageId"] == "bad"


async def test_an_erased_person_s_events_stay_here(tmp_path: Path) -> None:
    """What waits of somebody who was erased is never passed on."""
    clock = Clock()
    status = {"now": 503}
    with receiving(lambda _n, _body: (status["now"], {})) as receiver:
        async with opened(tmp_path / "shop", clock, passing(receiver.url)) as service:
            await tell(service, clock, "mine")
            await until(lambda: service.deliveries.stats()["forward_failures_total"] > 0)
            await service.erase("anon:a")
            await tell(service, clock, "hers", anonymousId="b")
            status["now"], before = 204, len(receiver.bodies)
            await until(passed(service, 1))
        assert [c["messageId"] for b in receiver.bodies[before:] for c in json.loads(b)["batch"]] == ["hers"]


async def test_standard_webhooks_and_files_get_events_too(tmp_path: Path) -> None:
    """By Standard Webhooks the events come signed in its envelope; a file has one line for each."""
    clock = Clock()
    with receiving() as receiver:
        settings = passing(receiver.url)
        settings = msgspec.structs.replace(
            settings,
            destinations={
                "tool": Destination(url=receiver.url, private=True),
                "disk": Destination(kind="file", url="events"),
            },
            forwards={"all": QUICK, "kept": msgspec.structs.replace(QUICK, to="disk")},
        )
        async with opened(tmp_path / "shop", clock, settings) as service:
            await tell(service, clock, "m1")
            await until(passed(service, 2))
        (body,) = receiver.bodies
        news = json.loads(body)
        assert news["type"] == "events.forwarded"
        assert [c["messageId"] for c in news["data"]["events"]] == ["m1"]
        (file,) = (tmp_path / "shop" / "events").iterdir()
        assert [json.loads(line)["messageId"] for line in file.read_text().splitlines()] == ["m1"]
