"""Asking the process that has a project's folder open."""

from __future__ import annotations

from pathlib import Path
from typing import Any


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
    """What the server that owns a folder answers to one request, whose ``body`` is sent as JSON or ``content`` as it
    stands; ``None`` where nobody has the folder open. ``timeout`` is in seconds.

    Raises:
        ValueError: who has it open doesn't serve, or refused.
    """
    from micromoments.engine.wiring import at_rest

    rest = at_rest(folder)
    owner = rest.owner()
    if owner is None:
        return None
    pid, address = owner
    if not address:
        raise ValueError(f"got {folder}, open in process {pid}, which doesn't serve; stop that process instead")
    import httpx

    headers = {"authorization": f"Bearer {rest.token()}"}
    try:
        reply = httpx.request(
            method, f"{address}{path}", json=body, content=content, params=params, headers=headers, timeout=timeout
        )
    except httpx.HTTPError as error:
        raise ValueError(f"the server at {address} could not be asked ({error}); try again") from None
    if reply.status_code != httpx.codes.OK:
        raise ValueError(f"the server at {address} answered {reply.status_code}: {reply.text[:300]}")
    found: dict[str, Any] = reply.json()
    return found
