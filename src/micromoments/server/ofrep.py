"""The OpenFeature Remote Evaluation Protocol 0.3: slots and experiments as flags, one or all, with refetch by SSE.

A slot is a flag whose value is an object: the decision's id and its items. An experiment is a flag whose value is the
person's variant, a boolean where the variants are two words for yes and no; asking is an exposure, as it decides for
the experiment's slot. A decision's id follows from who asks, the evaluation context, the configuration, the person's
open moments and consent, and the time (in steps of ``FRESH``), so asking again gives the same answer, and the entity
tag, which covers the context and the result, holds. Source: open-feature/protocol, ``service/openapi.yaml``, ADR-0008.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections import OrderedDict
from hashlib import blake2b
from typing import Any

import msgspec

from micromoments.core.decision import Decision, Request
from micromoments.core.event import Millis
from micromoments.core.settings import MINUTE, Experiment
from micromoments.engine.stream import Message
from micromoments.policy.actions import SLOT
from micromoments.server.foreign import Routes, credential, in_words
from micromoments.server.http import JSON, Call, Headers, Reply, unchanged
from micromoments.server.keys import Access, Keys
from micromoments.server.problem import Problem, shown
from micromoments.server.service import Service
from micromoments.server.stream import Streams
from micromoments.sources.lenient import Rejected, check_sound

MAX_BODY = 128 * 1024
FRESH: Millis = 5 * MINUTE
"""How long an answer stays the same while nothing that it depends on changes."""
CHANNELS = 20_000
"""People whose event streams are known by their token; the one asked for longest ago goes first."""
INACTIVE = 120
"""Seconds after which an inactive client closes its stream."""
_YES = {"on": "off", "true": "false", "yes": "no", "enabled": "disabled"}
_CODES = frozenset({"PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "FLAG_NOT_FOUND", "GENERAL"})
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode

Flag = dict[str, Any]


class Asked(msgspec.Struct, frozen=True):
    """For whom: their source key, the evaluation context, and what of their state the answer depends on."""

    key: str
    linked: bool
    context: dict[str, Any]
    state: bytes


class Ofrep:
    """Evaluates flags. Memory: a token for each of the last ``CHANNELS`` people who asked for all flags."""

    def __init__(self, service: Service, keys: Keys, streams: Streams) -> None:
        self._service = service
        self._keys = keys
        self._streams = streams
        self._secret = secrets.token_bytes(32)
        self._channels: OrderedDict[str, tuple[str, bool]] = OrderedDict()

    def routes(self) -> Routes:
        """The doors."""
        return {
            "/ofrep/v1/evaluate/flags": {"POST": in_words(self.all, _said)},
            "/ofrep/v1/evaluate/flags/*": {"POST": in_words(self.one, _said)},
            "/ofrep/v1/events/*": {"GET": in_words(self.events, _said)},
        }

    async def one(self, call: Call) -> Reply:
        """One flag."""
        asked = await self._asked(call)
        name = call.path[4]
        if name not in self._names():
            raise Problem(404, "FLAG_NOT_FOUND", f"flag {shown(name)}", "a slot or an experiment of the configuration")
        return _answer((await self._flags(asked, [name]))[0])

    async def all(self, call: Call) -> Reply:
        """All flags; 304 where the client has the answer already."""
        asked = await self._asked(call)
        _check_modified(call.query.get("flagConfigLastModified"))
        flags = await self._flags(asked, self._names())
        version = self._service.config_version
        digest = blake2b(_encode([asked.key, asked.context, flags, version]), digest_size=16).hexdigest()
        etag = f'"{digest}"'.encode()
        headers: Headers = [(b"etag", etag), (b"cache-control", b"private, no-cache")]
        if unchanged(call.headers, etag):
            return Reply(304, headers=headers)
        body: dict[str, Any] = {"flags": flags, "metadata": {"version": version}}
        if channel := self._channel(asked):
            uri = f"/ofrep/v1/events/{channel}"
            body["eventStreams"] = [{"type": "sse", "endpoint": {"requestUri": uri}, "inactivityDelaySec": INACTIVE}]
        return Reply(200, _encode(body), headers=headers)

    async def events(self, call: Call) -> Reply | None:
        """Says when to fetch again: whenever a moment of the person opened, changed or ended."""
        key, linked = self._channels.get(call.path[3], ("", True))
        person = self._service.home(key) if key else ""
        if not key or not (linked or person == key):
            raise Problem(404, "GENERAL", "a channel that isn't known", "one of a fresh bulk evaluation")
        version = self._service.config_version

        def frame(message: Message) -> bytes:
            if message.kind not in ("moment", "gap"):
                return b""
            now = self._service.clock() // 1000
            data = _encode({"type": "refetchEvaluation", "etag": version, "lastModified": now})
            return b"id: %d\ndata: %b\n\n" % (message.id, data)

        await self._streams.serve(call, person, frame, key=key if linked else "")
        return None

    def _names(self) -> list[str]:
        settings = self._service.settings
        return sorted({*settings.slots, *settings.experiments} - {SLOT})

    async def _asked(self, call: Call) -> Asked:
        """Who asks, for whom, in what context.

        Raises:
            Problem: no right to it, or a body that is no evaluation request.
        """
        access = credential(self._keys, call, b"x-api-key")
        context = _context(await call.body(MAX_BODY))
        key = _whose(context.pop("targetingKey"), access)
        linked = access.who != "write"
        moments = await self._service.moments(key, linked=linked) if key[5:] else []
        person = self._service.person(key) if key[5:] else None
        consent = {purpose: said.value for purpose, said in person.consent.items()} if person is not None else {}
        state = _encode([[[m.id, m.type, m.stage, m.need] for m in moments], consent])
        return Asked(key=key, linked=linked, context=context, state=state)

    async def _flags(self, asked: Asked, names: list[str]) -> list[Flag]:
        settings = self._service.settings
        if not asked.key[5:]:
            # Nobody was named, so nobody can be decided for.
            return [_unset(name, "UNKNOWN") for name in names]
        made: dict[str, Decision] = {}
        flags: list[Flag] = []
        for name in names:
            experiment = settings.experiments.get(name)
            if experiment is not None and not experiment.running:
                flags.append(_unset(name, "DISABLED"))
                continue
            slot = experiment.slot if experiment is not None else name
            decision = made.get(slot)
            if decision is None:
                decision = made[slot] = await self._decided(asked, slot)
            flags.append(_slot(name, decision) if experiment is None else _variant(name, experiment, decision))
        return flags

    async def _decided(self, asked: Asked, slot: str) -> Decision:
        """The slot's decision; a new one where an item of the one before is gone or sold out by now."""
        decision = await self._service.decide(self._request(asked, slot, []))
        shelf = [(one.id, self._service.catalog.get(one.id)) for one in decision.items]
        gone = [id for id, item in shelf if item is None or item.stock == 0]
        return await self._service.decide(self._request(asked, slot, gone)) if gone else decision

    def _request(self, asked: Asked, slot: str, gone: list[str]) -> Request:
        now = self._service.clock()
        window = min(FRESH, round(self._service.settings.slot(slot).window_minutes * MINUTE)) or FRESH
        # Everybody's steps begin at an instant of their own, so that a crowd doesn't come back all at once.
        step = (now + int.from_bytes(blake2b(asked.key.encode(), digest_size=4).digest(), "big") % window) // window
        off = self._service.control.switched_off()
        now_so = [asked.state, self._service.config_version, step, off, gone]
        parts = [asked.key, asked.linked, slot, asked.context, *now_so]
        digest = blake2b(_encode(parts), digest_size=16).hexdigest()
        return Request(
            id=f"of-{digest}",
            slot=slot,
            key=asked.key,
            at=now,
            context=asked.context,
            linked=asked.linked,
            digest=digest,
        )

    def _channel(self, asked: Asked) -> str:
        """The token of a person's event stream; none for an anonymous id that is a known person's by now, whose
        moments a write key may not hear of.
        """
        if not asked.key[5:] or (not asked.linked and self._service.home(asked.key) != asked.key):
            return ""
        named = b"%d%b" % (asked.linked, asked.key.encode())
        token = hmac.digest(self._secret, named, "sha256").hex()[:40]
        self._channels[token] = (asked.key, asked.linked)
        self._channels.move_to_end(token)
        if len(self._channels) > CHANNELS:
            self._channels.popitem(last=False)
        return token


