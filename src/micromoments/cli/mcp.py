"""``micromoments mcp``: a Model Context Protocol server on stdin and stdout, for an assistant to act on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from micromoments.cli.owner import is_project

if TYPE_CHECKING:
    import httpx


def mcp(
    target: Annotated[str, typer.Argument(help="a running server's address, or a project's folder")],
    person: Annotated[str, typer.Option(help="whom it acts for where a call names nobody")] = "",
) -> None:
    """Let an assistant recognise moments, ask for decisions and report outcomes, by the Model Context Protocol.

    MICROMOMENTS_TOKEN is a person token, or MICROMOMENTS_SECRET_KEY a secret key; with a token it acts for that person
    alone. A folder is opened by this process, and needs no key. Install micromoments[assistant] for it.
    """
    import asyncio
    from importlib.util import find_spec

    if find_spec("mcp") is None:
        raise ValueError("got no Model Context Protocol library; install it: pip install 'micromoments[assistant]'")
    token = os.environ.get("MICROMOMENTS_TOKEN", "")
    key = token or os.environ.get("MICROMOMENTS_SECRET_KEY", "")
    whom = person or (_subject(token) if token else "")
    if target.startswith(("http://", "https://")):
        asyncio.run(_speak(target, key, whom, None))
    elif is_project(Path(target)):
        asyncio.run(_own(Path(target), whom))
    else:
        wanted = "the address of a running server, with http:// before it, or a project's folder"
        raise ValueError(f"got {target!r}, which is neither; wanted {wanted}")


async def _speak(url: str, key: str, person: str, transport: httpx.AsyncBaseTransport | None) -> None:
    from micromoments.assistant import assistant
    from micromoments.client import AsyncClient

    async with AsyncClient(url, key, transport=transport) as client:
        await assistant(client, person).run_stdio_async()


async def _own(folder: Path, person: str) -> None:
    """Open the folder here, and speak to its doors without a socket."""
    import httpx

    from micromoments.engine.service import now_ms, open_service
    from micromoments.server.app import App
    from micromoments.server.keys import Keys

    service = open_service(folder, None, now_ms)
    await service.start()
    try:
        transport = httpx.ASGITransport(App(service, Keys(clock=now_ms)))
        await _speak("http://localhost", "", person, transport)
    finally:
        await service.stop()


def _subject(token: str) -> str:
    """The person of a token; the server checks its signature, here it is only read."""
    import jwt

    try:
        subject = jwt.decode(token, options={"verify_signature": False}).get("sub")
    except jwt.PyJWTError:
        raise ValueError("got a MICROMOMENTS_TOKEN that is no JWT; wanted a person token") from None
    return f"user:{subject}" if isinstance(subject, str) else ""
