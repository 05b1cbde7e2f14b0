"""The demo's gateway: everything passes through unchanged, save the mark on the front page and the demo's own doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from micromoments.demo.gateway import Gateway, Live
from micromoments.demo.supervisor import free_port

PAGE = b"<!doctype html><body>\nhello</body>"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection of a small server, closed whatever its client does."""
    try:
        await say(reader, writer)
    except OSError:
        pass
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Show the front page, echo bodies, and stream two lines slowly."""
    head = await reader.readuntil(b"\r\n\r\n")
    path = head.split(b" ")[1]
    if path == b"/":
        writer.write(b"HTTP/1.1 200 OK\r\netag: x\r\ncontent-length: %d\r\n\r\n" % len(PAGE) + PAGE)
    elif path == b"/stream":
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for n in range(2):
            writer.write(b"data: %d\n\n" % n)
            await writer.drain()
            await asyncio.sleep(0.05)
    else:
        length = next(int(f.split(b":")[1]) for f in head.split(b"\r\n") if f.lower().startswith(b"content-length"))
        body = await reader.readexactly(length)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % length + body)
    await writer.drain()


class Standing:
    """A gateway before a server."""

    def __init__(self, url: str, live: Live, server: asyncio.Server, asked: list[str]) -> None:
        self.url = url
        self.live = live
        self.server = server
        self.asked = asked


@pytest.fixture
async def standing() -> AsyncIterator[Standing]:
    """A gateway before a small server."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    live, asked = Live(), list[str]()

    async def town() -> dict[str, Any]:
        """What the demo says of its town."""
        asked.append("town")
        return {"plan": 1}

    gateway = Gateway(server.sockets[0].getsockname()[1], live, {"GET /demo/town": town})
    port = await gateway.start(0)
    yield Standing(f"http://127.0.0.1:{port}", live, server, asked)
    await gateway.stop()
    server.close()


async def test_front_page_is_marked(standing: Standing) -> None:
    """The front page is told that it stands in a demo, with its right length and without the other page's ETag."""
    async with httpx.AsyncClient() as client:
        reply = await client.get(standing.url)
    assert b'<body data-demo="1">\nhello' in reply.content
    assert int(reply.headers["content-length"]) == len(reply.content)
    assert "etag" not in reply.headers


async def test_bodies_pass_whole(standing: Standing) -> None:
    """A large body goes through and comes back byte for byte."""
    body = bytes(range(256)) * 2000
    async with httpx.AsyncClient() as client:
        assert (await client.post(f"{standing.url}/echo", content=body)).content == body


async def test_streams_pass_as_they_come(standing: Standing) -> None:
    """A stream is passed on message by message, not at its end."""
    async with httpx.AsyncClient() as client, client.stream("GET", f"{standing.url}/stream") as reply:
        first = await anext(reply.aiter_raw())
    assert first == b"data: 0\n\n"


async def test_experiences_have_ports_of_their_own(standing: Standing) -> None:
    """What is under an experience's name goes to its server, everything else to the engine's."""
    gateway = Gateway(free_port(), standing.live, {}, {"coffee": int(standing.url.rpartition(":")[2])})
    port = await gateway.start(0)
    async with httpx.AsyncClient() as client:
        assert (await client.post(f"http://127.0.0.1:{port}/coffee/x", content=b"hot")).content == b"hot"
    async with httpx.AsyncClient() as client:
        assert (await client.post(f"http://127.0.0.1:{port}/coffeex", content=b"hot")).status_code == 503
    await gateway.stop()


async def test_a_port_that_is_taken_is_said_with_the_way_out(standing: Standing) -> None:
    """Who starts a second demo reads which port is taken, and what to type."""
    gateway = Gateway(free_port(), standing.live, {})
    taken = int(standing.url.rpartition(":")[2])
    with pytest.raises(OSError, match=rf"port {taken} .*another demo.*--port"):
        await gateway.start(taken)


async def test_server_away_is_said(standing: Standing) -> None:
    """While the server is away the answer is 503, in words."""
    standing.server.close()
    await standing.server.wait_closed()
    async with httpx.AsyncClient() as client:
        reply = await client.get(f"{standing.url}/v1/reports/lift")
    assert (reply.status_code, reply.json()["code"]) == (503, "server_away")


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 200), ({"origin": "https://elsewhere.example"}, 403), ({"host": "elsewhere.example:80"}, 403)],
)
async def test_only_our_page_asks_the_demo(standing: Standing, headers: dict[str, str], status: int) -> None:
    """A page of elsewhere, or a name that was bent to this machine, can't reach the demo's doors."""
    async with httpx.AsyncClient() as client:
        reply = await client.get(f"{standing.url}/demo/town", headers=headers)
    assert reply.status_code == status
    assert standing.asked == (["town"] if status == 200 else [])


async def test_unknown_demo_door(standing: Standing) -> None:
    """A door that the demo doesn't have is a 404, and isn't passed on."""
    async with httpx.AsyncClient() as client:
        assert (await client.post(f"{standing.url}/demo/town")).status_code == 404


async def test_late_pages_hear_what_is_kept(standing: Standing) -> None:
    """What was told to be kept reaches pages that come later, then what comes."""
    standing.live.tell("truth", {"relative": 0.5}, keep=True)
    standing.live.tell("people", [])
    async with httpx.AsyncClient() as client, client.stream("GET", f"{standing.url}/demo/live") as reply:
        lines = reply.aiter_lines()
        assert [await anext(lines), await anext(lines)] == ["event: truth", 'data: {"relative":0.5}']
        standing.live.tell("people", [1])
        assert [await anext(lines), await anext(lines)] == ["", "event: people"]


def test_free_port_is_free() -> None:
    """A free port is one that can be listened on."""
    assert 1024 < free_port() < 65536
