"""The operator's doors: slots off and on, versions of the settings, decisions to look at only. For the secret key."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import msgspec

from micromoments.core.event import Millis
from micromoments.core.when import instant
from micromoments.learn.logged import read
from micromoments.learn.warm import with_unread
from micromoments.policy.actions import SLOT
from micromoments.recognise.weights import decode
from micromoments.server import shapes
from micromoments.server.http import Call, Reply, read_json, reply
from micromoments.server.keys import Access, require_whole
from micromoments.server.people import source_key_of
from micromoments.server.problem import Problem, not_taken, shown
from micromoments.server.service import Service

MAX_BODY = 64 * 1024
MAX_LOG = 32 * 1024 * 1024
"""Bytes of a log that a policy learns, after gunzip."""
MAX_SLOT = 128
LATEST: Millis = 253_370_764_799_999
"""The end of the year 9998: a date can be one year later, in any zone."""


class Switched(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """Switch a slot, or every one where none is named, off or on again."""

    off: bool
    slot: str = ""


class Back(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """The version of the settings to return to; the one before unless named."""

    version: str = ""


class Added(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """TOML to look at as if it stood at the end of ``micromoments.toml``."""

    toml: str


class PolicyBack(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """A policy, ``<slot>:<name>``, and its version to return to; the one kept before unless named."""

    policy: str
    version: int | None = None


class Taught(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """Weights of the recogniser to put in force, as ``micromoments train`` makes them; ``back``: those before."""

    weights: dict[str, Any] | None = None
    back: bool = False


class Previewed(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """Who, where and when to look as: ``person`` (an id as in paths) or made-up ``traits``, ``context`` with a place,
    ``at`` (RFC 3339 or milliseconds). ``live`` looks past the slot's mode.
    """

    slot: str
    person: str = ""
    traits: dict[str, Any] = {}
    context: dict[str, Any] = {}
    at: str | int = ""
    limit: int = 0
    live: bool = True


class ControlDoors:
    """``/v1/switch``, ``/v1/config``, ``/v1/policies``, ``/v1/weights`` and ``/v1/preview``."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def switched(self, _call: Call, access: Access) -> Reply:
        """What is off by hand, and every slot's mode in the settings."""
        require_whole(access)
        slots = {name: slot.mode for name, slot in self._service.settings.slots.items()}
        return reply({"off": self._service.control.switched_off(), "modes": slots})

    async def switch(self, call: Call, access: Access) -> Reply:
        """Off, or on again; in force and durable when this is answered."""
        require_whole(access)
        asked = read_json(await call.body(MAX_BODY), Switched)
        if len(asked.slot) > MAX_SLOT or not (asked.slot.isprintable()):
            raise Problem(400, "bad_slot", f"slot of {len(asked.slot)} characters", f"at most {MAX_SLOT}, printable")
        try:
            return reply({"off": await self._service.control.switch(asked.slot, off=asked.off)})
        except ValueError as error:
            raise not_taken("all_off", str(error), "every slot on again, or all of them off", 409) from None

    async def versions(self, _call: Call, access: Access) -> Reply:
        """The versions of the settings and of the recogniser, the newest first."""
        require_whole(access)
        control = self._service.control
        return reply({"versions": control.versions(), "models": control.models(), "cursor": None})

    async def reload(self, _call: Call, access: Access) -> Reply:
        """Read the file of the settings again."""
        require_whole(access)
        try:
            return reply(await self._service.control.reload())
        except ValueError as error:
            raise Problem(409, "bad_config", "settings that can't be put in force", str(error)[:2000]) from None

    async def check(self, call: Call, access: Access) -> Reply:
        """Whether the file would be in order with something added; nothing is changed."""
        require_whole(access)
        mistakes = self._service.control.check(read_json(await call.body(MAX_BODY), Added).toml)
        return reply({"valid": not mistakes, "mistakes": [mistake[:400] for mistake in mistakes[:20]]})

    async def rollback(self, call: Call, access: Access) -> Reply:
        """Return to the version before, or a named one."""
        require_whole(access)
        asked = read_json(await call.body(MAX_BODY) or b"{}", Back)
        try:
            return reply(await self._service.control.rollback(asked.version))
        except ValueError as error:
            raise not_taken("no_such_version", str(error)[:400], "a version that is kept", 404) from None

    async def policies(self, _call: Call, access: Access) -> Reply:
        """What each slot's policies learned, and their kept versions."""
        require_whole(access)
        return reply({"policies": self._service.learned.listed(), "cursor": None})

    async def guards(self, _call: Call, access: Access) -> Reply:
        """Whether each slot's policy beats its default, where the two are weighed: guarded slots, and shadow."""
        require_whole(access)
        return reply({"guards": self._service.learned.guards(), "cursor": None})

    async def compare_policy(self, call: Call, access: Access) -> Reply:
        """What two versions of a policy hold features to be worth: ``policy``, ``before``, ``after``."""
        require_whole(access)
        before, after = _version(call, "before"), _version(call, "after")
        try:
            return reply(
                self._service.learned.compare(call.query.get("policy", ""), -1 if before is None else before, after)
            )
        except ValueError as error:
            raise not_taken("no_such_version", str(error)[:400], "a version that is kept", 404) from None

    async def rollback_policy(self, call: Call, access: Access) -> Reply:
        """Put an earlier version of a policy in force."""
        require_whole(access)
        asked = read_json(await call.body(MAX_BODY), PolicyBack)
        try:
            return reply(await self._service.learned.rollback(asked.policy, asked.version))
        except ValueError as error:
            raise not_taken("no_such_version", str(error)[:400], "a version that is kept", 404) from None

    async def warm_policy(self, call: Call, access: Access) -> Reply:
        """Teach a slot's policy a log of decisions, while it serves: ``slot``, ``dryRun``; the log is the body."""
        require_whole(access)
        slot, dry_run = call.query.get("slot", ""), call.query.get("dryRun", "") in {"1", "true"}
        if not slot:
            raise Problem(400, "bad_slot", "no slot", "?slot=, the slot whose policy learns")
        records, wrong = await asyncio.to_thread(read, (await call.body(MAX_LOG)).splitlines())
        try:
            found = await self._service.learned.warm(slot, records, dry_run=dry_run)
        except ValueError as error:
            raise not_taken("not_taught", str(error)[:2000], "a log that can be learned", 409) from None
        return reply(_camel(with_unread(found, wrong)))

    async def weights(self, _call: Call, access: Access) -> Reply:
        """The recogniser's weights that were in force here."""
        require_whole(access)
        return reply(self._service.control.taught.listed())

    async def teach(self, call: Call, access: Access) -> Reply:
        """Put weights in force, or those before back; durable when this is answered."""
        require_whole(access)
        asked = read_json(await call.body(MAX_BODY), Taught)
        if asked.back == (asked.weights is not None):
            raise Problem(400, "bad_weights", "neither weights nor back, or both", "one of them")
        taught = self._service.control.taught
        if asked.weights is None:
            return reply(await taught.back())
        try:
            weights = decode(msgspec.json.encode(asked.weights))
        except ValueError as error:
            raise not_taken("bad_weights", str(error)[:400], "weights that can be used") from None
        return reply(await taught.put(weights))

    async def preview(self, call: Call, access: Access) -> Reply:
        """A decision as anybody, anywhere, at any time; not logged, nothing reserved."""
        require_whole(access)
        asked = read_json(await call.body(MAX_BODY), Previewed)
        if asked.slot == SLOT:
            raise Problem(400, "bad_slot", f"slot {SLOT}", "another name: this one is for the rank door's actions")
        decided = self._service.preview(
            source_key_of(asked.person) if asked.person else "",
            asked.slot,
            at=_instant(asked.at),
            context=asked.context,
            traits=asked.traits,
            limit=min(max(0, asked.limit), 50),
            live=asked.live,
        )
        return reply(shapes.explained(decided))


def _camel(found: Any) -> Any:
    """JSON with the names of its objects as our envelopes write them."""
    if not isinstance(found, dict):
        return found
    return {re.sub("_([a-z])", lambda at: at[1].upper(), name): _camel(value) for name, value in found.items()}


def _version(call: Call, name: str) -> int | None:
    """A version that a query names."""
    text = call.query.get(name)
    if text is not None and not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise Problem(404, "no_such_version", f"{name}={shown(text)}", "the number of a version that is kept")
    return None if text is None else int(text)


def _instant(at: str | int) -> Millis | None:
    try:
        when = at if isinstance(at, int) else instant(at)
    except ValueError:
        when = -1
    if not 0 <= when <= LATEST:
        got = f"at={shown(at)}" if isinstance(at, str) else "an at of another age"
        raise Problem(400, "bad_at", got, "RFC 3339 or milliseconds, of the years 1970 to 9998")
    return when or None
