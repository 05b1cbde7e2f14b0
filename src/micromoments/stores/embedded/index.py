"""Where a large catalogue's search index lies on disk: made by one release of its format, thrown away with it."""

from __future__ import annotations

import shutil
from pathlib import Path

FROM_ITEMS = 50_000
"""Items from which a start would wait for the index to be built anew; fewer are indexed in memory, in seconds."""
KINDS = ("article", "guide", "place", "product", "offer")


def index_folder(root: Path, items: int, made_by: str, *, anew: bool = False) -> str:
    """The folder of the index, with one in it for each kind; empty where it belongs in memory.

    Args:
        root: the project's folder for it; other indexes in it go.
        items: how many there are.
        made_by: names the format that can be read; what another made is of no use.
        anew: throw away what there is: it couldn't be read.
    """
    wanted = root / made_by if items >= FROM_ITEMS else None
    for old in root.iterdir() if root.is_dir() else ():
        if anew or old != wanted:
            shutil.rmtree(old, ignore_errors=True)
    if wanted is None:
        return ""
    for kind in KINDS:
        (wanted / kind).mkdir(mode=0o700, parents=True, exist_ok=True)
    return str(wanted)
