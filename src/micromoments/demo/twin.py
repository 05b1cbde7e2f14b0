"""The same fourteen days with the popular list, in a process of its own: what would have happened without serving.

usage: python -m micromoments.demo.twin FOLDER SEED PEOPLE TIMEZONE END

Prints each person's expected orders as a JSON list.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

import micromoments as mm
from micromoments.demo import forward, project


def main(folder: str, seed: str, people: str, timezone: str, end: str) -> None:
    """Live the days and print the worths."""
    world = mm.World(int(seed), int(people), timezone)
    toml = project.settings(timezone, project.EVERYONE)
    lived = forward.live(world, Path(folder), toml, int(end))
    sys.stdout.write(msgspec.json.encode(lived.worth).decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
