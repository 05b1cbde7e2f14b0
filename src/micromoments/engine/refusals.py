"""What the engine refuses, in words for the doors."""

from __future__ import annotations


class Overloaded(Exception):
    """More came than can be folded; nothing of this was accepted. ``retry_after`` is in seconds."""

    retry_after = 1


class Conflict(Exception):
    """The same decision id was used before with another body."""
