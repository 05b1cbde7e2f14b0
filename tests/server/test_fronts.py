"""A front before the engine: events are read there, every other connection is handed over, and nobody can tell."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec
import pytest

from micromoments.core.event import Arrival
from micromoments.server.app import App
from micromoments.server.frames import Collect, Line, Taken, encode
from micromoments.server.fronts import Front
from micromoments.server.keys import Keys
from micromoments.server.run import bound
from tests.server.asgi import SECRET_KEY, WRITE_KEY, basic
from tests.server.fake import FakeService
from tests.server.serving import running, talk
from tests.server.test_real import address_of, server

EVENT = b'{"event":"A","userId":"u","messageId":"m-%d"}'
KEYS = {"MICROMOMENTS_WRITE_KEY": WRITE_KEY, "MICROMOMENTS_SECRET_KEY": SECRET_KEY}


def track(number: int) -> bytes:
    """One event's request."""
    body = EVENT % number
    head = f"POST /v1/track HTTP/1.1\r\nhost: x\r\nauthorization: {basic(WRITE_KEY)}\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def decide() -> bytes:
    """A decision's request."""
    body = b'{"userId":"u","slot":"home"}'
    head = f"POST /v1/decide HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SECRET_KEY}\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


@pytest.fixture
def own() -> FakeService:
    """The engine's stand-in."""
    return FakeService()


@pytest.fixture
def doors(own: FakeService) -> App:
    """Its doors."""
    return App(own, Keys([WRITE_KEY], [SECRET_KEY], clock=own.clock))


@pytest.fixture
def port(doors: App) -> Iterator[int]:
    """Where they are served, behind two fronts."""
    with running(doors, 2) as (port, _):
        yield port


