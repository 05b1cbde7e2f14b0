"""A Model Context Protocol server: an assistant recognises a moment, decides, says what came of it, and asks why.

It speaks to a server's doors and may do what its key may: with a person token it acts for that person alone, with a
secret key for whomever it names. It is spoken to on stdin and stdout, or over HTTP (``HttpDoor``). Source: Model
Context Protocol, its Python SDK.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from typing import Any, Literal

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings

from micromoments.client import AsyncClient, Refused

GUIDE = """Micromoments recognises what a person wants now (to know, go, do or buy) and serves the best thing for it.
Tell it what the person said with recognise_moment, ask what to offer with decide, say what came of it with
report_outcome, and answer "why this?" with explain. Never invent an offer that decide did not give."""
_EVENTS = {"seen": "Decision Seen", "clicked": "Decision Clicked", "dismissed": "Decision Dismissed"}


Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
MOST_ASKED = 64 * 1024
"""Bytes of one call over HTTP."""


class HttpDoor:
    """The same over HTTP (MCP's *streamable HTTP*, without sessions): an ASGI callable for ``POST /mcp`` of a running
    server. Every call acts with the credential that it came with.

    Args:
        client: a client of the server's doors for a credential, and whom it acts for where a call names nobody.
    """

    def __init__(self, client: Callable[[str], AsyncClient]) -> None:
        self._client = client
        self._caller: ContextVar[Tools] = ContextVar("caller")
        server = MCPServer("micromoments", instructions=GUIDE, log_level="WARNING")
        _add(server, Caller(self._caller))
        nobody_else = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # the server's doors look
        server.streamable_http_app(
            stateless_http=True,
            json_response=True,
            transport_security=nobody_else,
            max_request_body_size=MOST_ASKED,
        )
        self._sessions = server.session_manager
        self._ends = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take calls from when this returns."""
        started = asyncio.Event()

        async def live() -> None:
            async with self._sessions.run():
                started.set()
                await self._ends.wait()

        self._task = asyncio.create_task(live(), name="assistant")
        await started.wait()

    async def stop(self) -> None:
        """Take no more."""
        self._ends.set()
        if self._task is not None:
            await self._task

    async def __call__(
        self, scope: MutableMapping[str, Any], receive: Receive, send: Send, key: str, person: str
    ) -> None:
        """One call, under a key or person token (empty where the server has none), for a person where none is named."""
        async with self._client(key) as client:
            token = self._caller.set(Tools(client, person))
            try:
                await self._sessions.handle_request(scope, receive, send)
            finally:
                self._caller.reset(token)


def assistant(client: AsyncClient, person: str = "") -> MCPServer:
    """The server over a client. ``person`` is whom it acts for where a call names nobody; empty under a person token
    that says it itself.
    """
    server = MCPServer("micromoments", instructions=GUIDE, log_level="WARNING")
    _add(server, Tools(client, person))
    return server


def _add(server: MCPServer, tools: Tools) -> None:
    for tool in (tools.recognise_moment, tools.decide, tools.report_outcome, tools.explain):
        server.add_tool(tool)


class Tools:
    """What an assistant can do. ``person`` is a user id, or ``anon:`` and an anonymous id."""

    def __init__(self, client: AsyncClient, person: str) -> None:
        self._client = client
        self._person = person

    async def recognise_moment(self, words: str, person: str = "") -> dict[str, Any]:
        """Tell what a person just said or asked; gives the moments that they are in now, strongest first: the type
        (know, go, do, buy), how sure, what it is about, and the evidence in their own words.
        """
        whom = person or self._person
        try:
            await self._client.track(_named(whom), "Assistant Asked", {"query": words[:512], "channel": "assistant"})
            found = await self._client.moments(_named(whom))
        except Refused as refused:
            raise ToolError(str(refused)) from None
        moments: list[dict[str, Any]] = found["moments"]
        return {"moments": moments}

    async def decide(
        self,
        slot: str = "assistant",
        person: str = "",
        query: str = "",
        lat: float | None = None,
        lon: float | None = None,
        limit: int = 3,
    ) -> dict[str, Any]:
        """Ask what to offer a person now; gives items, best first, each with reasons that can be told to the person.
        ``query`` are words said right now, ``lat`` and ``lon`` where the person is, if they agreed to say so.
        """
        context = {name: value for name, value in (("query", query), ("lat", lat), ("lon", lon)) if value or value == 0}
        try:
            made = await self._client.decide(_named(person or self._person), slot, context=context, limit=limit)
        except Refused as refused:
            raise ToolError(str(refused)) from None
        moment = made["moment"]
        return {
            "decisionId": made["decisionId"],
            "moment": None if moment is None else {name: moment[name] for name in ("type", "need", "confidence")},
            "items": [
                {name: item.get(name) for name in ("id", "kind", "title", "reasons", "attributes")}
                for item in made["items"]
            ],
        }

    async def report_outcome(
        self,
        decision_id: str,
        outcome: Literal["seen", "clicked", "dismissed", "goal"],
        item_id: str = "",
        person: str = "",
        goal: str = "",
        value: float | None = None,
    ) -> str:
        """Say what came of a decision: the offer was told (seen), taken up (clicked), declined (dismissed), or its goal
        was reached, whose event ``goal`` names (such as "Order Completed"), with its ``value``.
        """
        event = goal if outcome == "goal" else _EVENTS[outcome]
        if not event:
            raise ToolError("got a goal without its event's name; wanted one such as 'Order Completed'")
        properties: dict[str, Any] = {"decision_id": decision_id}
        if item_id:
            properties["item_id"] = item_id
        if value is not None:
            properties |= {"value": value, "revenue": value}
        try:
            answer = await self._client.track(_named(person or self._person), event, properties)
        except Refused as refused:
            raise ToolError(str(refused)) from None
        if answer["rejected"]:
            raise ToolError(str(answer["rejected"][0]["detail"]))
        return "kept"

    async def explain(self, decision_id: str) -> dict[str, Any]:
        """Why a decision was what it was: the moment and its evidence, why each item, and what was refused for what
        reason.
        """
        try:
            made = await self._client.decision(decision_id)
        except Refused as refused:
            raise ToolError(str(refused)) from None
        moment = made["moment"]
        return {
            "moment": moment and {"type": moment["type"], "need": moment["need"], "evidence": moment["evidence"]},
            "items": [{name: item[name] for name in ("id", "title", "reasons")} for item in made["items"]],
            "considered": made["considered"],
            "refused": made["refused"],
            "policy": made["policy"],
            "withoutHistory": "no_consent" in made["degraded"],
        }


class Caller(Tools):
    """The tools of whoever calls, as ``caller`` says."""

    def __init__(self, caller: ContextVar[Tools]) -> None:
        self._of = caller

    @property
    def _client(self) -> AsyncClient:  # type: ignore[override] # whose it is changes from call to call
        return self._of.get()._client

    @property
    def _person(self) -> str:  # type: ignore[override]
        return self._of.get()._person


def _named(person: str) -> str:
    if not person:
        raise ToolError("got no person; wanted a user id, or anon: and an anonymous id")
    return person
