"""``micromoments policy``: what was learned, by version: listed, compared, put back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from micromoments.cli.owner import asked
from micromoments.cli.policy_warm import warm
from micromoments.cli.table import Format, put_json, put_table, say

policy = typer.Typer(
    help="List, compare and put back the versions of what the policies learned.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Folder = Annotated[Path, typer.Argument(help="the project's folder")]
Name = Annotated[str, typer.Argument(metavar="POLICY", help="<slot>:<name>, as `policy list` has it")]
TOLD = ("slot", "policy", "default", "guard", "share", "rewarded", "times", "low", "high", "expected")
Shown = Annotated[Format, typer.Option(help="table or json")]


@policy.command("list")
def listed(folder: Folder, format: Shown = Format.table) -> None:
    """Every slot's policies: how many outcomes each learned, and which versions are kept."""
    found = _told(folder, lambda door: {"policies": door.list()}, "GET", "/v1/policies")["policies"]
    if format is Format.json:
        put_json(found)
    elif found:
        put_table("policies, and the outcomes that they learned", found)
    else:
        say(f"no policy of {folder} has learned anything yet")


@policy.command("guard")
def guard(
    folder: Folder,
    slot: Annotated[str, typer.Argument(metavar="[SLOT]", help="only this one")] = "",
    format: Shown = Format.table,
) -> None:
    """Whether a slot's policy would beat its default now: guarded slots, and apprentices in shadow."""
    found = _told(folder, lambda door: {"guards": door.guards()}, "GET", "/v1/policies/guards")["guards"]
    found = [one for one in found if slot in {"", one["slot"]}]
    if format is Format.json:
        put_json(found)
        return
    if found:
        put_table("policies against their defaults", [{k: one[k] for k in TOLD} for one in found])
    for one in found:
        typer.echo(f"{one['slot']}: {one['sentence']}")
    if not found:
        say(f'no slot of {folder} weighs a policy against its default; give one guard = 0.05, or mode = "shadow"')


@policy.command("compare")
def compare(
    folder: Folder,
    name: Name,
    before: Annotated[int, typer.Argument(help="a kept version")],
    after: Annotated[int | None, typer.Argument(help="another; the one in force unless given")] = None,
    format: Shown = Format.table,
) -> None:
    """What two versions hold a unit of each feature to be worth, where they differ most."""
    query = {"policy": name, "before": before} | ({} if after is None else {"after": after})
    found = _told(folder, lambda door: door.compare(name, before, after), "GET", "/v1/policies/compare", params=query)
    if format is Format.json:
        put_json(found)
    else:
        put_table(f"{name}: version {found['before']} against {found['after']}", found["changed"])


@policy.command("rollback")
def rollback(
    folder: Folder,
    name: Name,
    version: Annotated[int | None, typer.Argument(help="a kept version; the one before unless given")] = None,
    format: Shown = Format.table,
) -> None:
    """Put a kept version back in force; what was in force is kept first."""
    body: dict[str, Any] = {"policy": name, "version": version}
    found = _told(folder, lambda door: door.rollback(name, version), "POST", "/v1/policies/rollback", body=body)
    if format is Format.json:
        put_json(found)
    else:
        typer.echo(f"{name}: version {found['version']} is in force; version {found['was']} is kept")


policy.command("warm")(warm)


def _told(folder: Path, ask: Callable[[Any], dict[str, Any]], method: str, path: str, **given: Any) -> dict[str, Any]:
    """What the folder's server answers, or, where nobody has the folder open, its policies themselves."""
    return asked(folder, lambda engine: ask(engine.policies), method, path, **given)
