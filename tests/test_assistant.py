"""An assistant over the Model Context Protocol, as a client of it would start and use the server."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from micromoments.cli.serve import _assistant
from micromoments.engine.service import now_ms, open_service
from micromoments.server.app import App
from micromoments.server.keys import Keys
from tests.server.asgi import SECRET_KEY, TOKEN_KEY
from tests.server.conftest import signed
from tests.server.serving import running

pytest.importorskip("mcp", reason="the extra `assistant` is not installed")

OWN = {name: value for name, value in os.environ.items() if not name.startswith("MICROMOMENTS_")}


async def talk(target: str, *calls: tuple[str, dict[str, Any]], options: tuple[str, ...] = (), **env: str) -> list[Any]:
    """Start the server and call its tools in turn; gives what each answered, an error as its text."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    command = ["-c", "from micromoments.cli import main; main()", "mcp", target, *options]
    server = StdioServerParameters(command=sys.executable, args=command, env=OWN | env)
    answers: list[Any] = []
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tools = {tool.name for tool in (await session.list_tools()).tools}
        assert tools == {"recognise_moment", "decide", "report_outcome", "explain"}
        for name, arguments in calls:
            last = answers[-1] if answers and isinstance(answers[-1], dict) else {}
            given = {k: last["decisionId"] if v == "LAST" else v for k, v in arguments.items()}
            result = await session.call_tool(name, given)
            text = result.content[0].text  # type: ignore[union-attr] # our tools answer in text
            answers.append(f"error: {text}" if result.is_error else text if text == "kept" else json.loads(text))
            if answers[-1] == "kept":
                answers[-1] = {"kept": True, **{k: v for k, v in last.items() if k == "decisionId"}}
    return answers


@pytest.mark.slow
async def test_over_a_folder_the_whole_way(tmp_path: Path) -> None:
    """Words become a moment, the moment a decision, its outcome is kept, and it can be asked why."""
    folder = tmp_path / "shop"
    service = open_service(folder, None, now_ms)
    await service.start()
    from micromoments.core.item import Item

    await service.put_items([Item(id="p1", kind="product", title="Trail running shoe")])
    await service.stop()
    moments, made, kept, why = await talk(
        str(folder),
        ("recognise_moment", {"words": "I want to buy trail running shoes", "person": "ana"}),
        ("decide", {"person": "ana"}),
        ("report_outcome", {"decision_id": "LAST", "outcome": "clicked", "item_id": "p1", "person": "ana"}),
        ("explain", {"decision_id": "LAST"}),
    )
    assert moments["moments"][0]["type"] == "buy"
    assert made["moment"]["type"] == "buy"
    assert [item["id"] for item in made["items"]] == ["p1"]
    assert kept["kept"]
    assert why["items"][0]["reasons"]
    assert "trail" in json.dumps(why["moment"]["evidence"])


async def over_http(url: str, key: str, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """Call the tools of a running server's own door in turn, as a client of streamable HTTP does."""
    import httpx2
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        streamable_http_client(f"{url}/mcp", http_client=http) as streams,
        ClientSession(streams[0], streams[1], read_timeout_seconds=60) as session,
    ):
        await session.initialize()
        tools = {tool.name for tool in (await session.list_tools()).tools}
        assert tools == {"recognise_moment", "decide", "report_outcome", "explain"}
        answers: list[Any] = []
        for name, arguments in calls:
            result = await session.call_tool(name, arguments)
            text = result.content[0].text  # type: ignore[union-attr] # our tools answer in text
            answers.append(f"error: {text}" if result.is_error else text if text == "kept" else json.loads(text))
        return answers


async def test_a_running_server_has_a_door_for_assistants(tmp_path: Path) -> None:
    """Over HTTP each call acts with its own credential: a token for its person alone, many at the same time; the public
    key, and nobody, are not let in.
    """
    service = open_service(tmp_path / "shop", None, now_ms)
    app = App(service, Keys(["wk"], [SECRET_KEY], [TOKEN_KEY], clock=now_ms), assistant=_assistant())
    with running(app) as (port, _):
        url = f"http://127.0.0.1:{port}"
        words = [("recognise_moment", {"words": "how do I tie a bowline knot"}), ("decide", {})]
        theirs = (("recognise_moment", {"words": "hello", "person": "bob"}), ("decide", {"person": "bob"}))
        people = await asyncio.gather(*(over_http(url, signed(name), *words, *theirs) for name in ("ana", "eve")))
        for told, made, *others in people:
            assert told["moments"][0]["type"] in ("know", "do")
            assert made["moment"] is None or made["moment"]["need"]
            assert ["not_your_data" in other for other in others] == [True, True]
        (moments,) = await over_http(url, SECRET_KEY, ("recognise_moment", {"words": "hello", "person": "ana"}))
        assert "bowline" in json.dumps(moments)
        (nobody,) = await over_http(url, SECRET_KEY, ("decide", {}))
        assert "got no person" in nobody
        for headers in ({}, {"authorization": "Basic d2s6"}, {"authorization": "Bearer wrong"}):
            refused = await asyncio.to_thread(httpx.post, f"{url}/mcp", json={}, headers=headers)
            assert refused.status_code in (401, 403)
        for ask in (httpx.get, httpx.delete):
            answer = await asyncio.to_thread(ask, f"{url}/mcp", headers={"authorization": f"Bearer {SECRET_KEY}"})
            assert answer.status_code == 405


async def test_without_the_option_there_is_no_such_door(tmp_path: Path) -> None:
    """A server says that there is nothing at /mcp unless it was asked to open it."""
    service = open_service(tmp_path / "shop", None, now_ms)
    with running(App(service, Keys(["wk"], [SECRET_KEY], clock=now_ms))) as (port, _):
        headers = {"authorization": f"Bearer {SECRET_KEY}"}
        answer = await asyncio.to_thread(httpx.post, f"http://127.0.0.1:{port}/mcp", headers=headers)
        assert answer.status_code == 404


@pytest.mark.slow
async def test_with_a_persons_token_it_acts_for_them_alone(tmp_path: Path) -> None:
    """The token says who; another person's moments and decisions stay closed."""
    service = open_service(tmp_path / "shop", None, now_ms)
    keys = Keys(["wk"], [SECRET_KEY], [TOKEN_KEY], clock=now_ms)
    with running(App(service, keys)) as (port, _):
        url = f"http://127.0.0.1:{port}"
        told, other, bobs = await talk(
            url,
            ("recognise_moment", {"words": "how do I tie a bowline knot"}),
            ("recognise_moment", {"words": "hello", "person": "bob"}),
            ("decide", {"person": "bob"}),
            MICROMOMENTS_TOKEN=signed("ana"),
        )
        assert told["moments"]
        assert "error" in other
        assert "not_your_data" in other
        assert "not_your_data" in bobs
        (nobody,) = await talk(url, ("decide", {}), MICROMOMENTS_SECRET_KEY=SECRET_KEY)
        assert "got no person" in nobody