@pytest.fixture
async def talker(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """One connection that stays open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield reader, writer
    writer.close()


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The next answer's head and body."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    return head, await reader.readexactly(length)


async def test_one_connection_asks_for_everything(
    talker: tuple[asyncio.StreamReader, asyncio.StreamWriter], own: FakeService
) -> None:
    """Events, then other doors, then events again on one connection, each answered."""
    reader, writer = talker
    asked = [
        track(1),
        decide(),
        b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        track(2),
        b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n",
        track(3),
        decide(),
    ]
    for request in asked:
        writer.write(request)
        head, _ = await answer(reader)
        assert head.startswith(b"HTTP/1.1 200"), request
    assert [a.message_id for a in own.arrivals] == ["m-1", "m-2", "m-3"]


async def test_a_large_body_is_handed_over_whole(port: int, own: FakeService) -> None:
    """A catalogue of several megabytes comes through, sent as fast as it can be."""
    items = [{"id": f"p{n}", "kind": "product", "title": "x" * 900} for n in range(2000)]
    body = "\n".join(json.dumps(item) for item in items).encode()
    head = f"PUT /v1/items HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SECRET_KEY}\r\n"
    got = await talk(port, f"{head}content-length: {len(body)}\r\n\r\n".encode() + body, patience=20)
    assert got.startswith(b"HTTP/1.1 200"), got[:300]
    assert own.catalog.size() == 2000


async def test_what_fronts_count_is_in_the_metrics(port: int) -> None:
    """Requests and refusals at the fronts are among the doors' counters."""
    for number in range(5):
        assert (await talk(port, track(number))).startswith(b"HTTP/1.1 200")
    unknown = track(9).replace(basic(WRITE_KEY).encode(), basic("nope").encode())
    assert (await talk(port, unknown)).startswith(b"HTTP/1.1 401")
    page = b""
    for _ in range(600):
        page = await talk(port, b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
        if b"collect_requests_total 6.0" in page:
            break
        await asyncio.sleep(0.1)
    assert b"micromoments_collect_requests_total 6.0" in page
    assert b'micromoments_collect_refused_total{code="invalid_write_key"} 1.0' in page


def test_a_taken_address_is_refused() -> None:
    """An address that is taken is found out before anything is started."""
    with bound("127.0.0.1", 0) as (first,):
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port}; is another server there"), bound("127.0.0.1", port):
            pass


class Heard(Line):
    """A line to a front that notes what is sent."""

    def __init__(self) -> None:
        super().__init__(lambda _frame: None, lambda: None)
        self.sent: list[msgspec.Struct] = []

    def send(self, value: msgspec.Struct) -> None:
        """Note it."""
        self.sent.append(value)


async def test_a_front_that_is_started_again_hears_no_answer_to_the_one_before() -> None:
    """Both count their questions from one, so an answer that comes late would tell the new one's client that what it
    sent is durable, or end the front, as nobody asked.
    """
    held = asyncio.Event()

    class Slow(FakeService):
        """A log whose disk takes its time."""

        async def collect(self, arrivals: Sequence[Arrival], at: Any = None) -> list[int]:
            """Wait."""
            await held.wait()
            return []

    front = Front(Slow(), lambda _socket, _first: None, lambda *_asked: asyncio.sleep(0))  # type: ignore[arg-type]
    before, after = Heard(), Heard()
    front._line = before
    front._took(encode(Collect(1, [])))
    front._lost()
    front._line = after
    held.set()
    await asyncio.gather(*front._tasks)
    assert (before.sent, after.sent) == ([Taken(1, [])], [])


def fronts_of(process: subprocess.Popen[str]) -> list[int]:
    """The pids of a server's fronts."""
    listed = subprocess.run(
        ["pgrep", "-P", str(process.pid), "-f", "server.front"], check=False, capture_output=True, text=True
    )
    return [int(line) for line in listed.stdout.split()]


def alive(pid: int) -> bool:
    """Whether a process runs (one that waits to be reaped doesn't)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def send(address: str, number: int) -> int:
    """Send one event; the status."""
    asked = Request(f"{address}/v1/track", EVENT % number, {"authorization": basic(WRITE_KEY)})
    with urlopen(asked, timeout=10) as reply:
        return int(reply.status)


@pytest.mark.crash
def test_a_front_that_is_killed_is_started_again(tmp_path: Path) -> None:
    """The server goes on without its front, starts another, and takes events again."""
    with server(tmp_path / "shop", "--port", "0", "--fronts", "1", **KEYS) as process:
        address, _ = address_of(process)
        assert send(address, 1) == 200
        (front,) = fronts_of(process)
        os.kill(front, signal.SIGKILL)
        end = time.monotonic() + 120
        while True:
            try:
                assert send(address, 2) == 200
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.2)
        assert fronts_of(process) != [front]
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0


@pytest.mark.crash
def test_fronts_end_with_their_server(tmp_path: Path) -> None:
    """Kill -9 of the server leaves no front behind, and the address is free at once."""
    with server(tmp_path / "shop", "--port", "0", "--fronts", "2", **KEYS) as process:
        address, _ = address_of(process)
        assert send(address, 1) == 200
        fronts = fronts_of(process)
        assert len(fronts) == 2
        process.kill()
        process.wait(60)
        end = time.monotonic() + 60
        while any(alive(front) for front in fronts):
            assert time.monotonic() < end
            time.sleep(0.01)
    with server(tmp_path / "shop", "--port", address.rpartition(":")[2], **KEYS) as process:
        assert address_of(process)[0] == address


@pytest.mark.crash
def test_a_server_that_takes_warnings_for_errors_stops(tmp_path: Path) -> None:
    """SIGTERM ends it with its front, and neither leaves anything open: a connection that Python complains of while the
    loop is closed would keep the loop for ever.
    """
    strict = {"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"}
    with server(tmp_path / "shop", "--port", "0", "--fronts", "1", **KEYS, **strict) as process:
        address, _ = address_of(process)
        assert send(address, 1) == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(200) == 0
        assert process.stderr is not None
        assert "unclosed" not in process.stderr.read()
