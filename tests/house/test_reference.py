"""The reference is complete: every setting, command and route has a heading."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE = ROOT / "docs" / "reference"
COMMAND = Path(sys.executable).with_name("micromoments")
START_SECONDS = 300
METHODS = {"get", "put", "post", "patch", "delete"}


def headings(page: Path) -> set[str]:
    """The headings of a page, without the marks of code."""
    found = re.findall(r"^#{2,6} +(.+?) *$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {heading.replace("`", "") for heading in found}


def settings_of(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[str]:
    """The dotted names of a struct's settings; the free names of tables (a slot's own, say) are left out."""
    for field in msgspec.structs.fields(struct):
        name = f"{prefix}{field.encode_name}"
        yield name
        for inner in _structs_in(field.type):
            yield from settings_of(inner, f"{name}.")


def _structs_in(annotation: Any) -> list[type[msgspec.Struct]]:
    """The structs that a type holds: itself, or what its containers and unions are made of."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return [annotation]
    return [struct for part in getattr(annotation, "__args__", ()) for struct in _structs_in(part)]


def test_every_setting_has_a_heading() -> None:
    """The page of the configuration has one heading a setting, and none for a setting that is gone."""
    from micromoments.config import Cluster
    from micromoments.config.keys import NAMES as KEYS
    from micromoments.core.settings import Settings

    settings = {*settings_of(Settings), "keys", *(f"keys.{name}" for name in KEYS)}
    settings |= {"cluster", *(f"cluster.{name}" for name in Cluster.__struct_fields__)}
    written = headings(REFERENCE / "config.md")
    assert sorted(settings - written) == []
    dotted = {heading for heading in written if re.fullmatch(r"[a-z_]+(\.[a-z_]+)*", heading)}
    assert sorted(dotted - settings) == []


def _commands() -> tuple[str, ...]:
    """The names of the commands."""
    commands: tuple[str, ...] = importlib.import_module("micromoments.cli").COMMANDS
    return commands


def test_every_command_has_a_heading() -> None:
    """The page of the commands has one heading a command: its name, with or without `micromoments` before it."""
    written = {heading.removeprefix("micromoments ").split(" ")[0] for heading in headings(REFERENCE / "cli.md")}
    assert sorted(set(_commands()) - written) == []


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What a running server says of itself at ``/openapi.json``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("served")
    with subprocess.Popen(
        [str(COMMAND), "serve", str(folder / "shop"), "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            yield json.loads(_get(f"http://127.0.0.1:{port}/openapi.json", server))
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()


def _get(url: str, server: subprocess.Popen[str]) -> bytes:
    """What is at a URL, asked for until the server answers."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            said = server.stdout.read() if server.stdout else ""
            pytest.fail(f"the server stopped with status {server.returncode}: {said}")
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                body: bytes = answer.read()
                return body
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    pytest.fail(f"no answer from {url} within {START_SECONDS} s")


def test_every_route_has_a_heading(contract: dict[str, Any]) -> None:
    """The page of HTTP has one heading a route: its methods and its path, such as `PUT PATCH /v1/items`."""
    written: set[tuple[str, str]] = set()
    for heading in headings(REFERENCE / "http.md"):
        *methods, path = re.split(r"[ ,]+", heading)
        written |= {(method.lower(), path) for method in methods}
    routes = {
        (method, path) for path, operations in contract["paths"].items() for method in operations if method in METHODS
    }
    assert sorted(f"{method.upper()} {path}" for method, path in routes - written) == []
