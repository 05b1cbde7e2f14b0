"""``micromoments deliveries``: what became of what was sent, and dead letters sent again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from micromoments.cli.owner import through_owner
from micromoments.cli.table import Format, put_json, put_table, say


def deliveries(
    folder: Annotated[Path | None, typer.Argument(help="the project's folder; found from here unless given")] = None,
    status: Annotated[str, typer.Option(help="only those intended, waiting, sent, dead or held")] = "",
    destination: Annotated[str, typer.Option(help="only those of a destination")] = "",
    replay: Annotated[bool, typer.Option("--replay", help="send the dead letters again, and list them")] = False,
    limit: Annotated[int, typer.Option(help="how many to list at most", min=1, max=500)] = 100,
    format: Annotated[Format, typer.Option(help="how to show them: table or json")] = Format.table,
) -> None:
    """List deliveries without what they say, or send dead letters again. The running server is asked, as it has the
    folder open; where none runs, the folder is looked at, and what is sent again goes out at the next start.
    """
    from micromoments.cli.off import where

    if format is Format.html:
        raise typer.BadParameter("got html; wanted table or json")
    project, _ = where([], folder)
    asked = {"status": status, "destination": destination, "limit": str(limit)}
    found = _through_owner(project, asked, replay=replay)
    if found is None:
        found = _at_rest(project, asked, replay=replay)
    if format is Format.json:
        put_json(found)
    else:
        put_table("Deliveries", found)
    say(f"micromoments: {len(found)} {'sent again' if replay else 'deliveries'} in {project}")


def _through_owner(project: Path, asked: dict[str, str], *, replay: bool) -> list[dict[str, Any]] | None:
    """Ask the process that has the folder open; ``None`` where nobody has.

    Raises:
        ValueError: it doesn't serve, or refused.
    """
    if replay:
        said = through_owner(project, "POST", "/v1/deliveries/replay", {"destination": asked["destination"]})
        return None if said is None else [{"deliveryId": id} for id in said["replayed"]]
    said = through_owner(
        project, "GET", "/v1/deliveries", params={name: value for name, value in asked.items() if value}
    )
    return None if said is None else list(said["deliveries"])


def _at_rest(project: Path, asked: dict[str, str], *, replay: bool) -> list[dict[str, Any]]:
    """Look into the folder's outbox, of which this process becomes the owner for a moment."""
    from time import time_ns

    from micromoments.core.delivery import STATUSES
    from micromoments.engine.courier import shown
    from micromoments.engine.outward import replayed
    from micromoments.engine.wiring import open_stores

    status = next((s for s in STATUSES if s == asked["status"]), None)
    if asked["status"] and status is None:
        raise typer.BadParameter(f"got status {asked['status']!r}; wanted one of {', '.join(STATUSES)}")
    now = time_ns() // 1_000_000
    stores = open_stores(project, now=now)
    try:
        if not replay:
            listed = stores.outbox.listed(status, asked["destination"], "", int(asked["limit"]))
            return [shown(d) for d in listed]
        again = replayed(stores.outbox, frozenset(), asked["destination"], now)
        stores.outbox.settle(again, [])
        return [{"deliveryId": d.id} for d in again]
    finally:
        stores.close()
