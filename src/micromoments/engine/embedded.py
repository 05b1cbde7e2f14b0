"""The Python door: one synchronous class over the service, whose loop runs in a thread of its own (a simulation's in
the caller's).

import micromoments as mm engine = mm.open("my-shop")
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from uuid import uuid4

import msgspec

from micromoments.core.decision import Decision, Request
from micromoments.core.event import SIMULATED, TRUSTED, Arrival, Millis
from micromoments.core.moment import MomentView
from micromoments.core.settings import Settings
from micromoments.engine.driving import Apart, Here
from micromoments.engine.items_door import ItemsDoor
from micromoments.engine.learned import Learned
from micromoments.engine.service import Service, now_ms, open_service
from micromoments.learn.logged import Logged
from micromoments.ports import StoreError
from micromoments.recognise.sensitive import detector
from micromoments.sources.clean import Cleaner
from micromoments.sources.segment import arrival

T = TypeVar("T")
LATEST: Millis = 253_402_300_800_000
"""The end of the year 9999: no calendar of ours goes on, so that facts of a later day could never be sealed."""


class PoliciesDoor:
    """What was learned, as ``engine.policies``; a policy is named ``<slot>:<name>``, its version is what it learned."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def _ask(self, ask: Callable[[Learned], T]) -> T:
        async def work() -> T:
            return ask(self._engine.service.learned)

        return self._engine.run(work())

    def guards(self) -> Sequence[dict[str, Any]]:
        """Whether each guarded slot's policy, and each apprentice in shadow, beats the slot's default: numbers with an
        interval that holds whenever one looks, and a ``sentence``.
        """
        return self._ask(lambda learned: learned.guards())

    def keep(self, policy: str) -> int:
        """Keep it as it is now; gives the version."""
        return self._ask(lambda learned: learned.keep(policy))

    def compare(self, policy: str, before: int, after: int | None = None) -> dict[str, Any]:
        """Where two versions (the second is the one in force unless given) differ most, in worth a unit of feature."""
        return self._ask(lambda learned: learned.compare(policy, before, after))

    def rollback(self, policy: str, version: int | None = None) -> dict[str, Any]:
        """Put a kept version back in force, the one before unless given; it decides from now on.

        Raises:
            ValueError: there is no such policy or version.
        """
        return self._engine.run(self._engine.service.learned.rollback(policy, version))

    def warm(self, slot: str, records: Sequence[Logged], *, dry_run: bool = False) -> dict[str, Any]:
        """Teach a slot's policy a log of decisions (``learn.logged.read``), judge it by the newest fifth and put it in
        force; with ``dry_run`` only judge.

        Raises:
            ValueError: no record can be used in this slot.
        """
        return self._engine.run(self._engine.service.learned.warm(slot, records, dry_run=dry_run))

    def list(self) -> list[dict[str, Any]]:
        """Each policy's version, and those kept."""
        return self._ask(lambda learned: learned.listed())