def _context(body: bytes) -> dict[str, Any]:
    """The evaluation context of a request; what of it no engine could keep is left out.

    Raises:
        Problem: ``PARSE_ERROR``, ``INVALID_CONTEXT`` or ``TARGETING_KEY_MISSING``.
    """
    try:
        value = _decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Problem(400, "PARSE_ERROR", "a body that is no JSON", "an evaluation request") from None
    context = value.get("context") if isinstance(value, dict) else None
    if not isinstance(context, dict):
        raise Problem(400, "INVALID_CONTEXT", "no context", "an object with targetingKey")
    if context.get("targetingKey") is None:
        raise Problem(400, "TARGETING_KEY_MISSING", "no targetingKey", "the id of the person, as a string")
    if not isinstance(context["targetingKey"], str):
        raise Problem(400, "INVALID_CONTEXT", "a targetingKey that is no string", "the id of the person")
    return {name: each for name, each in context.items() if _is_sound(each)}


def _is_sound(value: Any) -> bool:
    try:
        check_sound(value)
    except Rejected:
        return False
    return True


def _whose(target: str, access: Access) -> str:
    """The source key of a targeting key. Under a write key it names an anonymous id, else a user; ``anon:`` and
    ``user:`` before it say which.

    Raises:
        Problem: another person's, under a person token; a user's, under a write key.
    """
    plain = target.removeprefix("user:").removeprefix("anon:")
    kind = "anon:" if target.startswith("anon:") or (access.who == "write" and plain == target) else "user:"
    if access.who == "person" and f"{kind}{plain}" != f"user:{access.subject}":
        raise Problem(403, "GENERAL", "a token of another person", "the token of the person asked about")
    if access.who == "write" and kind == "user:":
        raise Problem(403, "GENERAL", "a write key, which proves no identity", "a person token or a secret key")
    if len(plain) > 256 or not plain.isprintable():
        # Any string may target; what can't be an id is known by its hash.
        plain = blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{kind}{plain}"


