"""What a check of the doctor finds: what was got, what was wanted, what to do, and how bad it is."""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["ok", "note", "warning", "error"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. ``error``: something is wrong, and the exit status says so; ``warning``: it may hurt; ``note``: good
    to know; ``ok``: looked at and sound.
    """

    check: str
    severity: Severity
    got: str
    wanted: str = ""
    todo: str = ""


def ok(check: str, got: str) -> Finding:
    """Looked at, and sound."""
    return Finding(check=check, severity="ok", got=got)


def note(check: str, got: str, todo: str = "") -> Finding:
    """Good to know."""
    return Finding(check=check, severity="note", got=got, todo=todo)


def warning(check: str, got: str, wanted: str, todo: str) -> Finding:
    """It may hurt."""
    return Finding(check=check, severity="warning", got=got, wanted=wanted, todo=todo)


def error(check: str, got: str, wanted: str = "", todo: str = "") -> Finding:
    """Something is wrong."""
    return Finding(check=check, severity="error", got=got, wanted=wanted, todo=todo)
