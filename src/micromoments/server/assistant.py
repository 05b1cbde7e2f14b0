"""``/mcp``: the door for assistants on a running server, for the secret key or a person token."""

from __future__ import annotations

from typing import Protocol

from micromoments.server.foreign import Routes
from micromoments.server.http import Call, Receive, Reply, Scope, Send
from micromoments.server.keys import Access
from micromoments.server.problem import Problem


class Assistant(Protocol):
    """A Model Context Protocol server over HTTP (``assistant.HttpDoor``)."""

    async def start(self) -> None:
        """Take calls from when this returns."""
        ...

    async def stop(self) -> None:
        """Take no more."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send, key: str, person: str) -> None:
        """One call under a key or person token, for a person where the call names none."""
        ...


class AssistantDoor:
    """Lets in who may act for people, and hands the call on with the caller's own credential."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self.start, self.stop = assistant.start, assistant.stop

    def routes(self) -> Routes:
        """One door; without sessions there is nothing to listen to (GET) or to end (DELETE), so those are 405."""
        return {"/mcp": {"POST": (self.speak, False)}}

    async def speak(self, call: Call, access: Access) -> Reply | None:
        """One message of an assistant's. A public key speaks for nobody; a cookie isn't what an assistant has."""
        if not (access.whole or access.who == "person") or access.session:
            wanted = "the secret key, or the person token of whom it acts for, as a Bearer token"
            raise Problem(403, "assistant_needs_key", "a credential that is no assistant's", wanted)
        bearer = call.headers.get(b"authorization", b"").decode("latin-1").partition(" ")[2].strip()
        person = f"user:{access.subject}" if access.who == "person" else ""
        await self._assistant(call.scope, call.receive, call.send, bearer, person)
        return None