def _slot(name: str, decision: Decision) -> Flag:
    if decision.mode == "off":
        return _unset(name, "DISABLED")
    items = [
        {"id": i.id, "kind": i.kind, "title": i.title, "reasons": i.reasons, "attributes": i.attributes}
        for i in decision.items
    ]
    split = decision.holdout or bool(decision.experiments)
    return {
        "key": name,
        "value": {"decisionId": decision.id, "items": items},
        "reason": "SPLIT" if split else "TARGETING_MATCH",
        "variant": decision.items[0].id if decision.items else "nothing",
        "metadata": _metadata(decision),
    }


def _variant(name: str, experiment: Experiment, decision: Decision) -> Flag:
    variant = next((a.variant for a in decision.experiments if a.key == name), None)
    if variant is None:
        return _unset(name, "UNKNOWN")
    flag = {"key": name, "reason": _reason(experiment), "variant": variant, "metadata": _metadata(decision)}
    value = experiment.values.get(variant, _meant(experiment, variant))
    return flag if value is None else flag | {"value": value}


def _reason(experiment: Experiment) -> str:
    if experiment.condition is not None:
        return "TARGETING_MATCH"
    return "STATIC" if sum(weight > 0 for weight in experiment.variants.values()) == 1 else "SPLIT"


def _meant(experiment: Experiment, variant: str) -> str | bool:
    """The variant's name; a boolean where the two variants are words for yes and no."""
    lower = {each.lower() for each in experiment.variants}
    word = next((yes for yes, no in _YES.items() if lower == {yes, no}), None)
    return variant if word is None else variant.lower() == word


def _unset(name: str, reason: str) -> Flag:
    """A flag that leaves it to the code's default; some providers need a variant all the same."""
    return {"key": name, "reason": reason, "variant": "default"}


def _metadata(decision: Decision) -> dict[str, str | bool | int]:
    return {
        "decisionId": decision.id,
        "policy": decision.policy.name,
        "policyVersion": decision.policy.version,
        "holdout": decision.holdout,
        "moment": decision.moment.type if decision.moment is not None else "none",
        "configVersion": decision.config_version,
    }


def _check_modified(text: str | None) -> None:
    """Refuse what is neither seconds nor a date and time; nothing else hangs on it."""
    if text is not None and not (text.isascii() and text.isdecimal()) and not _DATE_TIME.fullmatch(text):
        raise Problem(400, "GENERAL", "a flagConfigLastModified that is no instant", "seconds, or RFC 3339")


def _answer(flag: Flag) -> Reply:
    return Reply(200, _encode(flag), headers=[(b"cache-control", b"no-store")])


def _said(problem: Problem, call: Call) -> Reply:
    """The protocol's errors: a code of OpenFeature's, and what was got and wanted."""
    status = {413: 400, 503: 500}.get(problem.status, problem.status)
    code = problem.code if problem.code in _CODES else "PARSE_ERROR" if status == 400 else "GENERAL"
    said: dict[str, Any] = {"errorCode": code, "errorDetails": f"got {problem.got}; wanted {problem.wanted}"}
    if call.path[2:4] == ["evaluate", "flags"] and len(call.path) == 5:
        said["key"] = call.path[4]
    return Reply(status, _encode(said), JSON, [*problem.headers(), (b"cache-control", b"no-store")])