class Engine:
    """A project, open in this process. Every method returns when what it did is durable and folded.

    A person is named by a user id, or by ``anon:<anonymousId>``. Safe to call from several threads.
    """

    def __init__(
        self,
        folder: str | Path,
        settings: Settings | None = None,
        *,
        clock: Callable[[], Millis] | None = None,
        synced: bool = True,
    ) -> None:
        self._driver = Apart() if synced else Here()
        self._closed = False
        self._clock = clock or now_ms
        self._set: Millis | None = None
        try:
            self.service: Service = self.run(self._open(folder, settings, synced=synced))
        except BaseException:
            self._driver.end()
            raise
        self._cleaner = Cleaner(self.service.settings.intake, detector(self.service.settings.recognition.sensitive))
        self.catalog = ItemsDoor(self)
        self.policies = PoliciesDoor(self)

    async def _open(self, folder: str | Path, settings: Settings | None, *, synced: bool) -> Service:
        service = open_service(folder, settings, self._now, synced=synced)
        await service.start()
        return service

    def _now(self) -> Millis:
        return self._set if self._set is not None else self._clock()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of the service on its loop and give its result.

        Raises:
            RuntimeError: the engine was closed.
        """
        if self._driver.ended:
            work.close()
            raise RuntimeError("got a call on a closed engine; wanted an open one: open the folder again")
        return self._driver.run(work)

    def at(self, instant: Millis | None) -> None:
        """Set the engine's clock (milliseconds, UTC) for importing or simulating history; ``None`` gives the wall
        clock back.

        Time may only go forward: timers that are due by ``instant`` fire now.

        Raises:
            ValueError: the instant lies before the one set last, or is none.
        """
        if instant is not None:
            _check(instant)
        if instant is not None and self._set is not None and instant < self._set:
            raise ValueError(f"got instant {instant}, before {self._set}; wanted a later one: time only goes forward")
        self._set = instant
        self.run(self.service.tick())

    def track(
        self,
        person: str,
        event: str,
        properties: Mapping[str, Any] | None = None,
        *,
        context: Mapping[str, Any] | None = None,
        timestamp: str | None = None,
        message_id: str | None = None,
    ) -> None:
        """One thing that a person did. ``timestamp`` is RFC 3339; now unless given.

        Raises:
            ValueError: the event is malformed; the message says what was got and wanted.
        """
        self.collect(
            [
                {
                    "type": "track",
                    **_ids(person),
                    "event": event,
                    "properties": dict(properties or {}),
                    **({"context": dict(context)} if context else {}),
                    **({"timestamp": timestamp} if timestamp else {}),
                    **({"messageId": message_id} if message_id else {}),
                }
            ]
        )

    def page(self, person: str, name: str = "", properties: Mapping[str, Any] | None = None, **more: Any) -> None:
        """A page that a person saw."""
        self.collect([{"type": "page", **_ids(person), "name": name, "properties": dict(properties or {}), **more}])

    def identify(
        self, person: str, traits: Mapping[str, Any] | None = None, *, anonymous_id: str | None = None
    ) -> None:
        """Who a person is; ``anonymous_id`` is then theirs until another identify takes it."""
        ids = {**_ids(person), **({"anonymousId": anonymous_id} if anonymous_id else {})}
        self.collect([{"type": "identify", **ids, "traits": dict(traits or {})}])

    def alias(self, previous: str, person: str) -> None:
        """Two user ids are one person, for good."""
        self.collect([{"type": "alias", "previousId": previous, "userId": person}])

    def collect(self, events: Sequence[Mapping[str, Any]], at: Sequence[Millis] | None = None) -> list[int]:
        """Any number of events in the Segment shape, in one durable group; gives the indexes of duplicates.

        ``at`` says when each arrived (milliseconds, UTC), for history and simulations; now unless given.

        Raises:
            ValueError: an event is malformed, or ``at`` has another length or no instant; nothing was accepted.
        """
        if at is None:
            now = self._now()
            return self.accept([self._arrival(e, now) for e in events])
        if len(at) != len(events):
            raise ValueError(f"got {len(at)} arrivals for {len(events)} events; wanted one for each")
        for instant in at:
            _check(instant)
        return self.accept([self._arrival(e, t) for e, t in zip(events, at, strict=True)], at)

    def _arrival(self, event: Mapping[str, Any], now: Millis) -> Arrival:
        """Clean like any door's; trusted, since whoever can open the folder holds every key."""
        return self._cleaner.clean(arrival(event, received_at=now, marks=TRUSTED, confirmed=True))

    def accept(self, arrivals: Sequence[Arrival], at: Sequence[Millis] | None = None) -> list[int]:
        """As ``collect``, of decoded events; durable and folded on return."""

        async def work() -> list[int]:
            duplicates = await self.service.collect(arrivals, at)
            await self.service.settled()
            return duplicates

        return self.run(work())

    def moment(self, person: str) -> MomentView | None:
        """The strongest moment that a person is in now, ``None`` if in none."""
        return next(iter(self.moments(person)), None)

    def moments(self, person: str, *, history: bool = False) -> list[MomentView]:
        """A person's open moments, strongest first; with ``history`` those that ended too."""
        return self.run(self.service.moments(key_of(person), linked=True, history=history))

    def decide(
        self,
        person: str,
        slot: str,
        *,
        context: Mapping[str, Any] | None = None,
        limit: int = 0,
        items: Sequence[str] = (),
        decision_id: str | None = None,
        simulated: bool = False,
    ) -> Decision:
        """Choose what to serve a person in a slot now; ``limit`` 0 is the slot's own.

        Raises:
            ValueError: something said has half a surrogate pair, which no text has.
        """
        _check_text(person, slot, decision_id, context)
        request = Request(
            id=decision_id or f"d_{uuid4().hex}",
            slot=slot,
            key=key_of(person),
            at=self._now(),
            context=dict(context or {}),
            limit=limit,
            items=tuple(items),
            marks=SIMULATED if simulated else 0,
            fresh=decision_id is None,
        )
        return self.run(self.service.decide(request))

    def off(self, slot: str = "") -> list[str]:
        """Switch a slot off, or every one; in force and durable on return. Gives what is off (``*``: all)."""
        return self.run(self.service.control.switch(slot, off=True))

    def on(self, slot: str = "") -> list[str]:
        """Switch a slot on again, or all of them. Gives what is still off."""
        return self.run(self.service.control.switch(slot, off=False))

    def rollback(self, version: str = "") -> dict[str, Any]:
        """Return to the settings before these, or to a version; ``micromoments.toml`` is put back with them.

        Raises:
            ValueError: there is no such version.
        """
        return self.run(self.service.control.rollback(version))

    def preview(
        self,
        slot: str,
        person: str = "",
        *,
        at: Millis | None = None,
        context: Mapping[str, Any] | None = None,
        traits: Mapping[str, Any] | None = None,
        limit: int = 0,
        live: bool = True,
    ) -> Decision:
        """What somebody would get at a place (in ``context``) and a time: nothing is logged or reserved.

        Without ``person`` somebody made up, who has ``traits`` and consents to everything. ``live`` looks past the
        slot's mode.
        """
        key = key_of(person) if person else ""

        async def work() -> Decision:
            return self.service.preview(key, slot, at=at, context=context, traits=traits, limit=limit, live=live)

        return self.run(work())

    def report(self, name: str, **params: str) -> dict[str, Any]:
        """A report over the facts: ``scorecards``, ``lift``, ``needs``, ``unmet``, ``moments``, ``decisions``,
        ``quality``.

        Parameters: ``from_``, ``to`` (RFC 3339), ``tz``, ``by``, ``segment``, ``goal``.

        Raises:
            ValueError: no such report or parameter.
        """
        named = {("from" if k == "from_" else k): v for k, v in params.items()}
        return self.run(self.service.report(name, named))

    def export(self, person: str) -> dict[str, object] | None:
        """All that is held of a person; ``None`` if unknown."""
        return self.run(self.service.export(key_of(person)))

    def erase(self, person: str) -> dict[str, int]:
        """Forget a person everywhere; gives how much went."""
        return self.run(self.service.erase(key_of(person)))

    def close(self) -> None:
        """Commit everything and let go of the folder; harmless when repeated."""
        if not self._closed:
            self._closed = True
            self.run(self.service.stop())
            self._driver.end()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _check(instant: Millis) -> None:
    if not 0 < instant < LATEST:
        raise ValueError(f"got instant {instant}; wanted milliseconds since 1970, UTC, such as time.time_ns() // 10**6")


