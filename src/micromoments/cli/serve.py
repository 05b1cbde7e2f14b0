"""``micromoments serve``: the doors over one project's folder, until SIGTERM."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from micromoments.config import Cluster
    from micromoments.config import Keys as Found
    from micromoments.server.app import App
    from micromoments.server.assistant import Assistant
    from micromoments.server.keys import Keys
    from micromoments.server.service import Service

    Made = tuple[Service, Keys, Callable[[str], None]]


def serve(
    folder: Annotated[Path, typer.Argument(help="the project's folder; made if it isn't there")] = Path("my-shop"),
    host: Annotated[str, typer.Option(help="address to serve at")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to serve at; 0 takes a free one", min=0, max=65535)] = 8000,
    mcp: Annotated[bool, typer.Option("--mcp", help="a door for assistants at /mcp (Model Context Protocol)")] = False,
    fronts: Annotated[
        int | None,
        typer.Option(help="processes that read events before the engine's; by default one where cores allow", min=0),
    ] = None,
) -> None:
    """Serve a project: events in, decisions out, the dashboard at /.

    Keys come from the folder's micromoments.toml, or from MICROMOMENTS_WRITE_KEY, MICROMOMENTS_SECRET_KEY and
    MICROMOMENTS_TOKEN_KEY. Without any, only this machine is served. With a table [cluster] the folder needs nothing
    but that file: any number of servers take events to Kafka and decide from Redis; `work` and `learn` do the rest.
    """
    import logging
    import os

    from micromoments.config import load_cluster, load_keys
    from micromoments.engine.service import now_ms
    from micromoments.engine.tuning import share_heaps
    from micromoments.server.app import App
    from micromoments.server.keys import Keys
    from micromoments.server.run import bound, check_reach, run

    share_heaps()
    # Before the assistant's library, which would draw boxes around what goes wrong.
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    assistant = _assistant() if mcp else None
    found = load_keys(folder, os.environ)
    check_reach(host, Keys(found.write, found.secret, found.token, clock=now_ms))
    cluster = load_cluster(folder, os.environ)
    if fronts is None or cluster is not None:
        fronts = 1 if cluster is None and (os.cpu_count() or 1) > 1 else 0
    with bound(host, port) as listeners:  # before the folder is made: a port that is taken leaves nothing behind
        made = _in_folder(folder, found) if cluster is None else _on_cluster(folder, cluster, found)
        service, keys, ready = made
        run(App(service, keys, assistant=assistant), listeners, ready, fronts)


def _in_folder(folder: Path, found: Found) -> Made:
    """The engine over a folder, its keys, and what is said once it is ready."""
    from micromoments.engine.recovery import same_folder
    from micromoments.engine.service import Service, now_ms
    from micromoments.engine.wiring import open_stores
    from micromoments.server.keys import Keys

    stores = same_folder(open_stores(folder, now=now_ms(), apart=True))
    # Whoever may read the folder may stop the serving, with or without the keys at hand.
    secret = (*found.secret, stores.token) if found else found.secret
    keys = Keys(found.write, secret, found.token, clock=now_ms)
    if keys.open:
        typer.echo(
            "micromoments: no keys are set, so only this machine is served, and may do everything; "
            "set MICROMOMENTS_WRITE_KEY and MICROMOMENTS_SECRET_KEY to serve others",
            err=True,
        )

    def ready(address: str) -> None:
        stores.serving(address)
        typer.echo(f"micromoments: {folder} at {address}", err=True)

    return Service(stores, now_ms), keys, ready


def _on_cluster(folder: Path, cluster: Cluster, found: Found) -> Made:
    """A server of a cluster, its keys, and what is said once it is ready."""
    from micromoments.engine.cluster.serving import Serving
    from micromoments.engine.cluster.wiring import open_shared
    from micromoments.server.keys import Keys

    def ready(address: str) -> None:
        typer.echo(f"micromoments: {cluster.project} on its cluster at {address}", err=True)

    shared = open_shared(folder, cluster)
    keys = Keys(found.write, found.secret, found.token, clock=shared.clock)
    return Serving(shared, shared.clock), keys, ready


def _assistant() -> Callable[[App], Assistant]:
    """What makes the door for assistants: it speaks to the other doors in this process, without a socket.

    Raises:
        ValueError: its library isn't installed.
    """
    from importlib.util import find_spec

    if find_spec("mcp") is None:
        raise ValueError("got no Model Context Protocol library; install it: pip install 'micromoments[assistant]'")
    import httpx

    from micromoments.assistant import HttpDoor
    from micromoments.client import AsyncClient

    def door(app: App) -> Assistant:
        return HttpDoor(lambda key: AsyncClient("http://localhost", key, transport=httpx.ASGITransport(app)))

    return door
