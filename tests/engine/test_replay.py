"""The state is what the log says: a replay from nothing gives the same people, links and policies."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from micromoments.core.record import DecidedRecord, EventRecord, OutcomeRecord
from micromoments.core.settings import Goal, Recognition
from micromoments.engine.service import Service, open_service
from micromoments.engine.verify import Rebuilt, rebuild, verify
from micromoments.engine.wiring import open_stores
from micromoments.ports import StoreError, replay
from tests.engine.day import live
from tests.engine.shop import ITEMS, SETTINGS, Clock, asked, clicked, opened, search, sent

STEPS = 150


def counted(folder: Path) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """How often each message, decision and outcome stands in the folder's log."""
    stores = open_stores(folder, SETTINGS)
    messages: Counter[str] = Counter()
    decisions: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for logged in replay(stores.log):
        match logged.record:
            case EventRecord():
                messages[logged.record.message_id] += 1
            case DecidedRecord():
                decisions[logged.record.decision.id] += 1
            case OutcomeRecord():
                outcomes[logged.record.outcome.id] += 1
            case _:
                pass
    stores.close()
    return messages, decisions, outcomes


def checked(folder: Path) -> int:
    """How many people a replay of the folder and its state agree on; fails where they don't."""
    stores = open_stores(folder, SETTINGS)
    verdict = verify(stores)
    stores.close()
    assert verdict.differences == []
    return verdict.people


async def test_a_replay_folds_under_the_settings_that_were_in_force(tmp_path: Path) -> None:
    """Other half-lives, lifetimes, goals and time zones from a start on, or while it serves, also where the process was
    killed before the records of before were committed: what each was folded under stands in the log.
    """
    clock, folder = Clock(), tmp_path / "shop"
    quick = Recognition(half_life=dict.fromkeys(("know", "go", "do", "buy"), 1.0), threshold=0.3)
    other = msgspec.structs.replace(
        SETTINGS, recognition=quick, timezone="Asia/Tokyo", goals={"looked": Goal(event="Product Viewed")}
    )

    async def day(service: Service, name: str) -> None:
        """Searches, a decision, and what came of it, over an hour."""
        for n in range(6):
            clock.at += 600_000
            await search(service, clock, f"{name}-{n}", person="a", query="buy trail shoes near me")
        decision = await service.decide(asked(f"d-{name}", "anon:a", clock.at))
        await clicked(service, clock, decision, f"{name}-click")
        said = {"decision_id": decision.id, "product_id": decision.items[0].id}
        await service.collect(
            [sent(at=clock.at, id=f"{name}-v", anonymousId="a", event="Product Viewed", properties=said)]
        )

    async with opened(folder, clock) as service:
        await service.put_items(ITEMS)
        await day(service, "first")
    async with opened(folder, clock, other) as service:
        await day(service, "second")
        await service.settled()
        await service._keeper.commit(service._barrier)
        await day(service, "left")
        async with service._keeper._lock:  # no commit is under way while the files are copied
            shutil.copytree(folder, tmp_path / "killed", ignore=shutil.ignore_patterns("lock", "*-shm"))
        await service.settled()
        left = msgspec.msgpack.encode(service.person("anon:a"))
    async with opened(tmp_path / "killed", clock) as service:
        assert msgspec.msgpack.encode(service.person("anon:a")) == left
        assert service.settings == SETTINGS
        await day(service, "third")
        running = msgspec.structs.replace(SETTINGS, goals=other.goals, timezone="Asia/Tokyo")
        told = await service.control._activate(running, "")
        assert (told["afterRestart"], service.settings.timezone, service.settings.goals) == (
            ["timezone"],
            "UTC",
            other.goals,
        )
        await day(service, "fourth")
    assert checked(folder) == checked(tmp_path / "killed") == 1


async def killed(service: Service) -> None:
    """End a service as a crash would: nothing is folded, committed or drained; only its threads are let go of."""
    for task in service._tasks:
        task.cancel()
    await service._appender.stop()
    service._stores.close()


async def lived(folder: Path, clock: Clock, *, seed: int = 1, kill: bool = False) -> None:
    """A day in a folder."""
    service = open_service(folder, SETTINGS, clock)
    await service.start()
    await service.put_items(ITEMS)
    await live(service, clock, seed, STEPS)
    await (killed(service) if kill else service.stop())


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_replay_of_a_day_gives_the_state_that_was_committed(tmp_path: Path, seed: int) -> None:
    """After a day of everything, people, links and policies are those of a replay, byte for byte."""
    await lived(tmp_path / "shop", Clock(), seed=seed)

    assert checked(tmp_path / "shop") > 1


async def test_two_rebuilds_give_the_same_bytes(tmp_path: Path) -> None:
    """Folding the log twice gives equal bytes for people, links and policies, of which some have learned."""
    await lived(tmp_path / "shop", Clock())
    stores = open_stores(tmp_path / "shop", SETTINGS)

    def bytes_of(built: Rebuilt) -> bytes:
        """A rebuilt world as bytes."""
        return msgspec.msgpack.encode(
            [sorted(built.people.items()), sorted(built.links.items()), sorted(built.policies.items())]
        )

    one, two = (rebuild(stores, SETTINGS, stores.recogniser) for _ in range(2))
    stores.close()

    assert bytes_of(one) == bytes_of(two)
    assert one.policies
    assert one.links


async def test_a_folder_left_by_a_crash_is_brought_to_where_its_log_ends(tmp_path: Path) -> None:
    """Killed without a commit and opened again, the state equals a replay, and the next day goes on from there."""
    clock = Clock()
    await lived(tmp_path / "shop", clock, kill=True)
    async with opened(tmp_path / "shop", clock) as service:
        await live(service, clock, 5, 30, start=STEPS)

    assert checked(tmp_path / "shop") > 1
    messages, decisions, outcomes = counted(tmp_path / "shop")
    assert {n for c in (messages, decisions, outcomes) for n in c.values()} == {1}


async def test_what_a_crash_leaves_at_any_instant_recovers_to_the_same_outcomes(tmp_path: Path) -> None:
    """Copies taken while the engine works, some with outcomes logged and some with outcomes only derived, all
    recover: each outcome once, state equal to a replay, and no event that was acknowledged before the copy lost.
    """
    folder, clock = tmp_path / "shop", Clock()
    copies: list[tuple[Path, int]] = []
    async with opened(folder, clock) as service:
        await service.put_items(ITEMS)
        for n in range(6):
            await live(service, clock, n, 18, start=18 * n)
            copy = tmp_path / f"copy{n}"
            shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("lock", "*-shm"))
            copies.append((copy, service.accepted))
            if n % 2:
                await service.settled()
                await service._keeper.commit(service._barrier)

    for copy, accepted in copies:
        async with opened(copy, Clock(clock.at)) as service:
            await service.settled()
        messages, decisions, outcomes = counted(copy)
        assert sum(messages.values()) == accepted
        assert {n for c in (messages, decisions, outcomes) for n in c.values()} == {1}
        checked(copy)
        again = counted(copy)[2]
        async with opened(copy, Clock(clock.at)):
            pass
        assert counted(copy)[2] == again


async def test_a_folder_has_one_owner(tmp_path: Path) -> None:
    """A second engine over the same folder is refused, and told who has it."""
    async with opened(tmp_path / "shop", Clock()):
        with pytest.raises(StoreError, match=r"pid|process"):
            open_service(tmp_path / "shop", SETTINGS, Clock())
