"""``micromoments on``: serve again what was switched off."""

from __future__ import annotations

from micromoments.cli.off import Folder, Names, switch


def on(names: Names = None, folder: Folder = None) -> None:
    """Serve again in a slot that was switched off, or everywhere."""
    switch(names or [], folder, off=False)
