"""The audit log as the doors see it: written and read beside the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from micromoments.core.audit import Entry, Noted
from micromoments.ports import Audit


class Trail:
    """What was changed, and who was looked at."""

    def __init__(self, kept: Audit) -> None:
        self._kept = kept

    async def note(self, entry: Entry) -> None:
        """Keep an entry; durable on return."""
        await asyncio.to_thread(self._kept.note, entry)

    async def newest(self, before: int, limit: int, containing: str) -> Sequence[Noted]:
        """The newest first: below a number (0: from the newest on), and whose words hold a text."""
        return await asyncio.to_thread(self._kept.newest, before, limit, containing)
