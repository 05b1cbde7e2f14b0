"""The operator's hand on a running engine: slots off and on, versions of the settings, decisions to look at only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace as replaced
from typing import Any
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from micromoments.config import parse, silent_changes, with_slot
from micromoments.core.decision import Decision, Request
from micromoments.core.event import Millis
from micromoments.core.person import Person, Stamp, Trait
from micromoments.core.record import ActivationRecord, Record
from micromoments.core.settings import PURPOSES, Settings
from micromoments.engine.taught import Taught
from micromoments.engine.wiring import ACTIVE_CONFIG, Stores
from micromoments.flow.decide import decide, seed_of
from micromoments.flow.view import CONFIG, EVERY, View, canonical, config_digest

ACTIVE_OFF = "active:off"
VERSIONS = "versions:config"
MODELS = "versions:model"
MAX_VERSIONS = 50
AT_START = ("synonyms", "timezone", "recognition", "intake", "origins", "retention", "name")
"""Settings that are read when the engine starts; a change of the others is in force at once."""


class Version(msgspec.Struct, frozen=True):
    """One version of the settings: its digest, since when, the artifact of the settings and that of the file's text
    (empty where they came from a program).
    """

    version: str
    at: Millis
    settings: str
    text: str


class Model(msgspec.Struct, frozen=True):
    """Which recogniser, and since when: what it learned, its settings and its code, as one digest."""

    version: str
    at: Millis


class Control:
    """What an operator changes while the engine runs. Everything goes through the log, so a crash forgets none of it.

    ``use`` puts another view in force, ``append`` makes records durable and returns once they are folded, ``keep``
    holds a value for the next commit.
    """

    def __init__(
        self,
        stores: Stores,
        kept: Mapping[str, bytes],
        view: Callable[[], View],
        use: Callable[[View], None],
        append: Callable[[Sequence[Record]], Awaitable[None]],
        keep: Callable[[str, bytes], None],
        clock: Callable[[], Millis],
    ) -> None:
        self._stores, self._view, self._use, self._append, self._keep = stores, view, use, append, keep
        self._clock = clock
        self.taught = Taught(stores, view, append, clock)
        self._versions: list[Version] = msgspec.json.decode(kept.get(VERSIONS, b"[]"), type=list[Version])
        self._models: list[Model] = msgspec.json.decode(kept.get(MODELS, b"[]"), type=list[Model])
        use(replaced(view(), off=frozenset(msgspec.json.decode(kept.get(ACTIVE_OFF, b"[]"), type=list[str]))))

    def started(self) -> None:
        """Note the settings that the engine started with, where they are others than the last."""
        view = self._view()
        self._note(view.settings, self._stores.config_text())
        digest = self._stores.recogniser.digest
        if not self._models or self._models[-1].version != digest:
            self._models = [*self._models, Model(digest, self._clock())][-MAX_VERSIONS:]
            self._keep(MODELS, msgspec.json.encode(self._models))

    def fold(self, record: Record) -> None:
        """Put in force what the log says was switched."""
        if isinstance(record, ActivationRecord) and record.what == "off":
            self._use(replaced(self._view(), off=frozenset(msgspec.json.decode(record.body, type=list[str]))))
            self._keep(ACTIVE_OFF, record.body)

    async def switch(self, slot: str, *, off: bool) -> list[str]:
        """Switch a slot (every one where it is empty) off or on again; in force, and durable, on return.

        Returns:
            The slots that are off now; ``*`` stands for all.
        """
        now = set(self._view().off)
        name = slot or EVERY
        if off:
            now.add(name)
        elif name == EVERY:
            now.clear()
        elif EVERY in now:
            raise ValueError(f"got on for {slot} while everything is off; wanted `on` without a slot first")
        else:
            now.discard(name)
        body = msgspec.json.encode(sorted(now))
        digest = "off" if off else "on"
        await self._append(
            [ActivationRecord(key="", at=self._clock(), what="off", name=name, digest=digest, body=body)]
        )
        return sorted(now)

    def switched_off(self) -> list[str]:
        """The slots that were switched off by hand."""
        return sorted(self._view().off)

    def versions(self) -> list[dict[str, Any]]:
        """The versions of the settings, the newest first."""
        current = self._view().config_version
        found = [{"version": v.version, "at": v.at, "current": v.version == current} for v in reversed(self._versions)]
        return found or [{"version": current, "at": 0, "current": True}]

    def models(self) -> list[dict[str, Any]]:
        """The recognisers that were in force here, the newest first."""
        return [{"version": one.version, "at": one.at} for one in reversed(self._models)]

    def check(self, added: str) -> list[str]:
        """The mistakes that ``micromoments.toml`` would have with this TOML at its end; nothing is changed."""
        try:
            settings = parse(f"{self._stores.config_text().rstrip()}\n\n{added}\n")
        except ValueError as error:
            return str(error).splitlines()
        return silent_changes(self._view().settings, settings)

    async def reload(self) -> dict[str, Any]:
        """Read ``micromoments.toml`` again and put it in force.

        Raises:
            ValueError: the file has a mistake, or changes a running experiment; nothing is changed.
        """
        text = self._stores.config_text()
        settings = parse(text)
        if refused := silent_changes(self._view().settings, settings):
            raise ValueError("\n".join(refused))
        return await self._activate(settings, text)

    async def set_slot(self, slot: str, values: Mapping[str, str | float | bool]) -> dict[str, Any]:
        """Write other values of a slot into ``micromoments.toml`` and put it in force, as if it had been edited.

        Raises:
            ValueError: the file isn't what is in force, says it in a form that isn't edited here, or has a mistake
            then; nothing is changed.
        """
        text = self._stores.config_text()
        before, edited = parse(text), with_slot(text, slot, values)
        if config_digest(before) != self._view().config_version:
            raise ValueError(
                "got a micromoments.toml that is not in force; wanted it reloaded first; nothing is changed"
            )
        settings, wanted = parse(edited), replace(before.slot(slot), **values)
        if settings != replace(before, slots={**before.slots, slot: wanted}):
            raise ValueError(f"got a micromoments.toml without a plain [slots.{slot}]; wanted one; edit it by hand")
        if refused := silent_changes(self._view().settings, settings):
            raise ValueError("\n".join(refused))
        self._stores.write_config(edited)
        return await self._activate(settings, edited)

    async def rollback(self, version: str = "") -> dict[str, Any]:
        """Return to the version of the settings before this one, or to a named one; the file is put back with it.

        Raises:
            ValueError: there is no such version.
        """
        current = self._view().config_version
        others = [v for v in self._versions if (v.version == version if version else v.version != current)]
        if not others:
            known = ", ".join(v.version for v in self._versions) or "none"
            raise ValueError(f"got {version or 'the version before'}; wanted one of the versions kept: {known}")
        back = others[-1]
        settings = msgspec.json.decode(self._stores.artifacts.get(back.settings), type=Settings, strict=False)
        text = self._stores.artifacts.get(back.text).decode() if back.text else ""
        if text:
            self._stores.write_config(text)
        return await self._activate(settings, text)

    async def _activate(self, settings: Settings, text: str) -> dict[str, Any]:
        view = self._view()
        later = [name for name in AT_START if getattr(settings, name) != getattr(view.settings, name)]
        running = replace(settings, **{name: getattr(view.settings, name) for name in later})
        body = canonical(running)
        digest = config_digest(settings)
        artifact = self._stores.artifacts.put(body)
        await self._append(
            [ActivationRecord(key="", at=self._clock(), what=CONFIG, name=artifact, digest=digest, body=body)]
        )
        self._keep(ACTIVE_CONFIG, body)
        if self._view().config_version == digest:  # folded, and no other since
            self._use(replaced(self._view(), settings=running))
        self._note(settings, text)
        return {"configVersion": digest, "afterRestart": later}

    def _note(self, settings: Settings, text: str) -> None:
        digest = config_digest(settings)
        if self._versions and self._versions[-1].version == digest:
            return
        put = self._stores.artifacts.put
        version = Version(
            digest,
            self._clock(),
            put(msgspec.json.encode(settings, order="sorted")),
            put(text.encode()) if text else "",
        )
        # A version that was returned to is the newest again, so that the next return goes to the one before it.
        self._versions = [*(v for v in self._versions if v.version != digest), version][-MAX_VERSIONS:]
        self._keep(VERSIONS, msgspec.json.encode(self._versions))

    def preview(
        self,
        person: Person | None,
        slot: str,
        left: Mapping[str, int],
        *,
        at: Millis | None = None,
        context: Mapping[str, Any] | None = None,
        traits: Mapping[str, Any] | None = None,
        limit: int = 0,
        live: bool = True,
    ) -> Decision:
        """What a person would get at a place and a time: decided as always, and neither logged nor reserved.

        Without ``person`` somebody made up who consents to everything and has ``traits``. ``live`` looks past a slot's
        mode, to what going live would serve.
        """
        view = self._view()
        now = self._clock() if at is None else at
        stamp = Stamp(now, 0)
        who = person or Person(id="anon:preview", surrogate=0, consent={p: Trait(stamp, True) for p in PURPOSES})
        if traits:
            who = replace(who, traits={**who.traits, **{name: Trait(stamp, value) for name, value in traits.items()}})
        if live:
            slots = {**view.settings.slots, slot: replace(view.settings.slot(slot), mode="live")}
            view = replaced(view, settings=replace(view.settings, slots=slots), off=frozenset())
        request = Request(
            id=f"preview-{uuid4().hex}",
            slot=slot,
            key=next(iter(who.parts), who.id).partition(">")[0],
            at=now,
            context=dict(context or {}),
            limit=limit,
        )
        return decide(who, request, view, seed_of(request.id), left)[0]