def _check_text(*said: object) -> None:
    try:
        msgspec.json.encode(said, enc_hook=str)
    except UnicodeEncodeError as error:
        raise ValueError(f"got {error.object[:100]!r}, which can't be written as text; wanted Unicode") from error
    except (TypeError, ValueError):  # what JSON doesn't have, deciding may make nothing of
        pass


def key_of(person: str) -> str:
    """The source key of a person's name: ``anon:<id>`` and ``user:<id>`` as they are, anything else a user id.

    Raises:
        ValueError: the name is empty.
    """
    if not person:
        raise ValueError("got an empty person; wanted a user id, or anon:<anonymousId>")
    return person if person.startswith(("anon:", "user:")) else f"user:{person}"


def open(
    folder: str | Path,
    settings: Settings | None = None,
    *,
    clock: Callable[[], Millis] | None = None,
    synced: bool = True,
) -> Engine:
    """Open a project's folder, made if absent. One process owns it at a time.

    ``settings`` replace those of the folder's ``micromoments.toml``; ``clock`` gives milliseconds, UTC, and may not go
    back (the machine's unless given). Without ``synced``, a call returns when the process may be killed and lose
    nothing, but the machine may not, and nothing happens between calls (no timer fires, no delivery goes out): for
    lives that can be lived again, as a simulation.

    Raises:
        StoreError: another process owns the folder (the message says which, and where it serves).
        ConfigError: the configuration has a mistake (file, line, what was expected).
    """
    return Engine(folder, settings, clock=clock, synced=synced)


def _ids(person: str) -> dict[str, str]:
    key = key_of(person)
    return {"anonymousId": key[5:]} if key.startswith("anon:") else {"userId": key[5:]}


__all__ = ["Engine", "StoreError", "open"]
