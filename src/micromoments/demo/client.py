"""A client as businesses have them: it sends events over HTTP, again and again until each is acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any

import msgspec

REMEMBERED = 3000
"""Acknowledged messages that are remembered, for counting them later."""
PAUSE = 0.25
"""Seconds between tries."""


class Refused(Exception):
    """The server answered with an error that trying again doesn't mend."""


class Client:
    """Talks to a server on this machine; knows which messages were acknowledged."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.acknowledged: OrderedDict[str, str] = OrderedDict()

    def ask(self, method: str, path: str, body: object = None, timeout: float = 5.0) -> Any:
        """One request; its JSON answer.

        Raises:
            OSError, HTTPException: no answer came.
            Refused: an error came.
        """
        connection = HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        try:
            sent = None if body is None else msgspec.json.encode(body)
            connection.request(method, path, sent, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            said = reply.read()
        finally:
            connection.close()
        if reply.status in (429, 503):
            raise OSError(f"the server answered {reply.status}")
        if reply.status >= 400:
            raise Refused(f"{method} {path}: got {reply.status} {said[:300].decode(errors='replace')}")
        return msgspec.json.decode(said) if said else None

    def send_once(self, call: Mapping[str, Any]) -> None:
        """Send one event; remember it once it is acknowledged. Raises as ``ask``."""
        self.ask("POST", f"/v1/{call['type']}", call)
        self.acknowledged[call["messageId"]] = f"anon:{call['anonymousId']}"
        if len(self.acknowledged) > REMEMBERED:
            self.acknowledged.popitem(last=False)

    async def send(self, call: Mapping[str, Any]) -> None:
        """Send one event until it is acknowledged; the same message id makes the tries one."""
        while True:
            try:
                return await asyncio.to_thread(self.send_once, call)
            except (OSError, HTTPException):
                await asyncio.sleep(PAUSE)

    async def decide(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for a decision until one comes; the same decision id makes the tries one."""
        while True:
            try:
                answer: dict[str, Any] = await asyncio.to_thread(self.ask, "POST", "/v1/decide", body)
                return answer
            except (OSError, HTTPException):
                await asyncio.sleep(PAUSE)

    def wait(self) -> None:
        """Block until the server takes traffic."""
        while not self.ready():
            time.sleep(0.05)

    def ready(self, probe: str = "/readyz") -> bool:
        """Whether the server takes traffic."""
        try:
            self.ask("GET", probe, timeout=2.0)
        except (OSError, HTTPException, Refused):
            return False
        return True
