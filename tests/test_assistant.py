"""An assistant over the Model Context Protocol, as a client of it would start and use the server."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

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
