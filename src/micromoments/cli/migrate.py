"""``micromoments migrate``: a project from its folder to a cluster while it serves, and back."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from micromoments.cli.table import Format, put_json, put_table, say

if TYPE_CHECKING:
    from micromoments.config import Cluster
    from micromoments.engine.cluster.both import Moving
    from micromoments.engine.cluster.tally import Held

NEXT = "micromoments.next.toml"
"""The settings as they will be after the switch, beside those in force."""


def migrate(
    folder: Annotated[Path, typer.Argument(help="the project's folder, which may be served")],
    to: Annotated[
        Path | None, typer.Option(help="a file with the table [cluster]; by default cluster.toml in the folder")
    ] = None,
    switch: Annotated[
        bool, typer.Option("--switch", help="then stop the folder's server, copy the rest, check it and switch over")
    ] = False,
    back: Annotated[bool, typer.Option("--back", help="bring back to the folder what the cluster took since")] = False,
    format: Annotated[Format, typer.Option(help="how to show what both sides hold: table or json")] = Format.table,
) -> None:
    """Copy a project from its folder to a cluster while it serves; with --switch move it there; with --back return.

    Rounds copy what differs, until a round finds little that is new. Every value is read back from the cluster and
    compared; counts and digests of both sides are shown. Run it as often as you like: it goes on where it was.
    """
    if format is Format.html:
        raise typer.BadParameter("got html; wanted table or json")
    if back and (switch or to is not None):
        raise typer.BadParameter("got --back with --switch or --to; wanted one direction")
    if back:
        _back(folder, format)
    else:
        _there(folder, to or folder / "cluster.toml", format, switching=switch)


def _there(folder: Path, file: Path, format: Format, *, switching: bool) -> None:
    from micromoments.engine.cluster.moving import Move
    from micromoments.engine.cluster.switching import rounds, switch
    from micromoments.engine.cluster.tally import unlike
    from micromoments.engine.service import now_ms

    cluster, text = _target(folder, file)
    moving = _opened(folder, cluster)
    move: Move | None = None
    try:
        move = Move(moving, folder, now_ms)
        held = rounds(move, _heard)
        if switching:
            last: list[Held] = []

            def heard(name: str, found: list[Held]) -> None:
                _heard(name, found)
                last[:] = found

            seconds = asyncio.run(switch(move, moving, folder, text, now_ms, heard))
            _show(last, format)
            say(f"{folder} is on {cluster.project} now; nobody served for {seconds:.1f} s")
            say(f"next: micromoments serve {folder}; micromoments work {folder}; micromoments learn {folder}")
            say(f"to return: micromoments migrate {folder} --back")
            return
    finally:
        if move is not None:
            move.close()
        moving.shared.close()
    _show(held, format)
    if found := unlike(held):
        say(f"still changing: {'; '.join(found)}")
    say(f"{folder} is copied to {cluster.project}, and goes on serving; to switch over: add --switch")


def _target(folder: Path, file: Path) -> tuple[Cluster, str]:
    """The cluster, and the text of the settings that will name it; a switch that was cut short has written that."""
    from micromoments.config import FILE_NAME, in_folder, joined, load_cluster
    from micromoments.engine.cluster.wiring import write_settings

    try:
        in_folder(folder)
    except ValueError:
        path = folder / FILE_NAME
    else:
        if not file.exists():
            raise ValueError(f"got no file {file}; wanted one with the table [cluster]; name it: --to FILE")
        path = folder / NEXT
        write_settings(path, joined(folder, file))
    text = path.read_text(encoding="utf-8")
    cluster = load_cluster(path, os.environ)
    if path.name == NEXT:
        path.unlink()
    if cluster is None:
        raise ValueError(f"got {path} without a table [cluster]; wanted one")
    if Path(cluster.facts).absolute() == (folder / "facts").absolute():
        raise ValueError(
            "got the folder's own facts as the cluster's; wanted a place of its own; "
            'set `facts` in [cluster], such as "s3://bucket/path" or another folder'
        )
    return cluster, text


def _back(folder: Path, format: Format) -> None:
    from micromoments.config import load_cluster
    from micromoments.engine.cluster.returning import folded, go_back
    from micromoments.engine.service import now_ms

    cluster = load_cluster(folder, os.environ)
    if cluster is None:
        raise ValueError(f"got {folder}, which has no table [cluster]; wanted a project that is on one")
    moving = _opened(folder, cluster)
    try:
        held = go_back(moving, folder, now_ms)
    finally:
        moving.shared.close()
    asyncio.run(folded(folder, now_ms))
    _show(held, format)
    say(f"{folder} is in its folder again, and {cluster.project} takes nothing more; next: micromoments serve {folder}")


def _opened(folder: Path, cluster: Cluster) -> Moving:
    from micromoments.config import load
    from micromoments.engine.cluster.both import open_moving
    from micromoments.engine.service import now_ms

    return open_moving(folder, cluster, load(folder), now_ms())


def _heard(name: str, held: list[Held]) -> None:
    from micromoments.engine.cluster.tally import unlike

    new = sum(one.copied + one.removed for one in held)
    found = unlike(held)
    say(f"{name}: {new:,} copied or removed, {len(held) - len(found)} of {len(held)} kinds alike")


def _show(held: list[Held], format: Format) -> None:
    rows = [{**msgspec.structs.asdict(one), "same": one.same} for one in held]
    if format is Format.json:
        put_json(rows)
        return
    for row in rows:
        row["digest"], row["same"] = str(row["digest"])[:12], "yes" if row["same"] else "NO"
        del row["digest_there"]
    put_table("both sides", rows)
