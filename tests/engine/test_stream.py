"""The live stream: resumed where one left, honest about what was missed, bounded for the slow."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from micromoments.engine.stream import QUEUE, RING, Stream, Subscription
from tests.engine.shop import MINUTE, Clock, opened, search, sent


def told(stream: Stream, *numbers: int, person: str = "anon:a") -> None:
    """Publish one message for each number."""
    for n in numbers:
        stream.publish("moment", person, lambda n=n: str(n).encode())  # type: ignore[misc]


async def heard(subscription: Subscription) -> list[tuple[str, bytes]]:
    """What waits for a listener: (kind, data)."""
    found: list[tuple[str, bytes]] = []
    while (message := await subscription.next(0.01)) is not None:
        found.append((message.kind, message.data))
    return found


async def test_a_listener_resumes_after_the_last_id_it_heard() -> None:
    """Nothing is missed and nothing is told twice."""
    stream = Stream(100)
    first = stream.subscribe()
    told(stream, 1, 2)
    assert (await first.next(1)) is not None
    last = await first.next(1)
    assert last is not None
    first.close()
    told(stream, 3, 4)

    again = stream.subscribe(last_id=str(last.id))
    told(stream, 5)

    assert await heard(again) == [("moment", b"3"), ("moment", b"4"), ("moment", b"5")]


async def test_who_comes_back_too_late_is_told_of_a_gap() -> None:
    """Where the ring no longer holds what followed, or the process is another, the first message is a gap."""
    stream = Stream(100)
    told(stream, *range(RING + 10))
    for last in ("100", "5"):
        found = await heard(stream.subscribe(last_id=last))
        assert found[0][0] == "gap"
    assert await heard(stream.subscribe(last_id=str(100 + RING + 9))) == []


async def test_a_reader_too_slow_loses_the_oldest_and_is_told_so() -> None:
    """A queue never grows past its bound; after the gap come the newest."""
    stream = Stream(0)
    slow = stream.subscribe()
    told(stream, *range(3 * QUEUE))

    found = await heard(slow)

    assert len(found) <= QUEUE
    assert found[0][0] == "gap"
    assert found[-1] == ("moment", str(3 * QUEUE - 1).encode())


async def test_a_slow_reader_of_one_person_hears_only_of_that_person() -> None:
    """The filter holds for live messages, resumed ones and gaps."""
    stream = Stream(0)
    live = stream.subscribe("anon:a")
    told(stream, 1, person="anon:a")
    told(stream, 2, person="anon:b")

    assert await heard(live) == [("moment", b"1")]
    assert await heard(stream.subscribe("anon:b", last_id="0")) == [("moment", b"2")]


async def test_a_listener_follows_who_becomes_known(tmp_path: Path) -> None:
    """Who listens to an anonymousId goes on hearing when it signs in, of whoever has the device then, and through an
    alias; who listens to a person's id alone hears of that.
    """
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        follows = service.stream.subscribe("anon:a", key="anon:a")
        stays = service.stream.subscribe("anon:a")

        async def whose() -> set[str]:
            """Of whom is told when the device searches now."""
            clock.at += MINUTE
            await search(service, clock, f"m{clock.at}", person="a", query="buy a tent")
            await service.settled()
            return {m.person for m in await follows.some(5) if m.kind == "moment"}

        async def names(type: str, **ids: Any) -> None:
            """Somebody says who they are."""
            clock.at += MINUTE
            await service.collect([sent(type, at=clock.at, id=f"i{clock.at}", **ids)])
            await service.settled()
            await follows.some(0.01)

        assert await whose() == {"anon:a"}
        await names("identify", anonymousId="a", userId="zoe")
        assert await whose() == {"user:zoe"}
        await names("identify", anonymousId="a", userId="bob")
        assert await whose() == {"user:bob"}
        await names("alias", previousId="bob", userId="ann")
        assert await whose() == {"user:ann"}
        assert {m.person for m in await stays.some(0.01)} == {"anon:a"}


async def test_a_closed_listener_costs_nothing() -> None:
    """After ``close`` nobody is told, and a body that nobody needs is never made."""
    stream = Stream(0)
    subscription = stream.subscribe()
    subscription.close()
    made: list[int] = []

    def body() -> bytes:
        """What would be told; nobody may ask for it."""
        made.append(1)
        return b""

    stream.publish("moment", "anon:a", body)

    assert len(stream) == 0
    assert made == []


async def test_a_waiting_listener_wakes_when_told() -> None:
    """``next`` returns as soon as there is a message, and None after its time."""
    stream = Stream(0)
    subscription = stream.subscribe()
    waiting = asyncio.create_task(subscription.next(5))
    await asyncio.sleep(0)
    told(stream, 7)

    message = await waiting

    assert message is not None
    assert message.data == b"7"
    assert await subscription.next(0.01) is None


async def test_what_is_forgotten_is_not_told_again() -> None:
    """Who resumes after an erasure hears of everyone else."""
    stream = Stream(9)
    told(stream, 1, person="anon:a")
    told(stream, 2, person="anon:b")

    stream.forget({"anon:a"})

    assert await heard(stream.subscribe(last_id="9")) == [("moment", b"2")]


async def test_a_server_that_just_began_tells_who_comes_back_of_the_gap() -> None:
    """What the process before told since is lost, also while this one has told nothing; who missed none hears none."""
    stream = Stream(100)
    for last in ("42", "100", "5000"):
        assert [kind for kind, _ in await heard(stream.subscribe(last_id=last))] == ["gap"]
    assert await heard(stream.subscribe(last_id="99")) == []


async def test_an_id_that_is_none_of_ours_is_left_alone() -> None:
    """Digits of other scripts, or without end, are no id: the listener hears what is new."""
    stream = Stream(100)
    for strange in ("²", "٣", "9" * 5000, "-1", ""):
        listener = stream.subscribe(last_id=strange)
        assert await heard(listener) == []
        listener.close()
