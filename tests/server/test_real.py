"""The doors over the real engine: what is sent is kept as sent, read, decided for, exported and forgotten."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from micromoments.engine.service import Service
from tests.server.asgi import SECRET_KEY, WRITE_KEY, Client, basic

SEARCH = {
    "type": "track",
    "event": "Products Searched",
    "anonymousId": "a",
    "properties": {"query": "trail shoes near me"},
}


async def test_conformance_files_are_read_back_from_the_log(real: Client, shared: Path) -> None:
    """What Segment's tester sends comes out of the person's export as it went in."""
    files = sorted((shared / "conformance" / "segment").glob("*.json"))
    sent = [json.loads(file.read_bytes()) for file in files]
    answer = await real("POST", "/v1/batch", {"batch": sent})
    assert answer.json == {"success": True, "rejected": []}
    kept = []
    for id in {event["userId"] for event in sent}:
        kept += [one["event"] for one in (await real("GET", f"/v1/people/{id}/export")).json["events"]]
    assert all(event in kept for event in sent)


async def test_event_to_moment_to_decision_to_nothing(real: Client) -> None:
    """A search opens a moment, an item is decided for it, and after erasure nobody knows of either."""
    assert (await real("POST", "/v1/track", SEARCH)).status == 200
    (moment,) = (await real("GET", "/v1/people/anon:a/moments")).json["moments"]
    assert moment["need"]["query"] == "trail shoes"
    item = {"id": "p1", "kind": "product", "title": "Trail shoe", "price": {"amount": 8900, "currency": "EUR"}}
    assert (await real("PUT", "/v1/items", [item])).json == {"accepted": 1, "rejected": []}
    assert (await real("GET", "/v1/items")).json == {"items": [item], "cursor": None}
    ask = {"anonymousId": "a", "slot": "home", "decisionId": "d1"}
    first = (await real("POST", "/v1/decide", ask)).json
    assert [one["id"] for one in first["items"]] == ["p1"]
    assert (await real("POST", "/v1/decide", ask)).json == first
    assert (await real("POST", "/v1/decide", {**ask, "limit": 1})).status == 409
    assert (await real("GET", "/v1/decisions/d1")).json["chosen"] == ["p1"]
    assert (await real("GET", "/v1/people/anon:a/export")).status == 200
    assert (await real("DELETE", "/v1/people/anon:a")).json["erased"]["people"] == 1
    assert (await real("GET", "/v1/people/anon:a/export")).status == 404
    assert (await real("GET", "/v1/people/anon:a/moments")).json["moments"] == []


async def test_duplicates_are_accepted_once(real: Client, engine: Service) -> None:
    """A client's retry is answered like the first time and counted once."""
    for _ in range(3):
        assert (await real("POST", "/v1/track", {**SEARCH, "messageId": "m1"})).status == 200
    assert engine.stats()["events_accepted_total"] == 1
    assert engine.stats()["events_duplicate_total"] == 2


async def test_report_and_metrics(real: Client) -> None:
    """A report is answered from the facts, and the metrics say what was taken."""
    await real("POST", "/v1/track", SEARCH)
    assert (await real("GET", "/v1/reports/scorecards")).json["name"] == "scorecards"
    assert b"micromoments_events_accepted_total 1.0" in (await real("GET", "/metrics")).body


@contextmanager
def server(folder: Path, *options: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """``micromoments serve`` as a process of its own; killed at the end if it still lives."""
    command = [sys.executable, "-c", "from micromoments.cli import main; main()", "serve", str(folder), *options]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MICROMOMENTS_")}
    with subprocess.Popen(command, env=clean | environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def address_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Where it serves, once it does, and what it said before."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if " at http://" in line:
            return line.rpartition(" at ")[2].strip(), said
    raise AssertionError(said)


@pytest.mark.crash
def test_serve_takes_events_drains_and_exits_with_0(tmp_path: Path) -> None:
    """Ready, an event taken, SIGTERM: everything is kept, the stream ends, and the exit is clean."""
    keys = {"MICROMOMENTS_WRITE_KEY": WRITE_KEY, "MICROMOMENTS_SECRET_KEY": SECRET_KEY}
    with server(tmp_path / "shop", "--port", "0", **keys) as process:
        address, said = address_of(process)
        assert "no keys" not in said
        assert urlopen(f"{address}/readyz").status == 200
        auth = {"authorization": basic(WRITE_KEY)}
        assert urlopen(Request(f"{address}/v1/track", json.dumps(SEARCH).encode(), auth)).status == 200
        stream = urlopen(Request(f"{address}/v1/stream", headers={"authorization": f"Bearer {SECRET_KEY}"}))
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
        assert time.monotonic() - began < 25
        assert b"retry" in stream.read()
    with server(tmp_path / "shop", "--port", "0", **keys) as process:
        address, _ = address_of(process)
        asked = Request(f"{address}/v1/people/anon:a/export", headers={"authorization": f"Bearer {SECRET_KEY}"})
        assert len(json.load(urlopen(asked))["events"]) == 1


@pytest.mark.crash
def test_serve_without_keys_is_for_this_machine(tmp_path: Path) -> None:
    """It says so on stderr, and refuses to be reached from elsewhere."""
    with server(tmp_path / "shop", "--port", "0") as process:
        address, said = address_of(process)
        assert "no keys are set, so only this machine is served" in said
        with pytest.raises(HTTPError, match="403"):
            urlopen(Request(f"{address}/v1/items", headers={"host": "evil.example"}))
    with server(tmp_path / "other", "--host", "0.0.0.0", "--port", "0") as process:
        assert process.wait(60) == 1
        assert process.stderr is not None
        assert "MICROMOMENTS_SECRET_KEY" in process.stderr.read()


@pytest.mark.crash
def test_a_taken_port_is_told_in_one_line(tmp_path: Path) -> None:
    """No traceback for what the user can mend, and nothing is left of what was begun."""
    with server(tmp_path / "one", "--port", "0") as first:
        address, _ = address_of(first)
        with server(tmp_path / "two", "--port", address.rpartition(":")[2]) as second:
            assert second.wait(60) == 1
            assert second.stderr is not None
            said = second.stderr.read()
            assert "choose another --port" in said
            assert "Traceback" not in said
            assert not (tmp_path / "two").exists()
