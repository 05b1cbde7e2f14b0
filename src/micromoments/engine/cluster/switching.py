"""The steps of ``micromoments migrate``: rounds while the folder is served, then the switch, which nobody may disturb.

The switch holds the folder's lock from the moment its server lets go of it until ``micromoments.toml`` says that the
project is on the cluster, so nothing can be accepted in between that isn't copied.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from micromoments.config import FILE_NAME
from micromoments.core.event import Millis
from micromoments.engine.cluster.both import Folder, Locked, Moving
from micromoments.engine.cluster.moving import Move
from micromoments.engine.cluster.tally import Held, alike
from micromoments.engine.cluster.wiring import write_settings
from micromoments.engine.service import Service
from micromoments.engine.wiring import at_rest, open_held, seal
from micromoments.ports import StoreError

LITTLE = 1_000
"""Values and records that a round may have found new for the next to be the last."""
ROUNDS = 10
"""Rounds before the last at the most: a folder that changes faster than it is copied is copied in the switch."""
DRAINING = 300.0
"""Seconds that a server may take to end."""
EVER: Millis = 2**62

Heard = Callable[[str, list[Held]], None]
"""Told of each round: its name, and what it found."""


def rounds(move: Move, heard: Heard) -> list[Held]:
    """Copy until a round finds little that is new; gives what the last one found."""
    number = 0
    while True:
        number += 1
        held = move.round()
        heard(f"round {number}", held)
        if number == ROUNDS or sum(one.copied + one.removed for one in held) < LITTLE:
            return held


async def switch(
    move: Move, moving: Moving, folder: Path, text: str, clock: Callable[[], Millis], heard: Heard
) -> float:
    """Stop the folder's server, copy the rest, check all of it, and put ``text`` in place of the settings' file; gives
    the seconds during which nobody served.

    Raises:
        StoreError: the sides differ, or a store failed: the folder is as it was, to be served again.
    """
    seal(folder, EVER)
    heard("before the last", move.round())  # so that what is left is what comes from here on
    began = time.monotonic()
    with holding(folder) as held:
        folded, end = at_rest(folder).positions()
        if folded < end:
            service = Service(open_held(held, None, clock()), clock)
            await service.start()  # folds what a server that was killed had not
            await service.stop()
        seal(folder, EVER, tidy=False)  # nobody waits for tidy files, but everybody for this
        found = move.round()
        heard("last round", found)
        alike(found)
        mark = move.finish()
        write_settings(folder / FILE_NAME, text)
        moving.say(mark)
        return time.monotonic() - began


@contextmanager
def holding(folder: Path) -> Iterator[Folder]:
    """The folder's lock, taken as soon as its server is gone, which is asked to end.

    Raises:
        StoreError: somebody has it who doesn't serve, or doesn't end.
    """
    owner = at_rest(folder).owner()
    if owner is not None:
        pid, address = owner
        if not address:
            raise StoreError(f"got {folder}, open in process {pid}, which doesn't serve; stop that process, then retry")
        os.kill(pid, signal.SIGTERM)
    held = _taken(folder)
    try:
        yield held
    finally:
        held.close()


def _taken(folder: Path) -> Folder:
    until = time.monotonic() + DRAINING
    while True:
        try:
            return Folder.open(folder)
        except Locked:
            if time.monotonic() > until:
                raise
        time.sleep(0.01)
