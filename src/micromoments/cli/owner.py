"""Asking the process that has a project's folder open."""

from __future__ import annotations

import os
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    import httpx

    from micromoments.engine.embedded import Engine

T = TypeVar("T")
MOST_SAID = 2000
"""Characters of a server's refusal that are shown."""


def is_project(folder: Path) -> bool:
    """Whether a folder is one of ours."""
    return (folder / "state.sqlite").exists() or (folder / "micromoments.toml").exists()


class Missing(ValueError):
    """The server has no such thing; the message is its answer."""


def asked(folder: Path, ask: Callable[[Engine], T], method: str, path: str, **given: Any) -> T | dict[str, Any]:
    """What the folder's server answers (``given`` as for ``through_owner``), or, where nobody has the folder open, what
    ``ask`` gets of it here.

    Raises:
        ValueError: it is no project's folder, or as for ``through_owner``.
    """
    if not is_project(folder):
        raise ValueError(f"got {folder}, which is no project's folder; wanted one that a server or an import made")
    told = through_owner(folder, method, path, **given)
    if told is not None:
        return told
    import micromoments as mm

    with mm.open(folder) as engine:
        return ask(engine)


def through_owner(
    folder: Path,
    method: str,
    path: str,
    body: object = None,
    *,
    content: bytes | None = None,
    params: dict[str, Any] | None = None,
    timeout: float = 30,
) -> dict[str, Any] | None:
    """What the server that owns a folder answers to one request, or one of the project's cluster that is made for it;
    ``body`` is sent as JSON, ``content`` as it stands. ``None`` where nobody has the folder open. ``timeout`` is in
    seconds.

    Raises:
        ValueError: who has it open doesn't serve, or refused (``Missing``: it answered 404).
    """
    from micromoments.config import load_cluster

    cluster = load_cluster(folder, os.environ)
    given: dict[str, Any] = {"json": body, "content": content, "params": params, "timeout": timeout}
    if cluster is not None:
        from micromoments.cli.on_cluster import answered

        address, reply = cluster.project, answered(folder, cluster, method, path, **given)
    else:
        from micromoments.engine.wiring import at_rest

        rest = at_rest(folder)
        owner = rest.owner()
        if owner is None:
            return None
        pid, address = owner
        if not address:
            raise ValueError(f"got {folder}, open in process {pid}, which doesn't serve, or not yet; retry, or stop it")
        reply = _requested(address, rest.token(), method, path, given)
    if reply.status_code != HTTPStatus.OK:
        wrong = Missing if reply.status_code == HTTPStatus.NOT_FOUND else ValueError
        raise wrong(f"the server at {address} answered {reply.status_code}: {_said(reply)}")
    found: dict[str, Any] = reply.json()
    return found


def _said(reply: httpx.Response) -> str:
    """What a refusal says in words, where it is one of ours."""
    try:
        return str(reply.json()["detail"])[:MOST_SAID]
    except (ValueError, KeyError, TypeError):
        return reply.text[:MOST_SAID]


def named(person: str) -> str:
    """A person's id as given, if it names somebody.

    Raises:
        BadParameter: it is empty.
    """
    if not person.removeprefix("user:").removeprefix("anon:"):
        raise typer.BadParameter(f"got {person!r}, which names nobody; wanted a user id, or anon:<anonymousId>")
    return person


def _requested(address: str, token: str, method: str, path: str, given: dict[str, Any]) -> httpx.Response:
    import httpx

    try:
        return httpx.request(method, f"{address}{path}", headers={"authorization": f"Bearer {token}"}, **given)
    except httpx.HTTPError as error:
        raise ValueError(f"the server at {address} could not be asked ({error}); try again") from None
