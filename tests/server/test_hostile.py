"""Malformed, hostile and oversized requests: no 5xx, no traceback, no lost event, no growth in memory."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from micromoments.core.decision import Decision, Request
from micromoments.core.event import Arrival
from micromoments.core.item import Item
from micromoments.engine.service import Service
from micromoments.server.app import App
from micromoments.server.keys import Keys
from micromoments.server.run import Server
from tests.server.asgi import SECRET_KEY, TOKEN_KEY, WRITE_KEY, Client, basic
from tests.server.fake import FakeService
from tests.server.hostile import RAW, nearly, requests
from tests.server.serving import running, talk

SEED = 20261123
STATM = Path("/proc/self/statm")
GROWTH = 24 * 1024 * 1024
"""Bytes that the process may be larger after the second half than after the first."""


class Counting(FakeService):
    """Keeps no events, so that only the doors' own memory can grow; ``messages`` are those of sound events."""

    async def collect(self, arrivals: Sequence[Arrival]) -> list[int]:
        """Note the sound ones."""
        self.messages.update(a.message_id for a in arrivals if a.message_id.startswith("sound-"))
        return []

    async def put_items(self, items: Sequence[Item]) -> None:
        """Keep none."""

    async def decide(self, request: Request, arrival: Arrival | None = None) -> Decision:
        """Keep none."""
        self.decisions.clear()
        return await super().decide(request)


def resident() -> int:
    """Bytes of memory in use; 0 where the system doesn't say."""
    gc.collect()
    return int(STATM.read_text().split()[1]) * 4096 if STATM.exists() else 0


async def storm(count: int, seed: int, caplog: pytest.LogCaptureFixture) -> None:
    """So many hostile requests with sound events among them; checks all four promises."""
    service = Counting()
    client = Client(App(service, Keys([WRITE_KEY], [SECRET_KEY], [TOKEN_KEY], clock=service.clock)))
    caplog.set_level(logging.WARNING)
    bad: list[tuple[int, str, str, bytes]] = []
    sent = 0
    before = 0
    for index, one in enumerate(requests(seed, count)):
        answer = await client(one.method, one.path, one.body, headers=one.headers)
        if answer.status >= 500:
            bad.append((answer.status, one.method, one.path, one.body[:200]))
        if index % 10 == 0:
            sound = {"type": "track", "event": "A", "userId": "u", "messageId": f"sound-{index}"}
            assert (await client("POST", "/v1/track", sound, auth=basic(WRITE_KEY))).status == 200
            sent += 1
        if index == count // 2:
            before = resident()
        service.requests.clear()
        service.erased.clear()
    assert bad == []
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == []
    assert len(service.messages) == sent
    assert resident() - before < GROWTH


async def test_hostile_requests_do_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    """Two thousand generated requests: every one answered below 500, nothing logged, nothing lost, nothing kept."""
    await storm(2_000, SEED, caplog)


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_hundred_thousand_hostile_requests_do_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    """The same with a hundred thousand."""
    await storm(100_000, SEED + 1, caplog)


async def test_what_is_nearly_sound_is_folded(real: Client, engine: Service, caplog: pytest.LogCaptureFixture) -> None:
    """Sound requests with lies in them, at the real engine: no 5xx, and all that it took is folded."""
    caplog.set_level(logging.WARNING)
    for one in nearly(SEED, 1_500):
        answer = await real(one.method, one.path, one.body, headers=one.headers)
        assert answer.status < 500, one.body
    await engine.stop()
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == []


@pytest.fixture(params=[0, 1], ids=["alone", "front"])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[int, Counting, Server]]:
    """A real server on a free port, by one process and behind a front: its port, its service, itself."""
    service = Counting()
    app = App(service, Keys([WRITE_KEY], [SECRET_KEY], [TOKEN_KEY], clock=service.clock))
    with running(app, request.param) as (port, server):
        yield port, service, server
    assert service.stopped


async def test_bytes_that_are_no_request(
    served: tuple[int, Counting, Server], caplog: pytest.LogCaptureFixture
) -> None:
    """Garbage on the wire, smuggling, endless heads and broken chunks never bring a 5xx nor the server down."""
    port, service, _ = served
    rng = random.Random(SEED)
    wires = [*RAW, *(bytes(rng.choice(RAW))[: rng.randrange(1, 300)] for _ in range(40))]
    for wire in wires:
        got = await talk(port, wire, patience=0.3)
        assert not got.startswith(b"HTTP/1.1 5"), wire[:80]
    sound = b'{"event":"A","userId":"u","messageId":"sound-1"}'
    auth = f"authorization: {basic(WRITE_KEY)}"
    head = f"POST /v1/track HTTP/1.1\r\nhost: x\r\n{auth}\r\ncontent-length: {len(sound)}\r\n\r\n"
    assert (await talk(port, head.encode() + sound)).startswith(b"HTTP/1.1 200")
    assert service.messages == {"sound-1"}
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == []


async def test_pipelined_requests_are_answered_in_order(served: tuple[int, Counting, Server]) -> None:
    """Several requests in one packet get their answers one after the other, hot doors and others mixed."""
    port, service, _ = served
    wire = b""
    for index in range(5):
        body = b'{"event":"A","userId":"u","messageId":"sound-%d"}' % index
        auth = basic(WRITE_KEY).encode()
        wire += b"POST /v1/track HTTP/1.1\r\nhost: x\r\nauthorization: %b\r\ncontent-length: %d\r\n\r\n" % (
            auth,
            len(body),
        )
        wire += body + b"GET /nothing-%d HTTP/1.1\r\nhost: x\r\n\r\n" % index
    got = await talk(port, wire, answers=10)
    statuses = re.findall(rb"HTTP/1\.1 (\d+)", got)
    assert statuses == [b"200", b"404"] * 5
    assert len(service.messages) == 5


async def test_large_heads_are_refused(served: tuple[int, Counting, Server]) -> None:
    """A head beyond the limit is refused whether it comes at once or never ends."""
    port, _, _ = served
    head = b"GET / HTTP/1.1\r\nhost: x\r\nx-a: "
    endless = head + b"y" * 700_000
    whole = head + b"y" * 60_000 + b"\r\n\r\n"
    many = b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 150 + b"\r\n"
    for wire in (endless, whole, many):
        # A client that is still sending may see a reset instead of the answer.
        assert (await talk(port, wire)).split()[1:2] in ([b"431"], [b"400"], [])


@pytest.mark.parametrize("served", [0], indirect=True)
async def test_a_connection_that_trickles_is_ended(served: tuple[int, Counting, Server]) -> None:
    """Who sends a byte now and then doesn't hold a connection for ever; who idles between requests may."""
    from micromoments.server import protocol

    port, _, server = served
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /v1/track HTTP/1.1\r\ncontent-le")
    await writer.drain()
    idle_reader, idle = await asyncio.open_connection("127.0.0.1", port)
    idle.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await idle_reader.read(1000)).startswith(b"HTTP/1.1 200")
    stalled: list[protocol.BoundedProtocol] = []
    for _ in range(600):
        stalled = [c for c in server.server_state.connections if isinstance(c, protocol.BoundedProtocol)]
        if sorted(c.is_stalled(protocol.GRACE + 1 + c.since) for c in stalled) == [False, True]:
            break
        await asyncio.sleep(0.05)
    now = max(c.since for c in stalled) + protocol.GRACE + 1
    assert sorted(c.is_stalled(now) for c in stalled) == [False, True]
    writer.close()
    idle.close()
    assert reader is not None
