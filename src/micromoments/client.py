"""A small client of a server's doors, for other Python programs: ``Client``, and ``AsyncClient`` with the same methods.

Every method is written once; what it gives is the answer's JSON, of ``AsyncClient`` as something to be awaited.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx

Json = Any
R = TypeVar("R")

TIMEOUT = 10.0
"""Seconds that an answer may take."""


class Refused(Exception):
    """The server did not do what it was asked. ``status`` is HTTP's, ``code`` stable, the message says what to do."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code


class Doors(ABC, Generic[R]):
    """What a server can be asked. A person is a user id, or has ``user:`` or ``anon:`` before it."""

    @abstractmethod
    def _ask(self, method: str, path: str, body: Json = None, query: Mapping[str, str] | None = None) -> R: ...

    def send(self, events: Sequence[Mapping[str, Any]]) -> R:
        """Send events in the Segment shape, each with its ``type`` and ids; durable once this returns."""
        return self._ask("POST", "/v1/batch", {"batch": [{"messageId": str(uuid4()), **event} for event in events]})

    def track(self, person: str, event: str, properties: Mapping[str, Any] | None = None) -> R:
        """Something that a person did."""
        return self.send([{"type": "track", **ids(person), "event": event, "properties": dict(properties or {})}])

    def identify(self, person: str, traits: Mapping[str, Any] | None = None, *, anonymous_id: str = "") -> R:
        """Who a person is; ``anonymous_id`` is theirs from now on."""
        more = {"anonymousId": anonymous_id} if anonymous_id else {}
        return self.send([{"type": "identify", **ids(person), **more, "traits": dict(traits or {})}])

    def decide(self, person: str, slot: str, **asked: Any) -> R:
        """What to serve a person in a slot now; ``context``, ``limit``, ``items``, ``event``, ``decisionId`` as in
        ``POST /v1/decide``.
        """
        return self._ask("POST", "/v1/decide", {**ids(person), "slot": slot, **asked})

    def decision(self, id: str) -> R:
        """A decision explained."""
        return self._ask("GET", f"/v1/decisions/{quote(id, safe='')}")

    def moments(self, person: str, *, history: bool = False) -> R:
        """A person's open moments, strongest first; with ``history`` those that ended too."""
        return self._ask("GET", f"/v1/people/{_path(person)}/moments", query={"history": "1"} if history else None)

    def export(self, person: str) -> R:
        """All that is held of a person."""
        return self._ask("GET", f"/v1/people/{_path(person)}/export")

    def erase(self, person: str) -> R:
        """Forget a person everywhere."""
        return self._ask("DELETE", f"/v1/people/{_path(person)}")

    def put_items(self, items: Sequence[Mapping[str, Any]]) -> R:
        """Put items."""
        return self._ask("PUT", "/v1/items", list(items))

    def report(self, name: str, **params: str) -> R:
        """A report; ``from_`` stands for ``from``."""
        return self._ask("GET", f"/v1/reports/{quote(name, safe='')}", query={_bare(k): v for k, v in params.items()})


class Client(Doors[Json]):
    """Asks and waits. ``key`` is a secret key, a person token, or a write key (public: with ``write=True``).

    Raises:
        Refused: from every method, where the server says no.
        httpx.HTTPError: where it can't be reached.
    """

    def __init__(
        self, url: str, key: str = "", *, write: bool = False, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT, transport=transport, **_auth(key, write=write))

    def _ask(self, method: str, path: str, body: Json = None, query: Mapping[str, str] | None = None) -> Json:
        return _read(self._http.request(method, path, json=body, params=query))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()


class AsyncClient(Doors[Awaitable[Json]]):
    """As ``Client``; every method gives something to be awaited."""

    def __init__(
        self, url: str, key: str = "", *, write: bool = False, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=TIMEOUT, transport=transport, **_auth(key, write=write))

    async def _ask(self, method: str, path: str, body: Json = None, query: Mapping[str, str] | None = None) -> Json:
        return _read(await self._http.request(method, path, json=body, params=query))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()


def ids(person: str) -> dict[str, str]:
    """The id of a person as events carry it; none for an empty name, as under a person token."""
    if person.startswith("anon:"):
        return {"anonymousId": person[5:]}
    return {"userId": person.removeprefix("user:")} if person else {}


def _path(person: str) -> str:
    return quote(person, safe=":")


def _bare(name: str) -> str:
    return name.rstrip("_")


def _auth(key: str, *, write: bool) -> dict[str, Any]:
    if not key:
        return {}
    return {"auth": (key, "")} if write else {"headers": {"authorization": f"Bearer {key}"}}


def _read(answer: httpx.Response) -> Json:
    """The answer's JSON.

    Raises:
        Refused: it is an error.
    """
    if answer.is_success:
        return answer.json() if answer.content else None
    try:
        told = answer.json()
    except ValueError:
        told = None
    said = told if isinstance(told, dict) else {}
    detail = said.get("detail") or said.get("message") or answer.text[:200]
    raise Refused(answer.status_code, str(said.get("code", "unknown")), str(detail))
